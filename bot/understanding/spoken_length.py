"""How long a text takes to say, told from its letters alone, for checks that make no sound.

Leaves to others: the true length (``hotline prompts check`` measures the sound itself).
"""

from __future__ import annotations

import re

#: Longest text that a caller should have to listen to, seconds.
LIMIT = 12.0
#: Seconds for a syllable and for a pause at a mark: least squares over the 637 fixed texts of
#: the shipped pack as the offline voice says them (standard deviation of the error 0.17 s).
SYLLABLE, MARK = 0.187, 0.44
#: A Chinese character or a digit is a syllable; of Latin letters each run of vowels is one.
_SYLLABLES = re.compile(r"[\u4e00-\u9fff0-9]|[aeiouyAEIOUY]+")
_MARKS = re.compile(r"[，。！？；：、…,!?;:]+|[.](?!\S)")
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")


def estimated_seconds(text: str) -> float:
    """Return about how many seconds a text takes; what its placeholders hold is not counted."""
    fixed = _PLACEHOLDER.sub("", text)
    return SYLLABLE * len(_SYLLABLES.findall(fixed)) + MARK * len(_MARKS.findall(fixed))
