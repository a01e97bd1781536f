"""How a trainee gets on: scores over time, and the parts in which they are weak. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from bot.training.records import Practice
from bot.training.types import Field, Kind

#: Practices from which the parts are judged: what was weak a year ago is no news.
RECENT = 10
#: Share of the points below which a part counts as weak.
WEAK = 0.7


@dataclass(frozen=True, slots=True)
class Part:
    """How somebody does in one part of the work, of late."""

    field: Field
    share: float
    """Of its points, 0 to 1."""
    times: int
    """Practices in which it counted."""
    advice: str
    """The last that was given."""

    @property
    def weak(self) -> bool:
        """Whether it needs practice."""
        return self.share < WEAK


@dataclass(frozen=True, slots=True)
class Progress:
    """All of it."""

    practices: int
    calls: int
    """Of them, with a synthetic citizen."""
    passed: int
    mean: float | None
    """Mean score of the last ``RECENT``; None before the first."""
    change: float | None
    """Against the ``RECENT`` before; None until there are any."""
    parts: tuple[Part, ...]
    """Weakest first."""

    @property
    def weak(self) -> tuple[Part, ...]:
        """The parts that need practice."""
        return tuple(part for part in self.parts if part.weak)


def progress_of(practices: Sequence[Practice]) -> Progress:
    """Work it out of what somebody did, newest first."""
    recent, before = practices[:RECENT], practices[RECENT : 2 * RECENT]
    mean = _mean(recent)
    old = _mean(before)
    points: defaultdict[Field, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    advice: dict[Field, str] = {}
    for practice in recent:
        for mark in practice.marks:
            sums = points[mark.field]
            sums[0] += mark.points
            sums[1] += mark.most
            sums[2] += 1
            if mark.advice:
                advice.setdefault(mark.field, mark.advice)
    parts = [
        Part(field, round(got / most, 3) if most else 1.0, int(times), advice.get(field, ""))
        for field, (got, most, times) in points.items()
    ]
    order = list(Field)
    return Progress(
        practices=len(practices),
        calls=sum(one.kind is Kind.CALL for one in practices),
        passed=sum(one.passed for one in practices),
        mean=mean,
        change=round(mean - old, 1) if mean is not None and old is not None else None,
        parts=tuple(sorted(parts, key=lambda part: (part.share, order.index(part.field)))),
    )


def _mean(practices: Sequence[Practice]) -> float | None:
    if not practices:
        return None
    return round(sum(one.total for one in practices) / len(practices), 1)


def next_scenarios(
    practices: Sequence[Practice], known: Sequence[tuple[str, int]]
) -> Sequence[str]:
    """Return ids of scenarios in the order in which to practise them.

    First those never tried, easiest first; then those whose last score was lowest. ``known``:
    (id, level) of each, as the pack has them.
    """
    last: dict[str, float] = {}
    for practice in practices:
        last.setdefault(practice.scenario, practice.total)
    place = {id: number for number, (id, _) in enumerate(known)}
    fresh = sorted(
        (one for one in known if one[0] not in last), key=lambda one: (one[1], place[one[0]])
    )
    tried = sorted(
        (one for one in known if one[0] in last), key=lambda one: (last[one[0]], place[one[0]])
    )
    return [id for id, _ in (*fresh, *tried)]
