"""The life of a ticket: what may happen, to which ticket, by whom; and that nothing is lost."""

from __future__ import annotations

import datetime as dt
import tempfile
from typing import Any

import pytest
from casework.world import DAY, HOUR, MONDAY, RULES, make_world
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bot.casework.errors import IllegalTransition
from bot.casework.ledger import case_of, event_of
from bot.casework.lifecycle import (
    OPEN,
    TABLE,
    Actor,
    Case,
    Event,
    EventKind,
    Role,
    TicketState,
    allowed,
    apply,
    fold,
)
from bot.casework.rates import rates, read

UNITS = ("甲街道", "乙街道")
UNTIL = (MONDAY + 30 * DAY).isoformat()
DATA: dict[str, Any] = {
    "unit": UNITS[1],
    "outcome": "reached",
    "solved": True,
    "satisfied": 5,
    "into": "261123000010",
    "due_at": UNTIL,
    "to": "督办科",
    "whistle": 1,
    "departments": ["丙局"],
    "department": "丙局",
    "incident": 1,
    "category": "fire.ebike",
    "title": "电动车",
}


def an_event(kind: EventKind, actor: Actor, at: dt.datetime = MONDAY) -> Event:
    data = {need: DATA[need] for need in TABLE[kind].needs if need != "note"}
    return Event(kind, at, actor, "理由", data)


def test_every_kind_of_event_stands_in_the_table() -> None:
    assert set(TABLE) == set(EventKind)


def test_every_state_can_be_reached() -> None:
    # RESUMED goes back to where it was, which the table can't say.
    assert {row.target for row in TABLE.values()} - {None} == set(TicketState)


def test_a_ticket_that_is_open_can_always_come_to_an_end() -> None:
    ends = set(TicketState) - OPEN
    leads = {s: {r.target for r in TABLE.values() if s in r.sources and r.target} for s in OPEN}
    leads[TicketState.SUSPENDED] |= {TicketState.ACCEPTED}
    for state in OPEN:
        reached, grown = {state}, True
        while grown:
            more = set().union(*(leads.get(one, set()) for one in reached)) - reached
            reached |= more
            grown = bool(more)
        assert reached & ends


def test_only_the_unit_that_has_a_ticket_may_accept_it() -> None:
    case = Case(TicketState.DISPATCHED, unit=UNITS[0])
    assert allowed(case, EventKind.ACCEPTED, Actor(Role.UNIT, UNITS[0]))
    assert not allowed(case, EventKind.ACCEPTED, Actor(Role.UNIT, UNITS[1]))
    assert not allowed(case, EventKind.ACCEPTED, Actor(Role.AGENT, "8001"))


def test_a_return_needs_a_reason() -> None:
    event = Event(EventKind.RETURNED, MONDAY, Actor(Role.UNIT, UNITS[0]), "  ")
    with pytest.raises(IllegalTransition, match="reason"):
        apply(Case(TicketState.DISPATCHED, unit=UNITS[0]), event)


def test_a_refusal_says_what_would_be_possible() -> None:
    with pytest.raises(IllegalTransition, match="accepted, in_progress"):
        apply(
            Case(TicketState.RECEIVED, unit=UNITS[0]),
            an_event(EventKind.RESOLVED, Actor(Role.UNIT, UNITS[0])),
        )


def test_the_clock_stands_still_while_a_ticket_is_suspended() -> None:
    due = MONDAY + DAY
    case = Case(TicketState.IN_PROGRESS, unit=UNITS[0], due_at=due)
    boss = Actor(Role.SUPERVISOR)
    case = apply(case, an_event(EventKind.SUSPENDED, boss, MONDAY))
    case = apply(case, an_event(EventKind.RESUMED, boss, MONDAY + 5 * HOUR))
    assert (case.state, case.due_at) == (TicketState.IN_PROGRESS, due + 5 * HOUR)


def test_a_life_begins_with_being_received_and_only_once() -> None:
    received = an_event(EventKind.RECEIVED, Actor(Role.BOT))
    with pytest.raises(IllegalTransition):
        fold([])
    with pytest.raises(IllegalTransition):
        fold([received, received])
    with pytest.raises(IllegalTransition):
        fold([an_event(EventKind.URGED, Actor(Role.BOT))])


def test_whoever_is_no_known_role_is_a_citizen_whose_name_is_not_kept() -> None:
    assert str(Actor.of("13800138000")) == "citizen"
    assert str(Actor.of("citizen:13800138000")) == "citizen"
    assert str(Actor.of("agent:8001")) == "agent:8001"


ACTORS = [Actor(role) for role in Role if role is not Role.UNIT]
ACTORS += [Actor(Role.UNIT, unit) for unit in UNITS]


class Life(RuleBasedStateMachine):
    """Anybody tries anything with a stored ticket, at any time."""

    @initialize(unit=st.sampled_from(UNITS))
    def begin(self, unit: str) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.world = make_world(f"sqlite:///{self.folder.name}/life.db")
        self.number = self.world.file(category="fire.ebike", unit=unit)
        self.happened = 1

    @rule(
        kind=st.sampled_from(list(EventKind)),
        actor=st.sampled_from(ACTORS),
        unit=st.sampled_from(UNITS),
        hours=st.integers(0, 60),
        satisfied=st.sampled_from([None, 1, 3, 5]),
    )
    def anything(
        self, kind: EventKind, actor: Actor, unit: str, hours: int, satisfied: int | None
    ) -> None:
        self.attempt(kind, actor, unit, hours, satisfied)

    @rule(hours=st.integers(0, 60), satisfied=st.sampled_from([None, 1, 3, 5]), data=st.data())
    def something_possible(self, hours: int, satisfied: int | None, data: st.DataObject) -> None:
        ticket = self.world.store.get(self.number)
        assert ticket is not None
        case = case_of(ticket)
        # No incident 1 is in the database, and it insists on there being one.
        kinds = [
            (kind, actor)
            for kind in EventKind
            for actor in ACTORS
            if allowed(case, kind, actor) and kind is not EventKind.INCIDENT_JOINED
        ]
        kind, actor = data.draw(st.sampled_from(kinds))
        assert self.attempt(kind, actor, data.draw(st.sampled_from(UNITS)), hours, satisfied)

    def attempt(
        self, kind: EventKind, actor: Actor, unit: str, hours: int, satisfied: int | None
    ) -> bool:
        if kind is EventKind.INCIDENT_JOINED:
            return False
        self.world.wait(hours * HOUR)
        before = self.world.store.get(self.number)
        assert before is not None
        may = allowed(case_of(before), kind, actor)
        data = {need: DATA[need] for need in TABLE[kind].needs if need != "note"}
        data |= {"unit": unit, "satisfied": satisfied}
        try:
            self.world.store.ledger.record(self.number, kind, actor, "理由", **data)
        except IllegalTransition:
            assert not may
            return False
        assert may
        self.happened += 1
        return True

    @invariant()
    def no_event_is_lost(self) -> None:
        if hasattr(self, "number"):
            rows = self.world.store.events(self.number)
            assert [row.seq for row in rows] == list(range(1, self.happened + 1))

    @invariant()
    def the_row_is_what_the_events_add_up_to(self) -> None:
        if hasattr(self, "number"):
            ticket = self.world.store.get(self.number)
            assert ticket is not None
            events = [event_of(row) for row in self.world.store.events(self.number)]
            assert case_of(ticket) == fold(events)

    @invariant()
    def the_rates_follow_from_the_events(self) -> None:
        if hasattr(self, "number"):
            events = [event_of(row) for row in self.world.store.events(self.number)]
            since, until, now = MONDAY - DAY, MONDAY + 3650 * DAY, self.world.now
            stored = read(self.world.store.ledger, since, until, now)
            assert stored == rates([(RULES.clocks, events)], since, until, now)
            for one in stored:
                assert one.returned <= one.dispatched
                assert one.responded <= one.to_respond <= one.dispatched
                assert one.satisfied <= one.judged <= one.surveyed

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.world.store.engine.dispose()
            self.folder.cleanup()


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
