"""The inbox (收件箱): finding tickets among millions, and counting them no further than needed.

Every list is in the order of deadlines and goes on after a key, never after a number of rows:
page 1,000 costs what page 1 does. Leaves to others: finding words (``search.py``), who may look
(``web/access.py``), showing.
"""

from __future__ import annotations

import datetime as dt
import heapq
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any

from sqlalchemy import and_, false, func, not_, select
from sqlalchemy.orm import Session

from bot.casework.errors import CaseworkError
from bot.casework.ledger import Ledger
from bot.casework.lifecycle import RUNNING, TicketState
from bot.casework.models import Ticket
from bot.casework.search import Finding, finding

#: Tickets in one page.
PAGE = 40
#: Tickets of a tab are counted up to this; more are "999+".
COUNTED = 999
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_S = TicketState


class Tab(StrEnum):
    """What is to be done next with tickets, and so where to look for them."""

    OPEN = "open"
    """Whatever somebody has to do something about now, most urgent first."""
    TO_DISPATCH = "to_dispatch"
    TO_ACCEPT = "to_accept"
    IN_HAND = "in_hand"
    RETURNED = "returned"
    SUSPENDED = "suspended"
    ASKING = "asking"
    """Resolved; the citizen's word is awaited."""
    ENDED = "ended"
    ALL = "all"


#: States of each tab.
STATES_OF: Mapping[Tab, tuple[TicketState, ...]] = {
    Tab.OPEN: tuple(state for state in _S if state in RUNNING),
    Tab.TO_DISPATCH: (_S.RECEIVED,),
    Tab.TO_ACCEPT: (_S.DISPATCHED, _S.REOPENED),
    Tab.IN_HAND: (_S.ACCEPTED, _S.IN_PROGRESS),
    Tab.RETURNED: (_S.RETURNED,),
    Tab.SUSPENDED: (_S.SUSPENDED,),
    Tab.ASKING: (_S.RESOLVED, _S.CALLBACK),
    Tab.ENDED: (_S.CLOSED, _S.MERGED, _S.SPLIT, _S.WITHDRAWN),
    Tab.ALL: tuple(_S),
}
#: Tabs in which the latest deadline comes first: nothing in them is urgent.
_LATEST_FIRST = frozenset({Tab.ASKING, Tab.ENDED, Tab.ALL})


@dataclass(frozen=True, slots=True)
class Filter:
    """What is looked for; everything that is said must hold."""

    tab: Tab = Tab.OPEN
    state: TicketState | None = None
    """One state alone, within the tab."""
    words: str = ""
    """Words of the request, or a ticket's number or its beginning, of six digits at least."""
    category: str = ""
    """Id of the category."""
    place: str = ""
    """Part of the place, the district or the sub-district."""
    urgency: str = ""
    since: dt.datetime | None = None
    """Filed then or later."""
    until: dt.datetime | None = None
    """Filed before."""
    overdue: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Some tickets, and where the next ones begin."""

    tickets: tuple[Ticket, ...]
    next: str
    """Key of the next page; "" at the end."""


def seen_by(unit: str) -> list[Any]:
    """Return the conditions on tickets that a unit may see; "" is somebody who sees all.

    Before a ticket is dispatched its unit is only proposed: it is nobody's yet.
    """
    return [Ticket.unit == unit, Ticket.first_unit != ""] if unit else []


def is_of(ticket: Ticket, unit: str) -> bool:
    """Tell whether a unit may see a ticket; the same as :func:`seen_by`."""
    return not unit or (ticket.unit == unit and ticket.first_unit != "")


def _finding(session: Session, wanted: Filter, unit: str, now: dt.datetime) -> Finding:
    """Return how to find the tickets of a filter, but for their states."""
    where = seen_by(unit)
    number, filed = _number(wanted), _filed(wanted)
    where += [*number, *filed]
    if number or filed:
        where.append(_among(session, [*number, *filed]))
    found = finding(session, "" if number else wanted.words, wanted.place, wanted.category)
    if wanted.urgency:
        where.append(Ticket.urgency == wanted.urgency)
    if wanted.overdue:
        where += [Ticket.due_at <= now, Ticket.state.in_([one.value for one in RUNNING])]
    return Finding((*found.where, *where), found.few)


def _number(wanted: Filter) -> list[Any]:
    words = wanted.words.strip()
    if not re.fullmatch(r"[0-9]{6,12}", words):
        return []
    return [Ticket.number >= words, Ticket.number <= words.ljust(12, "9")]


def _filed(wanted: Filter) -> list[Any]:
    since = [Ticket.filed_at >= wanted.since] if wanted.since else []
    return since + ([Ticket.filed_at < wanted.until] if wanted.until else [])


def _among(session: Session, where: Sequence[Any]) -> Any:
    """Return the range of ids that holds all tickets of a time or a number, to look there alone.

    Ids mostly rise with both, and the index in the order of deadlines has them: what lies outside
    the range is passed over in the index, without a look at its row.
    """
    # Of a sum, lest SQLite walks through all ids in their order to find the first.
    bounds = select(func.min(Ticket.id + 0), func.max(Ticket.id + 0)).where(*where)
    first, last = session.execute(bounds).one()
    return false() if first is None else Ticket.id.between(first, last)


def states_of(wanted: Filter) -> list[str]:
    """Return the states that a filter lets through."""
    states = STATES_OF[wanted.tab]
    return [one.value for one in states if wanted.state in (None, one)]


class Inbox:
    """Lists of tickets, from SQL. Thread-safe."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def page(self, wanted: Filter, unit: str = "", after: str = "", size: int = PAGE) -> Page:
        """Return tickets in the order of their deadlines; those without one come last.

        Args:
            wanted: what is looked for.
            unit: only what this unit may see; "" for all.
            after: ``Page.next`` of the page before.
            size: tickets of a page.

        Raises:
            CaseworkError: the key is none, or the database cannot be read.
        """
        key = _read_key(after)
        down = wanted.tab in _LATEST_FIRST
        states = states_of(wanted)
        with self._ledger.reading() as session:
            how = _finding(session, wanted, unit, self._ledger.now())
            where = how.where
            # Of many, one state at a time is read off an index in the right order.
            groups = [states] if how.few else [[state] for state in states]
            found: list[Ticket] = []
            if key is None or key[0] is not None:
                parts = [
                    _dated(session, [*where, Ticket.state.in_(group)], key, down, size + 1)
                    for group in groups
                ]
                found = list(islice(heapq.merge(*parts, key=_order, reverse=down), size + 1))
            if len(found) <= size:
                late = key[1] if key and key[0] is None else 0
                undated = select(Ticket).where(
                    *where, Ticket.state.in_(states), Ticket.due_at.is_(None), Ticket.id > late
                )
                undated = undated.order_by(Ticket.id).limit(size + 1 - len(found))
                found += session.scalars(undated)
        more = len(found) > size
        return Page(tuple(found[:size]), _write_key(found[size - 1]) if more else "")

    def counts(self, unit: str = "", most: int = COUNTED) -> Mapping[Tab, int]:
        """Return how many tickets each tab has, counting no further than ``most`` + 1.

        Raises:
            CaseworkError: the database cannot be read.
        """
        where = seen_by(unit)
        with self._ledger.reading() as session:
            by_state = {
                state: session.scalar(_counting([*where, Ticket.state == state.value], most)) or 0
                for state in TicketState
            }
        return {
            tab: min(most + 1, sum(by_state[state] for state in states))
            for tab, states in STATES_OF.items()
        }

    def count(self, wanted: Filter, unit: str = "", most: int = COUNTED) -> int:
        """Return how many tickets a filter finds, counting no further than ``most`` + 1.

        Raises:
            CaseworkError: the database cannot be read.
        """
        with self._ledger.reading() as session:
            where = self._where(session, wanted, unit)
            return session.scalar(_counting(where, most)) or 0

    def where(self, wanted: Filter, unit: str = "") -> list[Any]:
        """Return all conditions of a filter, for ``TicketStore.stream``.

        Raises:
            CaseworkError: the database cannot be read.
        """
        with self._ledger.reading() as session:
            return self._where(session, wanted, unit)

    def _where(self, session: Session, wanted: Filter, unit: str) -> list[Any]:
        how = _finding(session, wanted, unit, self._ledger.now())
        return [*how.where, Ticket.state.in_(states_of(wanted))]


def _counting(where: Sequence[Any], most: int) -> Any:
    some = select(Ticket.id).where(*where).limit(most + 1).subquery()
    return select(func.count()).select_from(some)


_Key = tuple[dt.datetime | None, int]


def _dated(
    session: Session, where: Sequence[Any], key: _Key | None, down: bool, limit: int
) -> list[Ticket]:
    query = select(Ticket).where(*where, Ticket.due_at.is_not(None)).limit(limit)
    if key is not None:
        due_at, id = key
        # The first half is a range of the index, the second only sorts out equal deadlines.
        if down:
            query = query.where(
                Ticket.due_at <= due_at, not_(and_(Ticket.due_at == due_at, Ticket.id >= id))
            )
        else:
            query = query.where(
                Ticket.due_at >= due_at, not_(and_(Ticket.due_at == due_at, Ticket.id <= id))
            )
    if down:
        return list(session.scalars(query.order_by(Ticket.due_at.desc(), Ticket.id.desc())))
    return list(session.scalars(query.order_by(Ticket.due_at, Ticket.id)))


def _order(ticket: Ticket) -> tuple[dt.datetime, int]:
    assert ticket.due_at is not None
    return ticket.due_at, ticket.id


def _write_key(last: Ticket) -> str:
    due = "none" if last.due_at is None else str((last.due_at - _EPOCH) // _MICROSECOND)
    return f"{due}.{last.id}"


def _read_key(written: str) -> _Key | None:
    if not written:
        return None
    found = re.fullmatch(r"(none|\d{1,17})\.(\d{1,10})", written, re.ASCII)
    if found is None:
        raise CaseworkError("This is no key of a page: begin with the first page.")
    due = None if found[1] == "none" else _EPOCH + int(found[1]) * _MICROSECOND
    return due, int(found[2])
