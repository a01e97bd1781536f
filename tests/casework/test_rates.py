"""The three rates, as worked out by hand from a small week."""

from __future__ import annotations

import pytest
from casework.world import DAY, HOUR, MONDAY, RULES, World, make_world

from bot.casework.ledger import event_of
from bot.casework.rates import Rates, rates, read
from bot.casework.rules import Weights
from bot.casework.surveys import Surveys

WATER = "unit:市自来水集团"


def a_week(world: World) -> None:
    """Five tickets for 市自来水集团:

    1  contacted after 1 h, resolved, solved, 5
    2  contacted after 30 h, which is too late; resolved on time; not solved, 2; resolved again,
       solved, no word on satisfaction
    3  never contacted
    4  returned, and given to 望京街道办事处, who contact at once and resolve; solved, 3
    5  withdrawn before anybody answered
    """
    store, handling = world.store, world.handling
    surveys = Surveys(store.ledger)
    one, two, _, four, five = [world.file(text=f"第{n}件") for n in range(1, 6)]
    world.wait(HOUR)
    handling.accept(one, WATER)
    handling.contact(one, WATER)
    handling.resolve(one, WATER, "已修好")
    surveys.answer(one, True, 5, "bot")
    handling.return_(four, WATER, "不属于供水范围")
    handling.approve_return(four, "dispatcher:李", "望京街道办事处", "楼内二次供水")
    street = "unit:望京街道办事处"
    handling.accept(four, street)
    handling.contact(four, street)
    handling.resolve(four, street, "已协调物业")
    surveys.answer(four, True, 3, "bot")
    store.withdraw(five, "citizen", "来水了")
    world.wait(29 * HOUR)
    handling.accept(two, WATER)
    handling.contact(two, WATER)
    handling.resolve(two, WATER, "已修好")
    surveys.answer(two, False, 2, "bot")
    handling.accept(two, WATER)
    handling.resolve(two, WATER, "又修了一次")
    surveys.answer(two, True, None, "bot")


def test_the_rates_of_a_week_are_those_worked_out_by_hand(world: World) -> None:
    a_week(world)
    street, water = sorted(
        read(world.store.ledger, MONDAY, MONDAY + 7 * DAY), key=lambda one: one.dispatched
    )
    assert water == Rates(
        "市自来水集团",
        dispatched=5,
        returned=1,  # 4
        to_respond=3,  # 1, 2, 3; not 4, which was given on, nor 5, which was withdrawn
        responded=1,  # 1
        resolved=3,  # 1, and 2 twice
        on_time=3,
        surveyed=3,  # 1, and 2 twice
        solved=2,
        judged=2,  # 5 and 2
        satisfied=1,
    )
    assert water.response_rate == pytest.approx(1 / 3)
    assert water.solution_rate == pytest.approx(2 / 3)
    assert water.satisfaction_rate == pytest.approx(1 / 2)
    assert water.dispatch_accuracy == pytest.approx(4 / 5)
    # 100 * (0.2 * 1/3 + 0.4 * 2/3 + 0.4 * 1/2) = 6.667 + 26.667 + 20
    assert water.score(Weights()) == pytest.approx(53.333, abs=0.001)
    assert street == Rates(
        "望京街道办事处",
        dispatched=1,
        to_respond=1,
        responded=1,
        resolved=1,
        on_time=1,
        surveyed=1,
        solved=1,
        judged=1,
        satisfied=0,
    )
    # 100 * (0.2 + 0.4 + 0)
    assert street.score(Weights()) == pytest.approx(60)


def test_the_same_events_give_the_same_rates_without_the_database(world: World) -> None:
    a_week(world)
    events = [
        [event_of(row) for row in world.store.events(ticket.number)]
        for ticket in world.store.newest()
    ]
    since, until = MONDAY, MONDAY + 7 * DAY
    again = rates([(RULES.clocks, one) for one in events], since, until, world.now)
    assert again == read(world.store.ledger, since, until)


def test_a_dispatch_whose_time_is_not_over_counts_neither_way(world: World) -> None:
    world.file()
    world.wait(24 * HOUR)
    [one] = read(world.store.ledger, MONDAY, MONDAY + DAY)
    assert (one.dispatched, one.to_respond, one.response_rate) == (1, 0, None)
    world.wait(HOUR)
    [one] = read(world.store.ledger, MONDAY, MONDAY + DAY)
    assert (one.to_respond, one.response_rate) == (1, 0.0)


def test_a_citizen_who_was_not_reached_is_not_responded_to(world: World) -> None:
    number = world.file()
    world.handling.contact(number, WATER, "not_reached")
    world.wait(25 * HOUR)
    [one] = read(world.store.ledger, MONDAY, MONDAY + DAY)
    assert one.responded == 0


def test_a_return_that_was_refused_is_no_mistake_of_dispatch(world: World) -> None:
    number = world.file()
    world.handling.return_(number, WATER, "不归我管")
    world.handling.refuse_return(number, "dispatcher:李", "属于供水范围")
    [one] = read(world.store.ledger, MONDAY, MONDAY + DAY)
    assert (one.returned, one.dispatch_accuracy) == (0, 1.0)


def test_every_event_counts_in_the_period_in_which_it_happened(world: World) -> None:
    number = world.file()
    world.handling.accept(number, WATER)
    world.wait(20 * DAY)
    world.handling.resolve(number, WATER, "已修好")
    [first] = read(world.store.ledger, MONDAY, MONDAY + DAY)
    [later] = read(world.store.ledger, MONDAY + 20 * DAY, MONDAY + 21 * DAY)
    assert (first.dispatched, first.resolved) == (1, 0)
    assert (later.dispatched, later.resolved, later.on_time) == (0, 1, 0)


def test_who_was_judged_by_nothing_has_no_score() -> None:
    assert Rates("x").score(Weights()) is None
    assert Rates("x", surveyed=2, solved=1).score(Weights()) == pytest.approx(50)


def test_a_period_of_many_tickets_is_read_a_few_at_a_time(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.casework.rates.BATCH", 2)
    world = make_world(database_url)
    for _ in range(5):
        world.handling.accept(world.file(), WATER)
    [one] = read(world.store.ledger, MONDAY, MONDAY + DAY)
    assert one.dispatched == 5
