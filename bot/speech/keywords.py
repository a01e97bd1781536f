"""Words of the line that a reading may have missed: what sounds nearly like one of them.

A small model writes "工积金" for "公积金", and "停睡" for "停水". Here the places are found
where that may have happened, by the distance of initials and finals; whether it did is for
the engine to weigh. Leaves to others: meaning, which has its own ear for sounds
(``understanding``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pypinyin import Style, lazy_pinyin

#: Mean distance of syllables up to which a word may have been meant.
NEAR = 0.4
#: Distance of two initials or finals: phone Mandarin confuses them, or they are merely different.
CONFUSED, DIFFERENT = 0.25, 0.5
#: Pairs that dialects and telephones confuse: n/l, zh/z, f/h, aspiration; front and back nasals.
_INITIALS = {
    *("n l", "zh z", "ch c", "sh s", "f h", "l r", "b p", "d t", "g k", "j q", "zh ch", "z c"),
    *("zh j", "ch q", "sh x", "z j", "c q", "s x", "b d", "p t", "m n"),
}
_FINALS = {
    *("in ing", "en eng", "an ang", "ian iang", "uan uang", "ong eng", "uo o", "ei ui", "e uo"),
    *("ian in", "un en", "u o", "ie i", "ou uo", "iu ou", "ao iao", "uang ang", "uan an", "i v"),
}
_HAN = re.compile(r"[\u4e00-\u9fff]")

Syllable = tuple[str, str]
"""Initial and final."""


def _pairs(groups: Iterable[str]) -> frozenset[tuple[str, str]]:
    split = [group.split() for group in groups]
    return frozenset({(a, b) for a, b in split} | {(b, a) for a, b in split})


_CONFUSED_INITIALS, _CONFUSED_FINALS = _pairs(_INITIALS), _pairs(_FINALS)


def sounds(text: str) -> list[Syllable]:
    """Return initial and final of each Chinese character; nothing else may be in the text."""
    initials = lazy_pinyin(text, style=Style.INITIALS, strict=False)
    finals = lazy_pinyin(text, style=Style.FINALS, strict=False)
    return list(zip(initials, finals, strict=True))


def distance(one: Sequence[Syllable], other: Sequence[Syllable]) -> float:
    """Mean distance of two equally long rows of syllables, 0 for the same to 1."""
    return sum(map(_apart, one, other)) / max(1, len(one))


def _apart(one: Syllable, other: Syllable) -> float:
    apart = 0.0
    if one[0] != other[0]:
        apart += CONFUSED if (one[0], other[0]) in _CONFUSED_INITIALS else DIFFERENT
    if one[1] != other[1]:
        apart += CONFUSED if (one[1], other[1]) in _CONFUSED_FINALS else DIFFERENT
    return apart


@dataclass(frozen=True, slots=True)
class Proposal:
    """A reading with one of the line's words in place of what sounds nearly like it."""

    text: str
    word: str
    distance: float


class Keywords:
    """The line's words by their sound. Immutable."""

    def __init__(self, words: Iterable[str]) -> None:
        chinese = [word for word in dict.fromkeys(words) if _HAN.sub("", word) == ""]
        self._sounds = [(word, sounds(word)) for word in chinese if len(word) >= 2]

    def proposals(self, text: str, most: int) -> list[Proposal]:
        """Return other readings of a text, nearest first, at most one for each word."""
        places = [match.start() for match in _HAN.finditer(text)]
        heard = sounds("".join(text[place] for place in places))
        if len(heard) != len(places):
            return []
        found: dict[str, Proposal] = {}
        for word, syllables in self._sounds:
            size = len(word)
            if word in text:
                continue
            for first in range(len(heard) - size + 1):
                apart = distance(heard[first : first + size], syllables)
                start, end = places[first], places[first + size - 1] + 1
                known = found.get(word)
                if apart <= NEAR and end - start == size and (not known or apart < known.distance):
                    found[word] = Proposal(text[:start] + word + text[end:], word, apart)
        return sorted(found.values(), key=lambda one: (one.distance, -len(one.word)))[:most]
