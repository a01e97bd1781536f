"""Full-text search of tickets: the category, too."""

from __future__ import annotations

from alembic import op

from bot.casework.search import drop_index, make_index

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the index anew."""
    drop_index(op.get_bind())
    make_index(op.get_bind())


def downgrade() -> None:
    """Leave it: what is more in it does no harm."""
