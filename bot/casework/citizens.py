"""What the line remembers of a number: only with consent, and gone when asked.

One thing is remembered without: that a caller needs the slow voice of the elderly, because
asking for that anew each time would burden those it is for. Leaves to others: asking.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session

from bot.casework.errors import CaseworkError
from bot.casework.ledger import Clock, transaction, utc_now
from bot.casework.models import Citizen

#: What may be remembered, and whether that needs consent.
FIELDS = {"pack": True, "district": True, "last_rating": True, "elder": False}


@dataclass(frozen=True, slots=True)
class Profile:
    """A citizen, as far as the line knows."""

    phone: str
    consent: bool | None = None
    """Whether they may be remembered; None: never asked."""
    elder: bool = False
    pack: str = ""
    district: str = ""
    last_rating: int | None = None


class Citizens:
    """Profiles by number, in SQL. Thread-safe."""

    def __init__(self, engine: Engine, clock: Clock = utc_now) -> None:
        self._engine = engine
        self._now = clock

    def profile(self, phone: str) -> Profile | None:
        """Return what is known of a number, None if nothing (CaseworkError: can't be read)."""
        with transaction(self._engine) as session:
            row = _find(session, phone)
            if row is None:
                return None
            return Profile(
                row.phone, row.consent, row.elder, row.pack, row.district, row.last_rating
            )

    def consent(self, phone: str, given: bool) -> None:
        """Record whether a citizen may be remembered; a refusal erases what was.

        Raises:
            CaseworkError: it can't be stored, or the number is withheld.
        """
        with self._row(phone) as row:
            row.consent, row.consent_at = given, self._now()
            if not given:
                row.pack, row.district, row.last_rating = "", "", None

    def remember(self, phone: str, **fields: Any) -> bool:
        """Keep facts of :data:`FIELDS`; return whether all were kept.

        Without consent only those are that need none, and the rest is dropped silently: it is
        no caller's business to check.

        Raises:
            CaseworkError: it can't be stored, the number is withheld, or no such field.
        """
        unknown = set(fields) - set(FIELDS)
        if unknown:
            raise CaseworkError(f"Nothing called {', '.join(sorted(unknown))} is remembered.")
        if not phone:
            return False
        consented = bool((known := self.profile(phone)) and known.consent)
        kept = {key: value for key, value in fields.items() if consented or not FIELDS[key]}
        if kept:
            with self._row(phone) as row:
                for key, value in kept.items():
                    setattr(row, key, value)
        return kept.keys() == fields.keys()

    def forget(self, phone: str) -> None:
        """Erase the profile; nothing happens when there is none (CaseworkError: can't)."""
        with transaction(self._engine) as session:
            session.execute(delete(Citizen).where(Citizen.phone == phone))

    @contextmanager
    def _row(self, phone: str) -> Iterator[Citizen]:
        if not phone:
            raise CaseworkError("A withheld number can't be remembered.")
        with transaction(self._engine) as session:
            row = _find(session, phone)
            if row is None:
                row = Citizen(phone=phone, elder=False, pack="", district="")
                session.add(row)
            row.changed_at = self._now()
            yield row


def _find(session: Session, phone: str) -> Citizen | None:
    return session.scalar(select(Citizen).where(Citizen.phone == phone)) if phone else None
