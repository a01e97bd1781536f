"""How a ticket looks to staff: a table of many, a page of one, plain data. In Chinese.

Leaves to others: finding them (``ticket.py``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from bot.casework.lifecycle import RUNNING, Actor, EventKind, Role, TicketState
from bot.casework.models import Ticket, TicketEvent
from bot.casework.whistles import Board
from bot.casework.wording import EVENTS, NEXT_STEPS, ROLES, STATES, URGENCIES
from bot.commands.casework import local_time
from bot.observe import mask_number, mask_text


def ticket_table(tickets: Sequence[Ticket], zone: str, now: dt.datetime) -> Table:
    """Return a table of tickets; an overdue one is marked."""
    table = Table("工单号", "状态", "类别", "地点", "承办单位", "受理时间", "时限", "催办", "来电")
    for one in tickets:
        late = one.state in RUNNING and one.due_at is not None and one.due_at < now
        due = local_time(one.due_at, zone)
        table.add_row(
            one.number,
            STATES[TicketState(one.state)],
            one.title,
            escape(mask_text(one.place)),
            escape(one.unit) or "未定",
            local_time(one.filed_at, zone),
            f"[red]{due} 超期[/red]" if late else due,
            str(one.urged or ""),
            escape(mask_number(one.caller)) or "未显示",
        )
    return table


def describe(
    ticket: Ticket,
    events: Sequence[TicketEvent],
    boards: Sequence[Board],
    zone: str,
    reveal: bool = False,
) -> str:
    """Tell all that is known of a ticket, oldest event first."""

    def free(text: str) -> str:
        return text if reveal else mask_text(text)

    def phone(number: str) -> str:
        return number if reveal else mask_number(number)

    state = TicketState(ticket.state)
    lines = [
        f"工单号：{ticket.number}    状态：{STATES[state]}（{NEXT_STEPS[state]}）",
        f"类别：{ticket.title}（{ticket.category}）    "
        f"紧急程度：{URGENCIES.get(ticket.urgency, ticket.urgency)}",
        f"诉求：{free(ticket.text)}",
        f"地点：{free(ticket.place) or '未说明'}"
        + (f"（{ticket.district}{ticket.street}）" if ticket.district or ticket.street else ""),
        f"来电号码：{phone(ticket.caller) or '未显示'}    "
        f"联系电话：{phone(ticket.phone) or '未留'}",
        f"承办单位：{ticket.unit or '未定'}    首接单位：{ticket.first_unit or '未派单'}",
        f"受理时间：{local_time(ticket.filed_at, zone)}    "
        f"办结时限：{local_time(ticket.due_at, zone) or '无'}",
    ]
    if ticket.since:
        lines.append(f"发生时间：{free(ticket.since)}")
    lines += [f"{key}：{free(str(value))}" for key, value in ticket.details.items()]
    if ticket.incident_id:
        lines.append(f"群体诉求：{ticket.incident_id}")
    lines.append("经过：")
    lines += [f"  {_event(event, zone, free(event.note))}" for event in events]
    for board in boards:
        lines += _whistle(board, zone)
    return "\n".join(lines)


def _event(event: TicketEvent, zone: str, note: str) -> str:
    actor = Actor.of(event.actor)
    who = actor.name if actor.role is Role.UNIT and actor.name else ROLES[actor.role]
    if actor.role is not Role.UNIT and actor.name:
        who += f"（{actor.name}）"
    kind, data = EventKind(event.kind), event.data
    what = EVENTS[kind]
    if kind in (EventKind.DISPATCHED, EventKind.RETURN_APPROVED):
        what += f"给{data['unit']}"
    elif kind is EventKind.SURVEYED:
        score = data.get("satisfied")
        what += "：已解决" if data["solved"] else "：未解决"
        what += f"，满意度{score}分" if score else ""
    elif kind in (EventKind.CHECKED_IN, EventKind.ACTED):
        what += f"：{data['department']}"
    elif kind is EventKind.WHISTLED:
        what += f"：{'、'.join(data['departments'])}"
    elif kind is EventKind.ESCALATED:
        what += f"：{data['to']}"
    return f"{local_time(event.at, zone)}  {who}  {what}" + (f"  {note}" if note else "")


def _whistle(board: Board, zone: str) -> list[str]:
    state = "已销哨" if board.closed_at else "进行中"
    lines = [f"吹哨 {board.id}（{state}，{local_time(board.be_there_by, zone)}前到场）："]
    for one in board.called:
        came = local_time(one.arrived_at, zone)
        late = f"，迟到{one.minutes_late}分钟" if one.late and came else ""
        if not came:
            late = f"，已超时{one.minutes_late}分钟" if one.late else ""
        lines.append(f"  {one.department}：{f'{came}报到' if came else '未报到'}{late}")
    return lines


def as_data(ticket: Ticket) -> dict[str, Any]:
    """Return a ticket as plain data for other programs, personal numbers hidden."""

    def iso(moment: dt.datetime | None) -> str | None:
        return moment.isoformat() if moment else None

    return {
        "number": ticket.number,
        "state": ticket.state,
        "version": ticket.version,
        "category": ticket.category,
        "title": ticket.title,
        "text": mask_text(ticket.text),
        "place": mask_text(ticket.place),
        "district": ticket.district,
        "street": ticket.street,
        "unit": ticket.unit,
        "urgency": ticket.urgency,
        "filed_at": iso(ticket.filed_at),
        "due_at": iso(ticket.due_at),
        "resolved_at": iso(ticket.resolved_at),
        "closed_at": iso(ticket.closed_at),
        "urged": ticket.urged,
        "caller": mask_number(ticket.caller),
        "phone": mask_number(ticket.phone),
    }
