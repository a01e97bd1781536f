"""What an agent can do while talking: hold, mute, transfer, ask somebody, end.

Each step first writes down what is to be (Redis), then moves the legs, so that a bot that
dies in between leaves a caller who is found again, never one who is forgotten. Leaves to
others: which moves fit now (``moves.py``), who may be rung (``directory.py``), claiming and
hang-ups (``desk.py``), and the telephone (``telephony/switchboard.py``).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from uuid import uuid4

import structlog

from bot.agents.desk import ClaimResult, Desk
from bot.agents.directory import Directory
from bot.agents.moves import Move, NotNow, moves_of
from bot.agents.queue import AgentQueue, IllegalTransition, UnknownEntry
from bot.agents.types import (
    EntryState,
    JoinResult,
    QueueEntry,
    Stop,
    Switchboard,
    SwitchboardError,
    TalkState,
)

log = structlog.get_logger(__name__)

#: Outcome of a conversation that goes on without the agent.
TRANSFERRED = "transferred"


class Talk:
    """The moves of a conversation between a caller and an agent. Thread-safe.

    Every method takes the id of a joined entry and raises IllegalTransition when it is not
    joined, NotNow when the move does not fit how the two stand, QueueUnavailable when Redis
    does not answer, and SwitchboardError when Asterisk does not, or one of the legs is gone.
    """

    def __init__(
        self,
        desk: Desk,
        queue: AgentQueue,
        switchboard: Switchboard,
        ring_seconds: float,
        directory: Directory,
    ) -> None:
        """``ring_seconds``: how long the phone of whoever is consulted rings."""
        self._desk = desk
        self._queue = queue
        self._switchboard = switchboard
        self._ring_seconds = ring_seconds
        self.directory = directory

    def hold(self, entry_id: str) -> None:
        """Let the caller hear music and the agent nothing."""
        entry = self._joined(entry_id, Move.HOLD)
        self._queue.update(entry_id, talk=TalkState.HELD)
        self._hold(entry, Stop.AGENT_IDLE)

    def resume(self, entry_id: str) -> None:
        """Join the two again."""
        entry = self._joined(entry_id, Move.RESUME)
        self._switchboard.send(entry.leg, Stop.AGENT_JOIN)
        self._queue.update(entry_id, talk=TalkState.TOGETHER, consulted="")

    def mute(self, entry_id: str, on: bool) -> None:
        """Let the agent be heard no longer, or again."""
        entry = self._joined(entry_id, Move.MUTE)
        self._switchboard.mute(entry.leg, on)
        self._queue.update(entry_id, muted=on)

    def transfer(self, entry_id: str, to: str) -> ClaimResult:
        """Give the caller to another agent or a unit, whose phone rings at once. Blocks.

        The first agent is free as soon as another agent's phone rings; if that one does not
        answer, the caller waits at their old place for anybody. For a unit, which has no
        queue, the first agent stays until it answers; if it does not, the two go on talking.

        Raises:
            AgentBusy: the other agent has a caller; nothing was changed.
            NotListed: nobody who may be rung has this number.
        """
        entry = self._joined(entry_id, Move.TRANSFER)
        party = self.directory.find(to)
        if party.outside:
            result = self.consult(entry_id, to)
            if result is JoinResult.JOINED:
                self.complete(entry_id)
            return ClaimResult(entry, result)
        handed = self._queue.hand(entry_id, to)
        # If the caller is gone by now, ringing the other agent will tell.
        with suppress(SwitchboardError):
            self._part(entry, Stop.PEOPLE)
        return self._desk.ring(handed)

    def give_back(self, entry_id: str, skills: Iterable[str] | None = None) -> None:
        """Let the caller wait again, priority and place kept; ``skills``: for whom.

        Raises:
            ValueError: a skill is malformed.
        """
        entry = self._joined(entry_id, Move.GIVE_BACK)
        if skills is not None:
            self._queue.update(entry_id, skills=skills)
        self._queue.give_back(entry_id)
        self._part(entry, Stop.PEOPLE)

    def consult(self, entry_id: str, number: str) -> JoinResult:
        """Hold the caller and ring somebody whom the agent wants to ask. Blocks.

        If nobody answers, agent and caller are joined again.

        Raises:
            NotListed: nobody who may be rung has this number.
        """
        entry = self._joined(entry_id, Move.CONSULT)
        party = self.directory.find(number)
        leg = f"consult-{uuid4()}"
        self._queue.update(entry_id, talk=TalkState.ASKING, consult=leg, consulted=number)
        result: JoinResult | None = None
        try:
            self._hold(entry, Stop.AGENT_CALLING)
            result = self._switchboard.consult(
                entry, number, leg, self._ring_seconds, outside=party.outside
            )
        finally:
            if result is JoinResult.JOINED:
                self._queue.update(entry_id, talk=TalkState.CONSULTING)
            else:
                self._queue.update(entry_id, talk=TalkState.TOGETHER, consult="", consulted="")
                with suppress(SwitchboardError):
                    self._switchboard.send(entry.leg, Stop.AGENT_JOIN)
        log.info("talk.consulted", entry=entry_id, result=result.value)
        return result

    def conference(self, entry_id: str) -> None:
        """Let caller, agent and whoever is consulted hear each other.

        From then on the agent may hang up and leave the other two to it.
        """
        entry = self._joined(entry_id, Move.CONFERENCE)
        self._queue.update(entry_id, talk=TalkState.CONFERENCE)
        self._switchboard.conference(entry)

    def complete(self, entry_id: str) -> None:
        """Leave the caller with whoever is consulted, who is their agent now if they are one.

        Raises:
            AgentBusy: that agent has a caller of their own; nothing was changed.
        """
        entry = self._joined(entry_id, Move.COMPLETE)
        if self.directory.find(entry.consulted).outside:
            # Written first: whatever happens, the caller is in good hands (``Desk``).
            self._queue.update(entry_id, talk=TalkState.CONFERENCE)
            self._switchboard.pass_on(entry, to_agent=False)
            self._queue.close(entry_id, TRANSFERRED)
        else:
            self._queue.hand(entry_id, entry.consulted, entry.consult)
            self._switchboard.pass_on(entry, to_agent=True)
            self._queue.join(entry_id)
        log.info("talk.passed_on", entry=entry_id, to=entry.consulted)

    def end_consult(self, entry_id: str) -> None:
        """Part with whoever was consulted, or stop ringing them, and go back to the caller."""
        entry = self._joined(entry_id, Move.END_CONSULT)
        if entry.talk is TalkState.ASKING:
            # Whoever rings them (``consult``) brings agent and caller together again.
            self._switchboard.hang_up(entry.consult)
            return
        self._queue.update(entry_id, talk=TalkState.TOGETHER, consult="", consulted="")
        self._desk.rejoin(entry)
        self._switchboard.hang_up(entry.consult)

    def rate(self, entry_id: str) -> None:
        """End the conversation and let the bot ask the caller how it was."""
        entry = self._joined(entry_id, Move.RATE)
        self._queue.close(entry_id, "agent_done")
        self._part(entry, Stop.RATING)

    def hang_up(self, entry_id: str) -> None:
        """End the conversation for everybody in it."""
        entry = self._joined(entry_id, Move.HANG_UP)
        self._queue.close(entry_id, "agent_done")
        if entry.talk is not TalkState.TOGETHER:
            # Neither on hold nor in a conference does the agent's leg end the caller's.
            self._switchboard.hang_up(entry.channel)
        if entry.consult:
            self._switchboard.hang_up(entry.consult)
        if entry.leg and entry.channel:
            self._switchboard.hang_up(entry.leg)

    # --- helpers -----------------------------------------------------------------------

    def _hold(self, entry: QueueEntry, agent: Stop) -> None:
        if entry.talk is TalkState.HELD:
            self._switchboard.send(entry.leg, agent)
        else:
            self._switchboard.send(entry.channel, Stop.ON_HOLD, entry.leg, agent)

    def _part(self, entry: QueueEntry, stop: Stop) -> None:
        """Send the caller on and the agent home."""
        self._switchboard.send(entry.channel, stop)
        self._switchboard.hang_up(entry.leg)

    def _joined(self, entry_id: str, move: Move) -> QueueEntry:
        entry = self._queue.get(entry_id)
        if entry is None:
            raise UnknownEntry(entry_id, EntryState.JOINED)
        if entry.state is not EntryState.JOINED:
            raise IllegalTransition(entry_id, entry.state, EntryState.JOINED)
        if move not in moves_of(entry):
            raise NotNow(entry_id, move, entry.talk)
        return entry
