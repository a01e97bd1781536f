"""Calls citizens back for an agent who has claimed a callback.

The agent's telephone rings first, since no citizen should be called for nobody; then the
citizen's, which the agent hears; once answered, the call is one like any other, with every
move of ``talk.py``. Who could not be reached is due again later, as often as the policy
says, and nobody is called outside the permitted hours. Leaves to others: claiming and
writing down (``desk.py``), the telephone (``telephony/switchboard.py``), the promise that was
made (``bot/promises.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bot.agents.queue import AgentQueue
from bot.agents.types import JoinResult, QueueEntry

#: Seconds that a citizen's telephone rings.
CITIZEN_RINGS = 30.0
#: The call was made and the citizen not reached.
IN_VAIN = frozenset(
    {JoinResult.CITIZEN_NO_ANSWER, JoinResult.CITIZEN_BUSY, JoinResult.CITIZEN_UNREACHABLE}
)


@dataclass(frozen=True, slots=True)
class Policy:
    """When citizens may be called, and how often."""

    permitted: Callable[[float], float]
    """Gives the Unix time it is asked of, or the next at which the line may call."""
    retry_after: Callable[[], Sequence[float]]
    """Seconds after the first, the second … call in vain; after the last it is given up."""

    def next_try(self, tries: int, now: float) -> float | None:
        """Return when to call again after so many calls in vain; None to give it up."""
        waits = self.retry_after()
        return self.permitted(now + waits[tries - 1]) if tries <= len(waits) else None


class CallsBack(Protocol):
    """What calling back needs of the telephone switch (SwitchboardError: it does not answer)."""

    def ring_agent(self, entry: QueueEntry, timeout: float) -> JoinResult:
        """Ring the entry's agent for up to ``timeout`` seconds. Blocks.

        JOINED: answered, and waiting to hear the citizen's telephone ring.
        """

    def call_citizen(self, entry: QueueEntry, timeout: float) -> tuple[JoinResult, str]:
        """Call ``entry.phone`` for up to ``timeout`` seconds. Blocks.

        JOINED and the name of the citizen's channel once answered.
        """

    def meet(self, entry: QueueEntry) -> None:
        """Join the agent, whom ``ring_agent`` rang, with ``entry.channel``."""

    def hang_up(self, leg: str) -> None:
        """End a leg; no error when it has ended already."""


class CallingBack:
    """The calls themselves. Thread-safe."""

    def __init__(
        self, queue: AgentQueue, switchboard: CallsBack, ring_seconds: float, policy: Policy
    ) -> None:
        """``ring_seconds``: how long the agent's telephone rings."""
        self._queue = queue
        self._switchboard = switchboard
        self._ring_seconds = ring_seconds
        self.policy = policy
        self.longest = ring_seconds + CITIZEN_RINGS
        """Seconds that a call may take until it is one."""

    def call(self, entry: QueueEntry, node: str) -> JoinResult:
        """Ring the agent, then the citizen, and join the two. Blocks.

        Raises:
            QueueUnavailable, SwitchboardError: nobody was joined.
        """
        answered = self._switchboard.ring_agent(entry, self._ring_seconds)
        if answered is not JoinResult.JOINED:
            return answered
        together = False
        try:
            result, channel = self._switchboard.call_citizen(entry, CITIZEN_RINGS)
            if result is JoinResult.JOINED:
                # From here on there is somebody on the line who must not be forgotten.
                self._queue.update(entry.id, channel=channel, node=node)
                self._switchboard.meet(replace(entry, channel=channel))
                together = True
        finally:
            if not together:
                self._switchboard.hang_up(entry.leg)
        return result
