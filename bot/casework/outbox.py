"""Webhooks: every event of a ticket, told to the back offices that want it, at least once.

What is to be told is written in the transaction of the event itself (``deliveries.py``). Leaves
to others: trying again and giving up (``posting.py``), sending over HTTP (``bot/web/webhooks.py``).
"""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import Engine, select

from bot.casework.errors import CaseworkError, UnknownTicket
from bot.casework.ledger import Clock, transaction, utc_now
from bot.casework.models import Ticket, TicketEvent
from bot.casework.outside_models import Delivery, Webhook
from bot.casework.posting import Parcel, Post


class Outbox(Post[Delivery]):
    """Webhooks and their deliveries in SQL. Thread-safe; processes may share a database."""

    def __init__(self, engine: Engine, clock: Clock = utc_now) -> None:
        super().__init__(engine, Delivery, clock)

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

        Raises:
            CaseworkError: the database cannot be used.
        """
        due = (
            select(Delivery, Webhook, TicketEvent, Ticket)
            .join(Webhook, Delivery.webhook_id == Webhook.id)
            .join(TicketEvent, Delivery.event_id == TicketEvent.id)
            .join(Ticket, TicketEvent.ticket_id == Ticket.id)
            .where(*self.due(), Webhook.active)
            .order_by(Delivery.next_at, Delivery.id)
            .limit(limit)
            .with_for_update(of=Delivery, skip_locked=True)
        )
        with transaction(self._engine) as session:
            parcels = []
            for delivery, webhook, event, ticket in session.execute(due):
                self.begin(delivery)
                body = body_of(event, ticket)
                parcels.append(
                    Parcel(delivery.id, webhook.url, webhook.secret, delivery.attempts, body)
                )
            return parcels


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
