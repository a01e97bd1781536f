"""Column types that mean the same on SQLite and PostgreSQL.

Leaves to others: which tables have them (``models.py``).
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import DateTime, Dialect
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[dt.datetime]):
    """A moment: aware and in UTC in Python, whatever the database makes of time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Store UTC; a moment without time zone is refused, because nobody knows when it was.

        Raises:
            ValueError: no time zone is given.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A moment needs its time zone: use datetime.now(datetime.UTC).")
        utc = value.astimezone(dt.UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: dt.datetime | None, _: Dialect) -> dt.datetime | None:
        """Give it back aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)
