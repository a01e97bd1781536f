"""When something must be done: hours and working days, with China's holidays.

Pure. Working days follow the State Council's yearly notice, days off and days worked in
exchange (调休), as kept in the PyPI package ``chinesecalendar``. It knows only years whose
notice is out. In a later year Monday to Friday are working days, except the statutory days
(全国年节及纪念日放假办法, 2024 revision): those with a fixed date (New Year's Day, 1 and 2 May,
1 to 3 October), and those that follow the lunisolar calendar as far as :data:`MOVABLE_HOLIDAYS`.
:func:`is_certain` says no then, since the days worked in exchange are not known; the pack can
name days off and days worked until the package is updated. Leaves to others: watching the time
(``clocks.py``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import chinese_calendar

#: Month and day of statutory days off that fall on the same date every year.
FIXED_HOLIDAYS = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})
#: Statutory days off of years to come that follow the lunisolar calendar (GB/T 33661-2017):
#: eve of the Spring Festival and its first three days, Qingming, Duanwu, Mid-Autumn.
MOVABLE_HOLIDAYS = frozenset(
    {
        *(dt.date(2027, 2, day) for day in (5, 6, 7, 8)),
        *(dt.date(2027, 4, 5), dt.date(2027, 6, 9), dt.date(2027, 9, 15)),
    }
)
#: How far deadlines reach; a year that begins within this must be known.
AHEAD = dt.timedelta(days=60)
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """How long something may take."""

    hours: int
    working: bool = False
    """Whole working days instead of hours: 24 hours are one day, a part of a day is a day."""


@dataclass(frozen=True, slots=True)
class Escalation:
    """Who is told, how long after the deadline."""

    hours: int
    to: str
    """A role or a unit, in the words of the pack."""


@dataclass(frozen=True)
class ClockRules:
    """A pack's deadlines."""

    zone: str = "Asia/Shanghai"
    china: bool = True
    """Whether China's public holidays count; otherwise only weekends."""
    rest: frozenset[dt.date] = frozenset()
    """More days off."""
    work: frozenset[dt.date] = frozenset()
    """More days worked."""
    limits: Mapping[str, Limit] = field(
        default_factory=lambda: {
            "urgent": Limit(2),
            "high": Limit(24),
            "normal": Limit(7 * 24),
            "low": Limit(15 * 24),
        }
    )
    """By urgency."""
    by_category: Mapping[str, Limit] = field(default_factory=dict)
    soon: float = 0.25
    """Share of the time that is left when the unit is reminded, 0 to 1."""
    respond: Limit = Limit(24)
    """Within this after dispatch a unit must have spoken to the citizen (响应)."""
    escalation: tuple[Escalation, ...] = ()

    def limit(self, category: str, urgency: str) -> Limit:
        """Return how long a ticket may take; an unknown urgency is a normal one."""
        of_urgency = self.limits.get(urgency) or self.limits["normal"]
        return self.by_category.get(category) or of_urgency


def is_certain(rules: ClockRules, day: dt.date) -> bool:
    """Tell whether the year of ``day`` is known: by its notice, or since the pack names days off.

    Where only weekends are off, every year is.
    """
    return not rules.china or _notice_is_out(day) or day.year in {one.year for one in rules.rest}


def uncertain_year(rules: ClockRules, today: dt.date) -> int | None:
    """Return the year that deadlines will soon reach without its days off being known, if any."""
    years = (day.year for day in (today, today + AHEAD) if not is_certain(rules, day))
    return next(years, None)


def is_working_day(rules: ClockRules, day: dt.date) -> bool:
    """Tell whether offices work on a day."""
    if day in rules.work:
        return True
    if day in rules.rest:
        return False
    if not rules.china:
        return day.weekday() < 5
    if _notice_is_out(day):
        return bool(chinese_calendar.is_workday(day))
    statutory = (day.month, day.day) in FIXED_HOLIDAYS or day in MOVABLE_HOLIDAYS
    return day.weekday() < 5 and not statutory


def _notice_is_out(day: dt.date) -> bool:
    return day.year <= int(max(chinese_calendar.holidays).year)


def due(rules: ClockRules, limit: Limit, start: dt.datetime) -> dt.datetime:
    """Return when a limit that runs from ``start`` (aware) ends, in UTC.

    Hours run through nights and holidays. Of working days the day of ``start`` does not count
    and the last one counts to its end (民法典 第二百零一条, 第二百零三条): the moment returned is
    its last second, so that its date is the one to tell people.
    """
    if not limit.working:
        return (start + dt.timedelta(hours=limit.hours)).astimezone(dt.UTC)
    zone = ZoneInfo(rules.zone)
    day, left = start.astimezone(zone).date(), -(-limit.hours // 24)
    while left:
        day += _DAY
        left -= is_working_day(rules, day)
    return dt.datetime.combine(day, dt.time(23, 59, 59), zone).astimezone(dt.UTC)


def reminder(rules: ClockRules, start: dt.datetime, due_at: dt.datetime) -> dt.datetime:
    """Return when to remind a unit: when ``soon`` of the time is left."""
    return due_at - (due_at - start) * rules.soon
