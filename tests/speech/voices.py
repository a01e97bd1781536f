"""Who speaks in these tests, and in which language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from bot.speech.citizen import telephone
from bot.speech.types import LINE_RATE, Synthesiser
from bot.speech.vosk import VoskRecogniser

#: Renders a text as line audio with a third of a second of silence before, half after it.
Says = Callable[..., bytes]


def silence(seconds: float) -> bytes:
    return bytes(int(seconds * LINE_RATE) * 2)


def caller(voice: Synthesiser) -> Says:
    """Someone on a phone with that voice; the same words sound the same each time."""

    @cache
    def say(text: str, *, speed: float = 1.0, snr_db: float | None = 25.0) -> bytes:
        sound = voice.speak(text, speed)
        return telephone(
            bytes(int(0.3 * sound.rate) * 2) + sound.pcm + bytes(int(0.5 * sound.rate) * 2),
            sound.rate,
            snr_db=snr_db,
        )

    return say


@dataclass(frozen=True)
class Tongue:
    """A Vosk model and what can be said in its language."""

    recogniser: VoskRecogniser
    say: Says
    greeting: str
    """A phrase of its vocabulary, of several syllables."""
    yes: str
    no: str
