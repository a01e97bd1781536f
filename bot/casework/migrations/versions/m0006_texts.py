"""Texts to and from citizens, and surveys by text."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.casework.columns import UtcDateTime
from bot.casework.encryption import EncryptedLookup, EncryptedText

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "texts",
        sa.Column("direction", sa.String(length=3), nullable=False),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=True),
        sa.Column("phone", EncryptedLookup(), nullable=False),
        sa.Column("text", EncryptedText(), nullable=False),
        sa.Column("line", sa.String(length=32), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("direction", "key", name="uq_text"),
    )
    op.create_index(op.f("ix_texts_ticket_id"), "texts", ["ticket_id"], unique=False)
    op.create_index(op.f("ix_texts_phone"), "texts", ["phone"], unique=False)
    op.create_index(op.f("ix_texts_made_at"), "texts", ["made_at"], unique=False)
    op.create_index("ix_texts_state_next", "texts", ["state", "next_at"], unique=False)
    op.create_table(
        "text_refusals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("phone", EncryptedLookup(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("phone"),
    )
    op.create_table(
        "text_talks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("phone", EncryptedLookup(), nullable=False),
        sa.Column("contact", sa.String(length=36), nullable=False),
        sa.Column("line", sa.String(length=32), nullable=False),
        sa.Column("pack", sa.String(length=64), nullable=False),
        sa.Column("state", EncryptedText(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("phone"),
    )
    op.create_index(op.f("ix_text_talks_last_at"), "text_talks", ["last_at"], unique=False)
    op.add_column(
        "surveys", sa.Column("by", sa.String(length=8), nullable=False, server_default="call")
    )
    op.add_column("surveys", sa.Column("texted_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("surveys", "texted_at")
    op.drop_column("surveys", "by")
    op.drop_index(op.f("ix_text_talks_last_at"), table_name="text_talks")
    op.drop_table("text_talks")
    op.drop_table("text_refusals")
    op.drop_index("ix_texts_state_next", table_name="texts")
    op.drop_index(op.f("ix_texts_made_at"), table_name="texts")
    op.drop_index(op.f("ix_texts_phone"), table_name="texts")
    op.drop_index(op.f("ix_texts_ticket_id"), table_name="texts")
    op.drop_table("texts")
