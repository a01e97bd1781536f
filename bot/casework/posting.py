"""Getting something out at least once: taken for a while, tried again with pauses, or dead.

What is to go out is a row that was written in the transaction of its cause, so that neither a
crash nor a receiver that is down loses anything. Whoever takes a row and dies leaves it to be
taken again after :data:`LEASE`. When :data:`PAUSES` are used up the row is dead, and stays to be
looked at and tried anew. Leaves to others: what the rows say (``outbox.py``, ``texts.py``) and
carrying them (``bot/web/webhooks.py``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Engine, func, select, update

from bot.casework.ledger import Clock, transaction, utc_now
from bot.casework.outside_models import Postable

#: Pauses after the first failed try, the second …: about two days in all.
PAUSES = tuple(dt.timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720, 1440))
#: What somebody has begun is not begun again within this.
LEASE = dt.timedelta(minutes=2)
#: Characters of a failure that are kept.
ERROR = 300


@dataclass(frozen=True, slots=True)
class Parcel:
    """One thing to send, ready."""

    id: int
    url: str
    secret: str
    attempt: int
    """From 1."""
    body: dict[str, Any]


R = TypeVar("R", bound=Postable)


class Post(Generic[R]):
    """The rows of one table that are to go out. Thread-safe; processes may share a database.

    A row is an ``outside_models.Postable``. Every method raises CaseworkError when the
    database cannot be used.
    """

    def __init__(
        self,
        engine: Engine,
        row: type[R],
        clock: Clock = utc_now,
        only: Sequence[ColumnElement[bool]] = (),
    ) -> None:
        """``only``: which of the table's rows are meant."""
        self._engine = engine
        self._row = row
        self._now = clock
        self._only = only

    def due(self) -> tuple[ColumnElement[bool], ...]:
        """Return the conditions of what is to be tried now."""
        waiting = self._row.state == "pending", self._row.next_at <= self._now()
        return *self._only, *waiting

    def begin(self, row: R) -> None:
        """Note, in a transaction, that a row is tried now, and keep others from it meanwhile."""
        row.next_at = self._now() + LEASE
        row.attempts += 1

    def delivered(self, id: int) -> None:
        """Record that it arrived."""
        done = {"state": "delivered", "done_at": self._now(), "error": ""}
        with transaction(self._engine) as session:
            session.execute(update(self._row).where(self._row.id == id).values(**done))

    def failed(self, id: int, error: str) -> None:
        """Record that a try failed: it is tried again later, or dead."""
        with transaction(self._engine) as session:
            row = session.get(self._row, id)
            if row is None:
                return
            row.error = error[:ERROR]
            if row.attempts > len(PAUSES):
                row.state, row.done_at = "dead", self._now()
            else:
                row.next_at = self._now() + PAUSES[row.attempts - 1]

    def count(self) -> dict[str, int]:
        """Return how many are in which state."""
        query = select(self._row.state, func.count()).where(*self._only).group_by(self._row.state)
        with transaction(self._engine) as session:
            return dict(session.execute(query).all())

    def newest(self, limit: int = 50) -> list[R]:
        """Return what there is, newest first."""
        return self._select(limit)

    def dead(self, limit: int = 100) -> list[R]:
        """Return what was given up, newest first."""
        return self._select(limit, self._row.state == "dead")

    def _select(self, limit: int, *where: ColumnElement[bool]) -> list[R]:
        query = select(self._row).where(*self._only, *where).order_by(self._row.id.desc())
        with transaction(self._engine) as session:
            return list(session.scalars(query.limit(limit)))

    def revive(self) -> int:
        """Let everything that was given up be tried anew; return how many that are."""
        fresh = {"state": "pending", "attempts": 0, "next_at": self._now(), "done_at": None}
        query = select(self._row).where(*self._only, self._row.state == "dead")
        with transaction(self._engine) as session:
            rows = list(session.scalars(query))
            for row in rows:
                for name, value in fresh.items():
                    setattr(row, name, value)
            return len(rows)
