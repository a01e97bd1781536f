"""Values as they are said: dates near and far, times to come, numbers in groups. Pure.

Leaves to others: the sentences around them (the pack's prompts), and how digits sound
(``speech/normalise.py``).
"""

from __future__ import annotations

import datetime as dt
import re

_NEAR = {-2: "前天", -1: "昨天", 0: "今天", 1: "明天", 2: "后天"}
_SLOT_TIME = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})(?: (?:(?P<hour>\d{2}):(?P<minute>\d{2})|(?P<part>\D+)))?"
)
_SPAN = re.compile(r"(\d{4}-\d{2}-\d{2})至(\d{4}-\d{2}-\d{2})")


def spoken_date(day: dt.date, today: dt.date) -> str:
    """Return a date as people say it: 昨天, 11月3日, 2025年12月31日."""
    near = _NEAR.get((day - today).days)
    if near:
        return near
    text = f"{day.month}月{day.day}日"
    return text if day.year == today.year else f"{day.year}年{text}"


def spoken_clock(at: dt.time) -> str:
    """Return a time of day: 上午9点, 下午3点半, 晚上8点20分."""
    part = next(
        name
        for until, name in ((6, "凌晨"), (12, "上午"), (13, "中午"), (18, "下午"), (24, "晚上"))
        if at.hour < until
    )
    hour = at.hour if at.hour <= 12 else at.hour - 12
    minutes = {0: "", 30: "半"}.get(at.minute, f"{at.minute}分")
    return f"{part}{hour}点{minutes}"


def spoken_when(at: dt.datetime, now: dt.datetime) -> str:
    """Return a time to come: 尽快 within a quarter of an hour, else 明天上午9点."""
    if at - now < dt.timedelta(minutes=15):
        return "尽快"
    return spoken_date(at.date(), now.date()) + spoken_clock(at.time())


def spoken_since(since: str, now: dt.datetime | None) -> str:
    """Return when something began, from a slot (``slots.find_slots``), as it is said back."""
    if span := _SPAN.fullmatch(since):
        first, last = (dt.date.fromisoformat(day) for day in span.groups())
        if now and first <= now.date() - dt.timedelta(days=7) <= last and (last - first).days == 6:
            return "上个星期"
        return "到".join(spoken_date(day, now.date() if now else first) for day in (first, last))
    match = _SLOT_TIME.fullmatch(since)
    if match is None:
        return since.replace(" ", "")
    day = dt.date.fromisoformat(match["date"])
    date = spoken_date(day, now.date()) if now else f"{day.month}月{day.day}日"
    if match["hour"]:
        return date + spoken_clock(dt.time(int(match["hour"]), int(match["minute"])))
    return date + (match["part"] or "")


def masked_tail(phone: str) -> str:
    """Return how a number is named without saying all of it: its last four digits."""
    return phone[-4:]
