"""The ledger of tickets: every change is an event, written together with what it changes.

The only place that writes events and the cached columns of a ticket's row. Leaves to others:
what may happen (``lifecycle.py``) and every reason to write something.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import fields
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from bot.casework.deadlines import due
from bot.casework.deliveries import enqueue
from bot.casework.errors import Conflict, UnknownTicket, told
from bot.casework.lifecycle import Actor, Case, Event, EventKind, TicketState, apply
from bot.casework.models import Ticket, TicketEvent
from bot.casework.rules import RuleBook, Rules
from bot.casework.storage import READING

Clock = Callable[[], dt.datetime]
_CACHED = tuple(field.name for field in fields(Case))
#: SQLSTATEs of PostgreSQL: a serialisation failure and a deadlock. Nothing was changed.
_BEATEN = ("40001", "40P01")
_STATES = ("state", "suspended_from")


def utc_now() -> dt.datetime:
    """Return the time, aware and in UTC."""
    return dt.datetime.now(dt.UTC)


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """Do all or nothing.

    Raises:
        Conflict: somebody changed the same ticket meanwhile.
        CaseworkError: the database cannot be used.
    """
    try:
        with Session(engine, expire_on_commit=False) as session, session.begin():
            yield session
    except StaleDataError as error:
        raise Conflict(
            "Somebody changed this ticket at the same moment. Look at it again and repeat."
        ) from error
    except SQLAlchemyError as error:
        if getattr(getattr(error, "orig", None), "sqlstate", "") in _BEATEN:
            raise Conflict("Somebody was faster with the same tickets: repeat.") from error
        raise told(error) from error


class Ledger:
    """Events of tickets in SQL. Thread-safe; any number of processes may share a database."""

    def __init__(
        self, engine: Engine, clock: Clock = utc_now, rules: Callable[[], RuleBook] = dict
    ) -> None:
        """``rules`` gives those in force now; a reloaded pack brings new ones."""
        self.engine = engine
        self.now = clock
        self._rules = rules

    @property
    def rules(self) -> Rules:
        """The rules of the main pack: for what belongs to no ticket."""
        return next(iter(self._rules().values()), None) or Rules()

    def rules_of(self, pack: str) -> Rules:
        """Return the rules of the pack that a ticket was filed in.

        A ticket whose pack the line does not serve any more goes by the main pack's.
        """
        return self._rules().get(pack) or self.rules

    @property
    def all_rules(self) -> tuple[Rules, ...]:
        """The rules of every pack, the main one first."""
        return tuple(self._rules().values()) or (Rules(),)

    def deadline(self, ticket: Ticket) -> dt.datetime:
        """Return when a ticket must be resolved if its time begins now."""
        clocks = self.rules_of(ticket.pack).clocks
        return due(clocks, clocks.limit(ticket.category, ticket.urgency), self.now())

    def transaction(self) -> AbstractContextManager[Session]:
        """Do all or nothing: see :func:`transaction`."""
        return transaction(self.engine)

    def reading(self) -> AbstractContextManager[Session]:
        """Read, and write nothing: on SQLite, others go on writing meanwhile."""
        return transaction(self.engine.execution_options(**{READING: True}))

    def take(self, session: Session, number: str, expected: int | None = None) -> Ticket:
        """Return a ticket to be changed; others who want to change it wait.

        Args:
            session: of a transaction.
            number: of the ticket.
            expected: version that the decision was made on; None when any will do.

        Raises:
            UnknownTicket: there is none.
            Conflict: it is not of that version any more.
        """
        ticket = session.scalar(select(Ticket).where(Ticket.number == number).with_for_update())
        if ticket is None:
            raise UnknownTicket(f"There is no ticket {number}. Check the number.")
        if expected is not None and ticket.version != expected:
            raise Conflict(
                f"Ticket {number} was changed meanwhile (version {ticket.version}, not "
                f"{expected}). Look at it again and repeat."
            )
        return ticket

    def write(
        self,
        session: Session,
        ticket: Ticket,
        kind: EventKind,
        actor: Actor,
        note: str = "",
        *,
        at: dt.datetime | None = None,
        **data: Any,
    ) -> Event:
        """Record what happened to a ticket, now or ``at``. Moments in ``data`` become ISO 8601.

        Raises:
            IllegalTransition: it may not happen now, or not by that actor.
        """
        plain = {key: _plain(value) for key, value in data.items()}
        event = Event(kind, at or self.now(), actor, note, plain)
        case = apply(case_of(ticket) if ticket.version else None, event)
        for name in _CACHED:
            setattr(ticket, name, getattr(case, name))
        session.add(ticket)
        session.flush()
        row = TicketEvent(
            ticket_id=ticket.id,
            seq=case.version,
            at=event.at,
            kind=kind.value,
            actor=str(actor),
            note=note,
            data=plain,
        )
        session.add(row)
        session.flush()
        enqueue(session, ticket, row.id, event.at)
        return event

    def record(
        self,
        number: str,
        kind: EventKind,
        by: str | Actor,
        note: str = "",
        *,
        expected: int | None = None,
        **data: Any,
    ) -> int:
        """Record one thing in a transaction of its own; return the ticket's new version.

        Raises:
            UnknownTicket, Conflict, IllegalTransition, CaseworkError: as said there.
        """
        with self.transaction() as session:
            ticket = self.take(session, number, expected)
            self.write(session, ticket, kind, Actor.of(by), note, **data)
            return ticket.version


def case_of(ticket: Ticket) -> Case:
    """Return the cached sum of a ticket's events."""
    values = {name: getattr(ticket, name) for name in _CACHED}
    for name in _STATES:
        values[name] = TicketState(values[name]) if values[name] else None
    return Case(**values)


def event_of(row: TicketEvent) -> Event:
    """Return a stored event as the lifecycle knows it."""
    return Event(EventKind(row.kind), row.at, Actor.of(row.actor), row.note, row.data)


def events_of(session: Session, ticket_ids: Sequence[int]) -> Mapping[int, list[Event]]:
    """Return the events of some tickets, each oldest first."""
    found: dict[int, list[Event]] = {id: [] for id in ticket_ids}
    one = TicketEvent
    query = select(one.ticket_id, one.kind, one.at, one.actor, one.note, one.data)
    query = query.where(one.ticket_id.in_(ticket_ids)).order_by(one.ticket_id, one.seq)
    for ticket_id, kind, at, actor, note, data in session.execute(query):
        found[ticket_id].append(Event(EventKind(kind), at, Actor.of(actor), note, data))
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    return list(value) if isinstance(value, tuple) else value
