"""Tickets (工单) for those who talk to citizens: filed, looked up, urged, added to, withdrawn.

Stored before the number is spoken, never filed twice. Leaves to others: what staff do with
them (``handling.py``), how events are written (``ledger.py``), the tables (``models.py``).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, func, or_, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from bot.casework.deadlines import due
from bot.casework.dispatch import decide
from bot.casework.drafts import Drafts
from bot.casework.errors import (
    CaseworkError,
    Conflict,
    IllegalTransition,
    UnknownTicket,
    told,
)
from bot.casework.ledger import Clock, Ledger, utc_now
from bot.casework.lifecycle import BOT, OPEN, Actor, EventKind, Role, TicketState
from bot.casework.models import Ticket, TicketEvent
from bot.casework.rules import RuleBook
from bot.casework.storage import open_engine, wait_in_line
from bot.casework.versions import prepare
from bot.casework.wording import NEXT_STEPS

__all__ = [
    "CaseworkError",
    "Conflict",
    "IllegalTransition",
    "Receipt",
    "TicketState",
    "TicketStore",
    "TicketSummary",
    "UnknownTicket",
    "check_digit",
    "ticket_number",
]

#: Tries to get a serial number of its own; two nodes may reach for the same one.
TRIES = 50
#: Who files by which channel, as the event says it; other channels are citizens themselves.
FILERS = {"phone": BOT, "agent": Actor(Role.AGENT)}


@dataclass(frozen=True, slots=True)
class TicketSummary:
    """A ticket in short, for telling somebody how it stands."""

    number: str
    title: str
    category: str
    place: str
    state: TicketState
    unit: str
    filed_at: dt.datetime
    due_at: dt.datetime | None
    """UTC; None only for tickets of before there were deadlines."""
    urged: int
    """How often the citizen has asked to hurry."""
    text: str
    next_step: str
    """Chinese, to be said as it is: 承办单位已签收，正在处理."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a citizen gets to keep when a ticket has been filed."""

    number: str
    title: str
    unit: str
    filed_at: dt.datetime
    due_at: dt.datetime | None
    message: str
    """Chinese, for an SMS. It says nothing of what the ticket is about but its title."""


def check_digit(digits: str) -> str:
    """Return the Luhn check digit of ``digits`` (ISO/IEC 7812-1, annex B).

    It catches any one wrong digit and nearly all swaps of neighbours, which is what goes
    wrong when a number is read out on the phone.
    """
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def ticket_number(day: str, serial: int) -> str:
    """Return the number told to the citizen: ``yymmdd``, five digits, a check digit."""
    digits = f"{day}{serial:05d}"
    return digits + check_digit(digits)


class TicketStore:
    """Tickets in SQL. Thread-safe; any number of processes may share a database."""

    def __init__(
        self,
        database: str | Engine,
        clock: Clock = utc_now,
        rules: Callable[[], RuleBook] = dict,
    ) -> None:
        self.engine = open_engine(database) if isinstance(database, str) else database
        self.ledger = Ledger(self.engine, clock, rules)
        self.drafts = Drafts(self.ledger, self.file)

    def create_schema(self) -> None:
        """Make the tables of an empty database; refuse one of another version.

        Raises:
            CaseworkError: the database cannot be used, or is of another version.
        """
        prepare(self.engine)

    # --- filing ------------------------------------------------------------------------

    def file(
        self,
        *,
        call_id: str,
        category: str,
        title: str,
        text: str,
        place: str = "",
        unit: str = "",
        urgency: str = "normal",
        caller: str = "",
        since: str = "",
        phone: str = "",
        pack: str = "",
        channel: str = "phone",
        confidence: float = 1.0,
        details: Mapping[str, Any] | None = None,
        by: str | Actor = "",
        parent_id: int | None = None,
    ) -> str:
        """Store a ticket and return its number. The same request of a call is filed once.

        Args:
            call_id: of the call, or whatever the request came by.
            category: id of the category.
            title: of the category, for people.
            text: what the citizen said.
            place: where, as said.
            unit: name of the unit to propose when the rules know none.
            urgency: ``low``, ``normal``, ``high`` or ``urgent``.
            caller: calling number, "" when withheld.
            since: since when, as said.
            phone: number left to be called back on.
            pack: short name of the pack.
            channel: ``phone``, ``web``, ``sms``, ``agent``, ``open311`` …
            confidence: 0 to 1, that it is of this category.
            details: whatever else was asked, by name.
            by: who files it; by default who the channel says.
            parent_id: id of the ticket that it is split from.

        Raises:
            CaseworkError: it could not be stored.
        """
        request = hashlib.sha256("\0".join((call_id, category, text)).encode()).hexdigest()
        where = self.ledger.rules_of(pack).locate(place)
        fields = {
            "request": request,
            "call_id": call_id,
            "category": category,
            "title": title,
            "text": text,
            "place": place,
            "district": where.district,
            "street": where.street,
            "unit": unit,
            "urgency": urgency,
            "caller": caller,
            "since": since,
            "phone": phone,
            "pack": pack,
            "channel": channel,
            "confidence": confidence,
            "details": dict(details or {}),
            "parent_id": parent_id,
        }
        actor = Actor.of(by) if by else FILERS.get(channel, Actor(Role.CITIZEN))
        try:
            for _ in range(TRIES):
                try:
                    return self._file(fields, actor)
                except IntegrityError:
                    # Somebody took the serial number, or this very request is there already.
                    known = self._number_of(request)
                    if known:
                        return known
        except SQLAlchemyError as error:
            raise told(error) from error
        raise CaseworkError("No free ticket number was found; too many tickets at once.")

    def _file(self, fields: dict[str, Any], actor: Actor) -> str:
        ledger, now = self.ledger, self.ledger.now()
        rules = ledger.rules_of(fields["pack"])
        day = now.astimezone(ZoneInfo(rules.clocks.zone)).strftime("%y%m%d")
        limit = rules.clocks.limit(fields["category"], fields["urgency"])
        decision = decide(
            rules.dispatch,
            fields["category"],
            rules.locate(fields["place"]),
            fields["confidence"],
            proposed=fields["unit"],
        )
        with Session(self.engine) as session, session.begin():
            wait_in_line(session, f"tickets {day}")
            last = session.scalar(select(func.max(Ticket.serial)).where(Ticket.day == day))
            serial = (last or 0) + 1
            number = ticket_number(day, serial)
            ticket = Ticket(number=number, day=day, serial=serial, filed_at=now, **fields)
            ledger.write(
                session,
                ticket,
                EventKind.RECEIVED,
                actor,
                at=now,
                category=fields["category"],
                title=fields["title"],
                unit=decision.unit,
                due_at=due(rules.clocks, limit, now),
            )
            if decision.automatic:
                why = {"to": decision.to, "automatic": True}
                ledger.write(
                    session,
                    ticket,
                    EventKind.DISPATCHED,
                    Actor(Role.SYSTEM),
                    decision.why,
                    at=now,
                    unit=decision.unit,
                    **why,
                )
            return number

    def _number_of(self, request: str) -> str | None:
        with Session(self.engine) as session:
            return session.scalar(select(Ticket.number).where(Ticket.request == request))

    def receipt(self, number: str) -> Receipt:
        """Return what the citizen gets to keep.

        Raises:
            UnknownTicket: there is none of that number.
            CaseworkError: the database cannot be read.
        """
        ticket = self._known(number)
        zone = ZoneInfo(self.ledger.rules_of(ticket.pack).clocks.zone)
        until = ""
        if ticket.due_at:
            local = ticket.due_at.astimezone(zone)
            until = f"，预计{local.month}月{local.day}日{local.hour}时前办结"
        message = f"您反映的“{ticket.title}”已登记，工单号{number}{until}。可凭工单号查询进度。"
        return Receipt(number, ticket.title, ticket.unit, ticket.filed_at, ticket.due_at, message)

    def keep_draft(self, call_id: str, fields: Mapping[str, Any], caller: str = "") -> int:
        """Keep what a caller who hung up had said; see :class:`drafts.Drafts`."""
        return self.drafts.keep(call_id, fields, caller)

    # --- looking -----------------------------------------------------------------------

    def get(self, number: str) -> Ticket | None:
        """Return the ticket with that number, None if there is none.

        Raises:
            CaseworkError: the database cannot be read.
        """
        return next(iter(self.select(Ticket.number == number)), None)

    def newest(self, count: int = 50) -> list[Ticket]:
        """Return the newest tickets, newest first.

        Raises:
            CaseworkError: the database cannot be read.
        """
        return self.select(limit=count)

    def select(self, *where: Any, limit: int | None = None) -> list[Ticket]:
        """Return tickets by conditions on ``models.Ticket``, newest first.

        Raises:
            CaseworkError: the database cannot be read.
        """
        with self.ledger.reading() as session:
            query = select(Ticket).where(*where).order_by(Ticket.id.desc()).limit(limit)
            return list(session.scalars(query))

    def stream(self, *where: Any, batch: int = 1000) -> Iterator[Ticket]:
        """Yield tickets by conditions on ``models.Ticket``, oldest first, some at a time.

        No transaction stays open in between, so that an export of a year blocks nobody.

        Raises:
            CaseworkError: the database cannot be read.
        """
        after = 0
        while True:
            with self.ledger.reading() as session:
                query = select(Ticket).where(Ticket.id > after, *where).order_by(Ticket.id)
                some = list(session.scalars(query.limit(batch)))
            yield from some
            if len(some) < batch:
                return
            after = some[-1].id

    def events(self, number: str) -> list[TicketEvent]:
        """Return what happened to a ticket, oldest first.

        Raises:
            CaseworkError: the database cannot be read.
        """
        with self.ledger.reading() as session:
            query = select(TicketEvent).join(Ticket).where(Ticket.number == number)
            return list(session.scalars(query.order_by(TicketEvent.seq)))

    def summary(self, number: str) -> TicketSummary | None:
        """Return how a ticket stands, None if there is none.

        Raises:
            CaseworkError: the database cannot be read.
        """
        ticket = self.get(number)
        return summary_of(ticket) if ticket else None

    def of_caller(self, phone: str, open_only: bool = True, limit: int = 5) -> list[TicketSummary]:
        """Return the tickets of a number, called from or left; newest first.

        Raises:
            CaseworkError: the database cannot be read.
        """
        if not phone:
            return []
        where = [or_(Ticket.caller == phone, Ticket.phone == phone)]
        if open_only:
            where.append(Ticket.state.in_([state.value for state in OPEN]))
        return [summary_of(ticket) for ticket in self.select(*where, limit=limit)]

    def _known(self, number: str) -> Ticket:
        ticket = self.get(number)
        if ticket is None:
            raise UnknownTicket(f"There is no ticket {number}. Check the number.")
        return ticket

    # --- what citizens do with a ticket -------------------------------------------------

    def urge(self, number: str, by: str | Actor, text: str = "") -> None:
        """Record that the citizen asks to hurry (催办).

        Raises:
            UnknownTicket, IllegalTransition, CaseworkError: there is none; it is over.
        """
        self.ledger.record(number, EventKind.URGED, by, text)

    def add(self, number: str, by: str | Actor, text: str) -> None:
        """Add to a ticket what the citizen says besides.

        Raises:
            UnknownTicket, IllegalTransition, CaseworkError: there is none; it is over.
        """
        self.ledger.record(number, EventKind.ADDED, by, text)

    def withdraw(self, number: str, by: str | Actor, reason: str = "") -> None:
        """End a ticket because the citizen says so (撤销).

        Raises:
            UnknownTicket, IllegalTransition, CaseworkError: there is none; it is resolved.
        """
        self.ledger.record(number, EventKind.WITHDRAWN, by, reason)


def summary_of(ticket: Ticket) -> TicketSummary:
    """Return a ticket in short."""
    state = TicketState(ticket.state)
    return TicketSummary(
        number=ticket.number,
        title=ticket.title,
        category=ticket.category,
        place=ticket.place,
        state=state,
        unit=ticket.unit,
        filed_at=ticket.filed_at,
        due_at=ticket.due_at,
        urged=ticket.urged,
        text=ticket.text,
        next_step=NEXT_STEPS[state],
    )
