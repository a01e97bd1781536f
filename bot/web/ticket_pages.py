"""One ticket: all its fields, its time line, the call that it came from.

Numbers of people are hidden; who works on the ticket may see them, says why, and it is written
down before they are shown. Leaves to others: words (``ticket_words.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse

from bot.casework.audit import Audit
from bot.casework.inbox import is_of
from bot.casework.lifecycle import Actor
from bot.casework.lifecycle import Role as CaseRole
from bot.casework.models import Ticket
from bot.casework.wording import URGENCIES
from bot.observe import mask_number, mask_text
from bot.web.access import HANDLERS
from bot.web.accounts import Account, Role
from bot.web.pages import House, Me, Refused, guard, page
from bot.web.sessions import SignedIn
from bot.web.ticket_words import CHANNELS, clock_words, lines_of, local, state_words

NO_TICKET = "没有这个工单，或者它不归您的单位。"


@dataclass(frozen=True, slots=True)
class Said:
    """One thing said in the call that a ticket was filed in."""

    who: str
    """``caller`` or ``bot``."""
    text: str
    at: float
    """Seconds since the call began."""


def actor_of(account: Account) -> Actor | None:
    """Return in what capacity an account acts on tickets; None when it only looks."""
    match account.role:
        case Role.UNIT:
            return Actor(CaseRole.UNIT, account.unit)
        case Role.AGENT:
            return Actor(CaseRole.AGENT, account.extension or account.name)
        case Role.SUPERVISOR:
            return Actor(CaseRole.SUPERVISOR, account.name)
    return None


def unit_of(account: Account) -> str:
    """Return the unit whose tickets alone an account sees; "" when it sees all.

    Raises:
        Refused: it should belong to a unit and does not.
    """
    if account.role is Role.UNIT and not account.unit:
        raise Refused(403, "您的账号还没有指定单位，请管理员补上。")
    return account.unit


def ticket_pages(house: House) -> APIRouter:
    """Return the routes of one ticket."""
    router = APIRouter(prefix="/casework/tickets/{number}", dependencies=[Depends(guard(house))])
    reveals = Audit(house.tickets.engine, house.tickets.ledger.now)

    @router.get("")
    def show(number: str, me: Me) -> HTMLResponse:
        ticket = own_ticket(house, me, number)
        house.audit.write(me.account.name, "looked_at_ticket", number)
        return ticket_page(house, me, ticket)

    @router.post("/reveal")
    def reveal(
        number: str, me: Me, reason: Annotated[str, Form(max_length=200)] = ""
    ) -> HTMLResponse:
        ticket = own_ticket(house, me, number)
        actor = actor_of(me.account)
        if not reason.strip() or actor is None:
            return ticket_page(house, me, ticket, "请写明查看隐藏信息的原因。", 422)
        # Both logs: the one of casework keeps the reason, the administrator's page who looked.
        reveals.reveal(actor, f"ticket {number}", f"{reason.strip()} ({me.account.name})")
        house.audit.write(me.account.name, "revealed", number, mask_text(reason.strip()))
        return ticket_page(house, me, ticket, revealed=True)

    return router


def own_ticket(house: House, me: SignedIn, number: str) -> Ticket:
    """Return a ticket that somebody may see.

    Raises:
        Refused: there is none; a unit does not learn whether another unit has it.
    """
    ticket = house.tickets.get(number) if number.isdigit() else None
    if ticket is None or not is_of(ticket, unit_of(me.account)):
        raise Refused(404, NO_TICKET)
    return ticket


def ticket_page(
    house: House,
    me: SignedIn,
    ticket: Ticket,
    message: str = "",
    status: int = 200,
    *,
    revealed: bool = False,
) -> HTMLResponse:
    """Return the page of a ticket as it is now, with a message above it."""
    ledger = house.tickets.ledger
    rules = ledger.rules_of(ticket.pack).clocks
    events = house.tickets.events(ticket.number)
    return page(
        "ticket.html",
        me,
        status,
        ticket=ticket,
        state=state_words(ticket.state),
        urgency=URGENCIES.get(ticket.urgency, ticket.urgency),
        clock=clock_words(ticket, rules, ledger.now()),
        facts=facts_of(ticket, rules.zone, revealed),
        lines=lines_of(events, rules.zone, revealed),
        said=_said(house.record(ticket.call_id), revealed),
        message=message,
        wrong=status >= 400,
        revealed=revealed,
        may_reveal=me.account.role in HANDLERS,
    )


def facts_of(ticket: Ticket, zone: str, reveal: bool = False) -> list[tuple[str, str]]:
    """Return the fields of a ticket with their names; what is empty is left out."""

    def text(value: str) -> str:
        return value if reveal else mask_text(value)

    def number(value: str) -> str:
        return value if reveal else mask_number(value)

    facts = [
        ("类别", ticket.title),
        ("诉求内容", text(ticket.text)),
        ("地点", text(ticket.place)),
        ("所属街道", f"{ticket.district} {ticket.street}".strip()),
        ("时间", text(ticket.since)),
        ("来电号码", number(ticket.caller)),
        ("联系电话", number(ticket.phone)),
        *_details(ticket.details, reveal),
        ("承办单位", ticket.unit if ticket.first_unit else f"{ticket.unit}（建议）"),
        ("首接单位", ticket.first_unit),
        ("受理时间", local(ticket.filed_at, zone)),
        ("办结时限", local(ticket.due_at, zone)),
        ("申请延期至", local(ticket.extension_to, zone)),
        ("办结时间", local(ticket.resolved_at, zone)),
        ("结案时间", local(ticket.closed_at, zone)),
        ("渠道", CHANNELS.get(ticket.channel, ticket.channel)),
        ("催办", f"{ticket.urged}次" if ticket.urged else ""),
        ("退单", f"{ticket.returns}次" if ticket.returns else ""),
        ("重新办理", f"{ticket.reopened}次" if ticket.reopened else ""),
    ]
    return [(name, value) for name, value in facts if value and value != "（建议）"]


def _details(details: Mapping[str, Any], reveal: bool) -> list[tuple[str, str]]:
    if not details:
        return []
    if not reveal:
        return [("其他信息", f"{len(details)}项，已隐藏")]
    return [(f"其他：{name}", str(value)) for name, value in details.items()]


def _said(record: Mapping[str, Any] | None, reveal: bool) -> list[Said]:
    turns = record.get("turns", []) if record else []
    return [
        Said(
            who=str(turn.get("who", "")),
            text=str(turn.get("text", "")) if reveal else mask_text(str(turn.get("text", ""))),
            at=float(turn.get("at", 0.0)),
        )
        for turn in turns
        if turn.get("text")
    ]
