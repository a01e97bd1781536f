"""How words sound: pinyin, and the mix-ups that a telephone and an accent make of it.

A recogniser that errs mostly writes other characters of the same or a near sound. Leaves
to others: what to do about it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from pypinyin import Style, lazy_pinyin

_INITIALS = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"))
_FINALS = (("ang", "an"), ("eng", "en"), ("ing", "in"))
#: f before a final sounds like hu before it: 反/缓, 飞/灰, 房/黄.
_F_TO_HU = {
    "fa": "hua",
    "fan": "huan",
    "fang": "huang",
    "fei": "hui",
    "fen": "hun",
    "feng": "hong",
    "fo": "huo",
    "fou": "hou",
    "fu": "hu",
}
_TONE = re.compile(r"\d$")


@lru_cache(maxsize=65536)
def toned(word: str) -> tuple[str, ...]:
    """Return one syllable with its tone digit for each character: 停水 → ting2 shui3.

    Letters and digits stand for themselves.
    """
    out: list[str] = []
    for piece in lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True):
        out += [piece] if _TONE.search(piece) and piece[0].isalpha() else list(piece)
    return tuple(out)


def toneless(syllable: str) -> str:
    """Return the syllable without its tone digit."""
    return syllable if syllable.isdigit() else _TONE.sub("", syllable)


@lru_cache(maxsize=4096)
def folded(syllable: str) -> str:
    """Return one spelling for all toneless syllables that phone Mandarin mixes up.

    n/l, zh/z, ch/c, sh/s, f/h, in/ing, en/eng, an/ang.
    """
    out = _F_TO_HU.get(syllable, syllable)
    for initial, plain in _INITIALS:
        if out.startswith(initial) and len(out) > len(initial):
            out = plain + out[len(initial) :]
            break
    for final, plain in _FINALS:
        if out.endswith(final):
            return out[: -len(final)] + plain
    return out
