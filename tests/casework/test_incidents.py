"""Many like tickets from one place become one incident; who reports it is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from casework.world import HOUR, World

from bot.casework.clocks import Clock
from bot.casework.errors import CaseworkError, Conflict
from bot.casework.incidents import Incidents
from bot.casework.notices import Notices


def outage(world: World, count: int) -> list[str]:
    return [world.file(place=f"望京{n}号院", caller=f"1380013800{n}") for n in range(count)]


def test_the_third_of_a_kind_in_one_subdistrict_opens_an_incident_for_all(world: World) -> None:
    incidents = Incidents(world.store.ledger)
    numbers = outage(world, 3)
    id = incidents.attach(numbers[2])
    assert id is not None
    assert incidents.attach(numbers[2]) == id
    tickets = [world.store.get(number) for number in numbers]
    assert len({ticket.incident_id for ticket in tickets if ticket}) == 1
    [(incident, count)] = incidents.newest()
    assert (incident.street, incident.unit, count) == ("望京街道", "市自来水集团", 3)


def test_two_are_none_yet(world: World) -> None:
    incidents = Incidents(world.store.ledger)
    assert [incidents.attach(number) for number in outage(world, 2)] == [None, None]
    assert incidents.known("water.outage", "望京") is None


def test_who_reports_the_same_is_told_what_is_known_and_added(world: World) -> None:
    incidents = Incidents(world.store.ledger)
    outage(world, 3)
    [id] = incidents.sweep()
    known = incidents.known("water.outage", "望京西园三区")
    assert known is not None
    assert known.text == "望京街道的停水，已有3位市民反映，市自来水集团正在处理"
    incidents.tell_callers(id, "望京地区主管道破裂，预计18时恢复供水")
    fourth = world.file(place="望京花园", caller="13900139000")
    assert incidents.attach(fourth) == id
    known = incidents.known("water.outage", "望京花园")
    assert known is not None
    assert (known.tickets, known.text) == (4, "望京地区主管道破裂，预计18时恢复供水")


def test_other_subjects_and_other_places_are_other_things(world: World) -> None:
    incidents = Incidents(world.store.ledger)
    outage(world, 3)
    incidents.sweep()
    assert incidents.known("water.outage", "良乡") is None
    assert incidents.known("garbage.uncollected", "望京") is None
    assert incidents.known("water.outage", "") is None


def test_what_lies_longer_apart_is_not_one_thing(world: World) -> None:
    incidents = Incidents(world.store.ledger)
    outage(world, 2)
    world.wait(7 * HOUR)
    assert incidents.attach(world.file(place="望京9号院")) is None


def test_a_place_without_subdistrict_counts_by_its_words(world: World) -> None:
    incidents = Incidents(world.store.ledger)
    for n in range(3):
        world.file(place="幸福小区", text=f"停水{n}")
    world.file(place="阳光小区")
    [id] = incidents.sweep()
    assert incidents.newest()[0][1] == 3
    assert incidents.known("water.outage", "幸福小区") is not None
    assert incidents.known("water.outage", "阳光小区") is None
    assert id


def test_a_district_alone_is_too_wide_for_an_incident(world: World) -> None:
    for n in range(3):
        world.file(place="朝阳区", text=f"停水{n}")
    assert Incidents(world.store.ledger).sweep() == []


def test_closing_an_incident_tells_everybody_once_and_asks_each_for_themselves(
    world: World,
) -> None:
    incidents = Incidents(world.store.ledger)
    numbers = outage(world, 3)
    [id] = incidents.sweep()
    assert incidents.close(id, "dispatcher:李", "管道已修复") == 3
    notices = Notices(world.store.engine)
    told = notices.unsent("citizen")
    assert [one.recipient for one in told] == ["13800138000", "13800138001", "13800138002"]
    assert "管道已修复" in told[0].text
    assert {world.state(number) for number in numbers} == {"dispatched"}
    notices.sent(told[0].id)
    notices.sent(told[0].id)
    assert len(notices.unsent("citizen")) == 2
    with pytest.raises(Conflict, match="dispatcher:李"):
        incidents.close(id, "dispatcher:王", "再关一次")


def test_a_ticket_that_is_something_else_can_be_taken_out(world: World) -> None:
    incidents = Incidents(world.store.ledger)
    number, *_ = outage(world, 3)
    incidents.sweep()
    incidents.remove(number, "dispatcher:李")
    assert incidents.newest()[0][1] == 2
    with pytest.raises(CaseworkError):
        incidents.remove(number, "dispatcher:李")


def test_the_clock_gathers_incidents_and_does_so_once(world: World) -> None:
    outage(world, 3)
    clock = Clock(world.store.ledger)
    assert clock.tick().incidents == 1
    assert clock.tick().incidents == 0
    outage(world, 3)
    assert clock.tick().incidents == 1
    assert Incidents(world.store.ledger).newest()[0][1] == 6


def test_many_who_find_the_same_incident_at_once_open_one(world: World) -> None:
    numbers = [world.file(place="望京", text=f"停水{n}") for n in range(12)]
    incidents = Incidents(world.store.ledger)

    def attach(number: str) -> int | None:
        while True:
            try:
                return incidents.attach(number)
            except Conflict:
                continue

    with ThreadPoolExecutor(6) as pool:
        found = set(pool.map(attach, numbers))
    assert len(found) == 1
    assert [count for _, count in incidents.newest()] == [12]


def test_after_one_was_closed_the_next_is_a_new_one(world: World, tmp_path: Path) -> None:
    incidents = Incidents(world.store.ledger)
    outage(world, 3)
    [first] = incidents.sweep()
    incidents.close(first, "dispatcher:李", "已修复")
    outage(world, 3)
    [second] = incidents.sweep()
    assert second != first
