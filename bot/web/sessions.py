"""Sessions of browsers: kept by the server, new at every sign-in, over after a while.

The cookie holds a random key and nothing else. A key that somebody brought along (session
fixation) is never taken up. Leaves to others: cookies themselves and the CSRF check of a
request (``pages.py``).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import Engine, delete
from sqlalchemy.orm import Session

from bot.casework.desk_models import AccountRow, SessionRow
from bot.casework.ledger import Clock, utc_now
from bot.web.accounts import Account, account_of

#: A session ends after this long without a request, and after a long shift in any case.
IDLE, LONGEST = dt.timedelta(minutes=60), dt.timedelta(hours=12)
#: A request sooner than this after the last one is not written down: it is no news.
GRAIN = dt.timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whose browser it is."""

    account: Account
    csrf: str
    """What a form or a script of this session's pages must bring along."""


class Sessions:
    """Sessions in SQL. Thread-safe."""

    def __init__(self, engine: Engine, clock: Clock = utc_now) -> None:
        self._engine = engine
        self._now = clock

    def begin(self, account: Account) -> str:
        """Begin a session; return its key, for the cookie."""
        key, now = secrets.token_urlsafe(32), self._now()
        with Session(self._engine) as session, session.begin():
            session.execute(delete(SessionRow).where(SessionRow.began_at < now - LONGEST))
            session.add(
                SessionRow(
                    key_hash=_hash(key),
                    account_id=account.id,
                    csrf=secrets.token_urlsafe(32),
                    began_at=now,
                    seen_at=now,
                )
            )
        return key

    def find(self, key: str) -> SignedIn | None:
        """Return whose session this is, None if it is none or it is over."""
        if not key:
            return None
        now = self._now()
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            row = session.get(SessionRow, _hash(key))
            if row is None:
                return None
            account = session.get(AccountRow, row.account_id)
            over = now - row.seen_at > IDLE or now - row.began_at > LONGEST
            if account is None or account.locked or over:
                session.delete(row)
                return None
            if now - row.seen_at > GRAIN:
                row.seen_at = now
            return SignedIn(account_of(account), row.csrf)

    def end(self, key: str) -> None:
        """End a session."""
        with Session(self._engine) as session, session.begin():
            session.execute(delete(SessionRow).where(SessionRow.key_hash == _hash(key)))


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
