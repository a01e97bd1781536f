"""Full-text search of tickets."""

from __future__ import annotations

from alembic import op

from bot.casework.search import drop_index, make_index

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the index; it holds what is in the tickets and nothing else."""
    make_index(op.get_bind())


def downgrade() -> None:
    """Drop it."""
    drop_index(op.get_bind())
