"""The Vosk recogniser (Kaldi): decodes while the caller speaks.

Leaves to others: fetching a model (``node/models.py``) and threads (``ears.py``).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import vosk

from bot.speech.types import LINE_RATE, Hypothesis, SpeechError, Utterance, Word

#: Readings asked for besides the best.
ALTERNATIVES = 4
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

    def open(self, expect: Sequence[str] = ()) -> _Stream:  # noqa: ARG002 - free-form pass only
        """Begin an utterance."""
        return _Stream(vosk.KaldiRecognizer(self._model, LINE_RATE))


class _Stream:
    def __init__(self, recogniser: Any) -> None:
        self._recogniser = recogniser
        self._recogniser.SetWords(True)
        self._recogniser.SetPartialWords(False)
        self._pieces: list[dict[str, Any]] = []
        self._bytes = 0
        self._spent = 0.0

    def feed(self, pcm: bytes) -> str:
        """Decode more line audio; return what is understood so far."""
        began = time.monotonic()
        self._bytes += len(pcm)
        # Vosk has an endpointer of its own; what it cuts off is put together again.
        if pcm and self._recogniser.AcceptWaveform(pcm):
            self._pieces.append(json.loads(self._recogniser.Result()))
        partial = json.loads(self._recogniser.PartialResult()).get("partial", "")
        self._spent += time.monotonic() - began
        return joined([*(piece.get("text", "") for piece in self._pieces), partial])

    def finish(self) -> Utterance:
        """Decode the rest and return what was said."""
        began = time.monotonic()
        self._pieces.append(json.loads(self._recogniser.FinalResult()))
        words = tuple(
            Word(word["word"], word["start"], word["end"], word["conf"])
            for piece in self._pieces
            for word in piece.get("result", ())
        )
        text = joined([piece.get("text", "") for piece in self._pieces])
        sure = sum(word.confidence for word in words) / len(words) if words else 0.0
        return Utterance(
            text=text,
            confidence=sure,
            engine="vosk",
            alternatives=tuple(self._alternatives(text)),
            words=words,
            audio_seconds=self._bytes / 2 / LINE_RATE,
            decode_seconds=time.monotonic() - began,
        )

    def _alternatives(self, text: str) -> list[Hypothesis]:
        """Other readings, where the engine gives any."""
        found = [
            Hypothesis(joined([other["text"]]), other.get("confidence", 0.0))
            for other in self._pieces[-1].get("alternatives", ())
        ]
        return [one for one in found[:ALTERNATIVES] if one.text and one.text != text]


def joined(pieces: Sequence[str]) -> str:
    """Join recognised pieces; the spaces that Vosk puts between Chinese words go."""
    text = " ".join(piece for piece in pieces if piece)
    text = text.replace("[unk]", " ")
    return re.sub(rf"(?<={_CHINESE})\s+(?={_CHINESE})", "", text).strip()
