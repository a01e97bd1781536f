"""A place as the caller says it: in full, though only a part of it is known by name. Pure.

Leaves to others: finding known places in a text (``understanding.places``).
"""

from __future__ import annotations

import re

from bot.understanding.places import arabic

#: Words around a place that are no part of it.
_BEFORE = re.compile(
    r"^(?:[，。、,.\s]|嗯|呃|啊|哦|哎|那个|就是|是|我们|我家|我|住|在|这边|这里|地址|地点|位置|对)+"
)
_AFTER = re.compile(r"(?:[，。、,.！!？?\s]|这边|那边|那儿|这儿|的|吧|啊|呢|了)+$")
_FILLERS = re.compile(r"[，。、,.\s]+|嗯|呃|那个")
_CORRECTED = re.compile(r"不对|不是|说错|错了")
_DISTRICT = re.compile(r"^[\u4e00-\u9fff]{2,4}区")
#: Characters up to which an answer is taken for an address and nothing else.
ADDRESS = 24
#: Characters that a known place may leave out of the answer and still be found.
LEFT_OUT = 2


def in_full(known: str, answer: str) -> str:
    """Return the place that answers "where?", with all that was said of it.

    ``known`` is the part of ``answer`` that was found by name, "" for none. A known place
    that says less than the answer is too vague to find: a district alone, or a township for
    one of its estates; then the answer itself is the place.
    """
    said = _FILLERS.sub("", _AFTER.sub("", _BEFORE.sub("", answer.strip())))
    if not known:
        return said or answer
    if len(said) > ADDRESS or _CORRECTED.search(said):
        return known
    said = arabic(said)
    district = _DISTRICT.match(known)
    rest = arabic(known[district.end() :] if district else known)
    short = district.group()[:2] if district else ""
    if rest in said:
        left = said.replace(rest, "", 1)
        left = left.replace(district.group(), "", 1).replace(short, "", 1) if district else left
        if len(left) < LEFT_OUT:
            return known
    return said if district is None or said.startswith(short) else district.group() + said
