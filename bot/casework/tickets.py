"""Filing tickets (工单): numbered, stored before the number is spoken, never filed twice.

Leaves to others: the tables (``models.py``) and everything after filing (dispatch, clocks,
callbacks), which has yet to be built on the event rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from sqlalchemy import create_engine, event, func, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from bot.casework.models import Base, Ticket, TicketEvent

#: Tries to get a serial number of its own; two nodes may reach for the same one.
TRIES = 50


class CaseworkError(Exception):
    """A ticket could not be stored or read; the message says what to do."""


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
        self, database_url: str, clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    ) -> None:
        self._clock = clock
        self._engine = create_engine(database_url, pool_pre_ping=True)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _durable)
            event.listen(self._engine, "begin", _write_at_once)

    def create_schema(self) -> None:
        """Make the tables that are missing.

        Raises:
            CaseworkError: the database cannot be used.
        """
        try:
            Base.metadata.create_all(self._engine)
        except SQLAlchemyError as error:
            raise _told(error) from error

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
    ) -> str:
        """Store a ticket and return its number. The same request of a call is filed once.

        Raises:
            CaseworkError: it could not be stored.
        """
        fields = {
            "call_id": call_id,
            "category": category,
            "title": title,
            "text": text,
            "place": place,
            "unit": unit,
            "urgency": urgency,
            "caller": caller,
        }
        try:
            for _ in range(TRIES):
                try:
                    return self._file(fields)
                except IntegrityError:
                    # Somebody took the serial number, or this very request is there already.
                    known = self._number_of(call_id, category, text)
                    if known:
                        return known
        except SQLAlchemyError as error:
            raise _told(error) from error
        raise CaseworkError("No free ticket number was found; too many tickets at once.")

    def _file(self, fields: dict[str, Any]) -> str:
        now = self._clock()
        day = now.astimezone().strftime("%y%m%d")
        with Session(self._engine) as session, session.begin():
            last = session.scalar(select(func.max(Ticket.serial)).where(Ticket.day == day))
            serial = (last or 0) + 1
            ticket = Ticket(
                number=ticket_number(day, serial), day=day, serial=serial, filed_at=now, **fields
            )
            session.add(ticket)
            session.flush()
            session.add(TicketEvent(ticket_id=ticket.id, at=now, kind="received", actor="bot"))
            return ticket.number

    def _number_of(self, call_id: str, category: str, text: str) -> str | None:
        with Session(self._engine) as session:
            return session.scalar(
                select(Ticket.number).where(
                    Ticket.call_id == call_id, Ticket.category == category, Ticket.text == text
                )
            )

    def get(self, number: str) -> Ticket | None:
        """Return the ticket with that number, None if there is none.

        Raises:
            CaseworkError: the database cannot be read.
        """
        return next(iter(self._select(Ticket.number == number)), None)

    def newest(self, count: int = 50) -> list[Ticket]:
        """Return the newest tickets, newest first.

        Raises:
            CaseworkError: the database cannot be read.
        """
        return self._select(limit=count)

    def _select(self, *where: Any, limit: int | None = None) -> list[Ticket]:
        try:
            with Session(self._engine, expire_on_commit=False) as session:
                query = select(Ticket).where(*where).order_by(Ticket.id.desc()).limit(limit)
                return list(session.scalars(query))
        except SQLAlchemyError as error:
            raise _told(error) from error

    def events(self, number: str) -> list[TicketEvent]:
        """Return what happened to a ticket, oldest first.

        Raises:
            CaseworkError: the database cannot be read.
        """
        try:
            with Session(self._engine, expire_on_commit=False) as session:
                query = select(TicketEvent).join(Ticket).where(Ticket.number == number)
                return list(session.scalars(query.order_by(TicketEvent.id)))
        except SQLAlchemyError as error:
            raise _told(error) from error


def _durable(connection: Any, _: Any) -> None:
    """A number that was spoken must outlive a power cut: SQLite syncs every commit."""
    # Transactions begin where ``_write_at_once`` says, not where the driver guesses.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _write_at_once(connection: Any) -> None:
    """Take the write lock first: two writers then wait for each other instead of failing."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _told(error: SQLAlchemyError) -> CaseworkError:
    cause = getattr(error, "orig", None) or error
    return CaseworkError(
        f"The ticket database cannot be used ({cause}). Check free disk space, the rights on "
        "the state folder, and DATABASE_URL."
    )
