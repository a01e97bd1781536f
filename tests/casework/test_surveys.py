"""回访: who is asked when, how often, and what the answer does."""

from __future__ import annotations

import datetime as dt

import pytest
from casework.world import DAY, HOUR, World

from bot.casework.clocks import Clock
from bot.casework.errors import CaseworkError, IllegalTransition, UnknownTicket
from bot.casework.lifecycle import TicketState
from bot.casework.rules import Rules
from bot.casework.surveys import Surveys

UNIT = "unit:市自来水集团"


def resolved(world: World, **fields: str) -> tuple[str, Surveys]:
    number = world.file(**fields)
    world.handling.accept(number, UNIT)
    world.handling.resolve(number, UNIT, "水管已修好")
    return number, Surveys(world.store.ledger)


def test_a_citizen_is_called_an_hour_after_resolving(world: World) -> None:
    number, surveys = resolved(world)
    assert surveys.due() == []
    world.wait(HOUR)
    [asking] = surveys.due()
    assert (asking.number, asking.phone, asking.unit) == (number, "13800138000", "市自来水集团")


def test_the_number_that_was_left_goes_before_the_one_called_from(world: World) -> None:
    _, surveys = resolved(world, phone="13900139000")
    world.wait(HOUR)
    assert surveys.due()[0].phone == "13900139000"


def test_nobody_is_called_at_night(world: World) -> None:
    _, surveys = resolved(world)
    world.wait(12 * HOUR)  # 21:00
    assert surveys.due() == []
    world.wait(12 * HOUR)
    assert len(surveys.due()) == 1


@pytest.mark.parametrize(
    ("hour", "day", "then"), [(8, 1, 9), (9, 1, 9), (19, 1, 19), (20, 2, 9), (23, 2, 9)]
)
def test_calls_wait_for_permitted_hours(hour: int, day: int, then: int) -> None:
    zone = dt.timezone(8 * HOUR)
    asked = dt.datetime(2026, 12, 1, hour, tzinfo=zone)
    assert Rules().permitted(asked) == dt.datetime(2026, 12, day, then, tzinfo=zone)


def test_solved_closes_the_ticket(world: World) -> None:
    number, surveys = resolved(world)
    surveys.attempt(number, "reached", "bot")
    assert world.state(number) == "callback"
    assert surveys.answer(number, True, 5, "bot") is TicketState.CLOSED
    assert world.kinds(number)[-3:] == ["survey_tried", "surveyed", "closed"]


def test_not_solved_reopens_it_for_the_same_unit(world: World) -> None:
    number, surveys = resolved(world)
    assert surveys.answer(number, False, 1, "bot", note="还是没水") is TicketState.REOPENED
    world.handling.accept(number, UNIT)
    world.handling.resolve(number, UNIT, "又修了一次")
    world.wait(HOUR)
    assert [one.number for one in surveys.due()] == [number]
    assert surveys.answer(number, True, 4, "agent:8001", channel="agent") is TicketState.CLOSED


def test_who_does_not_answer_is_called_again_later_and_then_left_alone(world: World) -> None:
    number, surveys = resolved(world)
    world.wait(HOUR)
    for wait in (4 * HOUR, 24 * HOUR):
        surveys.attempt(number, "no_answer", "bot")
        assert surveys.due() == []
        world.wait(wait)
        assert len(surveys.due()) == 1
    surveys.attempt(number, "busy", "bot")
    world.wait(DAY)
    assert surveys.due() == []


def test_a_ticket_whose_citizen_can_not_be_reached_is_closed_after_a_week(world: World) -> None:
    number, surveys = resolved(world)
    surveys.attempt(number, "refused", "bot")
    world.wait(6 * DAY)
    assert Clock(world.store.ledger).tick().closed == 0
    world.wait(DAY)
    assert Clock(world.store.ledger).tick().closed == 1
    assert world.state(number) == "closed"


def test_who_withheld_the_number_is_not_called(world: World) -> None:
    _, surveys = resolved(world, caller="")
    world.wait(HOUR)
    assert surveys.due() == []


def test_the_link_of_an_sms_is_good_until_it_was_answered(world: World) -> None:
    number, surveys = resolved(world)
    world.wait(HOUR)
    token = surveys.due()[0].token
    assert surveys.asked(token).number == number
    surveys.answer(number, False, None, "citizen", channel="web")
    with pytest.raises(UnknownTicket):
        surveys.asked(token)


def test_nobody_is_asked_about_a_ticket_that_is_not_resolved(world: World) -> None:
    number, surveys = world.file(), Surveys(world.store.ledger)
    with pytest.raises(IllegalTransition):
        surveys.answer(number, True, 5, "bot")


def test_satisfaction_is_1_to_5(world: World) -> None:
    number, surveys = resolved(world)
    with pytest.raises(CaseworkError, match="1 to 5"):
        surveys.answer(number, True, 6, "bot")
