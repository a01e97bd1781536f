"""Clocks, events and people in words."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.casework.deadlines import ClockRules
from bot.casework.lifecycle import EventKind
from bot.casework.models import Ticket, TicketEvent
from bot.web.ticket_words import actor_words, clock_words, lines_of, span

FILED = dt.datetime(2026, 11, 25, 1, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
RULES = ClockRules()


def ticket(state: str = "accepted", **fields: object) -> Ticket:
    values = {"state": state, "filed_at": FILED, "due_at": FILED + 24 * HOUR} | fields
    return Ticket(**values)


@pytest.mark.parametrize(
    ("one", "after", "level", "words"),
    [
        (ticket(), 1, "calm", "剩余23小时"),
        (ticket(), 19.5, "soon", "即将到期，剩余4小时30分"),
        (ticket(), 24, "over", "已超期0分钟"),
        (ticket(), 75, "over", "已超期2天3小时"),
        (ticket("suspended"), 75, "still", "已挂起，停止计时"),
        (ticket("closed", resolved_at=FILED + 20 * HOUR), 75, "done", "按时"),
        (ticket("resolved", resolved_at=FILED + 48 * HOUR), 75, "done", "超期1天"),
        (ticket(due_at=None), 1, "done", "没有时限"),
    ],
)
def test_a_clock_says_in_words_how_a_ticket_stands(
    one: Ticket, after: float, level: str, words: str
) -> None:
    found = clock_words(one, RULES, FILED + after * HOUR)
    assert (found.level, found.text) == (level, words)


def test_a_deadline_is_told_in_the_time_of_the_place() -> None:
    assert clock_words(ticket(), RULES, FILED).until == "2026-11-26 09:00"


@given(st.timedeltas(dt.timedelta(), dt.timedelta(days=4000)))
def test_a_length_of_time_is_told_in_at_most_two_units(time: dt.timedelta) -> None:
    words = span(time)
    assert 1 <= sum(words.count(unit) for unit in ("天", "小时", "分")) <= 2
    assert words[0].isdigit()


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("unit:市自来水集团", "市自来水集团"),
        ("agent:8001", "坐席 8001"),
        ("bot", "机器人"),
        ("somebody", "市民"),
    ],
)
def test_who_acted_is_told_by_name_where_there_is_one(written: str, words: str) -> None:
    assert actor_words(written) == words


@pytest.mark.parametrize("kind", list(EventKind))
def test_every_kind_of_event_has_words_even_without_its_data(kind: EventKind) -> None:
    event = TicketEvent(at=FILED, kind=kind.value, actor="bot", note="打13812345678", data={})
    (line,) = lines_of([event], RULES.zone)
    assert line.what
    assert line.note == "打138****5678"
    assert lines_of([event], RULES.zone, reveal=True)[0].note == "打13812345678"
