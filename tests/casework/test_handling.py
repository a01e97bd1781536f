"""Stories of tickets in the hands of staff and citizens."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from casework.world import DAY, HOUR, MONDAY, World

from bot.casework.errors import CaseworkError, Conflict, IllegalTransition, UnknownTicket

WATER = "unit:市自来水集团"


def test_a_sure_ticket_goes_to_its_unit_at_once_and_says_why(world: World) -> None:
    number = world.file(category="garbage.uncollected", title="垃圾未清运")
    assert world.kinds(number) == ["received", "dispatched"]
    sent = world.store.events(number)[1]
    assert sent.note == "环境卫生由属地街道负责。"
    assert sent.data == {"unit": "望京街道办事处", "to": "territory", "automatic": True}


def test_a_doubtful_ticket_waits_for_an_agent_with_a_proposal(world: World) -> None:
    number = world.file(category="garbage.uncollected", confidence=0.5)
    assert world.state(number) == "received"
    world.handling.dispatch(number, "agent:8001")
    summary = world.store.summary(number)
    assert summary is not None
    assert (summary.state, summary.unit) == ("dispatched", "望京街道办事处")


def test_without_rule_and_without_unit_an_agent_has_to_name_one(world: World) -> None:
    number = world.file(category="unknown.thing", unit="")
    with pytest.raises(CaseworkError, match="--unit"):
        world.handling.dispatch(number, "agent:8001")
    world.handling.dispatch(number, "agent:8001", "市应急局")
    assert world.state(number) == "dispatched"


def test_a_unit_stays_responsible_until_its_return_is_approved(world: World) -> None:
    number = world.file()
    world.handling.return_(number, WATER, "不属于供水范围")
    returned = world.store.get(number)
    assert returned is not None
    assert (returned.state, returned.unit) == ("returned", "市自来水集团")
    world.handling.approve_return(number, "dispatcher:李", "望京街道办事处")
    ticket = world.store.get(number)
    assert ticket is not None
    assert (ticket.unit, ticket.first_unit, ticket.returns) == (
        "望京街道办事处",
        "市自来水集团",
        1,
    )
    with pytest.raises(IllegalTransition, match="望京街道办事处"):
        world.handling.accept(number, WATER)


def test_a_return_does_not_go_back_to_who_returned_it_unless_it_is_refused(world: World) -> None:
    number = world.file()
    world.handling.return_(number, WATER, "不归我管")
    with pytest.raises(IllegalTransition, match="refuse"):
        world.handling.approve_return(number, "dispatcher:李", "市自来水集团")
    world.handling.refuse_return(number, "dispatcher:李", "按职责属于供水")
    world.handling.accept(number, WATER)
    assert world.state(number) == "accepted"


def test_a_whole_life_as_the_citizen_is_told_of_it(world: World) -> None:
    number = world.file()
    told = []

    def ask() -> None:
        summary = world.store.summary(number)
        assert summary is not None
        told.append(summary.next_step)

    ask()
    world.handling.accept(number, WATER)
    ask()
    world.handling.progress(number, WATER, "已派抢修队")
    ask()
    world.handling.resolve(number, WATER, "已修好")
    ask()
    assert told == [
        "已经派给承办单位，等待签收",
        "承办单位已签收，正在处理",
        "承办单位正在办理",
        "承办单位已办结，稍后会向您回访",
    ]


def test_who_decided_on_an_old_view_of_a_ticket_is_refused(world: World) -> None:
    number = world.file()
    seen = world.store.get(number)
    assert seen is not None
    world.store.urge(number, "citizen", "快一点")
    with pytest.raises(Conflict, match="changed meanwhile"):
        world.handling.accept(number, WATER, expected=seen.version)
    world.handling.accept(number, WATER, expected=seen.version + 1)


def test_of_many_who_accept_at_once_one_does_and_all_others_are_told(world: World) -> None:
    number = world.file()
    version = 2

    def accept(_: int) -> str:
        try:
            world.handling.accept(number, WATER, expected=version)
        except CaseworkError as error:
            return type(error).__name__
        return "accepted"

    with ThreadPoolExecutor(8) as pool:
        results = sorted(pool.map(accept, range(24)))
    assert results == ["Conflict"] * 23 + ["accepted"]
    assert world.kinds(number) == ["received", "dispatched", "accepted"]


def test_of_many_who_urge_at_once_all_are_counted(world: World) -> None:
    number = world.file()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: world.store.urge(number, "citizen"), range(40)))
    summary = world.store.summary(number)
    assert summary is not None
    assert summary.urged == 40
    assert [event.seq for event in world.store.events(number)] == list(range(1, 43))


def test_a_caller_finds_their_tickets_by_either_number_newest_first(world: World) -> None:
    first = world.file(text="第一件")
    second = world.file(caller="", phone="13800138000", text="第二件")
    world.file(caller="13900139000")
    third = world.file(text="第三件")
    world.store.withdraw(third, "citizen", "来水了")
    found = [one.number for one in world.store.of_caller("13800138000")]
    assert found == [second, first]
    every = world.store.of_caller("13800138000", open_only=False)
    assert [one.number for one in every] == [third, second, first]
    assert world.store.of_caller("") == []


def test_what_a_citizen_adds_is_kept_but_not_their_number(world: World) -> None:
    number = world.file()
    world.store.add(number, "13800138000", "整栋楼都停了")
    event = world.store.events(number)[-1]
    assert (event.kind, event.actor, event.note) == ("added", "citizen", "整栋楼都停了")


def test_a_ticket_that_is_over_can_not_be_urged_and_an_unknown_one_neither(world: World) -> None:
    number = world.file()
    world.store.withdraw(number, "citizen", "来水了")
    with pytest.raises(IllegalTransition, match="withdrawn"):
        world.store.urge(number, "citizen")
    with pytest.raises(UnknownTicket, match="Check the number"):
        world.store.urge("999999999999", "citizen")


def test_a_suspended_ticket_goes_on_where_it_was_with_its_time_given_back(world: World) -> None:
    number = world.file(urgency="high")
    world.handling.accept(number, WATER)
    world.handling.suspend(number, "supervisor:王", "等待市民到场")
    world.wait(10 * HOUR)
    world.handling.resume(number, "supervisor:王")
    ticket = world.store.get(number)
    assert ticket is not None
    assert (ticket.state, ticket.due_at) == ("accepted", MONDAY + DAY + 10 * HOUR)


def test_a_merged_ticket_goes_on_in_another_with_its_words(world: World) -> None:
    one, two = world.file(), world.file(text="二楼也停水")
    world.handling.merge(two, "agent:8001", into=one)
    merged = world.store.get(two)
    assert merged is not None
    assert (merged.state, merged.into) == ("merged", one)
    assert "二楼也停水" in world.store.events(one)[-1].note
    with pytest.raises(IllegalTransition):
        world.handling.merge(one, "agent:8001", into=one)


def test_a_split_ticket_goes_on_in_several(world: World) -> None:
    whole = world.file(text="停水而且垃圾没人收")
    ticket = world.store.get(whole)
    assert ticket is not None
    parts = [
        world.file(text="停水", parent_id=ticket.id, by="agent:8001"),
        world.file(text="垃圾没人收", category="garbage.uncollected", parent_id=ticket.id),
    ]
    world.handling.split(whole, "agent:8001", parts)
    assert world.state(whole) == "split"
    assert world.store.events(whole)[-1].data == {"into": parts}


def test_a_receipt_says_number_and_time_and_not_where_somebody_lives(world: World) -> None:
    number = world.file(urgency="high")
    receipt = world.store.receipt(number)
    assert receipt.message == (
        f"您反映的“停水”已登记，工单号{number}，预计11月24日9时前办结。可凭工单号查询进度。"
    )


def test_moments_come_back_aware_and_in_utc(world: World) -> None:
    ticket = world.store.get(world.file(urgency="high"))
    assert ticket is not None
    assert ticket.due_at is not None
    assert ticket.filed_at == MONDAY
    assert (ticket.filed_at.utcoffset(), ticket.due_at) == (0 * HOUR, MONDAY + DAY)
