"""The SQL tables for those outside the line: API keys, webhooks, texts, what is to go out, holds.

Leaves to others: what they mean (``api_keys.py``, ``outbox.py``, ``texts.py``, ``retention.py``).
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.casework.encryption import EncryptedLookup, EncryptedText
from bot.casework.models import ACTOR, UNIT, Base

__all__ = [
    "ApiKey",
    "Base",
    "Delivery",
    "LegalHold",
    "Postable",
    "TextMessage",
    "TextRefusal",
    "TextTalk",
    "Webhook",
]


class Postable:
    """The columns of what is to go out at least once (``posting.py``)."""

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(16), default="pending")
    """``pending``, ``delivered`` or ``dead``."""
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[dt.datetime]
    """Not before this."""
    done_at: Mapped[dt.datetime | None]
    error: Mapped[str] = mapped_column(Text, default="")
    """What the last try came to, when it failed."""


class ApiKey(Base):
    """A key by which a program proves who it is. Only its hash is known here."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the key, which has 256 random bits: nothing slower is needed."""
    kind: Mapped[str] = mapped_column(String(16))
    """``unit`` (back office) or ``open311``."""
    owner: Mapped[str] = mapped_column(UNIT)
    """Name of the unit, or of the client."""
    made_at: Mapped[dt.datetime]
    revoked_at: Mapped[dt.datetime | None]


class Webhook(Base):
    """Where a back office wants to be told of events."""

    __tablename__ = "webhooks"

    id: Mapped[int] = mapped_column(primary_key=True)
    url: Mapped[str] = mapped_column(Text)
    secret: Mapped[str] = mapped_column(EncryptedText)
    """Key of the signature."""
    unit: Mapped[str] = mapped_column(UNIT, default="")
    """Only events of this unit's tickets; "" for all."""
    made_at: Mapped[dt.datetime]
    active: Mapped[bool] = mapped_column(default=True)


class Delivery(Postable, Base):
    """One event for one webhook: written with the event, so that a crash loses nothing."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("webhook_id", "event_id", name="uq_delivery"),
        Index("ix_deliveries_state_next", "state", "next_at"),
    )

    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhooks.id"))
    event_id: Mapped[int] = mapped_column(ForeignKey("ticket_events.id"), index=True)


class TextMessage(Postable, Base):
    """短信: one text, to a citizen or from one."""

    __tablename__ = "texts"
    __table_args__ = (
        UniqueConstraint("direction", "key", name="uq_text"),
        Index("ix_texts_state_next", "state", "next_at"),
    )

    direction: Mapped[str] = mapped_column(String(3))
    """``out`` or ``in``."""
    key: Mapped[str] = mapped_column(String(96))
    """The same thing is texted once; of one that came in, the gateway's own id."""
    kind: Mapped[str] = mapped_column(String(16))
    """``number``, ``survey``, ``notice``, ``reply`` or ``said``."""
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("tickets.id"), index=True)
    phone: Mapped[str] = mapped_column(EncryptedLookup, index=True)
    """Personal: the citizen's number."""
    text: Mapped[str] = mapped_column(EncryptedText)
    """Personal."""
    line: Mapped[str] = mapped_column(String(32), default="")
    """The line's own number that it came to."""
    made_at: Mapped[dt.datetime] = mapped_column(index=True)
    until: Mapped[dt.datetime]
    """Not worth sending, or answering, after this."""


class TextRefusal(Base):
    """退订: a number that wants no texts."""

    __tablename__ = "text_refusals"

    id: Mapped[int] = mapped_column(primary_key=True)
    phone: Mapped[str] = mapped_column(EncryptedLookup, unique=True)
    """Personal."""
    at: Mapped[dt.datetime]


class TextTalk(Base):
    """A conversation by text: how far it has come, between two texts."""

    __tablename__ = "text_talks"

    id: Mapped[int] = mapped_column(primary_key=True)
    phone: Mapped[str] = mapped_column(EncryptedLookup, unique=True)
    """Personal."""
    contact: Mapped[str] = mapped_column(String(36))
    line: Mapped[str] = mapped_column(String(32), default="")
    pack: Mapped[str] = mapped_column(String(64), default="")
    state: Mapped[str] = mapped_column(EncryptedText)
    """Personal: the dialogue's state, as it writes itself."""
    last_at: Mapped[dt.datetime] = mapped_column(index=True)


class LegalHold(Base):
    """A ticket that must not be erased, whatever the policy says."""

    __tablename__ = "legal_holds"

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), index=True)
    at: Mapped[dt.datetime]
    actor: Mapped[str] = mapped_column(ACTOR)
    reason: Mapped[str] = mapped_column(Text)
    lifted_at: Mapped[dt.datetime | None]
