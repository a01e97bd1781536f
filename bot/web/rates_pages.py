"""三率 in the browser: 响应率, 解决率, 满意率 and score of every unit, with the change.

A unit sees its own figures. Leaves to others: counting and the formulas (``casework/rates.py``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse

from bot.casework.rates import Rates, read, total
from bot.casework.rules import Weights
from bot.web.casework_pages import parse_day
from bot.web.pages import House, Me, guard, page
from bot.web.ticket_pages import unit_of

#: Days of the longest period that a page works out; longer ones are for the command line.
LONGEST = 92
ALL = "合计"


@dataclass(frozen=True, slots=True)
class Cell:
    """A rate in words."""

    value: str
    """``93.4%``, or a dash when there is none."""
    of: str
    """The two numbers that it comes from; "" for a score."""
    change: str
    """升1.2, 降0.4 or 持平 against the period before; "" when that has none."""
    better: bool | None
    """None without a change."""


@dataclass(frozen=True, slots=True)
class Row:
    """A unit's figures in words."""

    rates: Rates
    cells: tuple[Cell, ...]
    """响应率, 解决率, 满意率, score."""


def rates_pages(house: House) -> APIRouter:
    """Return the route of the rates."""
    router = APIRouter(prefix="/casework/rates", dependencies=[Depends(guard(house))])
    ledger = house.tickets.ledger

    @router.get("")
    def show(
        me: Me,
        since: Annotated[str, Query(max_length=10)] = "",
        until: Annotated[str, Query(max_length=10)] = "",
    ) -> HTMLResponse:
        rules, unit = ledger.rules, unit_of(me.account)
        zone = ZoneInfo(rules.clocks.zone)
        today = ledger.now().astimezone(zone).date()
        first = parse_day(since) or today.replace(day=1)
        last = parse_day(until) or today
        message = ""
        if not first <= last <= first + dt.timedelta(days=LONGEST - 1):
            message = f"时间段要从早到晚，最长{LONGEST}天；下面显示的是本月。"
            first, last = today.replace(day=1), today
        before = period_before(first, last)
        now, old = (
            {one.unit: one for one in read(ledger, *_moments(period, zone))}
            for period in ((first, last), before)
        )
        rows = [
            row_of(now[name], old.get(name, Rates(name)), rules.weights)
            for name in sorted(now, key=lambda name: _rank(now[name], rules.weights))
            if unit in ("", name)
        ]
        if not unit:
            rows.append(row_of(total(now.values(), ALL), total(old.values(), ALL), rules.weights))
        return page(
            "rates.html",
            me,
            rows=rows if now else [],
            since=first.isoformat(),
            until=last.isoformat(),
            before=f"{before[0]:%Y-%m-%d} 至 {before[1]:%Y-%m-%d}",
            quick=quick_periods(today),
            weights=rules.weights,
            respond=rules.clocks.respond,
            message=message,
        )

    return router


def period_before(first: dt.date, last: dt.date) -> tuple[dt.date, dt.date]:
    """Return the period before; of a whole month the month before, else as many days."""
    day = dt.timedelta(days=1)
    if first.day == 1 and (last + day).day == 1 and last - first < dt.timedelta(days=31):
        end = first - day
        return end.replace(day=1), end
    length = last - first + day
    return first - length, first - day


def quick_periods(today: dt.date) -> Mapping[str, tuple[str, str]]:
    """Return periods that are often asked for, by their name: first and last day."""
    this = today.replace(day=1)
    end = this - dt.timedelta(days=1)
    periods = {
        "本月": (this, today),
        "上月": (end.replace(day=1), end),
        "近7天": (today - dt.timedelta(days=6), today),
        "近30天": (today - dt.timedelta(days=29), today),
    }
    return {name: (a.isoformat(), b.isoformat()) for name, (a, b) in periods.items()}


def row_of(now: Rates, before: Rates, weights: Weights) -> Row:
    """Return figures in words, with how they changed."""
    pairs = (
        (now.response_rate, before.response_rate, now.responded, now.to_respond),
        (now.solution_rate, before.solution_rate, now.solved, now.surveyed),
        (now.satisfaction_rate, before.satisfaction_rate, now.satisfied, now.judged),
    )
    cells = [
        _cell(_hundred(rate), _hundred(old), "%", f"{part}/{whole}")
        for rate, old, part, whole in pairs
    ]
    return Row(now, (*cells, _cell(now.score(weights), before.score(weights), "", "")))


def _hundred(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _cell(value: float | None, before: float | None, mark: str, of: str) -> Cell:
    if value is None:
        return Cell("—", "", "", None)
    shown = f"{value:.1f}{mark}"
    if before is None:
        return Cell(shown, of, "", None)
    change = round(value - before, 1)
    if not change:
        return Cell(shown, of, "持平", None)
    return Cell(shown, of, f"{'升' if change > 0 else '降'}{abs(change):.1f}", change > 0)


def _rank(rates: Rates, weights: Weights) -> tuple[float, str]:
    score = rates.score(weights)
    return (1.0 if score is None else -score), rates.unit


def _moments(period: tuple[dt.date, dt.date], zone: ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
    begin, end = (dt.datetime.combine(day, dt.time(), zone) for day in period)
    return begin, end + dt.timedelta(days=1)
