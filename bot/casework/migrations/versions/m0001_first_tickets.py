"""Tickets and events as the line had them before it knew versions.

A database of that time is taken for this version (``versions.py``).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the two tables."""
    op.create_table(
        "tickets",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("number", sa.String(16), nullable=False, unique=True),
        sa.Column("call_id", sa.String(36), nullable=False),
        sa.Column("filed_at", sa.DateTime(), nullable=False),
        sa.Column("day", sa.String(6), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(64), nullable=False),
        sa.Column("title", sa.String(64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("unit", sa.String(64), nullable=False),
        sa.Column("urgency", sa.String(8), nullable=False),
        sa.Column("caller", sa.String(24), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.UniqueConstraint("call_id", "category", "text", name="uq_request"),
    )
    for name in ("call_id", "day", "category", "unit", "caller"):
        op.create_index(f"ix_tickets_{name}", "tickets", [name])
    op.create_table(
        "ticket_events",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("ticket_id", sa.Integer(), sa.ForeignKey("tickets.id"), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("actor", sa.String(32), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
    )
    op.create_index("ix_ticket_events_ticket_id", "ticket_events", ["ticket_id"])


def downgrade() -> None:
    """Leave an empty database."""
    op.drop_table("ticket_events")
    op.drop_table("tickets")
