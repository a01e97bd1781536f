"""Accounts of units: whose tickets an account sees."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the column; nobody who is there already belongs to a unit."""
    op.add_column(
        "accounts", sa.Column("unit", sa.String(length=64), nullable=False, server_default="")
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_column("accounts", "unit")
