"""The agent queue in Redis: who waits for a person, in which order, and who has whom.

The rules are in ``queue.lua``, which Redis runs in one atomic step a call, so two bots can
never give one caller to two agents. States move only along

    scheduled -> waiting -> claimed -> joined -> done
    claimed -> waiting                            (the agent did not answer)
    joined -> waiting                             (``give_back``, or the agent's line dropped)
    joined -> claimed                             (``hand``: another agent is to take over)
    claimed -> scheduled | done                   (``postpone``: not reached, or not now)
    waiting -> scheduled                          (``book``: the caller prefers a callback)
    scheduled | waiting | claimed -> abandoned    (the caller hung up)

The order is by ``Priority``, which long waiting raises, then by ``queued_at``. An agent with
skills is given only callers whose needs are among them. The keys: ``keys.py``.

Leaves to others: who of the agents is there (``presence.py``), ringing them and keeping the
queue true to the telephone switch (``desk.py``), and starting Redis (``bot/node``).
"""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import Any, Unpack
from uuid import uuid4

from bot.agents.changes import Change, watch, watch_async
from bot.agents.codec import Changes, changed_fields, from_fields, said_of, said_text, to_fields
from bot.agents.presence import Presence
from bot.agents.rules import QueueUnavailable as QueueUnavailable
from bot.agents.rules import Rules, flat, pairs
from bot.agents.tally import Tally
from bot.agents.types import EntryState, QueueEntry, Turn
from bot.redis_client import public_address as public_address

#: Outcome of a callback that was given up (``queue.lua``).
NOT_REACHED = "not_reached"
#: Seconds that finished entries are kept.
KEPT = 7 * 24 * 3600.0
#: Entries deleted in one step by ``trim``, so that it never holds Redis up.
TRIM_STEP = 500
#: Most finished entries listed at once.
LISTED = 1000

# Named here, because in the class below ``list`` is a method.
_Entries = list[QueueEntry]
_Answer = list[dict[str, str]]


class AgentBusy(Exception):  # noqa: N818
    """The agent already has a caller; ``entry_id`` says which."""

    def __init__(self, agent: str, entry_id: str) -> None:
        super().__init__(f"Agent {agent} already has the caller {entry_id}.")
        self.agent = agent
        self.entry_id = entry_id


class IllegalTransition(Exception):  # noqa: N818
    """The entry cannot go from where it is (``state``) to where it was sent."""

    def __init__(self, entry_id: str, state: str, wanted: EntryState) -> None:
        super().__init__(f"Entry {entry_id} is {state} and cannot become {wanted}.")
        self.entry_id = entry_id
        self.state = state


class UnknownEntry(IllegalTransition):
    """There is no entry with this id (any more)."""

    def __init__(self, entry_id: str, wanted: EntryState) -> None:
        super().__init__(entry_id, "unknown", wanted)


class AgentQueue:
    """The queue of escalated callers. Thread-safe.

    Every method may raise QueueUnavailable. The moves (``release``, ``join``, ``close``,
    ``abandon``, ``book``, ``leave``, ``part``) return True when they changed something and
    False when there was nothing to change, so that a repeat does no harm; they raise
    IllegalTransition from any other state and UnknownEntry, which is one, when there is no
    such entry.
    """

    def __init__(
        self, redis_url: str, clock: Callable[[], float] = time.time, prefix: str = "hotline"
    ) -> None:
        """``redis_url`` as in ``bot/redis_client.py``; ``clock`` gives Unix time.

        Raises:
            QueueUnavailable: the URL cannot be understood.
        """
        self._rules = Rules(redis_url, clock, prefix)
        self.presence = Presence(self._rules)
        self.tally = Tally(self._rules)

    # --- changes -----------------------------------------------------------------------

    def enqueue(self, entry: QueueEntry) -> bool:
        """Let a caller wait; False, and no change, if their id was ever seen before.

        A callback whose ``due_at`` is still to come is scheduled. ``state``, ``agent``,
        ``changed_at``, ``rank``, and what is known only once an agent has the caller (``leg``,
        ``talk`` …), do not count.

        Raises:
            ValueError: the priority is not 0 to 999, ``queued_at`` is no Unix time, or a
                skill is not one word.
        """
        return bool(self._rules.run("enqueue", entry.id, *flat(to_fields(entry)))[0] == "ok")

    def claim(self, agent: str, entry_id: str | None = None, node: str = "") -> QueueEntry | None:
        """Give the agent the first caller whom they can serve, or this one.

        ``node``: only of callers on this node, unless it is "".

        None when nobody waits, or this caller does not (any more). A certain caller is given
        whatever they need: whoever chooses has looked.

        Raises:
            AgentBusy: the agent has a claimed or joined caller.
        """
        result, *rest = self._rules.run("claim", agent, _new_leg(), entry_id or "", node)
        if result == "busy":
            raise AgentBusy(agent, rest[0])
        return from_fields(pairs(rest[0])) if result == "ok" else None

    def release(self, entry_id: str) -> bool:
        """Claimed -> waiting, at the old place."""
        return self._move(entry_id, EntryState.WAITING)

    def join(self, entry_id: str) -> bool:
        """Claimed -> joined: caller and agent hear each other."""
        return self._move(entry_id, EntryState.JOINED)

    def close(self, entry_id: str, outcome: str) -> bool:
        """Joined -> done, which frees the agent. ``outcome`` is for statistics."""
        return self._move(entry_id, EntryState.DONE, outcome)

    def abandon(self, entry_id: str) -> bool:
        """Waiting, claimed or scheduled -> abandoned, which frees the agent."""
        return self._move(entry_id, EntryState.ABANDONED, "abandoned")

    def leave(self, entry_id: str) -> bool:
        """The caller's line is gone: abandoned, or done if they talked. A callback goes on."""
        return self._did(self._rules.run("leave", entry_id), entry_id, EntryState.ABANDONED)

    def part(self, entry_id: str, leg: str = "", *, dropped: bool = False) -> bool:
        """The agent's leg is gone: done or, if it dropped, waiting after emergencies only.

        Who is on hold while the agent asks somebody waits too: the agent has not finished.

        False when the caller is on another leg by now; "" stands for any.
        """
        how, wanted = ("returned", EntryState.WAITING) if dropped else ("done", EntryState.DONE)
        outcome = "agent_dropped" if dropped else "agent_left"
        return self._did(self._rules.run("part", entry_id, leg, how, outcome), entry_id, wanted)

    def give_back(self, entry_id: str) -> bool:
        """Joined -> waiting, with priority and place kept; frees the agent."""
        answer = self._rules.run("part", entry_id, "", "kept", "given_back")
        return self._did(answer, entry_id, EntryState.WAITING)

    def hand(self, entry_id: str, agent: str, leg: str = "") -> QueueEntry:
        """Joined -> claimed by another agent, in one step; frees the first. Return the entry.

        ``leg``: of the other agent, if it is on the line already.

        Raises:
            AgentBusy: the other agent has a caller.
        """
        answer = self._rules.run("hand", entry_id, agent, leg or _new_leg())
        if answer[0] == "busy":
            raise AgentBusy(agent, answer[1])
        self._did(answer, entry_id, EntryState.CLAIMED)
        return from_fields(pairs(answer[1]))

    def book(self, entry_id: str, phone: str, due_at: float = 0.0) -> bool:
        """Make a waiting caller a callback that keeps its place; not before ``due_at``."""
        answer = self._rules.run("book", entry_id, phone, repr(due_at))
        return self._did(answer, entry_id, EntryState.SCHEDULED)

    def postpone(self, entry_id: str, tries: int, due_at: float | None) -> bool:
        """Claimed -> scheduled, or done when there is no next time; frees the agent.

        ``tries``: how often it was called in vain.
        """
        answer = self._rules.run(
            "postpone", entry_id, str(tries), "" if due_at is None else repr(due_at)
        )
        return self._did(answer, entry_id, EntryState.SCHEDULED)

    def update(self, entry_id: str, **changes: Unpack[Changes]) -> bool:
        """Replace what is given; False when there is no such entry.

        Raises:
            ValueError: a skill is malformed.
        """
        fields = changed_fields(changes)
        if not fields:
            return self.get(entry_id) is not None
        return bool(self._rules.run("update", entry_id, *flat(fields))[0] == "ok")

    def say(self, entry_id: str, turn: Turn) -> bool:
        """Add to what caller and agent said to each other; False when there is no such entry."""
        return bool(self._rules.run("say", entry_id, said_text(turn))[0] == "ok")

    def trim(self) -> int:
        """Delete entries that finished over 7 days ago, at most 500; return how many."""
        before = repr(self._rules.clock() - KEPT)
        return int(self._rules.run("trim", before, str(TRIM_STEP))[1])

    # --- questions ---------------------------------------------------------------------

    def get(self, entry_id: str) -> QueueEntry | None:
        """Return one entry, finished or not."""
        key = f"{self._rules.prefix}entry:{entry_id}"
        fields = self._rules.ask(lambda client: client.hgetall(key))
        return from_fields(fields) if fields else None

    def said(self, entry_id: str) -> tuple[Turn, ...]:
        """Return what caller and agent said to each other, oldest first; the last 2,000 turns."""
        key = f"{self._rules.prefix}talk:{entry_id}"
        rows = self._rules.ask(lambda client: client.lrange(key, 0, -1))
        return tuple(said_of(row) for row in rows)

    def live(self) -> _Entries:
        """Return all entries that are not finished, as of one moment, in order."""
        found = self._rules.run("live")[1]
        return _in_order(from_fields(pairs(fields)) for fields in found)

    def list(self, state: EntryState | None = None) -> _Entries:
        """Return entries of one state, or of all, in order; of finished ones the last 1,000."""
        entries = self.live() if state not in (EntryState.DONE, EntryState.ABANDONED) else []
        if state in (None, EntryState.DONE, EntryState.ABANDONED):
            entries += self._last_finished()
        return _in_order(entry for entry in entries if state in (None, entry.state))

    def waiting_count(self) -> int:
        """Return how many wait."""
        key = f"{self._rules.prefix}waiting"
        return int(self._rules.ask(lambda client: client.zcard(key)))

    def position(self, entry_id: str) -> int | None:
        """Return the place of a waiting caller, 1 for the next; None if they do not wait."""
        place = self._rules.run("position", entry_id)[1]
        return int(place) if place else None

    def expected_wait(self, who: str | int) -> float | None:
        """Return the seconds until an agent turns to the entry, or to this position.

        With n callers up to and including this one, f agents free, c on duty and a mean of H
        seconds for a conversation with its wrap-up, the free ones take f callers at once, and
        from then on an agent becomes free every H / c seconds (the mean of c alike servers
        in parallel):

            wait = max(0, n - f) * H / c

        H is the mean of the last 100 conversations, so it follows the day. None when nobody
        is on duty, no conversation has ended yet, or the entry does not wait.
        """
        position = self.position(who) if isinstance(who, str) else who
        staff = self.presence.staffing()
        if position is None or not staff.serving or staff.service_seconds is None:
            return None
        return max(0, position - staff.free) * staff.service_seconds / staff.serving

    def reachable(self) -> bool:
        """Say whether Redis answers now. Never raises."""
        try:
            self._rules.ask(lambda client: client.ping())
        except QueueUnavailable:
            return False
        return True

    # --- news --------------------------------------------------------------------------

    def changes(self, stop: threading.Event) -> Iterator[Change]:
        """Yield every change as it happens until ``stop`` is set. Blocks; never raises."""
        return watch(self._rules, stop)

    def changes_async(self) -> AsyncIterator[Change]:
        """Yield every change as it happens, until closed."""
        return watch_async(self._rules)

    def events(self, since: float) -> _Answer:
        """Return the changes kept since a Unix time, oldest first, as text by name.

        Each has ``id``, ``state``, ``agent``, ``outcome`` and ``at``.
        """
        key = f"{self._rules.prefix}events"
        rows = self._rules.ask(lambda client: client.xrange(key, min=int(since * 1000)))
        return [fields for _, fields in rows]

    # --- Redis -------------------------------------------------------------------------

    def _last_finished(self) -> _Entries:
        def look(client: Any) -> list[dict[str, str]]:
            prefix = self._rules.prefix
            ids = client.zrevrange(f"{prefix}finished", 0, LISTED - 1)
            with client.pipeline(transaction=False) as pipeline:
                for entry_id in ids:
                    pipeline.hgetall(f"{prefix}entry:{entry_id}")
                return list(pipeline.execute())

        # An entry may have been trimmed between the two questions.
        return [from_fields(fields) for fields in self._rules.ask(look) if fields]

    def _move(self, entry_id: str, to: EntryState, outcome: str = "") -> bool:
        return self._did(self._rules.run("move", entry_id, to.value, outcome), entry_id, to)

    def _did(self, answer: Sequence[Any], entry_id: str, wanted: EntryState) -> bool:
        if answer[0] == "unknown":
            raise UnknownEntry(entry_id, wanted)
        if answer[0] == "illegal":
            raise IllegalTransition(entry_id, answer[1], wanted)
        return bool(answer[0] == "ok")


def _new_leg() -> str:
    return f"join-{uuid4()}"


def _in_order(entries: Iterable[QueueEntry]) -> _Entries:
    return sorted(entries, key=lambda entry: (entry.rank, entry.queued_at, entry.id))
