from __future__ import annotations

from bot.web.figures import figures_of


def event(entry: str, state: str, at: float, outcome: str = "") -> dict[str, str]:
    return {"id": entry, "state": state, "at": str(at), "outcome": outcome}


def test_no_calls_have_no_rates() -> None:
    empty = figures_of([], 0.0)
    assert (empty.service_level, empty.abandonment, empty.mean_wait) == (None, None, None)


def test_service_level_counts_who_was_answered_in_time() -> None:
    events = [
        event("a", "waiting", 0), event("a", "joined", 10),
        event("b", "waiting", 0), event("b", "joined", 20),
        event("c", "waiting", 0), event("c", "abandoned", 30),
    ]  # fmt: skip
    assert figures_of(events, 0.0).service_level == 1 / 3


def test_who_gives_up_within_the_target_is_no_failure_of_service() -> None:
    events = [
        event("a", "waiting", 0), event("a", "joined", 10),
        event("b", "waiting", 0), event("b", "abandoned", 5),
    ]  # fmt: skip
    found = figures_of(events, 0.0)
    assert (found.service_level, found.abandonment) == (1.0, 0.5)


def test_who_is_transferred_was_answered_once() -> None:
    events = [
        event("a", "waiting", 0), event("a", "joined", 10), event("a", "claimed", 60),
        event("a", "waiting", 80), event("a", "joined", 200),
    ]  # fmt: skip
    found = figures_of(events, 0.0)
    assert (found.answered, found.mean_wait) == (1, 10.0)


def test_callbacks_and_who_preferred_one_are_no_measure_of_the_service() -> None:
    events = [
        event("a", "waiting", 0), event("a", "waiting", 40, "callback"), event("a", "joined", 99),
        event("b", "waiting", 0, "callback"), event("b", "joined", 500),
        event("c", "waiting", 0), event("c", "joined", 5),
    ]  # fmt: skip
    found = figures_of(events, 0.0)
    assert (found.answered, found.service_level, found.abandonment) == (1, 1.0, 0.0)


def test_yesterday_does_not_count() -> None:
    events = [event("a", "waiting", 10), event("a", "joined", 20)]
    assert figures_of(events, 100.0).answered == 0
