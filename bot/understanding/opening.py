"""When people serve a line: opening hours, and the next time they are there. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from bot.understanding.schema import OpeningHours

#: Days looked ahead for an opening: a week and a day holds every weekday.
AHEAD = 8


def is_open(hours: Sequence[OpeningHours], at: dt.datetime) -> bool:
    """Whether people serve at that local time; a line without hours is always open."""
    return not hours or any(
        one.opens <= at.time() < one.closes for one in hours if at.weekday() in one.weekdays
    )


def next_opening(hours: Sequence[OpeningHours], at: dt.datetime) -> dt.datetime:
    """Return the first local time from ``at`` on at which people serve; ``at`` if they do."""
    if is_open(hours, at):
        return at
    openings = (
        dt.datetime.combine(day, one.opens, at.tzinfo)
        for day in (at.date() + dt.timedelta(days=ahead) for ahead in range(AHEAD))
        for one in hours
        if day.weekday() in one.weekdays
    )
    return min((opening for opening in openings if opening > at), default=at)
