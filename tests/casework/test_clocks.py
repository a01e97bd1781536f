"""Deadlines over nights, weekends and holidays, worked out by hand; and what is said when."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from zoneinfo import ZoneInfo

import pytest
from casework.world import DAY, HOUR, MONDAY, World
from hypothesis import given
from hypothesis import strategies as st

from bot.casework.clocks import Clock
from bot.casework.deadlines import (
    ClockRules,
    Limit,
    due,
    is_certain,
    is_working_day,
    uncertain_year,
)
from bot.casework.errors import IllegalTransition
from bot.casework.notices import Notices

CHINA = ClockRules()


def beijing(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> dt.datetime:
    zone = dt.timezone(8 * HOUR)
    return dt.datetime(year, month, day, hour, minute, tzinfo=zone)


def last_second(year: int, month: int, day: int) -> dt.datetime:
    return beijing(year, month, day) + DAY - dt.timedelta(seconds=1)


def test_hours_run_through_the_night_and_the_holiday() -> None:
    assert due(CHINA, Limit(24), beijing(2026, 10, 1, 9)) == beijing(2026, 10, 2, 9)


def test_working_days_go_around_the_national_holiday_and_count_days_worked_in_exchange() -> None:
    # 2026: 1 to 7 October off (Thursday to Wednesday); Saturday 10 October is worked for it.
    # Filed on Tuesday 29 September. 1st working day: 30 September; 2nd to 4th: 8, 9 and 10.
    filed = beijing(2026, 9, 29, 15)
    assert due(CHINA, Limit(4 * 24, working=True), filed) == last_second(2026, 10, 10)
    # The 5th is Monday 12 October, since Sunday 11 is off.
    assert due(CHINA, Limit(5 * 24, working=True), filed) == last_second(2026, 10, 12)


def test_the_day_of_filing_does_not_count_however_early_it_is() -> None:
    one = Limit(24, working=True)
    assert due(CHINA, one, beijing(2026, 11, 23, 0, 1)) == last_second(2026, 11, 24)
    assert due(CHINA, one, beijing(2026, 11, 23, 23, 59)) == last_second(2026, 11, 24)


def test_days_are_those_of_the_city_and_not_of_the_server() -> None:
    # 23 November, 17:00 UTC, is the 24th in Beijing.
    filed = dt.datetime(2026, 11, 23, 17, tzinfo=dt.UTC)
    assert due(CHINA, Limit(24, working=True), filed) == last_second(2026, 11, 25)


def test_a_part_of_a_day_is_a_working_day() -> None:
    assert due(CHINA, Limit(30, working=True), MONDAY) == last_second(2026, 11, 25)


def test_a_year_whose_notice_is_not_known_has_weekends_and_fixed_holidays_and_says_so() -> None:
    beyond = dt.date(2040, 1, 2)  # a Monday
    assert is_certain(CHINA, dt.date(2026, 12, 31))
    assert not is_certain(CHINA, beyond)
    assert is_working_day(CHINA, beyond)
    assert not is_working_day(CHINA, dt.date(2040, 1, 1))
    assert not is_working_day(CHINA, dt.date(2040, 10, 3))
    assert not is_working_day(CHINA, dt.date(2040, 1, 7))


def test_the_pack_can_say_what_the_package_does_not_know_yet() -> None:
    rules = ClockRules(rest=frozenset({dt.date(2040, 1, 2)}), work=frozenset({dt.date(2040, 1, 7)}))
    assert not is_working_day(rules, dt.date(2040, 1, 2))
    assert is_working_day(rules, dt.date(2040, 1, 7))
    assert is_certain(rules, dt.date(2040, 5, 1))


def test_next_year_s_statutory_days_are_off_though_its_notice_is_not_out() -> None:
    # 2027 by the lunisolar calendar: the Spring Festival is Saturday 6 February, with its eve.
    off = [(2, 5), (2, 8), (4, 5), (6, 9), (9, 15), (5, 1), (10, 1)]
    assert not any(is_working_day(CHINA, dt.date(2027, *day)) for day in off)
    # Filed on Thursday 4 February: the next working day is Tuesday the 9th.
    assert due(CHINA, Limit(24, working=True), beijing(2027, 2, 4)) == last_second(2027, 2, 9)
    assert not is_certain(CHINA, dt.date(2027, 2, 4))


def test_a_deadline_over_the_end_of_the_known_years_is_found_on_both_sides() -> None:
    # Thursday 31 December 2026 is worked; 1 January 2027 is off, and then there is a weekend.
    filed = beijing(2026, 12, 30, 9)
    assert due(CHINA, Limit(2 * 24, working=True), filed) == last_second(2027, 1, 4)


@pytest.mark.parametrize(
    ("today", "year"), [((2026, 10, 31), None), ((2026, 11, 30), 2027), ((2027, 3, 1), 2027)]
)
def test_it_is_said_in_time_that_a_year_is_not_known(
    today: tuple[int, int, int], year: int | None
) -> None:
    assert uncertain_year(CHINA, dt.date(*today)) == year
    assert uncertain_year(ClockRules(china=False), dt.date(*today)) is None


def test_elsewhere_only_weekends_are_off() -> None:
    rules = ClockRules(china=False)
    assert is_working_day(rules, dt.date(2026, 10, 1))
    assert not is_working_day(rules, dt.date(2026, 10, 10))


@given(
    st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2026, 9, 1), timezones=st.just(dt.UTC)),
    st.integers(1, 40),
)
def test_a_deadline_in_working_days_ends_a_working_day_with_so_many_since(
    start: dt.datetime, days: int
) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    end = due(CHINA, Limit(24 * days, working=True), start).astimezone(zone)
    first = start.astimezone(zone).date()
    between = [first + n * DAY for n in range(1, (end.date() - first).days + 1)]
    assert sum(is_working_day(CHINA, day) for day in between) == days
    assert is_working_day(CHINA, end.date())
    assert end.time() == dt.time(23, 59, 59)


# --- the clock ---------------------------------------------------------------------------


def high(world: World) -> str:
    """A ticket that is due after 24 hours, in the hands of its unit."""
    return world.file(urgency="high")


def test_a_unit_is_reminded_once_when_a_quarter_of_the_time_is_left(world: World) -> None:
    number, clock = high(world), Clock(world.store.ledger)
    world.wait(17 * HOUR)
    assert clock.tick().reminded == 0
    world.wait(HOUR)
    assert clock.tick().reminded == 1
    assert clock.tick().reminded == 0
    assert world.kinds(number) == ["received", "dispatched", "due_soon"]
    [notice] = Notices(world.store.engine).unsent("unit")
    assert notice.recipient == "市自来水集团"
    assert "11月24日09:00到期" in notice.text


def test_who_is_told_of_an_overdue_ticket_rises_with_time(world: World) -> None:
    number, clock = high(world), Clock(world.store.ledger)
    for hours, escalated in ((24, 0), (24, 1), (47, 0), (1, 1), (500, 0)):
        world.wait(hours * HOUR)
        assert clock.tick().escalated == escalated
    assert world.kinds(number)[2:] == ["overdue", "escalated", "escalated"]
    told = [one.recipient for one in Notices(world.store.engine).unsent()]
    assert told == ["市自来水集团", "督办科", "分管领导"]


def test_a_clock_that_was_off_says_all_that_is_late_but_no_reminder(world: World) -> None:
    number = high(world)
    world.wait(200 * HOUR)
    ticked = Clock(world.store.ledger).tick()
    assert (ticked.reminded, ticked.overdue, ticked.escalated) == (0, 1, 2)
    assert world.kinds(number)[2:] == ["overdue", "escalated", "escalated"]


def test_clocks_of_several_nodes_at_once_say_everything_once(world: World) -> None:
    numbers = [world.file(urgency="high", text=f"第{n}件", place=f"地点{n}") for n in range(8)]
    world.wait(30 * HOUR)
    with ThreadPoolExecutor(4) as pool:
        ticked = list(pool.map(lambda _: Clock(world.store.ledger).tick(), range(4)))
    assert sum(one.overdue for one in ticked) == len(numbers)
    assert all(world.kinds(number)[2:] == ["overdue"] for number in numbers)
    assert len(Notices(world.store.engine).unsent()) == len(numbers)


def test_nothing_is_said_of_a_ticket_that_is_resolved(world: World) -> None:
    number = high(world)
    world.handling.accept(number, "unit:市自来水集团")
    world.handling.resolve(number, "unit:市自来水集团", "已修好")
    world.wait(200 * HOUR)
    assert Clock(world.store.ledger).tick().overdue == 0


def test_an_extension_that_is_granted_moves_the_deadline_and_starts_the_clock_anew(
    world: World,
) -> None:
    number, clock, unit = high(world), Clock(world.store.ledger), "unit:市自来水集团"
    world.wait(20 * HOUR)
    clock.tick()
    until = MONDAY + 72 * HOUR
    world.handling.ask_extension(number, unit, until, "等待配件")
    world.handling.extend(number, "supervisor:王", "同意")
    ticket = world.store.get(number)
    assert ticket is not None
    assert (ticket.due_at, ticket.extension_to) == (until, None)
    world.wait(10 * HOUR)
    assert clock.tick().overdue == 0


def test_an_extension_that_is_refused_changes_nothing(world: World) -> None:
    number = high(world)
    unit = "unit:市自来水集团"
    world.handling.ask_extension(number, unit, MONDAY + 72 * HOUR, "等待配件")
    world.handling.refuse_extension(number, "supervisor:王", "理由不充分")
    ticket = world.store.get(number)
    assert ticket is not None
    assert (ticket.due_at, ticket.extension_to) == (MONDAY + DAY, None)
    with pytest.raises(IllegalTransition, match="No extension"):
        world.handling.extend(number, "supervisor:王")


def test_a_unit_can_not_grant_its_own_extension(world: World) -> None:
    number, unit = high(world), "unit:市自来水集团"
    world.handling.ask_extension(number, unit, MONDAY + 72 * HOUR, "等待配件")
    with pytest.raises(IllegalTransition, match="supervisor"):
        world.handling.extend(number, unit)


def test_a_reopened_ticket_has_a_new_deadline(world: World) -> None:
    number, unit = high(world), "unit:市自来水集团"
    world.handling.accept(number, unit)
    world.handling.resolve(number, unit, "已修好")
    world.wait(20 * HOUR)
    world.handling.reopen(number, "agent:8001", "又停水了")
    ticket = world.store.get(number)
    assert ticket is not None
    assert ticket.due_at == MONDAY + 44 * HOUR
    world.wait(17 * HOUR)
    assert Clock(world.store.ledger).tick().reminded == 0
