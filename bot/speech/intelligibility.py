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
    """One variant of a prompt."""

    id: str
    variant: int
    """Counted from 0."""
    texts: tuple[str, ...]
    """What is said; several if its placeholders were filled in several ways."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """One prompt as it was heard back."""

    line: Line
    heard: tuple[str, ...]
    """For each of the line's texts what was heard; "" where nothing was."""
    syllables: int
    errors: int

    @property
    def error(self) -> float:
        """Error rate of toneless syllables; 0 when there is nothing to say."""
        return self.errors / self.syllables if self.syllables else 0.0


def mistakes(said: str, heard: str) -> tuple[int, int]:
    """Return the errors in toneless syllables, and the syllables that were said.

    A 1 that is said as 幺 may be written as 1, as 幺, or by how it sounds: all are right.
    """
    told, got = (spoken(_MARKS_OF_WHISPER.sub("，", text)) for text in (said, heard))
    wrong = min(
        errors(syllables(told), syllables(got)),
        errors(syllables(told.replace("幺", "一")), syllables(got.replace("幺", "一"))),
    )
    return wrong, len(syllables(told))


def compared(line: Line, heard: Sequence[str]) -> Hearing:
    """Compare what was said with what was heard."""
    counted = [mistakes(*pair) for pair in zip(line.texts, heard, strict=True)]
    return Hearing(line, tuple(heard), sum(n for _, n in counted), sum(n for n, _ in counted))


def listen(
    voice: Voice, recogniser: Recogniser, lines: Iterable[Line], speed: float = 1.0
) -> Iterator[Hearing]:
    """Say every line over a phone, and hear it. Takes a second or so for each.

    Raises:
        SpeechError: an engine failed.
    """
    for line in lines:
        heard = []
        for text in line.texts:
            stream = recogniser.open()
            stream.feed(telephone(voice.render(text, speed), LINE_RATE))
            heard.append(stream.finish().text)
        yield compared(line, heard)


def median_error(hearings: Sequence[Hearing]) -> float:
    """Return the median error rate; 0 when nothing was heard."""
    return statistics.median(one.error for one in hearings) if hearings else 0.0
