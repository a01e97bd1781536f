"""Noting whom an event is to be told to, in the transaction of the event itself.

Apart from ``outbox.py``, because the ledger needs this and the outbox needs the ledger.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import insert, literal, or_, select
from sqlalchemy.orm import Session

from bot.casework.models import Ticket
from bot.casework.outside_models import Delivery, Webhook


def enqueue(session: Session, ticket: Ticket, event_id: int, at: dt.datetime) -> None:
    """Note, in the transaction of an event, whom it is to be told to."""
    wanted = select(
        Webhook.id,
        literal(event_id),
        literal("pending"),
        literal(0),
        literal(at, Delivery.next_at.type),
        literal(""),
    ).where(Webhook.active, or_(Webhook.unit == "", Webhook.unit == ticket.unit))
    columns = ["webhook_id", "event_id", "state", "attempts", "next_at", "error"]
    session.execute(insert(Delivery).from_select(columns, wanted))
