"""吹哨报到 in the browser: the board of whistles, checking in, acting, closing, and figures.

A unit sees the whistles that it blew or that called it. Leaves to others: every rule
(``casework/whistles.py``), blowing one (``ticket_actions.py``).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from bot.casework.errors import CaseworkError, Conflict, IllegalTransition, UnknownTicket
from bot.casework.lifecycle import Actor, Role
from bot.casework.whistles import Board, Called, Whistles
from bot.observe import mask_text
from bot.web.pages import House, Me, Refused, guard, page
from bot.web.sessions import SignedIn
from bot.web.ticket_pages import actor_of, unit_of
from bot.web.ticket_words import local, span

#: What can be done with a whistle, and what is said when it was done.
STEPS = {"check-in": "已报到。", "act": "已记录行动。", "close": "已销哨。"}


@dataclass(frozen=True, slots=True)
class Seat:
    """A department that was called, in words."""

    name: str
    level: str
    """``over``, ``soon``, ``calm`` or ``done``, as for clocks."""
    words: str
    may_check_in: bool
    may_act: bool


@dataclass(frozen=True, slots=True)
class Card:
    """A whistle in words."""

    board: Board
    at: str
    by: str
    reason: str
    place: str
    closed: str
    seats: tuple[Seat, ...]
    may_close: bool
    may_open: bool
    """Whether the ticket's page is for them."""


def whistle_pages(house: House) -> APIRouter:
    """Return the routes of the whistle board."""
    router = APIRouter(prefix="/casework/whistles", dependencies=[Depends(guard(house))])
    ledger = house.tickets.ledger
    whistles = Whistles(ledger)

    def board_page(
        me: SignedIn, message: str = "", status: int = 200, closed: bool = False
    ) -> HTMLResponse:
        zone, now, unit = ledger.rules.clocks.zone, ledger.now(), unit_of(me.account)
        month = now.astimezone(ZoneInfo(zone)).replace(day=1, hour=0, minute=0, second=0)
        figures = whistles.figures(month.replace(microsecond=0), now)
        boards = whistles.board(open_only=not closed, unit=unit)
        actor = actor_of(me.account)
        return page(
            "whistles.html",
            me,
            status,
            cards=[card_of(one, zone, now, actor) for one in boards],
            figures=[one for one in figures if unit in ("", one.department)],
            month=f"{month:%Y年%-m月}",
            everything=not unit,
            closed=closed,
            message=message,
            wrong=status >= 400,
        )

    @router.get("")
    def board(
        me: Me,
        done: Annotated[str, Query(max_length=16)] = "",
        closed: Annotated[str, Query(max_length=4)] = "",
    ) -> HTMLResponse:
        return board_page(me, STEPS.get(done, ""), closed=bool(closed))

    @router.post("/{id}/{step}")
    def take_step(
        id: int,
        step: str,
        me: Me,
        department: Annotated[str, Form(max_length=64)] = "",
        note: Annotated[str, Form(max_length=2000)] = "",
    ) -> Response:
        actor = actor_of(me.account)
        if step not in STEPS or actor is None:
            raise Refused(404, "没有这个操作。")
        if step != "check-in" and not note.strip():
            return board_page(me, "请写明做了什么、结果如何。", 422)
        try:
            match step:
                case "check-in":
                    whistles.check_in(id, department, actor, note.strip())
                case "act":
                    whistles.act(id, department, note.strip(), actor)
                case "close":
                    whistles.close(id, actor, note.strip())
        except CaseworkError as error:
            status, message = told(error, step)
            return board_page(me, message, status)
        house.audit.write(me.account.name, "handled_whistle", str(id), step)
        return RedirectResponse(f"/casework/whistles?done={step}", 303)

    return router


def told(error: CaseworkError, step: str) -> tuple[int, str]:
    """Return the status and the Chinese words for why a step was not taken."""
    match error:
        case UnknownTicket():
            return 404, "没有这个哨声，或者它没有叫这个部门。"
        case Conflict():
            return 409, "哨声已被他人更改或已销哨，请刷新后再看。"
        case IllegalTransition() if step == "close":
            return 409, "还没有部门报到，或者您不是吹哨单位，不能销哨。"
        case IllegalTransition():
            return 409, "要先报到再记录行动，并且只能由被叫的部门或吹哨单位记录。"
    return 503, "没有保存成功，请稍后再试。"


def card_of(board: Board, zone: str, now: dt.datetime, actor: Actor | None) -> Card:
    """Return a whistle in words, with what ``actor`` may do."""
    unit = actor.name if actor and actor.role is Role.UNIT else ""
    opened = board.closed_at is None
    seats = tuple(
        _seat(one, zone, now, opened, bool(unit) and unit in (one.department, board.unit))
        for one in board.called
    )
    came = any(one.arrived_at for one in board.called)
    watching = actor is not None and actor.role is Role.SUPERVISOR
    return Card(
        board=board,
        at=local(board.at, zone),
        by=local(board.be_there_by, zone),
        reason=mask_text(board.reason),
        place=mask_text(board.place),
        closed=local(board.closed_at, zone),
        seats=seats,
        may_close=opened and came and (watching or unit == board.unit),
        may_open=not unit or unit == board.unit,
    )


def _seat(one: Called, zone: str, now: dt.datetime, opened: bool, own: bool) -> Seat:
    late = span(dt.timedelta(minutes=one.minutes_late))
    if one.arrived_at:
        at = f"{local(one.arrived_at, zone)}到场"
        level, words = ("over", f"{at}，迟到{late}") if one.late else ("done", f"{at}，准时")
    elif one.late:
        level, words = "over", f"未到，已超时{late}"
    elif opened:
        level, words = "soon", f"待到场，剩余{span(one.be_there_by - now)}"
    else:
        level, words = "done", "销哨时未到，未超时"
    coming = opened and own and one.arrived_at is None
    acting = opened and own and one.arrived_at is not None
    return Seat(one.department, level, words, coming, acting)
