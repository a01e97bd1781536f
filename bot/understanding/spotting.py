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
        self._words = [re.compile(_cleaned(word)) for word in words]
        # Look-ahead, so that look-alikes which overlap are all found.
        self._unless = [re.compile(f"(?=({_cleaned(word)}))") for word in unless]
        spoken = [clean(text) for word in by_sound for text in parse(word).expand()]
        self._sounds = {_spelled(text): text for text in spoken}

    def excuses(self, reading: Reading) -> bool:
        """Tell whether one of the look-alikes was said."""
        return any(look.search(reading.text) for look in self._unless)

    def find(self, reading: Reading) -> Spot | None:
        """Return the first word that counts, written words first."""
        text = reading.text
        excused = [(m.start(1), m.end(1)) for look in self._unless for m in look.finditer(text)]

        def counts(start: int, end: int) -> bool:
            return not any(low <= start and end <= high for low, high in excused)

        for pattern in self._words:
            for found in pattern.finditer(text):
                if counts(*found.span()):
                    return Spot(found.group(), by_sound=False)
        if len(reading.folded) != len(text):
            return None
        spelled = _join(reading.folded)
        for sound, word in self._sounds.items():
            at = spelled.find(sound)
            if at < 0:
                continue
            start = spelled.count(" ", 0, at)
            if counts(start, start + len(word)):
                return Spot(word, by_sound=True)
        return None


def _cleaned(template: str) -> str:
    # Brackets and gaps survive; everything else is compared in the cleaned form.
    return parse(template.lower()).pattern()


def _join(syllables: tuple[str, ...]) -> str:
    return " " + "".join(f"{syllable} " for syllable in syllables)


def _spelled(text: str) -> str:
    return _join(tuple(folded(toneless(syllable)) for syllable in toned(text)))
