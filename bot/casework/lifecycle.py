"""The life of a ticket (工单) as a written state machine: what may happen, when, and who may.

Pure. :data:`TABLE` is the whole law; :func:`fold` turns a ticket's events into its
:class:`Case`. Nothing else knows what an event does, so a ticket's row is only a cache of the
fold. Leaves to others: storing (``ledger.py``), when deadlines are (``clocks.py``), which unit
(``dispatch.py``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from bot.casework.errors import IllegalTransition


class TicketState(StrEnum):
    """Where a ticket stands."""

    RECEIVED = "received"
    """已受理: filed, no unit has it yet."""
    DISPATCHED = "dispatched"
    """已派单: a unit has it and has not answered yet."""
    ACCEPTED = "accepted"
    """已签收: the unit has taken it."""
    RETURNED = "returned"
    """退单待审: the unit says it is not its own; it stays responsible till that is approved."""
    IN_PROGRESS = "in_progress"
    """办理中."""
    RESOLVED = "resolved"
    """已办结: the unit says it is done; the citizen has not been asked yet."""
    CALLBACK = "callback"
    """回访中: the citizen is being asked."""
    CLOSED = "closed"
    """已结案."""
    REOPENED = "reopened"
    """重新办理: the citizen says it is not solved. It is its unit's again, unless a dispatcher
    sends it elsewhere."""
    MERGED = "merged"
    """已合并: goes on in another ticket."""
    SPLIT = "split"
    """已拆分: goes on in several others."""
    WITHDRAWN = "withdrawn"
    """已撤销 by the citizen."""
    SUSPENDED = "suspended"
    """挂起: its clock stands still, with a reason."""


class Role(StrEnum):
    """In what capacity somebody acts."""

    BOT = "bot"
    CITIZEN = "citizen"
    AGENT = "agent"
    DISPATCHER = "dispatcher"
    UNIT = "unit"
    SUPERVISOR = "supervisor"
    SYSTEM = "system"


class EventKind(StrEnum):
    """What can happen to a ticket."""

    RECEIVED = "received"
    DISPATCHED = "dispatched"
    ACCEPTED = "accepted"
    PROGRESSED = "progressed"
    RETURNED = "returned"
    RETURN_APPROVED = "return_approved"
    RETURN_REFUSED = "return_refused"
    RESOLVED = "resolved"
    SURVEY_TRIED = "survey_tried"
    SURVEYED = "surveyed"
    CLOSED = "closed"
    REOPENED = "reopened"
    MERGED = "merged"
    SPLIT = "split"
    WITHDRAWN = "withdrawn"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    # What changes no state.
    URGED = "urged"
    ADDED = "added"
    NOTED = "noted"
    CONTACTED = "contacted"
    EXTENSION_ASKED = "extension_asked"
    EXTENDED = "extended"
    EXTENSION_REFUSED = "extension_refused"
    DUE_SOON = "due_soon"
    OVERDUE = "overdue"
    ESCALATED = "escalated"
    WHISTLED = "whistled"
    CHECKED_IN = "checked_in"
    ACTED = "acted"
    WHISTLE_CLOSED = "whistle_closed"
    INCIDENT_JOINED = "incident_joined"
    INCIDENT_LEFT = "incident_left"
    RECATEGORISED = "recategorised"


_S, _R, _K = TicketState, Role, EventKind

#: States in which somebody still has to do something for the citizen.
OPEN = frozenset(_S) - {_S.CLOSED, _S.MERGED, _S.SPLIT, _S.WITHDRAWN}
#: States in which a unit has the ticket in hand.
AT_UNIT = frozenset({_S.DISPATCHED, _S.ACCEPTED, _S.RETURNED, _S.IN_PROGRESS, _S.REOPENED})
#: States in which the clock runs.
RUNNING = AT_UNIT | {_S.RECEIVED}
_ANY = frozenset(_S)
_BEFORE_RESULT = RUNNING | {_S.SUSPENDED}
_DESK = frozenset({_R.AGENT, _R.DISPATCHER, _R.SUPERVISOR})
_REVIEW = frozenset({_R.DISPATCHER, _R.SUPERVISOR})
_FRONT = frozenset({_R.BOT, _R.CITIZEN, _R.AGENT, _R.SUPERVISOR})


@dataclass(frozen=True, slots=True)
class Transition:
    """A row of the table."""

    sources: frozenset[TicketState]
    """States in which it may happen; empty: only as the first event."""
    target: TicketState | None
    """State afterwards; None: the same as before."""
    roles: frozenset[Role]
    own: bool = False
    """A unit may do it only to a ticket that is its own."""
    needs: tuple[str, ...] = ()
    """What must be said with it; ``note`` is the reason in words, others are in ``data``."""


def _row(
    sources: Iterable[TicketState],
    target: TicketState | None,
    roles: Iterable[Role],
    *needs: str,
    own: bool = False,
) -> Transition:
    return Transition(frozenset(sources), target, frozenset(roles), own, needs)


#: What may happen, from which states, to which state, by whom, saying what.
TABLE: Mapping[EventKind, Transition] = {
    _K.RECEIVED: _row((), _S.RECEIVED, {*_FRONT, _R.SYSTEM}),
    _K.DISPATCHED: _row(
        (_S.RECEIVED, _S.REOPENED), _S.DISPATCHED, {*_DESK, _R.BOT, _R.SYSTEM}, "unit"
    ),
    _K.ACCEPTED: _row((_S.DISPATCHED, _S.REOPENED), _S.ACCEPTED, {_R.UNIT}, own=True),
    _K.PROGRESSED: _row((_S.ACCEPTED, _S.IN_PROGRESS), _S.IN_PROGRESS, {_R.UNIT}, "note", own=True),
    _K.RETURNED: _row((_S.DISPATCHED, _S.ACCEPTED), _S.RETURNED, {_R.UNIT}, "note", own=True),
    _K.RETURN_APPROVED: _row((_S.RETURNED,), _S.DISPATCHED, _REVIEW, "unit"),
    _K.RETURN_REFUSED: _row((_S.RETURNED,), _S.DISPATCHED, _REVIEW, "note"),
    _K.RESOLVED: _row((_S.ACCEPTED, _S.IN_PROGRESS), _S.RESOLVED, {_R.UNIT}, "note", own=True),
    _K.SURVEY_TRIED: _row(
        (_S.RESOLVED, _S.CALLBACK), _S.CALLBACK, {_R.BOT, _R.AGENT, _R.SYSTEM}, "outcome"
    ),
    _K.SURVEYED: _row((_S.RESOLVED, _S.CALLBACK), _S.CALLBACK, _FRONT, "solved"),
    _K.CLOSED: _row((_S.RESOLVED, _S.CALLBACK), _S.CLOSED, {*_FRONT, _R.SYSTEM}),
    _K.REOPENED: _row((_S.RESOLVED, _S.CALLBACK, _S.CLOSED), _S.REOPENED, _FRONT, "note"),
    _K.MERGED: _row(RUNNING, _S.MERGED, _DESK, "into"),
    _K.SPLIT: _row(RUNNING, _S.SPLIT, _DESK, "into"),
    _K.WITHDRAWN: _row(_BEFORE_RESULT, _S.WITHDRAWN, {_R.BOT, _R.CITIZEN, _R.AGENT}),
    _K.SUSPENDED: _row((_S.ACCEPTED, _S.IN_PROGRESS), _S.SUSPENDED, _REVIEW, "note"),
    _K.RESUMED: _row((_S.SUSPENDED,), None, {*_REVIEW, _R.SYSTEM}),
    _K.URGED: _row(OPEN, None, _FRONT),
    _K.ADDED: _row(OPEN, None, {*_FRONT, _R.SYSTEM}, "note"),
    _K.NOTED: _row(_ANY, None, {*_DESK, _R.UNIT, _R.SYSTEM}, "note"),
    _K.CONTACTED: _row(AT_UNIT - {_S.RETURNED}, None, {_R.UNIT, _R.AGENT}, "outcome", own=True),
    _K.EXTENSION_ASKED: _row(
        (_S.DISPATCHED, _S.ACCEPTED, _S.IN_PROGRESS), None, {_R.UNIT}, "note", "due_at", own=True
    ),
    _K.EXTENDED: _row(RUNNING, None, _REVIEW, "due_at"),
    _K.EXTENSION_REFUSED: _row(RUNNING, None, _REVIEW, "note"),
    _K.DUE_SOON: _row(RUNNING, None, {_R.SYSTEM}),
    _K.OVERDUE: _row(RUNNING, None, {_R.SYSTEM}),
    _K.ESCALATED: _row(RUNNING, None, {_R.SYSTEM, _R.SUPERVISOR}, "to"),
    _K.WHISTLED: _row(
        (_S.ACCEPTED, _S.IN_PROGRESS), None, {_R.UNIT}, "note", "whistle", "departments", own=True
    ),
    _K.CHECKED_IN: _row(_ANY, None, {_R.UNIT}, "whistle", "department"),
    _K.ACTED: _row(_ANY, None, {_R.UNIT}, "note", "whistle", "department"),
    _K.WHISTLE_CLOSED: _row(_ANY, None, {_R.UNIT, _R.SUPERVISOR}, "note", "whistle", own=True),
    _K.INCIDENT_JOINED: _row(OPEN, None, {*_DESK, _R.SYSTEM}, "incident"),
    _K.INCIDENT_LEFT: _row(_ANY, None, {*_DESK, _R.SYSTEM}, "incident"),
    _K.RECATEGORISED: _row(RUNNING, None, _DESK, "category", "title"),
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and in what capacity."""

    role: Role
    name: str = ""
    """An agent's extension, a unit's name; never a citizen's name or number."""

    def __str__(self) -> str:
        """Write it as the event row does: ``agent:8001``."""
        return f"{self.role}:{self.name}" if self.name else str(self.role)

    @classmethod
    def of(cls, written: str | Actor) -> Actor:
        """Read ``agent:8001`` or ``bot``; whatever has no known role is a citizen, unnamed."""
        if isinstance(written, Actor):
            return written
        role, _, name = written.partition(":")
        try:
            return cls(Role(role), name if Role(role) is not Role.CITIZEN else "")
        except ValueError:
            return cls(Role.CITIZEN)


BOT, SYSTEM, CITIZEN = Actor(Role.BOT), Actor(Role.SYSTEM), Actor(Role.CITIZEN)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a ticket."""

    kind: EventKind
    at: dt.datetime
    """UTC, aware."""
    actor: Actor
    note: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    """JSON; times in it are ISO 8601 in UTC."""


@dataclass(frozen=True, slots=True)
class Case:
    """All that a ticket's events add up to. The ticket's row caches every field of it."""

    state: TicketState = TicketState.RECEIVED
    version: int = 0
    """Number of its events."""
    category: str = ""
    title: str = ""
    unit: str = ""
    """Responsible now; before dispatch the one that is proposed."""
    first_unit: str = ""
    """The first that it was dispatched to (首接)."""
    due_at: dt.datetime | None = None
    """When it must be resolved."""
    clock_from: dt.datetime | None = None
    """Since when that time runs: filing, or the last reopening."""
    noticed: int = 0
    """0: nothing; 1: told that it is due soon; 2: overdue; 3 and more: steps of escalation."""
    urged: int = 0
    returns: int = 0
    """Approved returns."""
    reopened: int = 0
    changed_at: dt.datetime | None = None
    dispatched_at: dt.datetime | None = None
    """Last time."""
    resolved_at: dt.datetime | None = None
    closed_at: dt.datetime | None = None
    """When it came to an end, of whatever sort."""
    suspended_from: TicketState | None = None
    suspended_at: dt.datetime | None = None
    extension_to: dt.datetime | None = None
    """An extension that waits for approval."""
    incident_id: int | None = None
    into: str = ""
    """Number of the ticket that it was merged into."""


def allowed(case: Case | None, kind: EventKind, actor: Actor) -> bool:
    """Tell whether ``actor`` may do this to a ticket (None: one that is not there yet)."""
    return not _refusal(case, kind, actor)


def apply(case: Case | None, event: Event) -> Case:
    """Return what a ticket becomes by an event.

    Raises:
        IllegalTransition: the table does not allow it; the message says why.
    """
    why = _refusal(case, event.kind, event.actor) or _lacking(event)
    if why:
        raise IllegalTransition(why)
    before = case or Case()
    state = TABLE[event.kind].target or before.state
    after = replace(before, state=state, version=before.version + 1, changed_at=event.at)
    return _effect(_suspension(before, after, event), event)


def fold(events: Iterable[Event]) -> Case:
    """Return what a ticket's events add up to, from the first on.

    Raises:
        IllegalTransition: they can't all have happened in that order, or there are none.
    """
    case: Case | None = None
    for event in events:
        case = apply(case, event)
    if case is None:
        raise IllegalTransition("A ticket begins with being received; there is no event at all.")
    return case


def moment(data: Mapping[str, Any], key: str) -> dt.datetime | None:
    """Return a time that an event carries, aware and in UTC."""
    written = data.get(key)
    return dt.datetime.fromisoformat(written).astimezone(dt.UTC) if written else None


def _refusal(case: Case | None, kind: EventKind, actor: Actor) -> str:
    row = TABLE[kind]
    if actor.role not in row.roles:
        may = ", ".join(sorted(row.roles))
        return f"A {actor.role} may not record “{kind}”; one of these may: {may}."
    if (case is None) != (not row.sources):
        return f"“{kind}” and the beginning of a ticket do not go together."
    if case is None:
        return ""
    if case.state not in row.sources:
        may = ", ".join(sorted(row.sources))
        return f"“{kind}” is not possible for a ticket that is {case.state}; it must be: {may}."
    if row.own and actor.role is Role.UNIT and actor.name != case.unit:
        return f"“{kind}” is for the unit that has the ticket ({case.unit}), not {actor.name}."
    return ""


def _lacking(event: Event) -> str:
    for need in TABLE[event.kind].needs:
        there = event.note.strip() if need == "note" else event.data.get(need)
        if there is None or there == "" or there == []:
            what = "a reason in words" if need == "note" else f"“{need}”"
            return f"“{event.kind}” needs {what}."
    return ""


def _effect(case: Case, event: Event) -> Case:
    """What an event changes besides the state."""
    data, at = event.data, event.at
    match event.kind:
        case EventKind.RECEIVED:
            return replace(
                case,
                category=data.get("category", ""),
                title=data.get("title", ""),
                unit=data.get("unit", ""),
                due_at=moment(data, "due_at"),
                clock_from=at,
            )
        case EventKind.RECATEGORISED:
            return replace(case, category=data["category"], title=data["title"])
        case EventKind.DISPATCHED:
            unit = str(data["unit"])
            first = case.first_unit or unit
            return replace(case, unit=unit, first_unit=first, dispatched_at=at)
        case EventKind.RETURN_APPROVED:
            returns = case.returns + 1
            return replace(case, unit=str(data["unit"]), returns=returns, dispatched_at=at)
        case EventKind.RESOLVED:
            return replace(case, resolved_at=at, extension_to=None)
        case EventKind.REOPENED:
            fresh = replace(case, reopened=case.reopened + 1, resolved_at=None, closed_at=None)
            due_at = moment(data, "due_at") or case.due_at
            return replace(fresh, due_at=due_at, clock_from=at, noticed=0)
        case EventKind.CLOSED | EventKind.WITHDRAWN | EventKind.SPLIT:
            return replace(case, closed_at=at)
        case EventKind.MERGED:
            return replace(case, closed_at=at, into=str(data["into"]))
        case EventKind.URGED:
            return replace(case, urged=case.urged + 1)
        case EventKind.EXTENSION_ASKED:
            return replace(case, extension_to=moment(data, "due_at"))
        case EventKind.EXTENDED:
            return replace(case, due_at=moment(data, "due_at"), extension_to=None, noticed=0)
        case EventKind.EXTENSION_REFUSED:
            return replace(case, extension_to=None)
        case EventKind.DUE_SOON | EventKind.OVERDUE | EventKind.ESCALATED:
            return replace(case, noticed=int(data.get("noticed", case.noticed)))
        case EventKind.INCIDENT_JOINED:
            return replace(case, incident_id=int(data["incident"]))
        case EventKind.INCIDENT_LEFT:
            return replace(case, incident_id=None)
    return case


def _suspension(before: Case, after: Case, event: Event) -> Case:
    """What suspending and resuming change: the clock stands still in between."""
    if event.kind is EventKind.SUSPENDED:
        return replace(after, suspended_from=before.state, suspended_at=event.at)
    if event.kind is EventKind.RESUMED and before.suspended_at and before.suspended_from:
        due = before.due_at and before.due_at + (event.at - before.suspended_at)
        back = before.suspended_from
        return replace(after, state=back, due_at=due, suspended_from=None, suspended_at=None)
    return after
