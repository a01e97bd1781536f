"""The inbox of tickets: tabs with counts, filters, search, export. Home of a unit's people.

Leaves to others: finding (``casework/inbox.py``), one ticket (``ticket_pages.py``).
"""

from __future__ import annotations

import datetime as dt
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query
from fastapi.responses import FileResponse, RedirectResponse, Response
from starlette.background import BackgroundTask

from bot.casework import export as exporting
from bot.casework.errors import CaseworkError
from bot.casework.inbox import COUNTED, STATES_OF, Filter, Inbox, Tab, is_of
from bot.casework.lifecycle import TicketState
from bot.casework.models import Ticket
from bot.casework.wording import STATES, URGENCIES
from bot.observe import mask_text
from bot.web.accounts import Role
from bot.web.pages import House, Me, Refused, guard, page
from bot.web.ticket_pages import unit_of
from bot.web.ticket_words import TABS, ClockWords, clock_words, local, state_words
from bot.web.units import categories_of

T = TypeVar("T")
#: Characters of a request that a line of the list shows.
SHOWN = 60
#: Tickets of one export; more are for `hotline ticket export`, which blocks no page.
EXPORTED = 50_000


class Asked:
    """The fields of the filter form, as the browser sends them."""

    def __init__(
        self,
        tab: Annotated[str, Query(max_length=16)] = "",
        state: Annotated[str, Query(max_length=16)] = "",
        words: Annotated[str, Query(max_length=100)] = "",
        category: Annotated[str, Query(max_length=64)] = "",
        place: Annotated[str, Query(max_length=64)] = "",
        urgency: Annotated[str, Query(max_length=8)] = "",
        since: Annotated[str, Query(max_length=10)] = "",
        until: Annotated[str, Query(max_length=10)] = "",
        overdue: Annotated[str, Query(max_length=4)] = "",
    ) -> None:
        # What is searched for may have ended long ago.
        tab = tab or (Tab.ALL if words.strip() else Tab.OPEN)
        given = {
            "tab": str(tab),
            "state": state,
            "words": words.strip(),
            "category": category,
            "place": place.strip(),
            "urgency": urgency,
            "since": since,
            "until": until,
            "overdue": overdue,
        }
        # No database stores a NUL, so nothing with one is found.
        self.given = {key: value.replace("\0", "") for key, value in given.items()}
        self.query: Mapping[str, str] = {key: value for key, value in self.given.items() if value}
        """What was said, for links that say it again."""

    def filter(self, zone: str) -> Filter:
        """Return what is looked for. What makes no sense is not looked for."""
        ask = self.query.get
        until = _midnight(ask("until", ""), zone)
        return Filter(
            tab=_one_of(Tab, ask("tab", ""), Tab.OPEN),
            state=_one_of(TicketState, ask("state", ""), None),
            words=ask("words", ""),
            category=ask("category", ""),
            place=ask("place", ""),
            urgency=ask("urgency", ""),
            since=_midnight(ask("since", ""), zone),
            until=until + dt.timedelta(days=1) if until else None,
            overdue=bool(ask("overdue", "")),
        )


def _one_of(kind: type[T], value: str, otherwise: Any) -> Any:
    try:
        return kind(value)  # type: ignore[call-arg]
    except ValueError:
        return otherwise


def parse_day(written: str) -> dt.date | None:
    """Return the day that a form says, None when it says none."""
    try:
        day = dt.date.fromisoformat(written)
    except ValueError:
        return None
    # Nothing is that old or that far off, and arithmetic at the ends of time overflows.
    return day if 1983 <= day.year <= 2200 else None


def _midnight(written: str, zone: str) -> dt.datetime | None:
    day = parse_day(written)
    return dt.datetime.combine(day, dt.time(), ZoneInfo(zone)) if day else None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list."""

    ticket: Ticket
    text: str
    """Shortened, personal numbers hidden."""
    place: str
    state: str
    urgency: str
    clock: ClockWords


def casework_pages(house: House) -> APIRouter:
    """Return the routes of the inbox."""
    router = APIRouter(prefix="/casework", dependencies=[Depends(guard(house))])
    ledger = house.tickets.ledger
    inbox = Inbox(ledger)

    @router.get("")
    def list_tickets(
        me: Me,
        asked: Annotated[Asked, Depends()],
        after: Annotated[str, Query(max_length=40)] = "",
    ) -> Response:
        now, unit = ledger.now(), unit_of(me.account)
        wanted = asked.filter(ledger.rules.clocks.zone)
        direct = house.tickets.get(wanted.words) if wanted.words.isdigit() else None
        if direct and is_of(direct, unit):
            return RedirectResponse(f"/casework/tickets/{direct.number}", 303)
        try:
            found = inbox.page(wanted, unit, after)
        except CaseworkError:
            # A key that somebody made up, or of another version: the first page will do.
            found = inbox.page(wanted, unit)
        counts = inbox.counts(unit)
        tabs = [
            (tab, title, counted(counts[tab]))
            for tab, title in TABS.items()
            if not (unit and tab is Tab.TO_DISPATCH)
        ]
        return page(
            "inbox.html",
            me,
            tabs=tabs,
            tab=wanted.tab,
            late=counted(inbox.count(Filter(overdue=True), unit)),
            query=asked.query,
            given=asked.given,
            rows=[
                Row(
                    ticket=one,
                    text=_short(mask_text(one.text)),
                    place=mask_text(one.place) or one.street or one.district,
                    state=state_words(one.state),
                    urgency=URGENCIES.get(one.urgency, one.urgency),
                    clock=clock_words(one, ledger.rules_of(one.pack).clocks, now),
                )
                for one in found.tickets
            ],
            next=found.next,
            seen_at=local(now, ledger.rules.clocks.zone),
            first=not after,
            states={one.value: STATES[one] for one in STATES_OF[wanted.tab]},
            categories=categories_of(house.pack()),
            urgencies=URGENCIES,
            filtered=bool(set(asked.query) - {"tab"}),
            everything=me.account.role is not Role.UNIT,
        )

    @router.get("/export")
    def export(
        me: Me,
        asked: Annotated[Asked, Depends()],
        kind: Annotated[Literal["csv", "xlsx"], Query()] = "csv",
    ) -> Response:
        zone, unit = ledger.rules.clocks.zone, unit_of(me.account)
        wanted = asked.filter(zone)
        if inbox.count(wanted, unit, EXPORTED) > EXPORTED:
            raise Refused(422, f"超过{EXPORTED}件，请先用日期或类别缩小范围再导出。")
        house.audit.write(me.account.name, "exported", f"tickets.{kind}", urlencode(asked.query))
        handle, name = tempfile.mkstemp(suffix=f".{kind}")
        os.close(handle)
        path = Path(name)
        try:
            exporting.write(path, house.tickets.stream(*inbox.where(wanted, unit)), zone)
        except BaseException:
            path.unlink()
            raise
        gone = BackgroundTask(path.unlink, missing_ok=True)
        return FileResponse(path, filename=f"tickets.{kind}", background=gone)

    return router


def counted(number: int) -> str:
    """Return a count that goes no further than ``COUNTED``."""
    return f"{COUNTED}+" if number > COUNTED else str(number)


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
