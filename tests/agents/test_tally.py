from __future__ import annotations

import datetime as dt

from bot.agents.queue import AgentQueue

TODAY = dt.date(2026, 3, 1)


def test_calls_are_counted_by_day_and_outcome(queue: AgentQueue) -> None:
    for outcome, day in (("answered", 1), ("answered", 1), ("transferred", 1), ("filed", 2)):
        queue.tally.count(outcome, dt.date(2026, 3, day))
    assert queue.tally.of(TODAY) == {"answered": 2, "transferred": 1}


def test_the_days_before_are_counted_with_today_and_no_further(queue: AgentQueue) -> None:
    for back in (0, 6, 7):
        queue.tally.count("answered", TODAY - dt.timedelta(days=back))
    queue.tally.count("answered", TODAY + dt.timedelta(days=1))
    assert queue.tally.of(TODAY, 7) == {"answered": 2}


def test_a_days_numbers_are_not_kept_for_ever(queue: AgentQueue) -> None:
    queue.tally.count("answered", TODAY)
    left = queue._rules.ask(lambda client: client.ttl("{hotline}:calls:2026-03-01"))
    assert 39 * 86400 < left <= 40 * 86400
