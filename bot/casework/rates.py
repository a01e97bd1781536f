"""响应率, 解决率, 满意率 and their weighted score, from events alone.

Pure: the same events give the same figures, whenever and wherever. The three rates are those
by which Beijing judges its units (北京市接诉即办工作条例, 2021); their weights are a city's own
choice and come from the pack. Leaves to others: reading events (:func:`read` is the only I/O).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.casework.deadlines import ClockRules, due
from bot.casework.ledger import Ledger, events_of
from bot.casework.lifecycle import Case, Event, EventKind, apply
from bot.casework.models import Ticket, TicketEvent
from bot.casework.rules import Weights

#: From this satisfaction on, of 1 to 5, a citizen counts as satisfied.
SATISFIED = 4
_GIVEN = (EventKind.DISPATCHED, EventKind.RETURN_APPROVED)
_GONE = (EventKind.WITHDRAWN, EventKind.MERGED, EventKind.SPLIT)
BATCH = 1000


@dataclass(frozen=True, slots=True)
class Rates:
    """A unit's figures in a period."""

    unit: str
    dispatched: int = 0
    """Times a ticket was given to it."""
    returned: int = 0
    """Of these, times it was given to another because it was not the unit's (退单)."""
    to_respond: int = 0
    """Denominator of 响应率."""
    responded: int = 0
    resolved: int = 0
    """Times it said that a ticket is done."""
    on_time: int = 0
    """Of these, times the deadline was not over."""
    surveyed: int = 0
    """Citizens who said whether it is solved: denominator of 解决率."""
    solved: int = 0
    judged: int = 0
    """Citizens who gave 1 to 5: denominator of 满意率."""
    satisfied: int = 0

    @property
    def response_rate(self) -> float | None:
        """响应率 = responded / to_respond.

        ``to_respond`` are dispatches whose time to respond is over or that were answered;
        without those that were given on to another unit, and those that the citizen withdrew or
        that were merged or split, before anybody answered. ``responded`` are those in which
        the unit reached the citizen (event ``contacted``, outcome ``reached``) no later than
        the pack's ``respond`` limit after dispatch. None without any.
        """
        return _share(self.responded, self.to_respond)

    @property
    def solution_rate(self) -> float | None:
        """解决率 = solved / surveyed: citizens who said it is solved, of all who said."""
        return _share(self.solved, self.surveyed)

    @property
    def satisfaction_rate(self) -> float | None:
        """满意率 = satisfied / judged: who gave 4 or 5, of all who gave 1 to 5."""
        return _share(self.satisfied, self.judged)

    @property
    def on_time_rate(self) -> float | None:
        """按时办结率 = on_time / resolved."""
        return _share(self.on_time, self.resolved)

    @property
    def dispatch_accuracy(self) -> float | None:
        """派单准确率 = 1 - returned / dispatched; refused returns don't count against it."""
        return None if not self.dispatched else 1 - self.returned / self.dispatched

    def score(self, weights: Weights) -> float | None:
        """Return the weighted score, 0 to 100.

        score = 100 * sum(weight * rate) / sum(weight), over the rates that are not None, so
        that a unit is not judged by what nobody was asked. None when there is no rate at all.
        """
        parts = [
            (weights.response, self.response_rate),
            (weights.solution, self.solution_rate),
            (weights.satisfaction, self.satisfaction_rate),
        ]
        known = [(weight, rate) for weight, rate in parts if rate is not None]
        total = sum(weight for weight, _ in known)
        return 100 * sum(weight * rate for weight, rate in known) / total if total else None


def total(some: Iterable[Rates], unit: str) -> Rates:
    """Return the figures of several units together, under one name."""
    sums = dict.fromkeys((field.name for field in fields(Rates) if field.name != "unit"), 0)
    for one in some:
        for name in sums:
            sums[name] += getattr(one, name)
    return Rates(unit, **sums)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def rates(
    tickets: Iterable[tuple[ClockRules, Sequence[Event]]],
    since: dt.datetime,
    until: dt.datetime,
    now: dt.datetime,
) -> list[Rates]:
    """Return the figures of every unit, by name.

    A response or a return counts in the period of the dispatch that it is about, all else in
    the period in which it happened; always for the unit that had the ticket then.

    Args:
        tickets: of each ticket, the rules that say for how long a unit may take to respond, and
            all events, oldest first, also those outside the period.
        since: begin of the period.
        until: its end, not included.
        now: events later than this are not looked at.
    """
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for rules, events in tickets:
        past = [event for event in events if event.at <= now]
        for unit, at, counts in _counted(past, rules, now):
            if since <= at < until:
                found[unit].update(counts)
    return [Rates(unit, **found[unit]) for unit in sorted(found)]


_Counted = tuple[str, dt.datetime, Mapping[str, int]]


def _counted(events: Sequence[Event], rules: ClockRules, now: dt.datetime) -> list[_Counted]:
    """What one ticket adds to whose figures, and when."""
    counted: list[_Counted] = []
    case: Case | None = None
    given_at: dt.datetime | None = None
    for index, event in enumerate(events):
        before, case = case, apply(case, event)
        data = event.data
        if event.kind in _GIVEN:
            if before is not None and given_at and event.kind is EventKind.RETURN_APPROVED:
                counted.append((before.unit, given_at, {"returned": 1}))
            given_at = event.at
            counted.append((case.unit, event.at, {"dispatched": 1}))
            answered = _response(events[index + 1 :], due(rules, rules.respond, event.at), now)
            if answered is not None:
                counts = {"to_respond": 1, "responded": int(answered)}
                counted.append((case.unit, event.at, counts))
        elif event.kind is EventKind.RESOLVED:
            in_time = case.due_at is None or event.at <= case.due_at
            counted.append((case.unit, event.at, {"resolved": 1, "on_time": int(in_time)}))
        elif event.kind is EventKind.SURVEYED:
            counts = {"surveyed": 1, "solved": int(bool(data["solved"]))}
            if data.get("satisfied") is not None:
                counts |= {"judged": 1, "satisfied": int(data["satisfied"] >= SATISFIED)}
            counted.append((case.unit, event.at, counts))
    return counted


def _response(later: Sequence[Event], limit: dt.datetime, now: dt.datetime) -> bool | None:
    """Whether a dispatch was answered in time; None when that can't or need not be said."""
    for event in later:
        if event.at > limit:
            return False
        if event.kind is EventKind.CONTACTED and event.data.get("outcome") == "reached":
            return True
        if event.kind in _GONE or event.kind in _GIVEN:
            return None
    return False if now > limit else None


def read(
    ledger: Ledger, since: dt.datetime, until: dt.datetime, now: dt.datetime | None = None
) -> list[Rates]:
    """Return the figures of all units, from the stored events of every ticket of the period.

    Raises:
        CaseworkError: they can't be read.
    """
    now = now or ledger.now()
    with ledger.reading() as session:
        return rates(_stored(session, ledger, since, until), since, until, now)


def _stored(
    session: Session, ledger: Ledger, since: dt.datetime, until: dt.datetime
) -> Iterator[tuple[ClockRules, Sequence[Event]]]:
    """Yield the tickets of a period a batch at a time: a year of them takes no more memory."""
    touched = select(TicketEvent.ticket_id).where(TicketEvent.at >= since, TicketEvent.at < until)
    touched = touched.distinct().order_by(TicketEvent.ticket_id)
    for ids in session.scalars(touched.execution_options(yield_per=BATCH)).partitions():
        query = select(Ticket.id, Ticket.pack).where(Ticket.id.in_(ids))
        packs = {row.id: row.pack for row in session.execute(query)}
        for id, events in events_of(session, ids).items():
            yield ledger.rules_of(packs[id]).clocks, events
