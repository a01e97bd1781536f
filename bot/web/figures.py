"""The figures of the wallboard, worked out from the queue's events. Pure.

- service level: share of those who were answered or gave up, that were answered within N
  seconds. Those who gave up within N seconds count neither way: nobody could have helped them
  in time.
- abandonment: share of those who left the queue that hung up before anybody answered.

Leaves to others: where events come from (``AgentQueue.events``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

#: Seconds within which a caller should be answered. A choice, not a rule.
TARGET = 15.0


@dataclass(frozen=True, slots=True)
class Figures:
    """The day so far."""

    answered: int
    in_time: int
    """Answered within the target."""
    abandoned: int
    abandoned_late: int
    """… after having waited longer than the target."""
    mean_wait: float | None
    """Seconds until answered; None before the first."""

    @property
    def service_level(self) -> float | None:
        """0 to 1; None before the first."""
        total = self.answered + self.abandoned_late
        return self.in_time / total if total else None

    @property
    def abandonment(self) -> float | None:
        """0 to 1; None before the first."""
        total = self.answered + self.abandoned
        return self.abandoned / total if total else None


def figures_of(
    events: Iterable[Mapping[str, str]], since: float, target: float = TARGET
) -> Figures:
    """Work out the figures of entries that began to wait at ``since`` (Unix time) or later.

    ``events``: in order, each with ``id``, ``state`` and ``at``. Only an entry's first wait
    counts: who was answered in time and later transferred was answered in time. Callbacks count
    for nothing, and neither does the wait of who preferred one.
    """
    began: dict[str, float] = {}
    waits: list[float] = []
    gave_up: list[float] = []
    for one in events:
        entry, state, at = one["id"], one["state"], float(one["at"])
        if one.get("outcome") == "callback":
            # They wait for a call at a time of their choice, and not on the line.
            began[entry] = -1.0
        elif state == "waiting" and entry not in began and at >= since:
            began[entry] = at
        elif state in ("joined", "abandoned") and began.get(entry, -1.0) >= 0:
            (waits if state == "joined" else gave_up).append(at - began[entry])
            began[entry] = -1.0
    return Figures(
        answered=len(waits),
        in_time=sum(wait <= target for wait in waits),
        abandoned=len(gave_up),
        abandoned_late=sum(wait > target for wait in gave_up),
        mean_wait=sum(waits) / len(waits) if waits else None,
    )
