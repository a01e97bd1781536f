"""Facts inside an utterance: where, when, how long, how much, and numbers of all sorts.

Puts together what ``places``, ``times``, ``amounts`` and ``codes`` find, and lets what a
caller corrects win over what was said first. Leaves to others: asking for what is missing.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Sequence

import zhconv

from bot.understanding.amounts import find_amount
from bot.understanding.codes import find_codes
from bot.understanding.corrections import corrected
from bot.understanding.places import Gazetteer, Part, arabic, find_places, replace_numbers
from bot.understanding.times import find_duration, find_time

#: A caller says no more facts than fit in this many characters.
MAX_CHARS = 1000
#: Kinds of ``places.Part``: what a place lies in, and what it is.
_ABOVE = ("district", "street")
_EXACT = ("road", "community", "landmark")


def find_slots(text: str, gazetteer: Gazetteer, now: dt.datetime | None = None) -> dict[str, str]:
    """Return the facts in ``text``; a key is absent when it was not said. Safe on any text.

    - ``place``: the most exact place in one piece, district first: 朝阳区幸福小区3号楼
    - ``district``: full name; also when only a township was named that lies in one district
    - ``street``: sub-district or township; ``road``; ``community`` (estate or village);
      ``landmark``; ``number`` (3号楼2单元), which goes with the road or community before it
    - ``time`` and ``duration``: as in ``times.find_time`` and ``times.find_duration``; times
      are those of the place where the line runs, counted from ``now`` (default: the clock)
    - ``phone``: digits; ``id_number``: 18 characters; ``plate``: 京A12345; ``ticket``: 12
      digits; only if their own rule holds (``codes``)
    - ``amount``: 350元
    """
    wide = unicodedata.normalize("NFKC", text[:MAX_CHARS])
    plain = str(zhconv.convert(wide, "zh-cn"))
    moment = now or dt.datetime.now()
    slots: dict[str, str] = {}
    places: dict[str, Part] = {}
    for piece in corrected(plain):
        facts = {
            **find_codes(piece),
            "time": find_time(piece, moment),
            "duration": find_duration(piece),
            "amount": find_amount(piece),
        }
        slots |= {name: value for name, value in facts.items() if value}
        places = _merge(places, find_places(arabic(piece), gazetteer))
    return slots | _place_slots(list(places.values()))


def _merge(places: dict[str, Part], said: Sequence[Part]) -> dict[str, Part]:
    """Return the parts of a place after what a later piece says of it."""
    new = {part.kind: part for part in said}
    if not places:
        return new if set(new) != {"number"} else {}
    kept = dict(places)
    if new.keys() & set(_EXACT):
        # Another road or estate: the old one's number goes with it.
        kept = {kind: part for kind, part in places.items() if kind in _ABOVE}
    elif "number" in new and "number" in kept:
        old = kept["number"]
        renumbered = replace_numbers(old.name, new.pop("number").name)
        kept["number"] = Part("number", renumbered, old.start, old.end)
    street, district = kept.get("street"), new.get("district")
    if street and district and street.district not in ("", district.district):
        del kept["street"]
    return kept | new


def _place_slots(parts: Sequence[Part]) -> dict[str, str]:
    by_kind = {part.kind: part for part in parts}
    slots = {part.kind: part.name for part in parts}
    inferred = {part.district for part in parts if part.district}
    if "district" not in slots and len(inferred) == 1:
        slots["district"] = inferred.pop()
    exact = _together([part for part in parts if part.kind not in _ABOVE])
    if "number" in by_kind and by_kind["number"] not in exact:
        del slots["number"]
    above = "".join(slots.get(kind, "") for kind in _ABOVE)
    place = above + "".join(part.name for part in exact)
    return slots | ({"place": place} if place else {})


def _together(parts: Sequence[Part]) -> list[Part]:
    """The longest run of parts said in one piece (的 may stand between); the first of equals."""
    runs: list[list[Part]] = []
    for part in sorted(parts, key=lambda part: part.start):
        if runs and part.start - runs[-1][-1].end <= 1:
            runs[-1].append(part)
        elif part.kind != "number":
            runs.append([part])
    return max(runs, key=len, default=[])
