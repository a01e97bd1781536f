"""What callers thought of their calls, 1 to 5. One rating a call; the last word counts.

Leaves to others: the citizen's word on a ticket (``surveys.py``), and asking.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Engine, select

from bot.casework.errors import CaseworkError
from bot.casework.ledger import Clock, transaction, utc_now
from bot.casework.models import Rating

#: At most this is a low rating, which somebody should look at.
LOW = 2


class Ratings:
    """Ratings in SQL. Thread-safe."""

    def __init__(self, engine: Engine, clock: Clock = utc_now) -> None:
        self._engine = engine
        self._now = clock

    def rate(
        self, call_id: str, score: int, number: str = "", caller: str = "", policy: str = ""
    ) -> None:
        """Keep a call's rating.

        Args:
            call_id: of the call.
            score: 1 (bad) to 5 (good).
            number: of the ticket that the call was about.
            caller: calling number.
            policy: which way of talking the caller had.

        Raises:
            CaseworkError: no such score, or it can't be stored.
        """
        if score not in range(1, 6):
            raise CaseworkError(f"A rating is a whole number from 1 to 5, not {score}.")
        with transaction(self._engine) as session:
            row = session.scalar(select(Rating).where(Rating.call_id == call_id))
            if row is None:
                row = Rating(call_id=call_id)
                session.add(row)
            row.at, row.score, row.policy = self._now(), score, policy
            row.number, row.caller = number, caller

    def low(self, since: dt.datetime | None = None, limit: int = 50) -> list[Rating]:
        """Return ratings of at most :data:`LOW`, newest first (CaseworkError: can't)."""
        with transaction(self._engine) as session:
            query = select(Rating).where(Rating.score <= LOW)
            if since is not None:
                query = query.where(Rating.at >= since)
            return list(session.scalars(query.order_by(Rating.at.desc()).limit(limit)))
