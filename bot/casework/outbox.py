"""Webhooks: every event of a ticket, told to the back offices that want it, at least once.

What is to be told is written in the transaction of the event itself (``deliveries.py``), so that
neither a crash nor a receiver that is down loses anything. A try that fails is repeated with
growing pauses; when :data:`PAUSES` are used up, the delivery is dead, and stays to be looked at
and tried again. Leaves to others: sending over HTTP (``bot/web/webhooks.py``).
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, func, select, update

from bot.casework.errors import CaseworkError, UnknownTicket
from bot.casework.ledger import Clock, transaction, utc_now
from bot.casework.models import Ticket, TicketEvent
from bot.casework.outside_models import Delivery, Webhook

#: Pauses after the first failed try, the second …: about two days in all.
PAUSES = tuple(dt.timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720, 1440))
#: A delivery that somebody has begun is not begun again within this.
LEASE = dt.timedelta(minutes=2)
#: Characters of a failure that are kept.
ERROR = 300


@dataclass(frozen=True, slots=True)
class Parcel:
    """One delivery, ready to send."""

    id: int
    url: str
    secret: str
    attempt: int
    """From 1."""
    body: dict[str, Any]


class Outbox:
    """Webhooks and their deliveries in SQL. Thread-safe; processes may share a database."""

    def __init__(self, engine: Engine, clock: Clock = utc_now) -> None:
        self._engine = engine
        self._now = clock

    def add(self, url: str, unit: str = "") -> tuple[int, str]:
        """Register a webhook; return its id and the secret of its signatures.

        Raises:
            CaseworkError: the URL is none, or the database cannot be used.
        """
        if not url.startswith(("https://", "http://")):
            raise CaseworkError("A webhook's URL begins with https:// or http://.")
        secret = secrets.token_urlsafe(32)
        with transaction(self._engine) as session:
            row = Webhook(url=url, secret=secret, unit=unit, made_at=self._now())
            session.add(row)
            session.flush()
            return row.id, secret

    def webhooks(self) -> list[Webhook]:
        """Return every webhook (CaseworkError: cannot be read)."""
        with transaction(self._engine) as session:
            return list(session.scalars(select(Webhook).order_by(Webhook.id)))

    def remove(self, id: int) -> None:
        """Tell a webhook nothing from now on, not even what waits (UnknownTicket: no such)."""
        with transaction(self._engine) as session:
            row = session.get(Webhook, id)
            if row is None:
                raise UnknownTicket(f"There is no webhook {id}.")
            row.active = False

    def take(self, limit: int = 20) -> list[Parcel]:
        """Return deliveries that are due, and keep others from beginning them meanwhile.

        Whoever takes one and dies leaves it to be taken again after :data:`LEASE`.

        Raises:
            CaseworkError: the database cannot be used.
        """
        now = self._now()
        due = (
            select(Delivery, Webhook, TicketEvent, Ticket)
            .join(Webhook, Delivery.webhook_id == Webhook.id)
            .join(TicketEvent, Delivery.event_id == TicketEvent.id)
            .join(Ticket, TicketEvent.ticket_id == Ticket.id)
            .where(Delivery.state == "pending", Delivery.next_at <= now, Webhook.active)
            .order_by(Delivery.next_at, Delivery.id)
            .limit(limit)
            .with_for_update(of=Delivery, skip_locked=True)
        )
        with transaction(self._engine) as session:
            parcels = []
            for delivery, webhook, event, ticket in session.execute(due):
                delivery.next_at = now + LEASE
                delivery.attempts += 1
                body = body_of(event, ticket)
                parcels.append(
                    Parcel(delivery.id, webhook.url, webhook.secret, delivery.attempts, body)
                )
            return parcels

    def delivered(self, id: int) -> None:
        """Record that a delivery arrived (CaseworkError: cannot)."""
        with transaction(self._engine) as session:
            session.execute(
                update(Delivery)
                .where(Delivery.id == id)
                .values(state="delivered", done_at=self._now(), error="")
            )

    def failed(self, id: int, error: str) -> None:
        """Record that a try failed: it is tried again later, or dead (CaseworkError: cannot)."""
        with transaction(self._engine) as session:
            row = session.get(Delivery, id)
            if row is None:
                return
            row.error = error[:ERROR]
            if row.attempts > len(PAUSES):
                row.state, row.done_at = "dead", self._now()
            else:
                row.next_at = self._now() + PAUSES[row.attempts - 1]

    def count(self) -> dict[str, int]:
        """Return how many deliveries are in which state (CaseworkError: cannot be read)."""
        query = select(Delivery.state, func.count()).group_by(Delivery.state)
        with transaction(self._engine) as session:
            return dict(session.execute(query).all())

    def dead(self, limit: int = 100) -> list[Delivery]:
        """Return dead deliveries, newest first (CaseworkError: cannot be read)."""
        query = select(Delivery).where(Delivery.state == "dead").order_by(Delivery.id.desc())
        with transaction(self._engine) as session:
            return list(session.scalars(query.limit(limit)))

    def revive(self) -> int:
        """Let every dead delivery be tried anew; return how many (CaseworkError: cannot)."""
        fresh = {"state": "pending", "attempts": 0, "next_at": self._now(), "done_at": None}
        with transaction(self._engine) as session:
            rows = list(session.scalars(select(Delivery).where(Delivery.state == "dead")))
            for row in rows:
                for name, value in fresh.items():
                    setattr(row, name, value)
            return len(rows)


def body_of(event: TicketEvent, ticket: Ticket) -> dict[str, Any]:
    """Return what a back office is told: nothing that says who the citizen is."""
    return {
        "id": event.id,
        "event": f"ticket.{event.kind}",
        "at": event.at.isoformat(),
        "actor": event.actor,
        "data": event.data,
        "ticket": {
            "number": ticket.number,
            "version": event.seq,
            "category": ticket.category,
            "title": ticket.title,
            "unit": ticket.unit,
            "state": ticket.state,
        },
    }
