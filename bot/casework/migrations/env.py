"""What alembic runs: the migrations, in one transaction, on the connection it was handed.

Leaves to others: which connection (``bot/casework/versions.py``).
"""

from __future__ import annotations

from alembic import context

from bot.casework import desk_models, outside_models
from bot.casework.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()

__all__ = ["desk_models", "outside_models"]
