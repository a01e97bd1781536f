"""One ticket: all its fields, its time line, the call that it came from, what can be done.

Numbers of people are hidden; who works on the ticket may see them, says why, and it is written
down before they are shown. Leaves to others: words (``ticket_words.py``), what can be done
(``ticket_actions.py``).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from bot.casework.audit import Audit
from bot.casework.errors import CaseworkError, Conflict, IllegalTransition, UnknownTicket
from bot.casework.handling import Handling
from bot.casework.inbox import is_of
from bot.casework.lifecycle import Actor
from bot.casework.lifecycle import Role as CaseRole
from bot.casework.models import Ticket
from bot.casework.whistles import Whistles
from bot.casework.wording import URGENCIES
from bot.observe import mask_number, mask_text
from bot.web.access import HANDLERS
from bot.web.accounts import Account, Role
from bot.web.pages import House, Me, Refused, guard, page
from bot.web.sessions import SignedIn
from bot.web.ticket_actions import BY_ID, carry_out, possible
from bot.web.ticket_orders import Order, Unclear
from bot.web.ticket_words import CHANNELS, clock_words, lines_of, local, state_words
from bot.web.units import categories_of, unit_names

#: Characters of a field of an order.
LONGEST = 2000
NO_TICKET = "没有这个工单，或者它不归您的单位。"


async def _form(request: Request) -> Mapping[str, str]:
    """Read a form whose fields differ from action to action; of a field's several, each a line."""
    given: dict[str, str] = {}
    for key, value in (await request.form()).multi_items():
        if isinstance(value, str):
            before = f"{given[key]}\n" if key in given else ""
            given[key] = before + value.replace("\0", "")
    if any(len(value) > LONGEST for value in given.values()):
        raise Refused(422, f"填写的内容太长，每项最多{LONGEST}字。")
    return given


Given = Annotated[Mapping[str, str], Depends(_form)]


@dataclass(frozen=True, slots=True)
class Said:
    """One thing said in the call that a ticket was filed in."""

    who: str
    """``caller``, ``bot`` or ``agent``."""
    text: str
    at: float
    """Seconds since the call began."""
    mark: int = 0
    """Of the recording of this utterance; 0 when there is none."""


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
    def show(number: str, me: Me, done: str = "") -> HTMLResponse:
        ticket = own_ticket(house, me, number)
        house.audit.write(me.account.name, "looked_at_ticket", number)
        return ticket_page(house, me, ticket, BY_ID[done].done if done in BY_ID else "")

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

    @router.get("/sound/{mark}")
    def sound(number: str, mark: int, me: Me) -> FileResponse:
        ticket = own_ticket(house, me, number)
        found = house.sound(ticket.caller, ticket.call_id, mark)
        if found is None:
            raise Refused(404, "这句话没有录音，可能已过保存期限。")
        house.audit.write(me.account.name, "heard_caller", number, str(mark))
        return FileResponse(found, media_type="audio/wav")

    @router.post("/do/{action}")
    def do(number: str, action: str, me: Me, given: Given) -> Response:
        ticket = own_ticket(house, me, number)
        chosen, actor = BY_ID.get(action), actor_of(me.account)
        if chosen is None or actor is None:
            raise Refused(404, "没有这个操作。")
        version = given.get("version", "")
        expected = int(version) if re.fullmatch(r"[0-9]{1,9}", version) else 0
        order = Order(house.tickets, house.pack(), ticket, actor, expected, given)
        try:
            carry_out(chosen, order)
        except (Unclear, CaseworkError) as error:
            # The page as it is now, with what was typed still in the form.
            status, message = told(error)
            now = own_ticket(house, me, number)
            return ticket_page(house, me, now, message, status, tried=(action, given))
        house.audit.write(me.account.name, "handled_ticket", number, action)
        return RedirectResponse(f"/casework/tickets/{number}?done={action}", 303)

    return router


def told(error: Unclear | CaseworkError) -> tuple[int, str]:
    """Return the status and the Chinese words for what is wrong with an order."""
    match error:
        case Unclear():
            return 422, error.message
        case Conflict():
            return 409, "已被他人更改，请刷新。没有保存；核对下面的最新情况后可以再次提交。"
        case IllegalTransition():
            return 409, "现在的状态不允许这样操作，请核对下面的最新情况。"
        case UnknownTicket():
            return 404, "没有找到，请核对编号。"
    return 503, "没有保存成功，请稍后再试。"


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
    tried: tuple[str, Mapping[str, str]] = ("", {}),
) -> HTMLResponse:
    """Return the page of a ticket as it is now, with a message above it.

    ``tried``: an action that was refused and what was filled in, to be mended.
    """
    ledger = house.tickets.ledger
    rules, now = ledger.rules_of(ticket.pack).clocks, ledger.now()
    pack, actor = house.pack(), actor_of(me.account)
    actions = possible(ticket, actor)
    proposal = Handling(ledger).proposal(ticket) if "dispatch" in {a.id for a in actions} else None
    events = house.tickets.events(ticket.number)
    return page(
        "ticket.html",
        me,
        status,
        ticket=ticket,
        state=state_words(ticket.state),
        urgency=URGENCIES.get(ticket.urgency, ticket.urgency),
        clock=clock_words(ticket, rules, now),
        facts=facts_of(ticket, rules.zone, revealed),
        lines=lines_of(events, rules.zone, revealed),
        said=_said(house, ticket, revealed),
        message=message,
        wrong=status >= 400,
        revealed=revealed,
        may_reveal=me.account.role in HANDLERS,
        actions=actions,
        whistles=Whistles(ledger).board(open_only=False, number=ticket.number),
        tried=tried[0],
        given=tried[1],
        proposal=proposal,
        units=unit_names(pack, ticket.district) if actions else (),
        categories=categories_of(pack) if actions else {},
        superiors=list(dict.fromkeys(step.to for step in rules.escalation)),
        soon=local(now + dt.timedelta(hours=2), rules.zone).replace(" ", "T"),
        later=local((ticket.due_at or now) + dt.timedelta(days=5), rules.zone).replace(" ", "T"),
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


def _said(house: House, ticket: Ticket, reveal: bool) -> list[Said]:
    record = house.record(ticket.call_id)
    turns = [*record.get("turns", []), *record.get("talk", [])] if record else []

    def mark(turn: Mapping[str, Any]) -> int:
        number = int(turn.get("mark") or 0)
        return number if number and house.sound(ticket.caller, ticket.call_id, number) else 0

    return [
        Said(
            who=str(turn.get("who", "")),
            text=str(turn.get("text", "")) if reveal else mask_text(str(turn.get("text", ""))),
            at=float(turn.get("at", 0.0)),
            mark=mark(turn),
        )
        for turn in turns
        if turn.get("text")
    ]
