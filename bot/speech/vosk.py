"""The Vosk recogniser (Kaldi): decodes while the caller speaks.

Beside the free-form pass, a second one that knows only the phrases expected now runs over
the same sound; it costs about a twentieth. Leaves to others: fetching a model
(``node/models.py``) and threads (``ears.py``).
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import vosk

from bot.speech.types import LINE_RATE, Hypothesis, SpeechError, Utterance, Word

#: Readings asked of the engine. Their likelihoods give words and readings a probability.
READINGS = 8
#: Readings handed on besides the best.
ALTERNATIVES = 4
#: Free-form confidence below which an expected phrase is believed instead.
DOUBT = 0.5
#: Confidence of the phrase pass from which it may be believed. Its network holds the phrases
#: and the unknown word only, so it is sure of itself when one of them fits.
BELIEF = 0.8
#: What the engine writes for a word that it does not know.
UNKNOWN = "[unk]"
#: Longest word looked for in a model's vocabulary, in characters.
LONGEST_WORD = 6
_CHINESE = r"[\u3400-\u9fff]"


class VoskRecogniser:
    """A Vosk model, loaded once and shared by all calls."""

    name = "vosk"
    streaming = True

    def __init__(self, model_dir: Path) -> None:
        """Load the model.

        Raises:
            SpeechError: there is no usable model in ``model_dir``.
        """
        vosk.SetLogLevel(-1)
        try:
            self._model = vosk.Model(str(model_dir))
        except Exception as error:
            raise SpeechError(
                f"The Vosk model in {model_dir} cannot be loaded ({error}); "
                "get it anew with `.venv/bin/hotline model fetch`."
            ) from error
        self.knows_unknown = self.knows(UNKNOWN)
        """Whether the model has a word for what it does not know; without it the phrase
        pass hears a phrase in anything, and is never believed over the free-form pass."""

    def knows(self, word: str) -> bool:
        """Whether a word is in the model's vocabulary."""
        return bool(self._model.vosk_model_find_word(word) >= 0)

    def open(self, expect: Sequence[str] = (), rate: int = LINE_RATE) -> _Stream:
        """Begin an utterance; ``expect`` is listened for in a pass of its own."""
        phrases = [cut for phrase in expect if (cut := in_vocabulary(phrase, self.knows))]
        listed = None
        if phrases:
            grammar = [*dict.fromkeys(phrases), *([UNKNOWN] if self.knows_unknown else [])]
            listed = vosk.KaldiRecognizer(
                self._model, rate, json.dumps(grammar, ensure_ascii=False)
            )
        free = vosk.KaldiRecognizer(self._model, rate)
        return _Stream(free, listed, rate, believe=self.knows_unknown)


class _Stream:
    def __init__(self, free: Any, listed: Any | None, rate: int, *, believe: bool) -> None:
        self._rate = rate
        self._free = free
        self._free.SetWords(True)
        self._free.SetMaxAlternatives(READINGS)
        self._listed = listed
        self._believe = believe
        if listed is not None:
            listed.SetWords(True)
        self._pieces: list[dict[str, Any]] = []
        self._listed_pieces: list[dict[str, Any]] = []
        self._bytes = 0

    def feed(self, pcm: bytes) -> str:
        """Decode more line audio; return what is understood so far."""
        self._bytes += len(pcm)
        # Vosk has an endpointer of its own; what it cuts off is put together again.
        if pcm and self._free.AcceptWaveform(pcm):
            self._pieces.append(json.loads(self._free.Result()))
        if pcm and self._listed is not None and self._listed.AcceptWaveform(pcm):
            self._listed_pieces.append(json.loads(self._listed.Result()))
        partial = json.loads(self._free.PartialResult()).get("partial", "")
        return joined([*(_best(piece).get("text", "") for piece in self._pieces), partial])

    def finish(self) -> Utterance:
        """Decode the rest and return what was said."""
        began = time.monotonic()
        self._pieces.append(json.loads(self._free.FinalResult()))
        words = tuple(word for piece in self._pieces for word in words_of(piece))
        free = Hypothesis(
            joined([_best(piece).get("text", "") for piece in self._pieces]), mean_sureness(words)
        )
        listed = self._phrase()
        others = list(self._others(free))
        if listed is not None:
            believed = self._believe and listed.confidence >= BELIEF and free.confidence < DOUBT
            if believed:
                free, listed, words = listed, free, ()
            others = [listed, *others]
        alternatives = dict.fromkeys(one for one in others if one.text not in ("", free.text))
        return Utterance(
            text=free.text,
            confidence=free.confidence,
            engine="vosk",
            alternatives=tuple(alternatives)[:ALTERNATIVES],
            words=words,
            audio_seconds=self._bytes / 2 / self._rate,
            decode_seconds=time.monotonic() - began,
        )

    def _phrase(self) -> Hypothesis | None:
        """What the phrase pass heard: whole phrases, or nothing."""
        if self._listed is None:
            return None
        self._listed_pieces.append(json.loads(self._listed.FinalResult()))
        text = " ".join(piece.get("text", "") for piece in self._listed_pieces)
        if not text.strip() or UNKNOWN in text:
            return None
        heard = [word for piece in self._listed_pieces for word in piece.get("result", ())]
        sure = sum(word["conf"] for word in heard) / len(heard) if heard else 0.0
        return Hypothesis(joined([text]), sure)

    def _others(self, best: Hypothesis) -> Iterator[Hypothesis]:
        """The engine's other readings of the last piece, the pieces before as they were best."""
        before = [_best(piece).get("text", "") for piece in self._pieces[:-1]]
        readings = self._pieces[-1].get("alternatives", ())
        shares = posteriors(readings)
        for reading, share in list(zip(readings, shares, strict=True))[1:]:
            text = joined([*before, reading["text"]])
            yield Hypothesis(text, best.confidence * share / shares[0])


def _best(piece: dict[str, Any]) -> dict[str, Any]:
    readings = piece.get("alternatives", ())
    return dict(readings[0]) if readings else {}


def posteriors(readings: Sequence[dict[str, Any]]) -> list[float]:
    """Turn the log-likelihoods of n-best readings into shares that add up to 1."""
    if not readings:
        return []
    top = max(reading["confidence"] for reading in readings)
    weights = [math.exp(reading["confidence"] - top) for reading in readings]
    return [weight / sum(weights) for weight in weights]


def words_of(piece: dict[str, Any]) -> list[Word]:
    """Return the best reading's words; each is as sure as the readings that share it.

    A reading shares a word if it has the same one over the same middle moment: the posterior
    of a word in an n-best list (Wessel et al. 2001, "Confidence measures for large
    vocabulary continuous speech recognition").
    """
    readings = piece.get("alternatives", ())
    shares = posteriors(readings)
    words = []
    for word in _best(piece).get("result", ()):
        middle = (word["start"] + word["end"]) / 2
        sure = sum(
            share
            for reading, share in zip(readings, shares, strict=True)
            if any(
                other["word"] == word["word"] and other["start"] <= middle <= other["end"]
                for other in reading.get("result", ())
            )
        )
        words.append(Word(word["word"], word["start"], word["end"], min(1.0, sure)))
    return words


def mean_sureness(words: Sequence[Word]) -> float:
    """Mean confidence of words, each counted by its length in characters; 0 for none."""
    length = sum(len(word.text) for word in words)
    return sum(word.confidence * len(word.text) for word in words) / length if length else 0.0


def in_vocabulary(phrase: str, knows: Callable[[str], bool]) -> str:
    """Cut a phrase into words that the model knows, longest first; "" if that cannot be done.

    The engine wants spaces between words, which Chinese does not write.
    """
    words = []
    for token in phrase.split():
        rest = token
        while rest:
            size = next(
                (n for n in range(min(len(rest), LONGEST_WORD), 0, -1) if knows(rest[:n])), 0
            )
            if not size:
                return ""
            words.append(rest[:size])
            rest = rest[size:]
    return " ".join(words)


def joined(pieces: Sequence[str]) -> str:
    """Join recognised pieces; the spaces that Vosk puts between Chinese words go."""
    text = " ".join(piece for piece in pieces if piece)
    text = text.replace(UNKNOWN, " ")
    return re.sub(rf"(?<={_CHINESE})\s+(?={_CHINESE})", "", text).strip()
