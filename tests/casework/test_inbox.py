"""Finding tickets: what a unit sees, in which order, page by page, and counting not too far."""

from __future__ import annotations

import pytest
from casework.world import DAY, HOUR, World, make_world
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bot.casework.errors import CaseworkError
from bot.casework.inbox import Filter, Inbox, Tab
from bot.casework.lifecycle import TicketState
from bot.casework.models import Ticket

WATER, OFFICE = "市自来水集团", "望京街道办事处"


@pytest.fixture
def inbox(world: World) -> Inbox:
    return Inbox(world.store.ledger)


def numbers(inbox: Inbox, wanted: Filter, unit: str = "", size: int = 40) -> list[str]:
    """All tickets of a filter, page after page."""
    found, after = [], ""
    while True:
        page = inbox.page(wanted, unit, after, size)
        found += [one.number for one in page.tickets]
        after = page.next
        if not after:
            return found


def proposed(world: World) -> str:
    """A ticket that nobody has dispatched yet."""
    return world.file(confidence=0.1)


def test_a_unit_sees_its_own_tickets_and_no_others(world: World, inbox: Inbox) -> None:
    mine = world.file()
    world.file(category="garbage.uncollected", title="垃圾")
    assert numbers(inbox, Filter(), WATER) == [mine]
    assert len(numbers(inbox, Filter())) == 2


def test_a_unit_does_not_see_what_is_only_proposed_to_it(world: World, inbox: Inbox) -> None:
    number = proposed(world)
    assert world.state(number) == "received"
    assert numbers(inbox, Filter(tab=Tab.ALL), WATER) == []
    assert inbox.counts(WATER)[Tab.OPEN] == 0
    assert numbers(inbox, Filter(tab=Tab.TO_DISPATCH)) == [number]


def test_what_is_due_first_comes_first(world: World, inbox: Inbox) -> None:
    normal = world.file()
    world.wait(HOUR)
    urgent, high = world.file(urgency="urgent"), world.file(urgency="high")
    assert numbers(inbox, Filter(), WATER) == [urgent, high, normal]


def test_of_what_has_ended_the_latest_comes_first(world: World, inbox: Inbox) -> None:
    filed = []
    for _ in range(3):
        filed.append(world.file())
        world.handling.accept(filed[-1], f"unit:{WATER}")
        world.handling.resolve(filed[-1], f"unit:{WATER}", "已修好")
        world.wait(DAY)
    assert numbers(inbox, Filter(tab=Tab.ASKING), WATER) == filed[::-1]


def test_tabs_follow_a_ticket_through_its_life(world: World, inbox: Inbox) -> None:
    number = world.file()

    def where() -> set[Tab]:
        return {tab for tab, count in inbox.counts(WATER).items() if count} - {Tab.ALL}

    assert where() == {Tab.OPEN, Tab.TO_ACCEPT}
    world.handling.accept(number, f"unit:{WATER}")
    assert where() == {Tab.OPEN, Tab.IN_HAND}
    world.handling.suspend(number, "dispatcher:1", "等待配件")
    assert where() == {Tab.SUSPENDED}
    world.handling.resume(number, "dispatcher:1")
    world.handling.resolve(number, f"unit:{WATER}", "已修好")
    assert where() == {Tab.ASKING}
    world.handling.close(number, "agent:8001")
    assert where() == {Tab.ENDED}


def test_counting_stops_where_nobody_looks_any_more(world: World, inbox: Inbox) -> None:
    for _ in range(4):
        world.file()
    assert inbox.counts(WATER, most=2)[Tab.TO_ACCEPT] == 3
    assert inbox.count(Filter(), WATER, most=2) == 3


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Filter(words="爆管"), ["pipe"]),
        (Filter(words="停水 老人"), ["elder"]),
        (Filter(words="100%"), []),
        (Filter(category="water.pipe"), ["pipe"]),
        (Filter(place="房山"), ["elder"]),
        (Filter(place="望京街道"), ["pipe"]),
        (Filter(urgency="urgent"), ["pipe"]),
        (Filter(state=TicketState.ACCEPTED), []),
        (Filter(overdue=True), []),
    ],
)
def test_a_filter_finds_what_fits_all_of_it(
    world: World, inbox: Inbox, wanted: Filter, found: list[str]
) -> None:
    filed = {
        "pipe": world.file(
            category="water.pipe", title="水管爆裂", text="路上爆管了", urgency="urgent"
        ),
        "elder": world.file(text="停水了，家里有老人", place="良乡西路"),
    }
    assert numbers(inbox, wanted) == [filed[name] for name in found]


def test_a_number_is_found_by_its_beginning(world: World, inbox: Inbox) -> None:
    number = world.file()
    world.wait(DAY)
    world.file()
    assert numbers(inbox, Filter(tab=Tab.ALL, words=number[:6])) == [number]
    assert numbers(inbox, Filter(tab=Tab.ALL, words=number)) == [number]


def test_only_what_is_over_its_deadline_is_overdue(world: World, inbox: Inbox) -> None:
    late = world.file(urgency="urgent")
    world.wait(3 * HOUR)
    world.file(urgency="urgent")
    assert numbers(inbox, Filter(overdue=True), WATER) == [late]


def test_a_time_of_filing_includes_its_begin_and_not_its_end(world: World, inbox: Inbox) -> None:
    begin = world.now
    first = world.file()
    world.wait(DAY)
    world.file()
    assert numbers(inbox, Filter(since=begin, until=world.now)) == [first]


@pytest.mark.parametrize("key", ["x", "1", "1.x", "none", "1.2.3", "-1.5", "1;drop.1"])
def test_a_key_that_is_none_is_refused(inbox: Inbox, key: str) -> None:
    with pytest.raises(CaseworkError, match="first page"):
        inbox.page(Filter(), after=key)


def test_both_databases_page_and_compare_alike(database_url: str) -> None:
    world = make_world(database_url)
    filed = [world.file(urgency=one, text="停水100%") for one in ("high", "urgent", "high")]
    inbox = Inbox(world.store.ledger)
    wanted = Filter(tab=Tab.ALL, words="100%", place="望京", since=world.now)
    assert numbers(inbox, wanted, WATER, size=1) == [filed[2], filed[0], filed[1]]
    assert numbers(inbox, Filter(words=filed[0][:6]), size=2) == [filed[1], filed[0], filed[2]]
    assert inbox.count(wanted, WATER) == 3


@settings(max_examples=15, deadline=None)
@given(
    urgencies=st.lists(st.sampled_from(["urgent", "high", "normal"]), max_size=7),
    size=st.integers(1, 4),
    tab=st.sampled_from([Tab.OPEN, Tab.ALL]),
)
def test_pages_show_every_ticket_once_whatever_their_size(
    tmp_path_factory: pytest.TempPathFactory, urgencies: list[str], size: int, tab: Tab
) -> None:
    world = make_world(f"sqlite:///{tmp_path_factory.mktemp('inbox') / 'hotline.db'}")
    filed = [world.file(urgency=one) for one in urgencies]
    if filed:
        # As from a database of before there were deadlines.
        with world.store.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE tickets SET due_at = NULL WHERE id = 1")
    found = numbers(Inbox(world.store.ledger), Filter(tab=tab), size=size)
    assert sorted(found) == sorted(filed)
    assert found[-1:] == filed[:1]


def test_tickets_are_filed_while_somebody_reads(database_url: str) -> None:
    world = make_world(database_url)
    with world.store.ledger.reading() as session:
        assert session.scalars(select(Ticket)).all() == []
        number = world.file()
        assert session.scalars(select(Ticket)).all() == [] or "postgresql" in database_url
    assert world.state(number) == "dispatched"
