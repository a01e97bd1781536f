"""Texts that come in, and the conversations they belong to, in SQL.

A text is kept before the gateway is told that it arrived, is answered in the order of its
sender, and the same one comes twice only once. Leaves to others: answering
(``bot/correspondence.py``), trying again (``posting.py``), texts that go out (``texts.py``).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Engine, exists, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from bot.casework.ledger import Clock, transaction, utc_now
from bot.casework.outside_models import TextMessage, TextTalk
from bot.casework.posting import Post

#: How long a text that came in is worth an answer.
WORTH = dt.timedelta(days=1)
#: Characters of a text that are read.
LENGTH = 500
#: Texts of one number within an hour that are answered: each answer costs the city something.
HOURLY = 40
#: After this long a conversation is not gone on with: a survey as long as its answer may take.
LAPSE = dt.timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Received:
    """A text that is to be answered."""

    id: int
    phone: str
    """Personal."""
    line: str
    """The number that it was sent to."""
    text: str


class Inbox(Post[TextMessage]):
    """Texts that came in. Thread-safe; processes may share a database."""

    def __init__(self, engine: Engine, clock: Clock = utc_now) -> None:
        super().__init__(engine, TextMessage, clock, (TextMessage.direction == "in",))

    def receive(self, key: str, phone: str, line: str, text: str) -> bool:
        """Keep a text; return whether it is new, by the gateway's own ``key``.

        Who sends too many is kept, but not answered.

        Raises:
            CaseworkError: it can't be stored.
        """
        now = self._now()
        with transaction(self._engine) as session:
            known = select(TextMessage.id).where(*self._only, TextMessage.key == key)
            if session.scalar(known) is not None:
                return False
            lately = TextMessage.phone == phone, TextMessage.made_at > now - dt.timedelta(hours=1)
            count = select(func.count()).select_from(TextMessage).where(*self._only, *lately)
            many = (session.scalar(count) or 0) >= HOURLY
            row = TextMessage(
                direction="in",
                key=key,
                kind="said",
                phone=phone,
                text=text.replace("\0", "")[:LENGTH],
                line=line,
                made_at=now,
                next_at=now,
                until=now + WORTH,
                state="dead" if many else "pending",
                error="too many texts within an hour" if many else "",
            )
            try:
                with session.begin_nested():
                    session.add(row)
            except IntegrityError:
                return False
        return True

    def revive(self) -> int:
        """Let everything that was given up be answered now; return how many that are."""
        now = self._now()
        dead = select(TextMessage).where(*self._only, TextMessage.state == "dead")
        with transaction(self._engine) as session:
            for row in session.scalars(dead):
                row.until = max(row.until, now + WORTH)
        return super().revive()

    def take(self, limit: int = 20) -> list[Received]:
        """Return texts that are to be answered now, of each number the oldest, and lease them.

        Raises:
            CaseworkError: the database cannot be used.
        """
        now, before = self._now(), aliased(TextMessage)
        older = exists().where(
            before.direction == "in",
            before.state == "pending",
            before.phone == TextMessage.phone,
            before.id < TextMessage.id,
        )
        due = (
            select(TextMessage)
            .where(*self.due(), ~older)
            .order_by(TextMessage.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        taken = []
        with transaction(self._engine) as session:
            for row in session.scalars(due):
                if row.until <= now:
                    row.state, row.done_at = "dead", now
                else:
                    self.begin(row)
                    taken.append(Received(row.id, row.phone, row.line, row.text))
        return taken


class Talks:
    """Conversations between two texts. Every method raises CaseworkError when it can't."""

    def __init__(self, engine: Engine, clock: Clock = utc_now) -> None:
        self._engine = engine
        self._now = clock

    def find(self, phone: str) -> TextTalk | None:
        """Return the conversation that a number is in, None if it is in none."""
        with transaction(self._engine) as session:
            return _of(session, phone)

    def save(self, phone: str, contact: str, line: str, pack: str, state: str) -> None:
        """Keep how far a conversation has come."""
        with transaction(self._engine) as session:
            row = _of(session, phone) or TextTalk(phone=phone)
            row.contact, row.line, row.pack = contact, line, pack
            row.state, row.last_at = state, self._now()
            session.add(row)

    def end(self, phone: str) -> None:
        """Forget a conversation that is over."""
        with transaction(self._engine) as session:
            row = _of(session, phone)
            if row is not None:
                session.delete(row)

    def lapsed(self, limit: int = 20) -> list[TextTalk]:
        """Return conversations that nobody goes on with."""
        query = select(TextTalk).where(TextTalk.last_at <= self._now() - LAPSE)
        with transaction(self._engine) as session:
            return list(session.scalars(query.order_by(TextTalk.last_at).limit(limit)))


def _of(session: Session, phone: str) -> TextTalk | None:
    return session.scalar(select(TextTalk).where(TextTalk.phone == phone))
