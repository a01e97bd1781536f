"""How calls went, by policy and by line, so that two ways to lead a call can be compared. Pure.

Works on the records of calls (``telephony/journal.py``) as plain data. Leaves to others:
reading them, and printing (``commands/calls.py``).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: Outcomes with which a call needs a person after all: now, or when they call back.
NEEDS_PERSON = frozenset({"transferred", "failed", "callback"})
#: The sentence that tells a ticket's number.
TOLD = "ticket_filed"


@dataclass(frozen=True, slots=True)
class Figures:
    """How a group of calls went. None where no call can tell."""

    calls: int
    """Calls that have ended."""
    outcomes: dict[str, int]
    """How they ended, most frequent first."""
    containment: float
    """Share that ended without need of a person, 0 to 1. Who hung up is among them, as is
    usual for the rate; see ``outcomes`` for how many did."""
    tickets: int
    """Calls in which a ticket was filed."""
    turns: float
    """Things said or pressed by the caller, mean of the calls."""
    turns_to_ticket: float | None
    """The same until the first ticket was filed, median of the calls with one."""
    rating: float | None
    """Mean of the scores given, 1 to 5."""
    ratings: int
    """Calls that were rated."""
    latency_p50: float | None
    """Seconds from the end of the caller's speech to the first sound of the answer: median."""
    latency_p95: float | None
    """The same: not longer than this in 95 of 100 answers."""


def figures(records: Iterable[Mapping[str, Any]]) -> Figures | None:
    """Return how these calls went; None if none of them has ended."""
    ended = [record for record in records if record.get("outcome")]
    if not ended:
        return None
    outcomes = Counter(str(record["outcome"]) for record in ended)
    taken = [turns for record in ended if (turns := turns_to_ticket(record)) is not None]
    scores = [record["rating"] for record in ended if record.get("rating")]
    latencies = [
        turn["answer_latency"]
        for record in ended
        for turn in _turns(record)
        if turn.get("answer_latency") is not None
    ]
    return Figures(
        calls=len(ended),
        outcomes=dict(outcomes.most_common()),
        containment=contained(outcomes) or 0.0,
        tickets=sum(bool(record.get("ticket")) for record in ended),
        turns=sum(_said(_turns(record)) for record in ended) / len(ended),
        turns_to_ticket=quantile(taken, 0.5),
        rating=sum(scores) / len(scores) if scores else None,
        ratings=len(scores),
        latency_p50=quantile(latencies, 0.5),
        latency_p95=quantile(latencies, 0.95),
    )


def contained(outcomes: Mapping[str, int]) -> float | None:
    """Return the share of calls that ended without need of a person; None without calls.

    ``outcomes``: how many calls ended in which way.
    """
    total = sum(outcomes.values())
    needed = sum(count for outcome, count in outcomes.items() if outcome in NEEDS_PERSON)
    return 1 - needed / total if total else None


def by(records: Iterable[Mapping[str, Any]], *fields: str) -> dict[tuple[str, ...], Figures]:
    """Return the figures of each group of calls with the same values in these fields."""
    groups: defaultdict[tuple[str, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for record in records:
        groups[tuple(str(record.get(field) or "") for field in fields)].append(record)
    found = {key: figures(group) for key, group in sorted(groups.items())}
    return {key: value for key, value in found.items() if value is not None}


def turns_to_ticket(record: Mapping[str, Any]) -> int | None:
    """Return how often the caller spoke or pressed before the first ticket; None without one."""
    turns = _turns(record)
    for at, turn in enumerate(turns):
        if turn.get("prompt") == TOLD:
            return _said(turns[:at])
    return None


def quantile(values: Sequence[float], share: float) -> float | None:
    """Return the smallest value that ``share`` (0 to 1) of the values do not exceed.

    The nearest-rank definition: always one of the values. None if there are none.
    """
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _turns(record: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    turns: Sequence[Mapping[str, Any]] = record.get("turns") or ()
    return turns


def _said(turns: Iterable[Mapping[str, Any]]) -> int:
    return sum(turn.get("who") == "caller" for turn in turns)
