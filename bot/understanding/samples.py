"""What a prompt says when its placeholders are filled in: for hearing and measuring it.

Values come from the pack itself where it has some. Leaves to others: real calls, which have
values of their own.
"""

from __future__ import annotations

from bot.understanding.pack import Pack
from bot.understanding.schema import PLACEHOLDERS, Category, Faq

#: Values as a call would have them, where the pack has none of its own.
_USUAL = {
    "number": "261124000017",
    "phone": "5678",
    "minutes": "五",
    "position": "三",
    "count": "两",
    "place": "幸福路12号院3号楼",
    "summary": "家里停水了，从昨天晚上开始",
    "since": "昨天晚上",
    "when": "明天上午九点",
    "date": "11月24日",
    "due": "11月27日",
    "next": "承办单位会与您联系",
    "items": "身份证、户口本和申请表",
    "unit": "城市管理委员会",
    "title": "停水",
}


#: Samples of each prompt, so that its own words count more than what happens to fill it.
COUNT = 3


def sample_values(pack: Pack, number: int = 0) -> dict[str, str]:
    """Return a value for every placeholder that prompts may hold.

    ``number`` counts samples, from 0 to ``COUNT`` - 1; titles and units come from other parts
    of the pack each time.
    """
    values = dict.fromkeys(PLACEHOLDERS, _USUAL["title"]) | _USUAL
    categories = [one.title for one in pack.intents if isinstance(one, Category)]
    titles = [one.title for one in pack.intents if isinstance(one, Faq)] or categories
    at = (2 * number + 1) / (2 * COUNT)
    if categories:
        values["category"] = values["title"] = categories[int(at * len(categories))]
    if titles:
        first = int(at * len(titles))
        names = ("first", "second", "third")
        values |= {name: titles[(first + n) % len(titles)] for n, name in enumerate(names)}
    if pack.units:
        values["unit"] = pack.units[int(at * len(pack.units))].name
    return values


def with_samples(pack: Pack, text: str) -> tuple[str, ...]:
    """Return a prompt's text as callers might hear it: once if nothing is filled in."""
    filled = (text.format_map(sample_values(pack, number)) for number in range(COUNT))
    return tuple(dict.fromkeys(filled))
