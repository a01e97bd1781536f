"""Facts inside an utterance: where, which telephone, which ticket.

Leaves to others: asking for what is missing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.understanding.normalise import spoken_digits
from bot.understanding.schema import Place

_PHONE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)|(?<!\d)0\d{2,3}[- ]?\d{7,8}(?!\d)")
_TICKET = re.compile(r"工单号?(?:码)?[是为]?[^\da-zA-Z]{0,3}([A-Za-z]{0,3}\d[\d-]{4,18}\d)")
_DIGIT_GAPS = re.compile(
    r"(?<=[\d零〇一二三四五六七八九幺])[ ,，.。、-]+(?=[\d零〇一二三四五六七八九幺])"
)
#: A name of 2 to 8 characters with what it is: 幸福小区, 中山北路, 3号楼.
_SPOT = re.compile(
    r"[\u4e00-\u9fff]{1,8}?(?:小区|家园|花园|社区|街道|胡同|大街|大道|公寓|大厦|广场|地铁站"
    r"|(?<!下|走|马|道|公|铁|修|堵|占|问)路(?!灯|面|边|口|上|由|过|人|不|段)|(?<!上)街(?!道|上)|镇(?!静)|村(?!民|.{0,3}(?:街|路|小区|社区|家园))|里(?=\d))"
    r"(?:[\d一二三四五六七八九十甲乙东西南北]{1,5}(?:号院|号楼|号|区|栋|单元|里|楼|室|弄|段)){0,4}"
)
_LEADING = re.compile(
    r"^.*?(?:住在|位于|地址是|地点是|就在|是在|我在|在|到|我家是|我们是|这里是|这是|这边是|我住)(?=..)|^(?:我们|我家|我|你们|这个|那个|的|是|嗯|啊|有个|一个|附近|旁边)+"
)
_NOT_A_NAME = re.compile(
    r"(?:[我你咱他]们?|这个|那个|整个|全|本|老旧|消防)?(?:小区|社区|街道|广场|大街|公寓|花园|村|镇|路|大厦)"
)


def find_slots(text: str, places: Sequence[Place]) -> dict[str, str]:
    """Return what was found: ``district``, ``place``, ``phone``, ``ticket``; absent if not said.

    ``place`` is the most exact place in the caller's words, district first.
    """
    slots: dict[str, str] = {}
    joined = spoken_digits(_DIGIT_GAPS.sub("", text))
    if phone := _PHONE.search(joined):
        slots["phone"] = phone.group()
    if ticket := _TICKET.search(joined):
        slots["ticket"] = ticket.group(1)
    district, rest = _district(text, places)
    if district:
        slots["district"] = district
    spot = _spot(rest)
    if district or spot:
        slots["place"] = district + spot
    return slots


def _district(text: str, places: Sequence[Place]) -> tuple[str, str]:
    """Return the district's full name and what was said after it (all, when none is named)."""
    names = [(name, place.name) for place in places for name in (place.name, *place.aliases)]
    for name, full in sorted(names, key=lambda pair: -len(pair[0])):
        at = text.find(name)
        # 朝阳路 and 朝阳公园 are not 朝阳区.
        if at >= 0 and not re.match(
            r"[东西南北中]?[路街门]|公园|医院|大街", text[at + len(name) :]
        ):
            return full, text[at + len(name) :].lstrip("的 ，,")
    return "", text


def _spot(text: str) -> str:
    for piece in re.split(r"[，。,.！!？?；; ]", text):
        for found in _SPOT.finditer(piece):
            name = found.group()
            while (shorter := _LEADING.sub("", name)) != name:
                name = shorter
            if len(name) >= 3 and not _NOT_A_NAME.fullmatch(name):
                return name
    return ""
