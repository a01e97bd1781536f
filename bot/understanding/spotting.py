"""Words that count wherever they stand: emergencies and requests for a person.

Looks for the pack's ``words`` by writing and for its ``by_sound`` by sound; a find inside
one of the ``unless`` look-alikes does not count. Leaves to others: whole utterances
(``phrases``), which are matched like every other intent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.understanding.lexicon import Reading
from bot.understanding.normalise import clean
from bot.understanding.sound import folded, toned, toneless
from bot.understanding.template import parse


@dataclass(frozen=True, slots=True)
class Spot:
    """A word that was found."""

    word: str
    by_sound: bool


class Spotter:
    """Finds one intent's words in an utterance."""

    def __init__(
        self, words: tuple[str, ...], by_sound: tuple[str, ...], unless: tuple[str, ...]
    ) -> None:
        self._words = [_Word.of(word) for word in words]
        self._unless = [_Word.of(word) for word in unless]
        spoken = [clean(text) for word in by_sound for text in parse(word).expand()]
        self._sounds = {_spelled(text): text for text in spoken}

    def excuses(self, reading: Reading) -> bool:
        """Tell whether one of the look-alikes was said."""
        characters = set(reading.text)
        return any(look.found(reading.text, characters) for look in self._unless)

    def find(self, reading: Reading) -> Spot | None:
        """Return the first word that counts, written words first."""
        text = reading.text
        characters = set(text)
        excused: list[tuple[int, int]] | None = None

        def counts(start: int, end: int) -> bool:
            nonlocal excused
            if excused is None:  # most utterances hold no word at all
                excused = [span for look in self._unless for span in look.found(text, characters)]
            return not any(low <= start and end <= high for low, high in excused)

        for word in self._words:
            for start, end in word.found(text, characters):
                if counts(start, end):
                    return Spot(text[start:end], by_sound=False)
        if len(reading.folded) != len(text):
            return None
        spelled = _join(reading.folded)
        for sound, spoken in self._sounds.items():
            at = spelled.find(sound)
            if at < 0:
                continue
            start = spelled.count(" ", 0, at)
            if counts(start, start + len(spoken)):
                return Spot(spoken, by_sound=True)
        return None


@dataclass(frozen=True, slots=True)
class _Word:
    """A template that is looked for anywhere in a text."""

    pattern: re.Pattern[str]
    openings: tuple[frozenset[str], ...]

    @classmethod
    def of(cls, source: str) -> _Word:
        # Brackets and gaps survive; everything else is compared in the cleaned form.
        template = parse(source.lower())
        # Look-ahead, so that finds which overlap are all found.
        return cls(re.compile(f"(?=({template.pattern()}))"), template.openings())

    def found(self, text: str, characters: set[str]) -> list[tuple[int, int]]:
        """Return where it stands in a text whose characters are given too, for a quick no."""
        if any(opening.isdisjoint(characters) for opening in self.openings):
            return []
        return [found.span(1) for found in self.pattern.finditer(text)]


def _join(syllables: tuple[str, ...]) -> str:
    return " " + "".join(f"{syllable} " for syllable in syllables)


def _spelled(text: str) -> str:
    return _join(tuple(folded(toneless(syllable)) for syllable in toned(text)))
