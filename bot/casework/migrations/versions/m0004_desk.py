"""Accounts, sign-ins, sessions, the audit log, agents' corrections and wrap-ups."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.casework.columns import UtcDateTime
from bot.casework.encryption import EncryptedLookup, EncryptedText

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "accounts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("extension", sa.String(length=10), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "audit_log",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_audit_log_action"), "audit_log", ["action"], unique=False)
    op.create_index(op.f("ix_audit_log_actor"), "audit_log", ["actor"], unique=False)
    op.create_index(op.f("ix_audit_log_at"), "audit_log", ["at"], unique=False)
    op.create_table(
        "corrections",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("call_id", sa.String(length=36), nullable=False),
        sa.Column("agent", sa.String(length=64), nullable=False),
        sa.Column("text", EncryptedText(), nullable=False),
        sa.Column("bot_intent", sa.String(length=64), nullable=False),
        sa.Column("bot_confidence", sa.Double(), nullable=False),
        sa.Column("chosen_intent", sa.String(length=64), nullable=False),
        sa.Column("bot_unit", sa.String(length=64), nullable=False),
        sa.Column("chosen_unit", sa.String(length=64), nullable=False),
        sa.Column("ticket", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_corrections_at"), "corrections", ["at"], unique=False)
    op.create_index(op.f("ix_corrections_call_id"), "corrections", ["call_id"], unique=False)
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_sign_ins_address"), "sign_ins", ["address"], unique=False)
    op.create_index(op.f("ix_sign_ins_at"), "sign_ins", ["at"], unique=False)
    op.create_index(op.f("ix_sign_ins_name"), "sign_ins", ["name"], unique=False)
    op.create_table(
        "wrap_ups",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("call_id", sa.String(length=36), nullable=False),
        sa.Column("agent", sa.String(length=64), nullable=False),
        sa.Column("caller", EncryptedLookup(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("note", EncryptedText(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_wrap_ups_at"), "wrap_ups", ["at"], unique=False)
    op.create_index(op.f("ix_wrap_ups_call_id"), "wrap_ups", ["call_id"], unique=False)
    op.create_index(op.f("ix_wrap_ups_caller"), "wrap_ups", ["caller"], unique=False)
    op.create_table(
        "web_sessions",
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("began_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("key_hash"),
    )
    op.create_index(
        op.f("ix_web_sessions_account_id"), "web_sessions", ["account_id"], unique=False
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_index(op.f("ix_web_sessions_account_id"), table_name="web_sessions")
    op.drop_table("web_sessions")
    op.drop_index(op.f("ix_wrap_ups_caller"), table_name="wrap_ups")
    op.drop_index(op.f("ix_wrap_ups_call_id"), table_name="wrap_ups")
    op.drop_index(op.f("ix_wrap_ups_at"), table_name="wrap_ups")
    op.drop_table("wrap_ups")
    op.drop_index(op.f("ix_sign_ins_name"), table_name="sign_ins")
    op.drop_index(op.f("ix_sign_ins_at"), table_name="sign_ins")
    op.drop_index(op.f("ix_sign_ins_address"), table_name="sign_ins")
    op.drop_table("sign_ins")
    op.drop_index(op.f("ix_corrections_call_id"), table_name="corrections")
    op.drop_index(op.f("ix_corrections_at"), table_name="corrections")
    op.drop_table("corrections")
    op.drop_index(op.f("ix_audit_log_at"), table_name="audit_log")
    op.drop_index(op.f("ix_audit_log_actor"), table_name="audit_log")
    op.drop_index(op.f("ix_audit_log_action"), table_name="audit_log")
    op.drop_table("audit_log")
    op.drop_table("accounts")
