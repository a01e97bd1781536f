"""One ticket through everything that can befall it, with clocks and rates worked out by hand."""

from __future__ import annotations

import pytest
from casework.world import DAY, HOUR, MONDAY, World

from bot.casework.clocks import Clock
from bot.casework.ledger import case_of, event_of
from bot.casework.lifecycle import fold
from bot.casework.rates import read
from bot.casework.rules import Weights
from bot.casework.surveys import Surveys
from bot.casework.whistles import Whistles

WATER, STREET = "unit:市自来水集团", "unit:望京街道办事处"


def test_a_ticket_walks_through_returning_whistling_and_reopening_to_a_five(world: World) -> None:
    store, handling = world.store, world.handling
    surveys, whistles, clock = Surveys(store.ledger), Whistles(store.ledger), Clock(store.ledger)

    # Monday 9:00: filed, urgent within 24 hours, sent by the rules.
    number = world.file(urgency="high")
    world.wait(HOUR)  # 10:00
    handling.return_(number, WATER, "楼内二次供水不归我们管")
    world.wait(HOUR)  # 11:00
    handling.approve_return(number, "dispatcher:李", "望京街道办事处", "物业管理属地负责")
    handling.accept(number, STREET)
    handling.contact(number, STREET)
    world.wait(HOUR)  # 12:00
    whistle = whistles.blow(
        number,
        STREET,
        reason="需要物业和水务一起到场",
        departments=["区水务局", "区住建委"],
        be_there_by=world.now + 2 * HOUR,
    )
    world.wait(HOUR)  # 13:00
    whistles.check_in(whistle, "区水务局")
    world.wait(2 * HOUR)  # 15:00, an hour too late
    whistles.check_in(whistle, "区住建委")
    whistles.act(whistle, "区住建委", "约谈物业公司")
    assert whistles.close(whistle, STREET, "水泵已更换").late == ("区住建委",)
    handling.resolve(number, STREET, "水泵已更换")

    world.wait(HOUR)  # 16:00: the callback
    assert [one.number for one in surveys.due()] == [number]
    surveys.attempt(number, "reached", "bot")
    surveys.answer(number, False, 2, "bot", note="没有解决")
    ticket = store.get(number)
    assert ticket is not None
    assert (ticket.state, ticket.due_at) == ("reopened", MONDAY + (7 + 24) * HOUR)

    world.wait(18 * HOUR)  # Tuesday 10:00: six of 24 hours are left
    assert clock.tick().reminded == 1
    world.wait(7 * HOUR)  # 17:00, an hour too late
    assert clock.tick().overdue == 1
    handling.accept(number, STREET)
    handling.resolve(number, STREET, "管道已更换")
    world.wait(16 * HOUR)  # Wednesday 9:00: not called by night
    surveys.attempt(number, "reached", "bot")
    surveys.answer(number, True, 5, "bot")

    assert world.kinds(number) == [
        *("received", "dispatched", "returned", "return_approved", "accepted", "contacted"),
        *("whistled", "checked_in", "checked_in", "acted", "whistle_closed", "resolved"),
        *("survey_tried", "surveyed", "reopened", "due_soon", "overdue"),
        *("accepted", "resolved", "survey_tried", "surveyed", "closed"),
    ]
    ticket = store.get(number)
    assert ticket is not None
    assert case_of(ticket) == fold(event_of(row) for row in store.events(number))
    assert (ticket.state, ticket.first_unit, ticket.reopened) == ("closed", "市自来水集团", 1)

    water, street = read(store.ledger, MONDAY, MONDAY + 7 * DAY)
    assert (water.unit, water.dispatched, water.returned) == ("市自来水集团", 1, 1)
    assert (water.dispatch_accuracy, water.score(Weights())) == (0, None)
    assert (street.responded, street.to_respond) == (1, 1)
    assert (street.solved, street.surveyed) == (1, 2)
    assert (street.satisfied, street.judged) == (1, 2)
    assert (street.on_time, street.resolved) == (1, 2)
    # 100 * (0.2 * 1 + 0.4 * 1/2 + 0.4 * 1/2)
    assert street.score(Weights()) == pytest.approx(60)
