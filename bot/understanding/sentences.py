"""What a whole sentence means, as a vector: sentences that mean alike lie close together.

The encoder is multilingual-e5-small (Wang et al. 2024): each text is given to it as a
"query: ", and the mean of its last hidden states is the meaning. All sentences point much the
same way in that space, so their mean is taken off, and what is left is turned to the axes
along which citizens' sentences differ most and cut to those (the whitening of Su et al. 2021
without the scaling, which did worse here); ``sentence_space.npz`` holds both, made by
``fitting.py``. Set-up makes the model ready (``bot/node/sentence_model.py``); where it is not
there, the sum of the words' vectors stands in. Leaves to others: what is compared with what.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bot.config import Settings
from bot.understanding import store, word_vectors
from bot.understanding.lexicon import Lexicon, Reading
from bot.understanding.sparse import Floats
from bot.understanding.word_vectors import WordVectors, unit

SPACE_FILE = Path(__file__).parent / "sentence_space.npz"
#: Axes that are kept; more of them took longer and did no better.
SIZE = 128
#: Said before each text, since that is how the encoder was trained.
PREFIX = "query: "
#: Tokens beyond this are cut off: a minute of speech.
MOST_TOKENS = 128
#: Texts that go through the encoder at once.
BATCH = 64
#: Sentences remembered on disk for one model.
MOST_REMEMBERED = 60_000


#: Version of the meanings that come of words alone.
WORDS_ALONE = "words"


class Meanings(Protocol):
    """Knows what texts mean."""

    @property
    def version(self) -> str:
        """Names whatever knows it: another one's vectors can't be compared with this one's."""

    def of(self, reading: Reading) -> Floats:
        """Return the meaning of an utterance: a vector of length 1, or zeros."""

    def of_all(self, readings: Sequence[Reading]) -> Floats:
        """Return the meanings of what is learnt from, a row each."""


@dataclass(frozen=True, slots=True)
class Space:
    """What hidden states become meanings by."""

    mean: Floats
    axes: Floats
    """A column for each axis."""

    def of(self, states: Floats) -> Floats:
        """Return the meaning of each row, of length 1."""
        return unit(((unit(states) - self.mean) @ self.axes).astype(np.float32))

    @classmethod
    def fitted(cls, states: Floats) -> Space:
        """Return the space in which the sentences with these hidden states differ most."""
        mean: Floats = unit(states).mean(axis=0, dtype=np.float32)
        centred: Floats = unit(states) - mean
        _, _, axes = np.linalg.svd(unit(centred), full_matrices=False)
        return cls(mean, np.ascontiguousarray(axes[:SIZE].T, np.float32))


class SentenceModel:
    """The encoder. Thread-safe: calls wait for each other."""

    def __init__(self, folder: Path, space: Space | None = None) -> None:
        """Load what set-up put into ``folder``; ``space`` is by default the shipped one.

        Raises:
            OSError: it can't be read.
        """
        # Loaded here: without the model neither is needed.
        from ctranslate2 import Encoder
        from tokenizers import Tokenizer

        self._space = space or shipped_space()
        written = (folder / "tokenizer.json").read_bytes()
        digest = hashlib.sha256(written + self._space.axes.tobytes())
        with (folder / "model.bin").open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
        self.version: str = digest.hexdigest()[:16]
        """Names the model and its space."""
        self._tokenizer: Any = Tokenizer.from_buffer(written)
        self._tokenizer.enable_truncation(MOST_TOKENS)
        self._encoder: Any = Encoder(
            str(folder), device="cpu", compute_type="int8", inter_threads=1, intra_threads=1
        )

    def meaning_of(self, text: str) -> Floats:
        """Return the meaning of one normalised text, of length 1."""
        meaning: Floats = self.meanings_of([text])[0]
        return meaning

    def meanings_of(self, texts: Sequence[str]) -> Floats:
        """Return the meanings of normalised texts, a row each, of length 1."""
        return self._space.of(self.states_of(texts))

    def states_of(self, texts: Sequence[str]) -> Floats:
        """Return the mean of the last hidden states of normalised texts, a row each."""
        tokens = [one.ids for one in self._tokenizer.encode_batch([PREFIX + t for t in texts])]
        # Texts of like length go together, so that little is spent on padding.
        order = sorted(range(len(texts)), key=lambda at: len(tokens[at]))
        means: list[NDArray[np.float32]] = []
        for begin in range(0, len(order), BATCH):
            some = [tokens[at] for at in order[begin : begin + BATCH]]
            states = np.asarray(self._encoder.forward_batch(some).last_hidden_state)
            means += [
                state[: len(ids)].mean(axis=0) for state, ids in zip(states, some, strict=True)
            ]
        found = np.empty((len(texts), len(self._space.mean)), np.float32)
        if means:
            found[order] = means
        return found


@dataclass(frozen=True, slots=True)
class _Remembered:
    """Sentences and what they mean, as kept on disk."""

    texts: tuple[str, ...]
    meanings: NDArray[np.float16]


class SentenceMeanings:
    """Meanings by the encoder; what is learnt from is remembered on disk."""

    def __init__(self, model: SentenceModel, cache: Path | None) -> None:
        """Use ``model``, and remember in the folder ``cache``, if any."""
        self._model = model
        self._file = cache / f"sentences-{model.version}.npz" if cache else None
        self.version = model.version

    def of(self, reading: Reading) -> Floats:
        """Return the meaning of an utterance, of length 1."""
        return self._model.meaning_of(reading.text)

    def of_all(self, readings: Sequence[Reading]) -> Floats:
        """Return the meanings of what is learnt from, a row each."""
        kept = store.load(self._file, _Remembered) if self._file else None
        known = dict(zip(kept.texts, kept.meanings, strict=True)) if kept else {}
        asked = dict.fromkeys(one.text for one in readings)
        missing = [text for text in asked if text not in known]
        if missing:
            new = self._model.meanings_of(missing).astype(np.float16)
            known |= dict(zip(missing, new, strict=True))
            if self._file:
                latest = list(known)[-MOST_REMEMBERED:]
                kept = _Remembered(tuple(latest), np.array([known[text] for text in latest]))
                store.save(self._file, kept)
        rows = [known[one.text] for one in readings]
        return np.array(rows, np.float32).reshape(len(rows), SIZE)


class WordMeanings:
    """Meanings by the words alone, each as heavy as it is rare."""

    version = WORDS_ALONE

    def __init__(self, vectors: WordVectors, rarity: Callable[[str], float]) -> None:
        """Use a table of words; ``rarity`` weighs them, 0 to 1."""
        self._vectors, self._rarity = vectors, rarity

    def of(self, reading: Reading) -> Floats:
        """Return the meaning of an utterance, of length 1, or zeros."""
        meaning: Floats = self._vectors.sentences([reading], self._rarity)[0]
        return meaning

    def of_all(self, readings: Sequence[Reading]) -> Floats:
        """Return the meanings of what is learnt from, a row each."""
        return self._vectors.sentences(readings, self._rarity)


def meanings_for(lexicon: Lexicon, cache: Path | None) -> Meanings:
    """Return the best that this machine has; ``cache`` is a folder to remember in."""
    model = installed()
    if model is None:
        return WordMeanings(word_vectors.shipped(), lexicon.rarity)
    return SentenceMeanings(model, cache)


@lru_cache(maxsize=1)
def installed() -> SentenceModel | None:
    """Return the model that set-up made ready, loaded once; None when it is not there."""
    folder = Settings().home / "models" / "e5-small"
    return SentenceModel(folder) if (folder / "model.bin").is_file() else None


@lru_cache(maxsize=1)
def shipped_space() -> Space:
    """Return the space that ships with the project."""
    with np.load(SPACE_FILE, allow_pickle=False) as data:
        return Space(data["mean"].astype(np.float32), data["axes"].astype(np.float32))


def write_space(space: Space, file: Path = SPACE_FILE) -> None:
    """Keep a space, in half precision."""
    np.savez_compressed(
        file, mean=space.mean.astype(np.float16), axes=space.axes.astype(np.float16)
    )
