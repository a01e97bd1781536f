"""The SQL tables of training: what a trainee did, and what each part of it was worth.

They stand here because one database has one set of migrations. Nothing refers to them, and
they refer to no ticket. Leaves to others: every rule (``bot/training``).
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.casework.encryption import EncryptedJson
from bot.casework.models import Base


class TrainingRow(Base):
    """One practice call or drill, finished."""

    __tablename__ = "training_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(index=True)
    trainee: Mapped[str] = mapped_column(String(64), index=True)
    """Personal: name of their account."""
    kind: Mapped[str] = mapped_column(String(8))
    """``call`` or ``drill``."""
    scenario: Mapped[str] = mapped_column(String(64))
    """Id of the scenario, or ``call:`` and the id of a recorded call."""
    title: Mapped[str] = mapped_column(String(128))
    total: Mapped[float]
    """Out of 100."""
    passed: Mapped[bool]
    why: Mapped[str] = mapped_column(Text, default="")
    record: Mapped[dict[str, Any]] = mapped_column(EncryptedJson)
    """Personal: what was answered, and what was said."""
    marks: Mapped[list[TrainingMarkRow]] = relationship(
        order_by="TrainingMarkRow.id", cascade="all, delete-orphan", passive_deletes=True
    )


class TrainingMarkRow(Base):
    """What one part of a practice was worth."""

    __tablename__ = "training_marks"

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(
        ForeignKey("training_sessions.id", ondelete="CASCADE"), index=True
    )
    field: Mapped[str] = mapped_column(String(16))
    points: Mapped[float]
    most: Mapped[float]
    given: Mapped[str] = mapped_column(Text, default="")
    wanted: Mapped[str] = mapped_column(Text, default="")
    advice: Mapped[str] = mapped_column(Text, default="")
