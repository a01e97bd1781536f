"""What a whole sentence means, as a vector: sentences that mean alike lie close together.

The encoder is multilingual-e5-small (Wang et al. 2024): each text is given to it as a
"query: ", and the mean of its last hidden states, scaled to length 1, is the meaning. Set-up
makes the model ready (``bot/node/sentence_model.py``); where it is not there, the table of word
vectors stands in (``word_vectors.py``), which knows words but not sentences. Leaves to
others: what is compared with what.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bot.understanding.sparse import Floats
from bot.understanding.word_vectors import unit

#: Said before each text, since that is how the encoder was trained.
PREFIX = "query: "
#: Tokens beyond this are cut off: a minute of speech.
MOST_TOKENS = 128
#: Texts that go through the encoder at once.
BATCH = 64


class SentenceModel:
    """The encoder. Thread-safe: calls wait for each other."""

    def __init__(self, folder: Path) -> None:
        """Load what set-up put into ``folder``.

        Raises:
            OSError: it can't be read.
        """
        # Loaded here: without the model neither is needed.
        from ctranslate2 import Encoder
        from tokenizers import Tokenizer

        written = (folder / "tokenizer.json").read_bytes()
        digest = hashlib.sha256(written)
        with (folder / "model.bin").open("rb") as file:
            weights = hashlib.file_digest(file, "sha256")
        digest.update(weights.digest())
        self.version: str = digest.hexdigest()[:16]
        """Names the model: another one's vectors can't be compared with this one's."""
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
        tokens = [one.ids for one in self._tokenizer.encode_batch([PREFIX + t for t in texts])]
        # Texts of like length go together, so that little is spent on padding.
        order = sorted(range(len(texts)), key=lambda at: len(tokens[at]))
        means = []
        for begin in range(0, len(order), BATCH):
            some = [tokens[at] for at in order[begin : begin + BATCH]]
            states = np.asarray(self._encoder.forward_batch(some).last_hidden_state)
            means += [
                state[: len(ids)].mean(axis=0) for state, ids in zip(states, some, strict=True)
            ]
        meanings = np.empty((len(texts), len(means[0]) if means else 0), np.float32)
        meanings[order] = means
        return unit(meanings)
