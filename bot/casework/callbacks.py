"""Calls that citizens were promised: booked once a call, due at a time, done with an outcome.

Leaves to others: placing them, and the calls after resolving a ticket (``surveys.py``).
"""

from __future__ import annotations

import datetime as dt
from uuid import uuid4

from sqlalchemy import Engine, select

from bot.casework.errors import CaseworkError, UnknownTicket
from bot.casework.ledger import Clock, transaction, utc_now
from bot.casework.models import CallbackRequest


class Callbacks:
    """Promised calls in SQL. Thread-safe."""

    def __init__(self, engine: Engine, clock: Clock = utc_now) -> None:
        self._engine = engine
        self._now = clock

    def book(
        self, phone: str, due_at: dt.datetime, reason: str, text: str = "", call_id: str = ""
    ) -> int:
        """Promise a call and return its id; a call that promised one already gives the same.

        Args:
            phone: number to call.
            due_at: when, aware.
            reason: why: ``busy``, ``asked`` …
            text: what it is about.
            call_id: of the call that promised it.

        Raises:
            CaseworkError: there is no number to call, or it can't be stored.
        """
        if not phone:
            raise CaseworkError("There is no number to call back: ask the citizen for one.")
        call_id = call_id or str(uuid4())
        with transaction(self._engine) as session:
            found = session.scalar(
                select(CallbackRequest.id).where(CallbackRequest.call_id == call_id)
            )
            if found is not None:
                return found
            row = CallbackRequest(
                call_id=call_id,
                at=self._now(),
                phone=phone,
                due_at=due_at,
                reason=reason,
                text=text,
            )
            session.add(row)
            session.flush()
            return row.id

    def due(self, now: dt.datetime | None = None) -> list[CallbackRequest]:
        """Return calls whose time has come, longest due first (CaseworkError: can't be read)."""
        with transaction(self._engine) as session:
            query = select(CallbackRequest).where(
                CallbackRequest.done_at.is_(None), CallbackRequest.due_at <= (now or self._now())
            )
            return list(session.scalars(query.order_by(CallbackRequest.due_at)))

    def open_for(self, phone: str) -> list[CallbackRequest]:
        """Return calls that a number still waits for (CaseworkError: can't be read)."""
        with transaction(self._engine) as session:
            query = select(CallbackRequest).where(
                CallbackRequest.done_at.is_(None), CallbackRequest.phone == phone
            )
            return list(session.scalars(query.order_by(CallbackRequest.due_at)))

    def done(self, id: int, outcome: str) -> None:
        """Record that a call was made, or won't be; said again it changes nothing.

        Raises:
            UnknownTicket: no such call was booked.
            CaseworkError: it can't be stored.
        """
        with transaction(self._engine) as session:
            row = session.get(CallbackRequest, id)
            if row is None:
                raise UnknownTicket(f"No call back with the id {id} was booked.")
            if row.done_at is None:
                row.done_at, row.outcome = self._now(), outcome
