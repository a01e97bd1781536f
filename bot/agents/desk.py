"""The desk: brings agents and waiting callers together, and keeps the queue true.

The queue (``queue.py``) remembers, the switchboard rings and joins; the desk does the one
after the other and mends what a crash on either side left behind. What cannot be written
because Redis is away is owed, kept in order in memory, and written when it is back; callers
of whom even that was lost (the bot was killed) are found in Asterisk's holding place.
Leaves to others: the telephone itself (``telephony/switchboard.py``).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import structlog

from bot.agents.calling_back import IN_VAIN, CallingBack
from bot.agents.queue import AgentQueue, IllegalTransition, QueueUnavailable
from bot.agents.types import (
    EntryState,
    HeldCaller,
    JoinResult,
    Priority,
    QueueEntry,
    Stop,
    Switchboard,
    SwitchboardError,
    TalkState,
)

log = structlog.get_logger(__name__)

#: Seconds beyond the ringing after which a claim by a bot that is gone counts as lost.
CLAIM_GRACE = 10.0
#: Seconds that a leg may take to follow what was written down of it.
LEG_GRACE = 5.0

Recall = Callable[[str], QueueEntry | None]


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """What came of a claim."""

    entry: QueueEntry
    """The caller, with the state they are in now."""
    result: JoinResult


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of the queue that is to be made, now or when Redis is back."""

    what: str
    id: str
    make: Callable[[], object]


class Desk:
    """Agents on one side, waiting callers on the other. Thread-safe."""

    def __init__(
        self,
        queue: AgentQueue,
        switchboard: Switchboard,
        ring_seconds: float,
        clock: Callable[[], float] = time.time,
        node: str = "",
        calling: CallingBack | None = None,
    ) -> None:
        """``ring_seconds``: how long an agent's phone rings; ``clock`` gives Unix time.

        ``node`` names this Asterisk where several share one queue; ``calling`` calls citizens
        back, where the line has a way out.
        """
        self._calling = calling
        self._node = node
        self._queue = queue
        self._switchboard = switchboard
        self._ring_seconds = ring_seconds
        self._clock = clock
        self._lock = threading.RLock()
        self._reconciling = threading.Lock()
        self._owed: deque[_Change] = deque()
        self._joining: set[str] = set()
        self._left_early: dict[str, bool] = {}
        #: Held while a waiting caller is sent somewhere, so that no agent joins them meanwhile.
        self._placing = threading.Lock()
        self._trouble: dict[type[Exception], str] = {}

    # --- what agents do ----------------------------------------------------------------

    def claim(self, agent: str, entry_id: str | None = None) -> ClaimResult | None:
        """Ring the agent and join them with the first caller, or with this one. Blocks.

        None when nobody waits (or this caller does not any more). A caller whose agent does
        not answer goes back to their place.

        Raises:
            AgentBusy: the agent has a caller already.
            QueueUnavailable: Redis does not answer; nothing was changed.
            SwitchboardError: Asterisk does not answer; the caller is back at their place.
        """
        while (entry := self._queue.claim(agent, entry_id, self._node)) is not None:
            if entry.channel:
                return self.ring(entry)
            found = self._call_back(entry)
            if entry_id or found.result is not JoinResult.NOT_NOW:
                return found
        return None

    def _call_back(self, entry: QueueEntry) -> ClaimResult:
        """Ring the agent, then the citizen, for whom nobody is on the line yet. Blocks."""
        if self._calling is None:
            # No way out: the agent reads the number and calls it on another telephone.
            self._queue.join(entry.id)
            return ClaimResult(replace(entry, state=EntryState.JOINED), JoinResult.TO_CALL)
        now = self._clock()
        when = self._calling.policy.permitted(now)
        if when > now:
            self._queue.postpone(entry.id, entry.tries, when)
            put_off = replace(entry, state=EntryState.SCHEDULED, agent="", due_at=when)
            return ClaimResult(put_off, JoinResult.NOT_NOW)
        return self._ring(entry, partial(self._calling.call, entry, self._node))

    def ring(self, entry: QueueEntry) -> ClaimResult:
        """Ring the agent of a claimed caller and join the two. Blocks.

        Raises:
            SwitchboardError: Asterisk does not answer; the caller is back at their place.
        """
        if entry.node != self._node:
            # Only the node that has the caller on its Asterisk can join them with anybody.
            self._queue.release(entry.id)
            raise SwitchboardError(
                f"This caller is on node {entry.node or 'without a name'}; claim them there."
            )
        join = partial(self._switchboard.join, entry, entry.agent, self._ring_seconds)
        return self._ring(entry, join)

    def _ring(self, entry: QueueEntry, join: Callable[[], JoinResult]) -> ClaimResult:
        with self._placing, self._lock:
            self._joining.add(entry.id)
        result: JoinResult | None = None
        try:
            result = join()
        finally:
            # Also when the switchboard failed in a way nobody thought of: a caller must
            # never stay claimed by an agent who is not coming.
            with self._lock:
                state = self._settle(entry, result)
                self._joining.discard(entry.id)
                self._left_early.pop(entry.leg, None)
        if state is EntryState.ABANDONED:
            result = JoinResult.CALLER_GONE
        log.info("queue.claimed", entry=entry.id, agent=entry.agent, result=result.value)
        holder = entry.agent if state in (EntryState.JOINED, EntryState.DONE) else ""
        return ClaimResult(replace(entry, state=state, agent=holder), result)

    def _settle(self, entry: QueueEntry, result: JoinResult | None) -> EntryState:
        """Write down how a join ended; return the state the entry is in now."""
        if result is JoinResult.CALLER_GONE:
            self._change("leave", entry.id, lambda: self._queue.leave(entry.id))
            return EntryState.ABANDONED
        if result is JoinResult.JOINED:
            if not self._change("join", entry.id, lambda: self._queue.join(entry.id)):
                return EntryState.ABANDONED
            if entry.leg in self._left_early:
                dropped = self._left_early[entry.leg]
                self._part(entry.id, entry.leg, dropped)
                return EntryState.WAITING if dropped else EntryState.DONE
            return EntryState.JOINED
        if result in IN_VAIN and self._calling is not None:
            tries, now = entry.tries + 1, self._clock()
            due = self._calling.policy.next_try(tries, now)
            self._change("postpone", entry.id, lambda: self._queue.postpone(entry.id, tries, due))
            log.info("queue.called_in_vain", entry=entry.id, tries=tries, again_at=due)
            return EntryState.DONE if due is None else EntryState.SCHEDULED
        if not self._change("release", entry.id, lambda: self._queue.release(entry.id)):
            return EntryState.ABANDONED
        return EntryState.WAITING

    def agent_gone(self, entry_id: str, leg: str, *, dropped: bool) -> None:
        """An agent's leg ended: the conversation is over or, if it dropped, interrupted.

        A caller whose agent's line dropped waits again, after emergencies only.
        """
        with self._lock:
            if entry_id in self._joining:
                # Ended before the join was written down; ``ring`` will see to it.
                self._left_early[leg] = dropped
            else:
                self._part(entry_id, leg, dropped)

    def consulted_gone(self, entry_id: str, leg: str) -> None:
        """Whoever an agent consulted hung up; the agent is alone, or with the caller only."""

        def forget() -> None:
            entry = self._queue.get(entry_id)
            if entry is None or entry.consult != leg or entry.talk is TalkState.ASKING:
                return  # passed on, or not there yet (``Talk.consult`` sees to it)
            together = entry.talk is TalkState.CONFERENCE
            if not together:
                # Whom they asked is kept until the caller hears the answer (``part``).
                self._queue.update(entry_id, talk=TalkState.HELD, consult="")
            else:
                self._queue.update(entry_id, talk=TalkState.TOGETHER, consult="", consulted="")
                with suppress(SwitchboardError):
                    self.rejoin(entry)

        self._change("consulted_gone", entry_id, forget)

    def rejoin(self, entry: QueueEntry) -> None:
        """Bring caller and agent together by themselves, from wherever the agent is.

        Raises:
            SwitchboardError: Asterisk does not answer, or one of them is gone.
        """
        if entry.talk is TalkState.CONFERENCE:
            # Out of the room, where a caller whose agent drops is not found again.
            self._switchboard.send(entry.channel, Stop.ON_HOLD, entry.leg, Stop.AGENT_JOIN)
        else:
            self._switchboard.send(entry.leg, Stop.AGENT_JOIN)

    def _part(self, entry_id: str, leg: str, dropped: bool) -> None:
        if dropped:
            log.warning("queue.agent_dropped", entry=entry_id)
        self._change("part", entry_id, lambda: self._queue.part(entry_id, leg, dropped=dropped))

    # --- what callers do ---------------------------------------------------------------

    def escalate(self, entry: QueueEntry) -> None:
        """Let a caller wait for an agent; owed when Redis is away. Never raises for that."""
        entry = replace(entry, queued_at=entry.queued_at or self._clock(), node=self._node)
        self._change("enqueue", entry.id, lambda: self._queue.enqueue(entry))

    def caller_gone(self, entry_id: str) -> None:
        """A caller hung up: abandoned at once, or done if they were talking to an agent."""

        def leave() -> None:
            entry = self._queue.get(entry_id)
            self._queue.leave(entry_id)
            apart = entry is not None and entry.talk not in (
                TalkState.TOGETHER,
                TalkState.CONFERENCE,
            )
            if entry is not None and entry.state is EntryState.JOINED and apart:
                # With the caller on hold, nothing else ends the agent's leg.
                self._switchboard.hang_up(entry.leg)

        self._change("leave", entry_id, leave)

    def announce(self, entry_id: str) -> bool:
        """Send a waiting caller to hear their position; False if they do not just wait.

        Raises:
            QueueUnavailable, SwitchboardError: nothing was done.
        """
        with self._placing:
            entry = self._queue.get(entry_id)
            if entry is None or entry.state is not EntryState.WAITING or not entry.channel:
                return False
            self._switchboard.send(entry.channel, Stop.ANNOUNCE)
            return True

    def book_callback(self, entry_id: str) -> bool:
        """Let a waiting caller go and be called back when it is their turn.

        False when their number is withheld, or they do not just wait (any more).

        Raises:
            QueueUnavailable, SwitchboardError: the caller goes on waiting.
        """
        with self._placing:
            entry = self._queue.get(entry_id)
            if entry is None or not entry.caller or entry.state is not EntryState.WAITING:
                return False
            try:
                if not self._queue.book(entry_id, entry.caller):
                    return False
            except IllegalTransition:
                return False  # an agent was faster
            self._switchboard.send(entry.channel, Stop.CALLBACK)
            log.info("queue.callback_booked", entry=entry_id)
            return True

    # --- keeping the queue true --------------------------------------------------------

    def reconcile(self, recall: Recall | None = None) -> None:
        """Make the queue agree with who is really on the line. Call every few seconds.

        Writes what is owed; enters held callers who have no entry, with what ``recall``
        still knows of them by their id; finishes entries whose caller's channel is gone;
        releases claims that a dead bot left; deletes what is too old. An absent Redis or
        Asterisk is logged once and not raised.
        """
        with self._reconciling:
            try:
                self._pay()
                # Entries before channels: one that is listed had its channel by then.
                live = self._queue.live()
                self._recovered(QueueUnavailable)
                held = self._switchboard.held_callers()
                channels = self._switchboard.live_channels()
                legs = self._switchboard.legs()
                self._queue.presence.beat(*self._switchboard.registered())
                self._recovered(SwitchboardError)
                known = {entry.id for entry in live}
                for caller in held:
                    if caller.id not in known:
                        self._enter(caller, recall)
                waiting = {caller.id: caller for caller in held}
                for entry in live:
                    if not entry.channel:
                        self._check_callback(entry, waiting.get(entry.id))
                    elif entry.node == self._node:
                        self._check(entry, channels, legs, entry.id in waiting)
                self._queue.presence.sweep()
                self._queue.trim()
            except (QueueUnavailable, SwitchboardError) as error:
                self._in_trouble(error)

    def _enter(self, caller: HeldCaller, recall: Recall | None) -> None:
        known = self._recalled(caller.id, recall)
        blank = QueueEntry(caller.id, caller.channel, caller.caller, caller.did, caller.reason)
        entry = replace(
            known or blank,
            id=caller.id,
            channel=caller.channel,
            reason=caller.reason,
            priority=_held_priority(caller, known),
            # Nobody knows any more when they began to wait; they get the benefit of it.
            queued_at=self._clock() - caller.seconds,
            node=self._node,
        )
        if self._queue.enqueue(entry):
            log.warning("queue.found_held_caller", entry=entry.id, reason=entry.reason)

    def _recalled(self, entry_id: str, recall: Recall | None) -> QueueEntry | None:
        try:
            return recall(entry_id) if recall else None
        except Exception:
            # A damaged record must not keep anybody, least of all others, from a person.
            log.exception("queue.recall_failed", entry=entry_id)
            return None

    def _check_callback(self, entry: QueueEntry, answered: HeldCaller | None) -> None:
        """Mend a callback whose bot died while it rang; ``answered``: the citizen, if they did."""
        with self._lock:
            if entry.id in self._joining or self._calling is None:
                return
        if answered is not None:
            channel = answered.channel
            self._change(
                "answered",
                entry.id,
                lambda: self._queue.update(entry.id, channel=channel, node=self._node),
            )
        age = self._clock() - entry.changed_at
        if entry.state is EntryState.CLAIMED and age > self._calling.longest + CLAIM_GRACE:
            log.warning("queue.claim_lost", entry=entry.id, agent=entry.agent)
            self._switchboard.hang_up(entry.leg)
            self._change("release", entry.id, lambda: self._queue.release(entry.id))

    def _check(
        self, entry: QueueEntry, channels: set[str], legs: dict[str, bool], holding: bool
    ) -> None:
        """Mend one entry; ``holding``: its caller was seen in the holding place."""
        if entry.channel not in channels:
            self.caller_gone(entry.id)
            return
        age = self._clock() - entry.changed_at
        with self._lock:
            if entry.id in self._joining:
                return
        if entry.state is EntryState.CLAIMED and age > LEG_GRACE:
            if legs.get(entry.leg):
                # A bot died between the joining and writing it down.
                self._change("join", entry.id, lambda: self._queue.join(entry.id))
            elif age > self._ring_seconds + CLAIM_GRACE:
                log.warning("queue.claim_lost", entry=entry.id, agent=entry.agent)
                # Ended first, so that nobody picks it up when the caller is another's.
                self._switchboard.hang_up(entry.leg)
                self._change("release", entry.id, lambda: self._queue.release(entry.id))
        # The agent's leg ended while no bot looked. Who was dropped waits again; anybody else
        # is on their way out, but for those whom the agent left in good hands.
        over = entry.state is EntryState.JOINED and age > LEG_GRACE and entry.leg not in legs
        if over and (holding or entry.talk is TalkState.CONFERENCE):
            self._part(entry.id, entry.leg, dropped=holding)

    # --- writing, now or later ---------------------------------------------------------

    def _change(self, what: str, entry_id: str, make: Callable[[], object]) -> bool:
        """Make a change, or owe it; False if the entry's state does not allow it."""
        change = _Change(what, entry_id, make)
        with self._lock:
            if self._owed:
                # Order matters, and nobody should wait for a Redis known to be away.
                self._owed.append(change)
                return True
            try:
                make()
            except QueueUnavailable as error:
                self._owed.append(change)
                self._in_trouble(error)
            except IllegalTransition as error:
                log.debug("queue.change_refused", change=what, entry=entry_id, state=error.state)
                return False
            return True

    def _pay(self) -> None:
        """Write what is owed, oldest first.

        Raises:
            QueueUnavailable: Redis is still away; what is left stays owed.
        """
        with self._lock:
            while self._owed:
                with suppress(IllegalTransition):
                    self._owed[0].make()
                self._owed.popleft()

    def _in_trouble(self, error: Exception) -> None:
        with self._lock:
            if type(error) in self._trouble:
                return
            self._trouble[type(error)] = str(error)
        log.warning("desk.in_trouble", error=str(error))

    def _recovered(self, kind: type[Exception]) -> None:
        with self._lock:
            was = self._trouble.pop(kind, None)
        if was is not None:
            log.info("desk.recovered", was=was)


def _held_priority(caller: HeldCaller, known: QueueEntry | None) -> int:
    if caller.reason == "emergency":
        return Priority.EMERGENCY
    return known.priority if known else Priority.LOST
