"""What an agent can do while talking: hold, mute, transfer, ask somebody, end.

Each step first writes down what is to be (Redis), then moves the legs, so that a bot that
dies in between leaves a caller who is found again, never one who is forgotten. Leaves to
others: claiming and hang-ups (``desk.py``), and the telephone (``telephony/switchboard.py``).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from uuid import uuid4

import structlog

from bot.agents.desk import ClaimResult, Desk
from bot.agents.presence import checked
from bot.agents.queue import AgentQueue, IllegalTransition, UnknownEntry
from bot.agents.types import (
    CONFERENCE,
    EntryKind,
    EntryState,
    JoinResult,
    QueueEntry,
    Stop,
    Switchboard,
    SwitchboardError,
)

log = structlog.get_logger(__name__)


class Talk:
    """The moves of a conversation between a caller and an agent. Thread-safe.

    Every method takes the id of a joined entry and raises IllegalTransition when it is not
    joined, QueueUnavailable when Redis does not answer, and SwitchboardError when Asterisk
    does not, or one of the legs is gone.
    """

    def __init__(
        self, desk: Desk, queue: AgentQueue, switchboard: Switchboard, ring_seconds: float
    ) -> None:
        """``ring_seconds``: how long the phone of whoever is consulted rings."""
        self._desk = desk
        self._queue = queue
        self._switchboard = switchboard
        self._ring_seconds = ring_seconds

    def hold(self, entry_id: str) -> None:
        """Let the caller hear music and the agent nothing."""
        entry = self._joined(entry_id)
        self._hold(entry)

    def resume(self, entry_id: str) -> None:
        """Join the two again."""
        self._switchboard.send(self._joined(entry_id).leg, Stop.AGENT_JOIN)

    def mute(self, entry_id: str, on: bool) -> None:
        """Let the agent be heard no longer, or again."""
        self._switchboard.mute(self._joined(entry_id).leg, on)

    def transfer(self, entry_id: str, agent: str) -> ClaimResult:
        """Give the caller to another agent, whose phone rings at once. Blocks.

        The first agent is free as soon as this begins. If the other does not answer, the
        caller waits at their old place for anybody.

        Raises:
            AgentBusy: the other agent has a caller; nothing was changed.
            ValueError: the extension is none.
        """
        entry = self._joined(entry_id)
        handed = self._queue.hand(entry_id, checked(agent))
        # If the caller is gone by now, ringing the other agent will tell.
        with suppress(SwitchboardError):
            self._part(entry, Stop.PEOPLE)
        return self._desk.ring(handed)

    def give_back(self, entry_id: str, skills: Iterable[str] | None = None) -> None:
        """Let the caller wait again, priority and place kept; ``skills``: for whom.

        Raises:
            ValueError: a skill is malformed.
        """
        entry = self._joined(entry_id)
        if skills is not None:
            self._queue.update(entry_id, skills=skills)
        self._queue.give_back(entry_id)
        self._part(entry, Stop.PEOPLE)

    def consult(self, entry_id: str, number: str) -> JoinResult:
        """Hold the caller and ring somebody whom the agent wants to ask. Blocks.

        If nobody answers, agent and caller are joined again.

        Raises:
            ValueError: the number is none.
        """
        entry = self._joined(entry_id)
        leg = f"consult-{uuid4()}"
        self._queue.update(entry_id, consult=leg)
        result: JoinResult | None = None
        try:
            self._hold(entry)
            result = self._switchboard.consult(entry, checked(number), leg, self._ring_seconds)
        finally:
            if result is not JoinResult.JOINED:
                self._queue.update(entry_id, consult="")
                with suppress(SwitchboardError):
                    self._switchboard.send(entry.leg, Stop.AGENT_JOIN)
        log.info("talk.consulted", entry=entry_id, result=result.value)
        return result

    def conference(self, entry_id: str) -> None:
        """Let caller, agent and whoever is consulted hear each other.

        From then on the agent may hang up and leave the other two to it.
        """
        entry = self._consulting(entry_id)
        self._switchboard.conference(entry)
        self._queue.update(entry_id, consult=CONFERENCE)

    def end_consult(self, entry_id: str) -> None:
        """Part with whoever was consulted and go back to the caller."""
        entry = self._consulting(entry_id)
        self._queue.update(entry_id, consult="")
        self._switchboard.send(entry.leg, Stop.AGENT_JOIN)
        self._switchboard.hang_up(entry.consult)

    def rate(self, entry_id: str) -> None:
        """End the conversation and let the bot ask the caller how it was."""
        entry = self._joined(entry_id)
        self._queue.close(entry_id, "agent_done")
        self._part(entry, Stop.RATING)

    def hang_up(self, entry_id: str) -> None:
        """End the conversation for both."""
        entry = self._joined(entry_id)
        self._queue.close(entry_id, "agent_done")
        if entry.kind is EntryKind.CALL:
            self._switchboard.hang_up(entry.leg)

    # --- helpers -----------------------------------------------------------------------

    def _hold(self, entry: QueueEntry) -> None:
        self._switchboard.send(entry.channel, Stop.ON_HOLD, entry.leg, Stop.AGENT_IDLE)

    def _part(self, entry: QueueEntry, stop: Stop) -> None:
        """Send the caller on and the agent home."""
        if entry.kind is EntryKind.CALL:
            self._switchboard.send(entry.channel, stop)
            self._switchboard.hang_up(entry.leg)

    def _joined(self, entry_id: str) -> QueueEntry:
        entry = self._queue.get(entry_id)
        if entry is None:
            raise UnknownEntry(entry_id, EntryState.JOINED)
        if entry.state is not EntryState.JOINED:
            raise IllegalTransition(entry_id, entry.state, EntryState.JOINED)
        return entry

    def _consulting(self, entry_id: str) -> QueueEntry:
        entry = self._joined(entry_id)
        if entry.consult in ("", CONFERENCE):
            raise IllegalTransition(entry_id, entry.state, EntryState.JOINED)
        return entry
