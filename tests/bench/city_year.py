"""A year of a city's tickets, made up: skewed by place, category, hour, weekday and season.

Categories, their words, places and units are the pack's. How often each occurs is made up, but
of the shape that real lines have: a few places and categories have most of the tickets, mornings
are busy and nights are not, heating is a matter of winter. Every ticket has the events that its
state adds up from. Leaves to others: storing them (``year.py``).
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from bot.casework.dispatch import Decision, Place, decide
from bot.casework.encryption import Keyring
from bot.casework.rules import Rules
from bot.casework.tickets import ticket_number
from bot.understanding.pack import Pack
from bot.understanding.schema import Category
from bot.understanding.template import parse

#: Share of a day's tickets by the hour in which they come.
HOURS = (4, 2, 2, 1, 1, 3, 8, 24, 62, 88, 92, 74, 52, 56, 72, 76, 70, 58, 44, 40, 38, 32, 20, 10)
#: Monday to Sunday.
WEEKDAYS = (1.18, 1.1, 1.06, 1.04, 1.04, 0.82, 0.76)
#: Times as many in these months, by the group of categories.
SEASONS = {
    "heating": {11: 9, 12: 7, 1: 7, 2: 5, 3: 4, 4: 0.3, 5: 0.1, 6: 0.1, 7: 0.1, 8: 0.1, 9: 0.4},
    "sewer": {6: 2, 7: 4, 8: 4},
    "power": {6: 2, 7: 3, 8: 3},
    "water": {1: 2, 6: 1.5, 7: 1.5},
    "noise": {5: 1.5, 6: 2, 7: 2, 8: 2, 9: 1.5},
    "wage": {12: 2, 1: 4},
    "garbage": {6: 1.5, 7: 2, 8: 2},
    "school": {3: 1.5, 8: 2, 9: 3},
}
CALLERS = 200_000
DAY = dt.timedelta(days=1)

TicketRow = tuple[object, ...]
EventRow = tuple[object, ...]
TICKET_COLUMNS = (
    *("id", "number", "request", "call_id", "channel", "pack", "filed_at", "day", "serial"),
    *("text", "details", "place", "district", "street", "since", "urgency", "confidence"),
    *("caller", "phone", "parent_id", "state", "version", "category", "title", "unit"),
    *("first_unit", "due_at", "clock_from", "noticed", "urged", "returns", "reopened"),
    *("changed_at", "dispatched_at", "resolved_at", "closed_at", "merged_into"),
)
EVENT_COLUMNS = ("id", "ticket_id", "seq", "at", "kind", "actor", "note", "data")


@dataclass
class CityYear:
    """The year that ends at ``until``; the same seed gives the same year."""

    pack: Pack
    rules: Rules
    keys: Keyring
    until: dt.datetime
    count: int
    _chance: random.Random = field(default_factory=lambda: random.Random(12345))

    def __post_init__(self) -> None:
        """Weigh what the pack knows: the n-th place, category, way of saying has 1/n of it."""
        chance = self._chance
        self._categories = [one for one in self.pack.intents if isinstance(one, Category)]
        chance.shuffle(self._categories)
        self._said = {
            one.id: [*self.pack.examples.get(one.id, ()), *one.tests, *_ways(one)]
            for one in self._categories
        }
        named = {one.name: one for one in self.pack.gazetteer.names.values()}
        self._streets = [one for one in named.values() if one.kind == "street"]
        chance.shuffle(self._streets)
        self._street_weights = _sums([1 / (rank + 8) for rank in range(len(self._streets))])
        self._by_month = {
            month: _sums(
                [
                    SEASONS.get(one.id.partition(".")[0], {}).get(month, 1) / (rank + 3)
                    for rank, one in enumerate(self._categories)
                ]
            )
            for month in range(1, 13)
        }
        self._hour_weights = _sums(HOURS)
        numbers = (f"1{chance.randrange(3 * 10**9, 10**10):010}" for _ in range(CALLERS))
        self._callers = [self.keys.seal_for_lookup(one) for one in numbers]
        self._units: dict[tuple[str, str], Decision] = {}
        self._ids = 0

    def days(self) -> Iterator[tuple[list[TicketRow], list[EventRow]]]:
        """Yield the tickets of each day in the order of their numbers, and all their events."""
        zone = ZoneInfo(self.rules.clocks.zone)
        last = self.until.astimezone(zone).date()
        dates = [last - back * DAY for back in range(365, 0, -1)]
        weights = [
            WEEKDAYS[one.weekday()] * (1.15 if one.month in (7, 8, 12) else 1) for one in dates
        ]
        done, sofar, total = 0, 0.0, sum(weights)
        ticket_id = 0
        for date, weight in zip(dates, weights, strict=True):
            sofar += weight
            size = round(self.count * sofar / total) - done
            done += size
            midnight = dt.datetime.combine(date, dt.time(), zone).astimezone(dt.UTC)
            yield self._day(date, midnight, ticket_id, size)
            ticket_id += size

    def _day(
        self, date: dt.date, midnight: dt.datetime, before: int, size: int
    ) -> tuple[list[TicketRow], list[EventRow]]:
        chance = self._chance
        hours = chance.choices(range(24), cum_weights=self._hour_weights, k=size)
        seconds = sorted(hour * 3600 + chance.randrange(3600) for hour in hours)
        kinds = chance.choices(self._categories, cum_weights=self._by_month[date.month], k=size)
        streets = chance.choices(self._streets, cum_weights=self._street_weights, k=size)
        tickets: list[TicketRow] = []
        events: list[EventRow] = []
        for serial, (second, kind, street) in enumerate(
            zip(seconds, kinds, streets, strict=True), 1
        ):
            id, filed = before + serial, midnight + dt.timedelta(seconds=second)
            decision = self._decide(kind, street.district, street.name)
            due = filed + (7 * DAY if kind.urgency == "normal" else DAY)
            life = self._life(filed, due, decision.unit)
            events += (
                (self._next(), id, seq, at, event, actor, note, data)
                for seq, (at, event, actor, note, data) in enumerate(life, 1)
            )
            state, reached = _adds_up(life)
            day = f"{date:%y%m%d}"
            text = chance.choice(self._said[kind.id])
            block, house = chance.randrange(1, 40), chance.randrange(1, 30)
            tickets.append(
                (
                    *(id, ticket_number(day, serial), f"{id:064x}", f"{id:036x}", "phone"),
                    *(self.pack.name, filed, day, serial),
                    f"{text}，已经{chance.randrange(2, 30)}天了，麻烦尽快处理。",
                    *("{}", f"{street.district}{street.name}{block}号院{house}号楼"),
                    *(street.district, street.name, "", kind.urgency, 0.9),
                    *(chance.choice(self._callers), "", None, state, len(life)),
                    *(kind.id, kind.title, decision.unit, decision.unit, due, filed),
                    *(0, 0, 0, 0, life[-1][0], reached.get("dispatched")),
                    *(reached.get("resolved"), reached.get("closed"), ""),
                )
            )
        return tickets, events

    def _next(self) -> int:
        self._ids += 1
        return self._ids

    def _decide(self, kind: Category, district: str, street: str) -> Decision:
        known = self._units.get((kind.id, street))
        if known is None:
            proposed = self.pack.unit_name(kind.unit)
            place = Place(district, street)
            known = decide(self.rules.dispatch, kind.id, place, 1.0, proposed)
            self._units[kind.id, street] = known
        return known

    def _life(self, filed: dt.datetime, due: dt.datetime, unit: str) -> list[_Step]:
        """What happened to a ticket up to now; nineteen of twenty are solved in their time."""
        chance, who = self._chance, f"unit:{unit}"
        begun = f'{{"unit": "{unit}", "due_at": "{due.isoformat()}"}}'
        given = f'{{"unit": "{unit}", "to": "territory", "automatic": true}}'
        life: list[_Step] = [(filed, "received", "bot", "", begun)]
        life.append((filed, "dispatched", "system", "按派单规则自动派单。", given))
        at = filed
        for hours, step in (
            (4, ("accepted", who, "", "{}")),
            (12, ("contacted", who, "", '{"outcome": "reached"}')),
            (90, ("resolved", who, "已到现场处理，问题已解决。", "{}")),
            (30, ("surveyed", "bot", "", _ANSWERS[chance.random() < 0.06])),
            (0, ("closed", "system", "", "{}")),
        ):
            at += dt.timedelta(hours=chance.expovariate(1 / hours) if hours else 0)
            if at > self.until:
                break
            life.append((at, *step))
        return life


_Step = tuple[dt.datetime, str, str, str, str]
_ANSWERS = (
    '{"solved": true, "satisfied": 5, "channel": "call"}',
    '{"solved": false, "satisfied": 2, "channel": "call"}',
)
_STATES = {"contacted": "accepted", "surveyed": "callback"}


def _adds_up(life: list[_Step]) -> tuple[str, dict[str, dt.datetime]]:
    last = life[-1][1]
    return _STATES.get(last, last), {step[1]: step[0] for step in life}


def _ways(category: Category) -> list[str]:
    return [way for source in category.phrases for way in parse(source).expand()[:8]]


def _sums(weights: list[float] | tuple[int, ...]) -> list[float]:
    total, sums = 0.0, []
    for one in weights:
        total += one
        sums.append(total)
    return sums
