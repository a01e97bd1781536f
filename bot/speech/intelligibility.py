"""Can the line be understood? Its prompts, over a phone, heard back by a recogniser.

A prompt is spoken, sent through the telephone channel (``citizen.py``) and recognised with
nothing that tells the recogniser what to expect. What counts is the sound: the error rate of
toneless syllables (Levenshtein 1966), as characters and tones are the recogniser's own guess.
It is an upper bound of what a person mishears, who knows the language better. Leaves to
others: which prompts there are, and tables (``commands/prompts.py``).
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bot.speech.audio import seconds
from bot.speech.citizen import telephone
from bot.speech.normalise import spoken
from bot.speech.scoring import errors, syllables
from bot.speech.types import LINE_RATE, Recogniser
from bot.speech.voice import Voice

#: Error rates above which a prompt should be reworded, and that the median should not exceed.
TOO_HARD, GOAL = 0.25, 0.10
#: What Whisper writes where it would have written a mark, had it been let.
_MARKS_OF_WHISPER = re.compile(r"[０-９Ａ-Ｚａ-ｚ]")


@dataclass(frozen=True, slots=True)
class Line:
    """One variant of a prompt, with its placeholders filled in."""

    id: str
    variant: int
    text: str


@dataclass(frozen=True, slots=True)
class Hearing:
    """One prompt as it was heard back."""

    line: Line
    heard: str
    syllables: int
    errors: int
    audio_seconds: float

    @property
    def error(self) -> float:
        """Error rate of toneless syllables; 0 when there is nothing to say."""
        return self.errors / self.syllables if self.syllables else 0.0


def sounds_of(text: str) -> list[str]:
    """Return the toneless syllables of a text as it is said; 1 sounds as 一 or as 幺."""
    said = spoken(_MARKS_OF_WHISPER.sub("，", text))
    return syllables(said.replace("幺", "一"))


def compared(line: Line, heard: str, audio_seconds: float) -> Hearing:
    """Compare what was said with what was heard."""
    said = sounds_of(line.text)
    return Hearing(line, heard, len(said), errors(said, sounds_of(heard)), audio_seconds)


def listen(
    voice: Voice, recogniser: Recogniser, lines: Iterable[Line], speed: float = 1.0
) -> Iterator[Hearing]:
    """Say every line over a phone, and hear it. Takes a second or so for each.

    Raises:
        SpeechError: an engine failed.
    """
    for line in lines:
        sound = voice.render(line.text, speed)
        stream = recogniser.open()
        stream.feed(telephone(sound, LINE_RATE))
        yield compared(line, stream.finish().text, seconds(sound))


def median_error(hearings: Sequence[Hearing]) -> float:
    """Return the median error rate; 0 when nothing was heard."""
    return statistics.median(one.error for one in hearings) if hearings else 0.0
