"""Things that somebody is to be told: written down once, sent by the channels.

Leaves to others: sending (channels, web), and every reason to tell.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.casework.errors import UnknownTicket
from bot.casework.ledger import Clock, transaction, utc_now
from bot.casework.models import Notice

Whom = Literal["citizen", "unit", "role"]


def tell(
    session: Session,
    key: str,
    to: tuple[Whom, str],
    text: str,
    at: dt.datetime,
    ticket_id: int | None = None,
) -> bool:
    """Write down that somebody is to be told; the same ``key`` is told once.

    Returns:
        Whether it is new and there is somebody to tell.
    """
    whom, recipient = to
    if not recipient or session.scalar(select(Notice.id).where(Notice.key == key)) is not None:
        return False
    notice = Notice(
        key=key, ticket_id=ticket_id, to_kind=whom, recipient=recipient, text=text, made_at=at
    )
    try:
        with session.begin_nested():
            session.add(notice)
    except IntegrityError:
        return False  # Another process has just told them.
    return True


class Notices:
    """The box that channels empty. Thread-safe."""

    def __init__(self, engine: Engine, clock: Clock = utc_now) -> None:
        self._engine = engine
        self._now = clock

    def unsent(self, whom: Whom | None = None, limit: int = 100) -> list[Notice]:
        """Return what is to be sent, oldest first (CaseworkError: it can't be read)."""
        with transaction(self._engine) as session:
            query = select(Notice).where(Notice.sent_at.is_(None)).order_by(Notice.id)
            if whom:
                query = query.where(Notice.to_kind == whom)
            return list(session.scalars(query.limit(limit)))

    def sent(self, id: int) -> None:
        """Record that it was sent; said again it changes nothing.

        Raises:
            UnknownTicket: there is no such notice.
            CaseworkError: it can't be stored.
        """
        with transaction(self._engine) as session:
            notice = session.get(Notice, id)
            if notice is None:
                raise UnknownTicket(f"There is no notice {id}.")
            notice.sent_at = notice.sent_at or self._now()
