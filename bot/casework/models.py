"""The SQL tables of casework: tickets, every event of their lives, and what hangs on them.

An event row is never changed. A ticket's row holds what was said when it was filed, and a
cache of what its events add up to (``lifecycle.Case``); ``ledger.py`` alone writes it. A column
whose description begins with "Personal" holds what may tell who somebody is. Leaves to
others: opening (``storage.py``), encrypting (``encryption.py``), and every rule.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from bot.casework.columns import UtcDateTime
from bot.casework.encryption import EncryptedJson, EncryptedLookup, EncryptedText

UNIT, ACTOR = String(64), String(80)


class Base(DeclarativeBase):
    """Root of all tables. Every moment is aware and in UTC."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        dt.datetime: UtcDateTime(),
        dict[str, Any]: JSON(),
    }


class Ticket(Base):
    """工单: one request of one citizen."""

    __tablename__ = "tickets"
    __table_args__ = (
        # What the clock, the inboxes and the finding of incidents look for.
        Index("ix_tickets_unit_state_due", "unit", "state", "due_at"),
        Index("ix_tickets_state_due", "state", "due_at"),
        Index("ix_tickets_category_filed", "category", "filed_at"),
        UniqueConstraint("day", "serial", name="uq_tickets_day_serial"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(16), unique=True)
    """What the citizen is told: see ``tickets.ticket_number``."""
    request: Mapped[str] = mapped_column(String(64), unique=True)
    """Hash of call, category and words: one call files one ticket of them, however often it is
    tried."""
    call_id: Mapped[str] = mapped_column(String(36), index=True)
    channel: Mapped[str] = mapped_column(String(16), default="phone")
    pack: Mapped[str] = mapped_column(String(64), default="")
    filed_at: Mapped[dt.datetime] = mapped_column(index=True)
    day: Mapped[str] = mapped_column(String(6))
    """``yymmdd``, local time, of the number."""
    serial: Mapped[int]
    """Of the day, from 1."""
    text: Mapped[str] = mapped_column(Text)
    """Personal: what the citizen said, in their own words."""
    details: Mapped[dict[str, Any]] = mapped_column(EncryptedJson, default=dict)
    """Personal: whatever else was asked, by name."""
    place: Mapped[str] = mapped_column(Text)
    """Personal: it may be a home."""
    district: Mapped[str] = mapped_column(String(32), default="", index=True)
    street: Mapped[str] = mapped_column(String(32), default="")
    """Sub-district or township (街道, 乡, 镇)."""
    since: Mapped[str] = mapped_column(Text, default="")
    """Since when or when, as said."""
    urgency: Mapped[str] = mapped_column(String(8))
    confidence: Mapped[float] = mapped_column(default=1.0)
    """0 to 1, that it is of this category."""
    caller: Mapped[str] = mapped_column(EncryptedLookup, index=True)
    """Personal: calling number, "" when withheld."""
    phone: Mapped[str] = mapped_column(EncryptedLookup, default="", index=True)
    """Personal: the number that the citizen left to be called back on."""
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("tickets.id"), index=True)
    """The ticket that it was split from."""

    # The cache of ``lifecycle.Case``: the same names, the same meaning.
    state: Mapped[str] = mapped_column(String(16), default="received")
    version: Mapped[int] = mapped_column(default=0)
    category: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(64))
    unit: Mapped[str] = mapped_column(UNIT)
    first_unit: Mapped[str] = mapped_column(UNIT, default="")
    due_at: Mapped[dt.datetime | None]
    clock_from: Mapped[dt.datetime | None]
    noticed: Mapped[int] = mapped_column(default=0)
    urged: Mapped[int] = mapped_column(default=0)
    returns: Mapped[int] = mapped_column(default=0)
    reopened: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[dt.datetime | None]
    dispatched_at: Mapped[dt.datetime | None]
    resolved_at: Mapped[dt.datetime | None]
    closed_at: Mapped[dt.datetime | None]
    suspended_from: Mapped[str | None] = mapped_column(String(16))
    suspended_at: Mapped[dt.datetime | None]
    extension_to: Mapped[dt.datetime | None]
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incidents.id"), index=True)
    into: Mapped[str] = mapped_column("merged_into", String(16), default="")

    # Two who change a ticket at once: the second one's UPDATE finds no row, and is refused.
    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}  # noqa: RUF012

    def __repr__(self) -> str:
        """Name the ticket without saying whose it is."""
        return f"Ticket({self.number}, {self.category}, {self.state})"


class TicketEvent(Base):
    """One thing that happened to a ticket. Never changed, never deleted but by erasure."""

    __tablename__ = "ticket_events"
    __table_args__ = (UniqueConstraint("ticket_id", "seq", name="uq_event_seq"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"))
    seq: Mapped[int]
    """Of the ticket, from 1: its version after this event."""
    at: Mapped[dt.datetime] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(String(24))
    actor: Mapped[str] = mapped_column(ACTOR)
    """Role and name: ``agent:8001``; never a citizen's name or number."""
    note: Mapped[str] = mapped_column(Text, default="")
    """Personal: words of citizens and staff."""
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What the kind needs: see ``lifecycle.TABLE``. Nothing personal."""


class Draft(Base):
    """A half-finished ticket of a caller who hung up. No number was spoken."""

    __tablename__ = "drafts"

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(String(36), unique=True)
    at: Mapped[dt.datetime]
    caller: Mapped[str] = mapped_column(EncryptedLookup)
    """Personal: calling number."""
    fields: Mapped[dict[str, Any]] = mapped_column(EncryptedJson)
    """Personal: what was said, by the names of ``TicketStore.file``."""
    state: Mapped[str] = mapped_column(String(16), default="draft", index=True)
    """``draft``, ``promoted`` or ``discarded``."""
    number: Mapped[str] = mapped_column(String(16), default="")
    """Of the ticket that it became."""
    actor: Mapped[str] = mapped_column(ACTOR, default="")
    """Who decided."""


class Whistle(Base):
    """吹哨: a unit calls departments to a place, for a ticket that it can't solve alone."""

    __tablename__ = "whistles"

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), index=True)
    unit: Mapped[str] = mapped_column(UNIT, index=True)
    reason: Mapped[str] = mapped_column(Text)
    """Personal: it may repeat what the citizen said."""
    place: Mapped[str] = mapped_column(Text)
    """Personal: it may be a home."""
    at: Mapped[dt.datetime]
    be_there_by: Mapped[dt.datetime]
    closed_at: Mapped[dt.datetime | None] = mapped_column(index=True)


class Summons(Base):
    """报到: one department that a whistle called, and whether it came."""

    __tablename__ = "summonses"
    __table_args__ = (UniqueConstraint("whistle_id", "department", name="uq_summons"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    whistle_id: Mapped[int] = mapped_column(ForeignKey("whistles.id"))
    department: Mapped[str] = mapped_column(UNIT, index=True)
    arrived_at: Mapped[dt.datetime | None]
    acted_at: Mapped[dt.datetime | None]
    """Its last joint action."""


class Survey(Base):
    """回访: that a citizen is to be asked, about one resolving of one ticket."""

    __tablename__ = "surveys"
    __table_args__ = (UniqueConstraint("ticket_id", "round", name="uq_survey_round"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"))
    round: Mapped[int]
    """How often the ticket had been reopened, from 0."""
    state: Mapped[str] = mapped_column(String(16), default="due")
    """``due``, ``answered`` or ``given_up``."""
    next_at: Mapped[dt.datetime] = mapped_column(index=True)
    """Not before this."""
    attempts: Mapped[int] = mapped_column(default=0)
    token: Mapped[str] = mapped_column(String(43), unique=True)
    """Secret of the web link in a text."""
    by: Mapped[str] = mapped_column(String(8), default="call", server_default="call")
    """``call`` or ``text``: how the citizen is asked next."""
    texted_at: Mapped[dt.datetime | None]


class Incident(Base):
    """群体诉求: many tickets, one cause, one owner."""

    __tablename__ = "incidents"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str | None] = mapped_column(String(64), unique=True)
    """Hash of what and where while it is open, so that two processes don't open it twice."""
    category: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(64))
    district: Mapped[str] = mapped_column(String(32), default="")
    street: Mapped[str] = mapped_column(String(32), default="")
    spot: Mapped[str] = mapped_column(Text, default="")
    """Personal: the place more closely, as the first one said it; "" when the street is enough."""
    unit: Mapped[str] = mapped_column(UNIT, default="")
    """Its owner."""
    state: Mapped[str] = mapped_column(String(16), default="open", index=True)
    """``open`` or ``closed``."""
    opened_at: Mapped[dt.datetime]
    closed_at: Mapped[dt.datetime | None]
    last_ticket_at: Mapped[dt.datetime]
    known: Mapped[str] = mapped_column(Text, default="")
    """What callers are told of it."""
    outcome: Mapped[str] = mapped_column(Text, default="")
    actor: Mapped[str] = mapped_column(ACTOR, default="")
    """Who closed it."""


class Notice(Base):
    """Something that a citizen or a unit is to be told. Sending is for the channels."""

    __tablename__ = "notices"
    __table_args__ = (UniqueConstraint("key", name="uq_notice_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(96))
    """The same thing is told once."""
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("tickets.id"), index=True)
    to_kind: Mapped[str] = mapped_column(String(16))
    """``citizen``, ``unit`` or ``role``."""
    recipient: Mapped[str] = mapped_column(EncryptedLookup)
    """Personal when it is a citizen's number."""
    text: Mapped[str] = mapped_column(Text)
    """Personal: it may name a place."""
    made_at: Mapped[dt.datetime]
    sent_at: Mapped[dt.datetime | None] = mapped_column(index=True)


class Citizen(Base):
    """What the line remembers of a number, with consent."""

    __tablename__ = "citizens"

    id: Mapped[int] = mapped_column(primary_key=True)
    phone: Mapped[str] = mapped_column(EncryptedLookup, unique=True)
    """Personal."""
    consent: Mapped[bool | None]
    """None: never asked."""
    consent_at: Mapped[dt.datetime | None]
    elder: Mapped[bool] = mapped_column(default=False)
    pack: Mapped[str] = mapped_column(String(64), default="")
    """Pack, and with it the language, that they last spoke to."""
    district: Mapped[str] = mapped_column(String(32), default="")
    """Personal."""
    last_rating: Mapped[int | None]
    changed_at: Mapped[dt.datetime]


class Rating(Base):
    """What a caller thought of a call, 1 to 5."""

    __tablename__ = "ratings"

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(String(36), unique=True)
    at: Mapped[dt.datetime] = mapped_column(index=True)
    score: Mapped[int] = mapped_column(index=True)
    number: Mapped[str] = mapped_column(String(16), default="")
    """Ticket of the call."""
    caller: Mapped[str] = mapped_column(EncryptedLookup, default="")
    """Personal: calling number."""
    policy: Mapped[str] = mapped_column(String(64), default="")
    """Which way of talking was rated."""


class CallbackRequest(Base):
    """A call that a citizen was promised."""

    __tablename__ = "callback_requests"

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(String(36), unique=True)
    at: Mapped[dt.datetime]
    phone: Mapped[str] = mapped_column(EncryptedLookup, index=True)
    """Personal: number to call."""
    due_at: Mapped[dt.datetime] = mapped_column(index=True)
    reason: Mapped[str] = mapped_column(String(32))
    text: Mapped[str] = mapped_column(EncryptedText, default="")
    """Personal: what it is about, in the citizen's words."""
    done_at: Mapped[dt.datetime | None]
    outcome: Mapped[str] = mapped_column(String(64), default="")


class AuditEntry(Base):
    """Who saw what is usually hidden, and why."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(ACTOR)
    action: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, default="")
