"""How near a place, a time or a number that was noted is to the one that was told. Pure.

Every function returns a share, 0 to 1. Leaves to others: what it is worth (``scoring.py``).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

from rapidfuzz import fuzz

from bot.understanding.normalise import clean
from bot.understanding.places import Gazetteer
from bot.understanding.slots import find_slots

#: Parts of a place, and what each is worth: who drives there needs the exact ones most.
PARTS = {"district": 1, "street": 1, "road": 2, "community": 2, "landmark": 2, "number": 2}
#: Likeness of words, 0 to 100, from which they count as the same.
SAME = 85.0
#: What a time is worth of which only the day is right.
DAY_ONLY = 0.6


def place_share(given: str, wanted: str, gazetteer: Gazetteer) -> float:
    """How much of a place was noted: its parts, or its words where it has none."""
    if not given.strip():
        return 0.0
    told, noted = find_slots(wanted, gazetteer), find_slots(given, gazetteer)
    most = sum(worth for part, worth in PARTS.items() if part in told)
    plain = clean(given).replace(" ", "")
    points = sum(
        worth
        for part, worth in PARTS.items()
        if part in told and _same_part(told[part], noted.get(part, ""), plain)
    )
    written = fuzz.ratio(plain, clean(wanted).replace(" ", ""))
    if written >= 98:
        return 1.0
    # What no part holds (a shop's name) still tells a right place from a bare district.
    return points / most if most else (written / 100 if written >= SAME else 0.0)


def _same_part(told: str, noted: str, plain: str) -> bool:
    wanted = clean(told).replace(" ", "")
    return wanted == clean(noted).replace(" ", "") or wanted in plain


def time_share(given: str, wanted: Sequence[str], now: dt.datetime) -> float:
    """How right a time is; ``wanted``: the ways to say it, each as good as the others."""
    if not given.strip():
        return 0.0
    return max((_time(given, one, now) for one in wanted if one), default=0.0)


def _time(given: str, wanted: str, now: dt.datetime) -> float:
    bare = Gazetteer.of()
    noted, told = find_slots(given, bare, now), find_slots(wanted, bare, now)
    for name in ("time", "duration"):
        if name in told and noted.get(name) == told[name]:
            return 1.0
    plain, words = clean(given).replace(" ", ""), clean(wanted).replace(" ", "")
    if fuzz.ratio(plain, words) >= SAME or (len(plain) >= 2 and plain in words):
        return 1.0
    days = [re.findall(r"\d{4}-\d{2}-\d{2}", one.get("time", "")) for one in (noted, told)]
    return DAY_ONLY if days[0] and days[0] == days[1] else 0.0


def phone_share(given: str, wanted: str) -> float:
    """1 when a number's digits are right, else 0."""
    return float(re.sub(r"\D", "", given) == re.sub(r"\D", "", wanted))
