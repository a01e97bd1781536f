"""Who saw what is usually hidden: written down before it is shown.

Leaves to others: who may (roles of the desk), and hiding itself (``observe.mask_number``).
"""

from __future__ import annotations

from sqlalchemy import Engine, select

from bot.casework.errors import CaseworkError
from bot.casework.ledger import Clock, transaction, utc_now
from bot.casework.lifecycle import Actor, Role
from bot.casework.models import AuditEntry


class Audit:
    """The audit in SQL. Entries are only ever added."""

    def __init__(self, engine: Engine, clock: Clock = utc_now) -> None:
        self._engine = engine
        self._now = clock

    def reveal(self, by: str | Actor, subject: str, reason: str) -> None:
        """Record that somebody sees personal data; show it only after this has returned.

        Args:
            by: who, with a name: nobody sees it namelessly.
            subject: of what: ``ticket 261125000017``.
            reason: why.

        Raises:
            CaseworkError: name or reason is missing, or it can't be stored.
        """
        actor = Actor.of(by)
        if actor.role is Role.CITIZEN or not actor.name:
            raise CaseworkError("Say who looks, with a name, such as agent:8001.")
        if not reason.strip():
            raise CaseworkError("Say why personal data has to be seen.")
        with transaction(self._engine) as session:
            session.add(
                AuditEntry(
                    at=self._now(),
                    actor=str(actor),
                    action="reveal",
                    subject=subject,
                    reason=reason,
                )
            )

    def entries(self, limit: int = 100) -> list[AuditEntry]:
        """Return the newest entries, newest first (CaseworkError: they can't be read)."""
        with transaction(self._engine) as session:
            query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
            return list(session.scalars(query))
