"""Promised callbacks reach the agents' queue when their time has come, whatever died meanwhile.

SQL remembers the promise, Redis the place in the queue; an entry that was lost is entered
again, and a promise is kept once an agent is done with its entry. Leaves to others: making
the promise (``dialogue``), and calling (``agents``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from uuid import NAMESPACE_OID, uuid5

from bot.agents.calling_back import Policy
from bot.agents.queue import NOT_REACHED, AgentQueue
from bot.agents.types import EntryKind, EntryState, QueueEntry
from bot.casework.callbacks import Callbacks
from bot.casework.models import CallbackRequest
from bot.casework.rules import Rules

#: Gives what is known of a call by its id, None when there is no record of it.
Recall = Callable[[str], QueueEntry | None]


def policy_of(rules: Callable[[], Rules]) -> Policy:
    """Return when and how often agents call citizens back, by a pack's rules."""

    def allowed(at: float) -> float:
        now = dt.datetime.fromtimestamp(at, dt.UTC)
        then = rules().permitted(now)
        return then.timestamp() if then > now else at

    return Policy(allowed, lambda: [wait.total_seconds() for wait in rules().callbacks.retry_after])


class Promises:
    """Keeps callbacks in SQL and in the queue alike."""

    def __init__(self, callbacks: Callbacks, queue: AgentQueue, recall: Recall) -> None:
        self._callbacks = callbacks
        self._queue = queue
        self._recall = recall

    def look(self) -> None:
        """Enter what is due, and tick off what is done.

        Raises:
            CaseworkError, QueueUnavailable: nothing is lost; look again later.
        """
        for promise in self._callbacks.due():
            entry = self._queue.get(entry_id(promise))
            if entry is None:
                self._queue.enqueue(self._entry(promise))
            elif entry.state is EntryState.DONE:
                reached = entry.extra.get("outcome") != NOT_REACHED
                self._callbacks.done(promise.id, "called" if reached else NOT_REACHED)
            elif entry.state is EntryState.ABANDONED:
                # The citizen hung up again, or a supervisor took it out.
                self._callbacks.done(promise.id, "abandoned")

    def _entry(self, promise: CallbackRequest) -> QueueEntry:
        known = self._recall(promise.call_id) or QueueEntry(
            id="", channel="", caller=promise.phone, did="", reason=""
        )
        return replace(
            known,
            id=entry_id(promise),
            channel="",
            reason="callback",
            priority=min(known.priority, 5),
            queued_at=promise.due_at.timestamp(),
            kind=EntryKind.CALLBACK,
            due_at=promise.due_at.timestamp(),
            phone=promise.phone,
            extra={**known.extra, "text": promise.text},
        )


def entry_id(promise: CallbackRequest) -> str:
    """Return the id of a promise's place in the queue: always the same for the same promise."""
    return str(uuid5(NAMESPACE_OID, f"callback {promise.id} of {promise.call_id}"))
