"""Half-finished tickets of callers who hung up: kept, shown to agents, finished or dropped.

No number was spoken for them. Leaves to others: calling those citizens back.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import select

from bot.casework.errors import CaseworkError, Conflict, UnknownTicket
from bot.casework.ledger import Ledger
from bot.casework.lifecycle import Actor
from bot.casework.models import Draft


class Drafts:
    """Drafts in SQL. Thread-safe."""

    def __init__(self, ledger: Ledger, file: Callable[..., str]) -> None:
        self._ledger = ledger
        self._file = file

    def keep(self, call_id: str, fields: Mapping[str, Any], caller: str = "") -> int:
        """Keep what was said, by the names of ``TicketStore.file``; return the draft's id.

        A call has one draft: said again, it is replaced, unless somebody has decided on it.

        Raises:
            CaseworkError: it could not be stored.
        """
        with self._ledger.transaction() as session:
            draft = session.scalar(select(Draft).where(Draft.call_id == call_id))
            if draft is None:
                draft = Draft(call_id=call_id, state="draft")
                session.add(draft)
            if draft.state == "draft":
                draft.at, draft.caller, draft.fields = self._ledger.now(), caller, dict(fields)
            session.flush()
            return draft.id

    def open(self, limit: int = 50) -> list[Draft]:
        """Return drafts nobody has decided on, newest first (CaseworkError: can't be read)."""
        with self._ledger.transaction() as session:
            query = select(Draft).where(Draft.state == "draft").order_by(Draft.id.desc())
            return list(session.scalars(query.limit(limit)))

    def promote(self, id: int, by: str | Actor, **fields: Any) -> str:
        """File the ticket, with ``fields`` put right or filled in; return its number.

        Raises:
            UnknownTicket: there is no such draft.
            Conflict: it was discarded.
            CaseworkError: something a ticket needs is missing, or it can't be stored.
        """
        draft = self._take(id)
        if draft.state == "promoted":
            return draft.number
        known = set(inspect.signature(self._file).parameters)
        said = {key: value for key, value in draft.fields.items() if key in known and value}
        ticket = {"call_id": draft.call_id, "caller": draft.caller} | said | fields
        for need in ("category", "title", "text"):
            if not ticket.get(need):
                raise CaseworkError(f"The draft lacks its {need}: give it, then promote again.")
        # Filing the same call's request twice gives the same number, so a crash in between
        # leaves nothing that a second try does not mend.
        number = self._file(**ticket)
        self._decide(id, "promoted", by, number)
        return number

    def discard(self, id: int, by: str | Actor) -> None:
        """Decide that a draft becomes no ticket.

        Raises:
            UnknownTicket, Conflict, CaseworkError: no such draft; it is a ticket by now.
        """
        self._decide(id, "discarded", by)

    def _take(self, id: int) -> Draft:
        with self._ledger.transaction() as session:
            draft = session.get(Draft, id)
        if draft is None:
            raise UnknownTicket(f"There is no draft {id}.")
        if draft.state == "discarded":
            raise Conflict(f"Draft {id} was discarded by {draft.actor}.")
        return draft

    def _decide(self, id: int, state: str, by: str | Actor, number: str = "") -> None:
        with self._ledger.transaction() as session:
            draft = session.get(Draft, id, with_for_update=True)
            if draft is None:
                raise UnknownTicket(f"There is no draft {id}.")
            if draft.state not in ("draft", state):
                raise Conflict(f"Draft {id} is {draft.state} already, by {draft.actor}.")
            draft.state, draft.number, draft.actor = state, number, str(Actor.of(by))
