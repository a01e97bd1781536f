"""The SQL tables of casework: tickets, and every event of their lives.

An event row is never changed; a ticket row holds what was said when it was filed. Leaves to
others: numbering and filing (``tickets.py``).
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Root of all tables."""


class Ticket(Base):
    """工单: one request of one citizen."""

    __tablename__ = "tickets"
    # One call files one ticket of a category, however often the request is retried.
    __table_args__ = (UniqueConstraint("call_id", "category", "text", name="uq_request"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(16), unique=True)
    """What the citizen is told: see ``tickets.ticket_number``."""
    call_id: Mapped[str] = mapped_column(String(36), index=True)
    filed_at: Mapped[dt.datetime]
    """UTC."""
    day: Mapped[str] = mapped_column(String(6), index=True)
    """``yymmdd``, local time, of the number."""
    serial: Mapped[int]
    """Of the day, from 1."""
    category: Mapped[str] = mapped_column(String(64), index=True)
    title: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(Text)
    place: Mapped[str] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(String(64), index=True)
    urgency: Mapped[str] = mapped_column(String(8))
    caller: Mapped[str] = mapped_column(String(24), index=True)
    """Calling number, "" when withheld."""
    state: Mapped[str] = mapped_column(String(16), default="received")

    def __repr__(self) -> str:
        """Name the ticket without saying whose it is."""
        return f"Ticket({self.number}, {self.category}, {self.state})"


class TicketEvent(Base):
    """One thing that happened to a ticket."""

    __tablename__ = "ticket_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), index=True)
    at: Mapped[dt.datetime]
    """UTC."""
    kind: Mapped[str] = mapped_column(String(16))
    actor: Mapped[str] = mapped_column(String(32))
    note: Mapped[str] = mapped_column(Text, default="")
