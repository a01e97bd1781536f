"""Training: practice calls and drills with their marks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.casework.columns import UtcDateTime
from bot.casework.encryption import EncryptedJson

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "training_sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("trainee", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("scenario", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=128), nullable=False),
        sa.Column("total", sa.Double(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("record", EncryptedJson(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_training_sessions_at"), "training_sessions", ["at"], unique=False)
    op.create_index(
        op.f("ix_training_sessions_trainee"), "training_sessions", ["trainee"], unique=False
    )
    op.create_table(
        "training_marks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("field", sa.String(length=16), nullable=False),
        sa.Column("points", sa.Double(), nullable=False),
        sa.Column("most", sa.Double(), nullable=False),
        sa.Column("given", sa.Text(), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("advice", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["training_sessions.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_training_marks_session_id"), "training_marks", ["session_id"], unique=False
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_index(op.f("ix_training_marks_session_id"), table_name="training_marks")
    op.drop_table("training_marks")
    op.drop_index(op.f("ix_training_sessions_trainee"), table_name="training_sessions")
    op.drop_index(op.f("ix_training_sessions_at"), table_name="training_sessions")
    op.drop_table("training_sessions")
