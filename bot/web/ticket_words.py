"""Tickets in words: clocks, events and people, as the pages of casework say them.

Pure. States and kinds of events have their names in ``casework/wording.py``. Leaves to others:
showing (templates), and hiding personal numbers in what people wrote (``observe.mask_text``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from bot.casework.deadlines import ClockRules, reminder
from bot.casework.inbox import Tab
from bot.casework.lifecycle import RUNNING, Actor, EventKind, TicketState
from bot.casework.models import Ticket, TicketEvent
from bot.casework.wording import EVENTS, ROLES, STATES
from bot.observe import mask_text

TABS = {
    Tab.OPEN: "待办",
    Tab.TO_DISPATCH: "待派单",
    Tab.TO_ACCEPT: "待签收",
    Tab.IN_HAND: "办理中",
    Tab.RETURNED: "退单待审",
    Tab.SUSPENDED: "已挂起",
    Tab.ASKING: "待回访",
    Tab.ENDED: "已结束",
    Tab.ALL: "全部",
}
CHANNELS = {
    "phone": "电话",
    "agent": "人工坐席",
    "web": "网页",
    "sms": "短信",
    "wechat": "微信",
    "open311": "开放接口",
}
#: What a try to reach the citizen came to, of the unit (联系) and of the survey (回访).
OUTCOMES = {
    "reached": "已联系到市民",
    "not_reached": "未联系到市民",
    "answered": "已接听",
    "no_answer": "无人接听",
    "busy": "占线",
    "refused": "市民不愿接受回访",
    "hung_up": "市民中途挂断",
    "failed": "没有拨通",
}


@dataclass(frozen=True, slots=True)
class ClockWords:
    """How a ticket stands with its deadline."""

    level: str
    """``over``, ``soon``, ``calm``, ``still`` or ``done``: a colour, never told by it alone."""
    text: str
    """剩余3小时20分."""
    until: str
    """The deadline itself, local; "" without one."""


def clock_words(ticket: Ticket, rules: ClockRules, now: dt.datetime) -> ClockWords:
    """Return how a ticket stands with its deadline at ``now``."""
    if ticket.due_at is None:
        return ClockWords("done", "没有时限", "")
    until = local(ticket.due_at, rules.zone)
    if ticket.state == TicketState.SUSPENDED:
        return ClockWords("still", "已挂起，停止计时", until)
    if ticket.state not in RUNNING:
        ended = ticket.resolved_at or ticket.closed_at
        if ended is None or ended <= ticket.due_at:
            return ClockWords("done", "按时", until)
        return ClockWords("done", f"超期{span(ended - ticket.due_at)}", until)
    if now >= ticket.due_at:
        return ClockWords("over", f"已超期{span(now - ticket.due_at)}", until)
    left = span(ticket.due_at - now)
    if now >= reminder(rules, ticket.clock_from or ticket.filed_at, ticket.due_at):
        return ClockWords("soon", f"即将到期，剩余{left}", until)
    return ClockWords("calm", f"剩余{left}", until)


def span(time: dt.timedelta) -> str:
    """Return a length of time in words, in its two largest units."""
    minutes = int(time.total_seconds() // 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days}天{hours}小时" if hours else f"{days}天"
    if hours:
        return f"{hours}小时{minutes}分" if minutes else f"{hours}小时"
    return f"{minutes}分钟"


def local(moment: dt.datetime | None, zone: str) -> str:
    """Return a moment as people of the place write it, to the minute; "" for none."""
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" if moment else ""


def actor_words(written: str) -> str:
    """Return who acted: ``unit:市自来水集团`` becomes 市自来水集团."""
    actor = Actor.of(written)
    name = ROLES[actor.role]
    if not actor.name:
        return name
    return actor.name if actor.role == "unit" else f"{name} {actor.name}"


@dataclass(frozen=True, slots=True)
class Line:
    """An event of the time line, in words."""

    at: str
    who: str
    what: str
    about: str
    """What the event says besides; "" for nothing."""
    note: str
    """In somebody's own words, personal numbers hidden unless revealed."""


def lines_of(events: list[TicketEvent], zone: str, reveal: bool = False) -> list[Line]:
    """Return the time line of a ticket, oldest first."""
    return [
        Line(
            at=local(one.at, zone),
            who=actor_words(one.actor),
            what=EVENTS[EventKind(one.kind)],
            about=_about(EventKind(one.kind), one.data, zone),
            note=one.note if reveal else mask_text(one.note),
        )
        for one in events
    ]


def _about(kind: EventKind, data: Mapping[str, Any], zone: str) -> str:
    written = _ABOUT.get(kind)
    return written(data, zone) if written else ""


def _time(data: Mapping[str, Any], zone: str, key: str = "due_at") -> str:
    value = data.get(key)
    return local(dt.datetime.fromisoformat(value), zone) if value else ""


def _surveyed(data: Mapping[str, Any], _: str) -> str:
    solved = "已解决" if data.get("solved") else "没有解决"
    score = data.get("satisfied")
    return f"{solved}，满意度{score}分（满分5分）" if score else f"{solved}，未评价满意度"


def _dispatched(data: Mapping[str, Any], _: str) -> str:
    how = "，按规则自动派单" if data.get("automatic") else ""
    return f"派给{data.get('unit', '')}{how}"


def _closed_whistle(data: Mapping[str, Any], _: str) -> str:
    parts = [("迟到", data.get("late")), ("未到", data.get("absent"))]
    said = "；".join(f"{what}：{'、'.join(names)}" for what, names in parts if names)
    return said or "各部门均按时到场"


def _whistled(data: Mapping[str, Any], zone: str) -> str:
    until = _time(data, zone, "be_there_by")
    return f"请{'、'.join(data.get('departments', []))}于{until}前到场"


_ABOUT: Mapping[EventKind, Callable[[Mapping[str, Any], str], str]] = {
    EventKind.RECEIVED: lambda data, _: str(data.get("title", "")),
    EventKind.DISPATCHED: _dispatched,
    EventKind.RETURN_APPROVED: lambda data, _: f"改派给{data.get('unit', '')}",
    EventKind.CONTACTED: lambda data, _: OUTCOMES.get(str(data.get("outcome")), ""),
    EventKind.SURVEY_TRIED: lambda data, _: OUTCOMES.get(str(data.get("outcome")), ""),
    EventKind.SURVEYED: _surveyed,
    EventKind.EXTENSION_ASKED: lambda data, zone: f"申请延至{_time(data, zone)}",
    EventKind.EXTENDED: lambda data, zone: f"时限改为{_time(data, zone)}",
    EventKind.REOPENED: lambda data, zone: f"新时限{_time(data, zone)}",
    EventKind.ESCALATED: lambda data, _: f"报{data.get('to', '')}",
    EventKind.MERGED: lambda data, _: f"并入工单{data.get('into', '')}",
    EventKind.SPLIT: lambda data, _: f"拆分为{'、'.join(data.get('into', []))}",
    EventKind.WHISTLED: _whistled,
    EventKind.CHECKED_IN: lambda data, _: f"{data.get('department', '')}到场",
    EventKind.ACTED: lambda data, _: str(data.get("department", "")),
    EventKind.WHISTLE_CLOSED: _closed_whistle,
    EventKind.INCIDENT_JOINED: lambda data, _: f"群体诉求{data.get('incident', '')}",
    EventKind.INCIDENT_LEFT: lambda data, _: f"群体诉求{data.get('incident', '')}",
    EventKind.RECATEGORISED: lambda data, _: f"改为{data.get('title', '')}",
}


def state_words(state: str) -> str:
    """Return a state in Chinese."""
    return STATES[TicketState(state)]
