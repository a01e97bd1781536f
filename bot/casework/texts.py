"""Texts (短信) to citizens: written down once, sent by the city's gateway, unless refused.

What may be put off till morning (surveys, notices) goes out only in the hours in which the pack
lets the line call; the number of a ticket and an answer go out at once. Leaves to others: trying
again and giving up (``posting.py``), sending over HTTP (``bot/web/webhooks.py``), the words
(the pack), and texts that come in (``talks.py``).
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.casework.ledger import Ledger
from bot.casework.models import Notice, Ticket
from bot.casework.outside_models import TextMessage, TextRefusal
from bot.casework.posting import Parcel, Post
from bot.casework.rules import Rules

Kind = Literal["number", "survey", "notice", "reply"]
#: What can wait till morning.
PATIENT = ("survey", "notice")
#: How long each is worth sending; a survey as long as its answer is waited for.
WORTH = {
    "number": dt.timedelta(days=1),
    "notice": dt.timedelta(days=3),
    "reply": dt.timedelta(hours=1),
}


def put(
    session: Session,
    rules: Rules,
    *,
    key: str,
    kind: Kind,
    phone: str,
    text: str,
    at: dt.datetime,
    until: dt.datetime | None = None,
    ticket_id: int | None = None,
) -> bool:
    """Write down, in a transaction, that a number is to be texted; the same ``key`` once.

    Returns:
        Whether it is new, and may be: not to a landline, and to nobody who refused.
    """
    if not rules.surveys.can_text(phone) or (kind != "reply" and refused(session, phone)):
        return False
    known = TextMessage.direction == "out", TextMessage.key == key
    if session.scalar(select(TextMessage.id).where(*known)) is not None:
        return False
    row = TextMessage(
        direction="out",
        key=key,
        kind=kind,
        ticket_id=ticket_id,
        phone=phone,
        text=rules.signature + text,
        made_at=at,
        next_at=at,
        until=until or at + WORTH[kind],
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return False  # Another process has just put it.
    return True


def refused(session: Session, phone: str) -> bool:
    """Tell whether a number wants no texts."""
    query = select(TextRefusal.id).where(TextRefusal.phone == phone)
    return session.scalar(query) is not None


class Texts(Post[TextMessage]):
    """Texts that are to go out, in SQL. Thread-safe; processes may share a database."""

    def __init__(self, ledger: Ledger, url: str = "", secret: str = "") -> None:
        """``url`` and ``secret`` are of the gateway; without them nothing can be taken."""
        super().__init__(ledger.engine, TextMessage, ledger.now, (TextMessage.direction == "out",))
        self._ledger = ledger
        self._url = url
        self._secret = secret

    def send(self, key: str, kind: Kind, phone: str, text: str, pack: str = "") -> bool:
        """Have a number texted; see :func:`put` (CaseworkError: it can't be stored)."""
        ledger = self._ledger
        with ledger.transaction() as session:
            rules = ledger.rules_of(pack)
            return put(session, rules, key=key, kind=kind, phone=phone, text=text, at=ledger.now())

    def refuse(self, phone: str) -> None:
        """Text a number no more (退订), not even what waits (CaseworkError: it can't be stored)."""
        now = self._ledger.now()
        with self._ledger.transaction() as session:
            if not refused(session, phone):
                session.add(TextRefusal(phone=phone, at=now))
            waiting = TextMessage.phone == phone, TextMessage.kind != "reply"
            for row in session.scalars(select(TextMessage).where(*self.due(), *waiting)):
                _give_up(row, now, "refused by the citizen")

    def allow(self, phone: str) -> None:
        """Text a number again, since it asks for that (CaseworkError: it can't be stored)."""
        with self._ledger.transaction() as session:
            row = session.scalar(select(TextRefusal).where(TextRefusal.phone == phone))
            if row is not None:
                session.delete(row)

    def take(self, limit: int = 20) -> list[Parcel]:
        """Return texts that are due, and keep others from beginning them meanwhile.

        Raises:
            CaseworkError: the database cannot be used.
        """
        ledger, now = self._ledger, self._ledger.now()
        due = (
            select(TextMessage, Ticket.pack)
            .join(Ticket, TextMessage.ticket_id == Ticket.id, isouter=True)
            .where(*self.due())
            .order_by(TextMessage.next_at, TextMessage.id)
            .limit(limit)
            .with_for_update(of=TextMessage, skip_locked=True)
        )
        parcels = []
        with ledger.transaction() as session:
            for row, pack in session.execute(due):
                morning = ledger.rules_of(pack or "").permitted(now)
                if row.until <= now:
                    _give_up(row, now, row.error or "too late to be worth sending")
                elif row.kind in PATIENT and morning > now:
                    row.next_at = morning
                else:
                    self.begin(row)
                    parcels.append(
                        Parcel(row.id, self._url, self._secret, row.attempts, body_of(row))
                    )
        return parcels

    def revive(self) -> int:
        """Let everything that was given up be tried anew, for a day; return how many that are."""
        now = self._ledger.now()
        dead = select(TextMessage).where(*self._only, TextMessage.state == "dead")
        with self._ledger.transaction() as session:
            for row in session.scalars(dead):
                row.until = max(row.until, now + dt.timedelta(days=1))
        return super().revive()

    def forward_notices(self) -> int:
        """Make texts of what citizens are to be told (``notices.py``); return how many.

        What was to be told too long ago to be news, before there was a gateway, is left.

        Raises:
            CaseworkError: the database cannot be used.
        """
        ledger, now, count = self._ledger, self._ledger.now(), 0
        fresh = Notice.to_kind == "citizen", Notice.made_at > now - WORTH["notice"]
        query = (
            select(Notice, Ticket.pack)
            .join(Ticket, Notice.ticket_id == Ticket.id)
            .where(Notice.sent_at.is_(None), *fresh)
            .order_by(Notice.id)
        )
        with ledger.transaction() as session:
            for notice, pack in session.execute(query).all():
                if put(
                    session,
                    ledger.rules_of(pack),
                    key=f"notice:{notice.id}",
                    kind="notice",
                    phone=notice.recipient,
                    text=notice.text,
                    at=now,
                    ticket_id=notice.ticket_id,
                ):
                    notice.sent_at = now
                    count += 1
        return count


def body_of(row: TextMessage) -> dict[str, object]:
    """Return what the gateway is told. The same ``id`` may come twice, and is one text."""
    return {"id": row.id, "to": row.phone, "text": row.text, "kind": row.kind}


def _give_up(row: TextMessage, at: dt.datetime, why: str) -> None:
    row.state, row.done_at, row.error = "dead", at, why
