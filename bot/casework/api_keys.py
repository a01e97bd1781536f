"""API keys of outside programs: made once, shown once, kept as a hash, revoked.

Leaves to others: what a key allows (``bot/web``).
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Literal

from sqlalchemy import Engine, select

from bot.casework.errors import CaseworkError, UnknownTicket
from bot.casework.ledger import Clock, transaction, utc_now
from bot.casework.outside_models import ApiKey

Kind = Literal["unit", "open311"]


class ApiKeys:
    """Keys in SQL. Thread-safe."""

    def __init__(self, engine: Engine, clock: Clock = utc_now) -> None:
        self._engine = engine
        self._now = clock

    def make(self, kind: Kind, owner: str) -> str:
        """Make a key for a unit or client and return it; it cannot be shown again.

        Raises:
            CaseworkError: no owner is named, or the database cannot be used.
        """
        if not owner:
            raise CaseworkError("Say whose key it is: the name of the unit or client.")
        key = secrets.token_urlsafe(32)
        with transaction(self._engine) as session:
            session.add(ApiKey(hash=_hash(key), kind=kind, owner=owner, made_at=self._now()))
        return key

    def owner(self, kind: Kind, key: str) -> str | None:
        """Return whose key it is; None when it is no valid key of that kind.

        Raises:
            CaseworkError: the database cannot be read.
        """
        query = select(ApiKey.owner).where(
            ApiKey.hash == _hash(key), ApiKey.kind == kind, ApiKey.revoked_at.is_(None)
        )
        with transaction(self._engine) as session:
            return session.scalar(query)

    def all(self) -> list[ApiKey]:
        """Return every key's row, oldest first (CaseworkError: cannot be read)."""
        with transaction(self._engine) as session:
            return list(session.scalars(select(ApiKey).order_by(ApiKey.id)))

    def revoke(self, id: int) -> None:
        """End a key at once (UnknownTicket: there is none; CaseworkError: cannot)."""
        with transaction(self._engine) as session:
            row = session.get(ApiKey, id)
            if row is None:
                raise UnknownTicket(f"There is no API key {id}.")
            row.revoked_at = row.revoked_at or self._now()


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
