"""A store in a real database, with a clock that the test turns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from bot.casework.deadlines import ClockRules, Escalation, Limit
from bot.casework.dispatch import DispatchRule, DispatchRules, Place, Subject
from bot.casework.handling import Handling
from bot.casework.rules import Rules
from bot.casework.tickets import TicketStore

MONDAY = dt.datetime(2026, 11, 23, 1, 0, tzinfo=dt.UTC)  # 09:00 in Beijing
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
STREETS = {"望京": Place("朝阳区", "望京街道"), "良乡": Place("房山区", "良乡镇")}


def locate(said: str) -> Place:
    if "朝阳" in said:
        return Place("朝阳区")
    return next((place for name, place in STREETS.items() if name in said), Place())


RULES = Rules(
    clocks=ClockRules(
        limits={"urgent": Limit(2), "high": Limit(24), "normal": Limit(7 * 24, working=True)},
        escalation=(Escalation(24, "督办科"), Escalation(72, "分管领导")),
    ),
    dispatch=DispatchRules(
        rules=(
            DispatchRule(("sanitation",), "territory", "环境卫生由属地街道负责。"),
            DispatchRule(("utilities",), "department", "供水由主管单位负责。"),
        ),
        subjects={
            "garbage.uncollected": Subject("sanitation", "urban_management"),
            "water.outage": Subject("utilities", "water_company"),
            "fire.ebike": Subject("safety", "fire_rescue"),
        },
        units={"water_company": "市自来水集团", "urban_management": "{district}城市管理委员会"},
        offices={"街道": "{street}办事处", "镇": "{street}人民政府"},
    ),
    locate=locate,
)


@dataclass
class World:
    """A store, and the time in it."""

    store: TicketStore
    set_now: Callable[[dt.datetime], None]
    _now: list[dt.datetime]
    filed: list[str] = field(default_factory=list)

    @property
    def now(self) -> dt.datetime:
        return self._now[0]

    @property
    def handling(self) -> Handling:
        return Handling(self.store.ledger)

    def wait(self, time: dt.timedelta) -> None:
        self._now[0] += time

    def file(self, **fields: Any) -> str:
        values: dict[str, Any] = {
            "call_id": str(uuid4()),
            "category": "water.outage",
            "title": "停水",
            "text": "我家停水了",
            "place": "望京西园",
            "caller": "13800138000",
            "unit": "市自来水集团",
        }
        return self.store.file(**values | fields)

    def kinds(self, number: str) -> list[str]:
        return [event.kind for event in self.store.events(number)]

    def state(self, number: str) -> str:
        ticket = self.store.get(number)
        assert ticket is not None
        return ticket.state


def make_world(url: str, rules: Rules = RULES, now: dt.datetime = MONDAY, **others: Rules) -> World:
    """``others`` are the rules of packs besides the main one, by the pack's name."""
    times = [now]
    store = TicketStore(url, clock=lambda: times[0], rules=lambda: {"": rules, **others})
    store.create_schema()
    return World(store, lambda moment: times.__setitem__(0, moment), times)
