"""The clock of tickets: reminds, says what is overdue, escalates. Each thing once.

``tick`` may run as often as one likes and in several processes: what was said is in the
ticket's events. Leaves to others: when things are due (``deadlines.py``), sending notices.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import and_, or_, select

from bot.casework.deadlines import ClockRules, reminder
from bot.casework.incidents import Incidents
from bot.casework.ledger import Ledger
from bot.casework.lifecycle import RUNNING, SYSTEM, EventKind
from bot.casework.models import Ticket
from bot.casework.notices import Whom, tell
from bot.casework.surveys import Surveys
from bot.casework.whistles import Whistles

#: Tickets looked at in one go.
BATCH = 5000
#: ``Case.noticed``: nothing, told that it is due soon, told that it is overdue.
NOTHING, SOON, OVERDUE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is to be said about a ticket's deadline."""

    kind: EventKind
    noticed: int
    """``Case.noticed`` afterwards."""
    to: tuple[Whom, str]


@dataclass(frozen=True, slots=True)
class Ticked:
    """What a tick did."""

    reminded: int = 0
    overdue: int = 0
    escalated: int = 0
    late: int = 0
    """Notices about departments that are late for a whistle."""
    closed: int = 0
    """Tickets closed because nobody could be asked."""
    incidents: int = 0
    """Incidents that were opened or got more tickets."""


class _Candidate(NamedTuple):
    """As much of a ticket as tells whether there is something to say."""

    id: int
    number: str
    pack: str
    noticed: int
    clock_from: dt.datetime | None
    filed_at: dt.datetime
    due_at: dt.datetime | None


def steps(
    rules: ClockRules, noticed: int, start: dt.datetime, due_at: dt.datetime, now: dt.datetime
) -> Iterator[tuple[EventKind, int, str]]:
    """Yield what is to be said by ``now`` and was not: kind, ``noticed`` after it, to whom.

    Pure. A reminder is left out when it is too late for one. ``to`` is "" for the unit itself.
    """
    if now >= due_at:
        if noticed < OVERDUE:
            yield EventKind.OVERDUE, OVERDUE, ""
        for number, step in enumerate(rules.escalation, start=OVERDUE + 1):
            if noticed < number and now >= due_at + dt.timedelta(hours=step.hours):
                yield EventKind.ESCALATED, number, step.to
    elif noticed < SOON and now >= reminder(rules, start, due_at):
        yield EventKind.DUE_SOON, SOON, ""


class Clock:
    """Watches every ticket whose clock runs. Thread-safe."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def tick(self) -> Ticked:
        """Say everything that is to be said by now, and was not.

        Raises:
            CaseworkError: the database cannot be used.
        """
        said = dict.fromkeys((EventKind.DUE_SOON, EventKind.OVERDUE, EventKind.ESCALATED), 0)
        after = 0
        while found := self._candidates(after):
            after = found[-1].id
            for number in self._with_news(found):
                for kind in self._look(number):
                    said[kind] += 1
        return Ticked(
            reminded=said[EventKind.DUE_SOON],
            overdue=said[EventKind.OVERDUE],
            escalated=said[EventKind.ESCALATED],
            late=Whistles(self._ledger).tell_late(),
            closed=len(Surveys(self._ledger).close_unreached()),
            incidents=len(Incidents(self._ledger).sweep()),
        )

    def _with_news(self, found: Sequence[_Candidate]) -> list[str]:
        """Numbers of those about which there is something to say: few of the candidates."""
        ledger, now = self._ledger, self._ledger.now()
        return [
            row.number
            for row in found
            if row.due_at
            and any(
                steps(
                    ledger.rules_of(row.pack).clocks,
                    row.noticed,
                    row.clock_from or row.filed_at,
                    row.due_at,
                    now,
                )
            )
        ]

    def _candidates(self, after: int) -> Sequence[_Candidate]:
        """Tickets about which there may be something to say, by what a query can tell."""
        every, now = [rules.clocks for rules in self._ledger.all_rules], self._ledger.now()
        maybe = [
            and_(Ticket.noticed == NOTHING, Ticket.due_at <= now + max(map(_ahead, every))),
            and_(Ticket.noticed < OVERDUE, Ticket.due_at <= now),
        ]
        for number, hours in sorted(
            {
                (number, step.hours)
                for rules in every
                for number, step in enumerate(rules.escalation, start=OVERDUE + 1)
            }
        ):
            passed = now - dt.timedelta(hours=hours)
            maybe.append(and_(Ticket.noticed < number, Ticket.due_at <= passed))
        with self._ledger.transaction() as session:
            query = (
                select(
                    Ticket.id,
                    Ticket.number,
                    Ticket.pack,
                    Ticket.noticed,
                    Ticket.clock_from,
                    Ticket.filed_at,
                    Ticket.due_at,
                )
                .where(Ticket.id > after, Ticket.state.in_([one.value for one in RUNNING]))
                .where(or_(*maybe))
                .order_by(Ticket.id)
                .limit(BATCH)
            )
            return [_Candidate(*row) for row in session.execute(query)]

    def _look(self, number: str) -> list[EventKind]:
        ledger = self._ledger
        with ledger.transaction() as session:
            ticket = ledger.take(session, number)
            if ticket.due_at is None or ticket.state not in RUNNING:
                return []
            rules = ledger.rules_of(ticket.pack).clocks
            now, said = ledger.now(), []
            due_at = ticket.due_at
            start = ticket.clock_from or ticket.filed_at
            for kind, noticed, to in steps(rules, ticket.noticed, start, due_at, now):
                whom: tuple[Whom, str] = ("role", to) if to else ("unit", ticket.unit)
                data: dict[str, Any] = {"noticed": noticed, "to": whom[1], "due_at": due_at}
                ledger.write(session, ticket, kind, SYSTEM, at=now, **data)
                key = f"{number}:{noticed}:{due_at.isoformat()}"
                tell(session, key, whom, _words(ticket, kind, rules.zone), now, ticket.id)
                said.append(kind)
            return said


def _ahead(rules: ClockRules) -> dt.timedelta:
    """How long before a deadline a reminder may be due, at most."""
    limits = (*rules.limits.values(), *rules.by_category.values())
    # Working days are longer than 24 hours: three times covers every run of holidays.
    longest = max(limit.hours * (3 if limit.working else 1) for limit in limits)
    return dt.timedelta(hours=longest) * rules.soon


def _words(ticket: Ticket, kind: EventKind, zone: str) -> str:
    assert ticket.due_at is not None
    until = f"{ticket.due_at.astimezone(ZoneInfo(zone)):%m月%d日%H:%M}"
    what = f"工单{ticket.number}“{ticket.title}”"
    if kind is EventKind.DUE_SOON:
        return f"{what}将于{until}到期，请抓紧办理。"
    if kind is EventKind.OVERDUE:
        return f"{what}已于{until}到期，尚未办结。"
    return f"{what}已于{until}到期，{ticket.unit or '尚无承办单位'}仍未办结，请督办。"
