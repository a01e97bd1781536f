"""The SQL tables of the pages: accounts, sign-ins, sessions, the audit log, what agents chose.

They stand here because one database has one set of migrations. Leaves to others: every rule
(``bot/web``: ``accounts.py``, ``sessions.py``, ``audit.py``, ``records.py``).
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from bot.casework.encryption import EncryptedLookup, EncryptedText
from bot.casework.models import UNIT, Base

NAME, CALL, INTENT = String(64), String(36), String(64)


class AccountRow(Base):
    """One person who may sign in."""

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(NAME, unique=True)
    """Personal: what they type to sign in."""
    role: Mapped[str] = mapped_column(String(16))
    extension: Mapped[str] = mapped_column(String(10), default="")
    """Of their telephone; "" for those who take no calls."""
    unit: Mapped[str] = mapped_column(UNIT, default="")
    """Name of the unit whose tickets they see; "" for those who belong to none."""
    password_hash: Mapped[str] = mapped_column(Text)
    """Argon2id, with its salt and parameters (PHC string format)."""
    must_change: Mapped[bool] = mapped_column(default=True)
    """The password was made for them, so it only serves to choose their own."""
    locked: Mapped[bool] = mapped_column(default=False)
    made_at: Mapped[dt.datetime]


class SignInRow(Base):
    """One attempt to sign in."""

    __tablename__ = "sign_ins"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(index=True)
    name: Mapped[str] = mapped_column(NAME, index=True)
    address: Mapped[str] = mapped_column(String(64), index=True)
    ok: Mapped[bool]


class SessionRow(Base):
    """One browser that is signed in."""

    __tablename__ = "web_sessions"

    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of what the cookie holds: who reads the database cannot sign in with it."""
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    csrf: Mapped[str] = mapped_column(String(64))
    began_at: Mapped[dt.datetime]
    seen_at: Mapped[dt.datetime]


class AuditRow(Base):
    """Somebody looked at a person's data, or changed something. Never changed, and deleted
    only when the retention policy says so."""

    __tablename__ = "audit_log"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(NAME, index=True)
    action: Mapped[str] = mapped_column(String(32), index=True)
    subject: Mapped[str] = mapped_column(String(80))
    """Id of what it was about: an entry, a ticket, an account."""
    detail: Mapped[str] = mapped_column(Text, default="")
    """Never personal data itself."""


class CorrectionRow(Base):
    """What an agent chose, beside what the bot had thought."""

    __tablename__ = "corrections"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(index=True)
    call_id: Mapped[str] = mapped_column(CALL, index=True)
    agent: Mapped[str] = mapped_column(NAME)
    text: Mapped[str] = mapped_column(EncryptedText)
    """Personal: the caller's words."""
    bot_intent: Mapped[str] = mapped_column(INTENT, default="")
    bot_confidence: Mapped[float] = mapped_column(default=0.0)
    chosen_intent: Mapped[str] = mapped_column(INTENT)
    bot_unit: Mapped[str] = mapped_column(UNIT, default="")
    chosen_unit: Mapped[str] = mapped_column(UNIT, default="")
    ticket: Mapped[str] = mapped_column(String(16), default="")


class WrapUpRow(Base):
    """How a conversation ended, in the agent's words."""

    __tablename__ = "wrap_ups"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(index=True)
    call_id: Mapped[str] = mapped_column(CALL, index=True)
    agent: Mapped[str] = mapped_column(NAME)
    caller: Mapped[str] = mapped_column(EncryptedLookup, default="", index=True)
    """Personal: calling number, "" when withheld."""
    outcome: Mapped[str] = mapped_column(String(16))
    note: Mapped[str] = mapped_column(EncryptedText, default="")
    """Personal: what the agent wrote."""
