"""The control bar of the desk: hold, mute, ask, three-way, transfer, rating, hang-up.

Shows how caller, agent and third party stand, and only offers the moves that fit. Leaves to
others: the moves themselves (``agents/talk.py``) and pushing the bar (``desk_pages.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Depends, Form
from fastapi.responses import PlainTextResponse

from bot.agents.directory import NotListed
from bot.agents.moves import Move, NotNow, moves_of
from bot.agents.presence import AgentState
from bot.agents.queue import AgentBusy
from bot.agents.types import JoinResult, QueueEntry, TalkState
from bot.web.pages import House, Me, Refused, fragment, guard, own_entry
from bot.web.sessions import SignedIn

#: Moves that ring a telephone at the same time; each holds a thread for as long.
RINGING_AT_ONCE = 200
TOLD = {
    "hold": "已保持，市民在听等待音乐。",
    "resume": "已恢复通话。",
    "mute": "已静音，对方听不到您的声音。",
    "unmute": "已取消静音。",
    "conference": "三方通话已开始。",
    "complete": "已转接，由对方继续为市民服务。",
    "end_consult": "已结束咨询，回到市民。",
    "give_back": "来电已回到队列，优先级和位置不变。",
    "rate": "已转给机器人请市民评价。",
    "hang_up": "已挂断。",
}
CONSULTED = {
    JoinResult.JOINED: "对方已接听，市民在听等待音乐。",
    JoinResult.NO_ANSWER: "对方无人接听，您已回到与市民的通话。",
    JoinResult.AGENT_BUSY: "对方忙，您已回到与市民的通话。",
    JoinResult.AGENT_UNREACHABLE: "没有接通对方，您已回到与市民的通话。",
    JoinResult.CALLER_GONE: "市民已挂机。",
}
TRANSFERRED = {
    JoinResult.JOINED: "已转接，对方已接听。",
    JoinResult.NO_ANSWER: "对方无人接听，市民已回到队列原来的位置。",
    JoinResult.AGENT_BUSY: "对方忙，市民已回到队列原来的位置。",
    JoinResult.AGENT_UNREACHABLE: "找不到对方的话机，市民已回到队列原来的位置。",
    JoinResult.CALLER_GONE: "市民已挂机。",
}
#: What an agent is told of a move that does not fit, by how they stand.
NOT_NOW = {
    TalkState.TOGETHER: "您正在与市民通话，不能这样操作。",
    TalkState.HELD: "市民正在保持中，请先恢复通话。",
    TalkState.ASKING: "正在呼叫对方，请等对方接听，或先取消呼叫。",
    TalkState.CONSULTING: "您正在咨询对方，请先结束咨询、三方通话或完成转接。",
    TalkState.CONFERENCE: "正在三方通话，请先请对方退出，或由您退出。",
}


@dataclass(frozen=True, slots=True)
class Button:
    """One button of the bar."""

    move: str
    label: str
    key: str
    """What is pressed with Alt: a letter or a digit."""
    possible: bool
    code: str
    """The same as browsers call it (UI Events, ``KeyboardEvent.code``)."""


def buttons_of(entry: QueueEntry) -> list[Button]:
    """Return the bar's buttons in order; which keys mean what never changes under the hand."""
    talk, possible = entry.talk, moves_of(entry)
    if talk in (TalkState.TOGETHER, TalkState.HELD):
        back = ("resume", "恢复通话") if talk is TalkState.HELD else ("hold", "保持")
        third = ("transfer", "直接转接")
    else:
        ring = talk is TalkState.ASKING
        away = "请对方退出" if talk is TalkState.CONFERENCE else "回到市民"
        back = ("end_consult", "取消呼叫" if ring else away)
        third = ("complete", "由对方继续" if talk is TalkState.CONFERENCE else "完成转接")
    mute = ("unmute", "取消静音") if entry.muted else ("mute", "静音")
    rows = [
        ("consult", "咨询", "C"),
        (*third, "X"),
        ("conference", "三方通话", "3"),
        (*back, "K"),
        (*mute, "M"),
        ("give_back", "退回队列", "Q"),
        ("rate", "请市民评价", "R"),
        ("hang_up", "挂断", "H"),
    ]
    return [
        Button(
            move,
            label,
            key,
            (Move.MUTE if move == "unmute" else Move(move)) in possible,
            f"Digit{key}" if key.isdigit() else f"Key{key}",
        )
        for move, label, key in rows
    ]


def standing_of(entry: QueueEntry, other: str) -> str:
    """Say who is on hold and who is in the conversation; ``other``: whom the agent asks."""
    return {
        TalkState.TOGETHER: "您正在与市民通话",
        TalkState.HELD: "市民在听等待音乐（保持中）",
        TalkState.ASKING: f"正在呼叫{other}，市民在听等待音乐",
        TalkState.CONSULTING: f"您正在与{other}通话，市民在听等待音乐",
        TalkState.CONFERENCE: f"三方通话：市民、您、{other}",
    }[entry.talk]


def controls_html(house: House, me: SignedIn, entry: QueueEntry) -> str:
    """Return the buttons and how everybody stands."""
    return fragment(
        "controls.html",
        me,
        entry=entry,
        buttons=buttons_of(entry),
        standing=standing_of(entry, _name_of(house, entry.consulted)),
    )


def parties_html(house: House, me: SignedIn, states: dict[AgentState, str]) -> str:
    """Return whom the agent can ask or transfer to, as options of a list."""
    names = {one.extension: one.name for one in house.accounts.all() if one.extension}
    known = {one.extension: one.state for one in house.queue.presence.all()}
    agents = [
        (extension, names.get(extension, ""), states[known.get(extension, AgentState.OFF)])
        for extension in house.talk.directory.agents()
        if extension != me.account.extension
    ]
    # Those who can help at once come first.
    agents.sort(key=lambda one: (one[2] != states[AgentState.ON_DUTY], one[0]))
    return fragment("parties.html", me, agents=agents, units=house.talk.directory.units())


def _name_of(house: House, number: str) -> str:
    try:
        party = house.talk.directory.find(number)
    except NotListed:
        return number
    return party.name or f"坐席{number}"


def control_routes(house: House) -> APIRouter:
    """Return the one route of the bar; it may block for as long as a phone rings."""
    router = APIRouter(prefix="/desk", dependencies=[Depends(guard(house))])
    limiter: list[anyio.CapacityLimiter] = []

    def make(me: SignedIn, entry_id: str, move: str, to: str) -> PlainTextResponse:
        entry = own_entry(house, me, entry_id)
        try:
            told, well = _move(house, entry.id, move, to)
        except NotListed as error:
            raise Refused(422, "请先选择要咨询或转接的坐席或单位。") from error
        except NotNow as error:
            raise Refused(409, NOT_NOW[error.talk]) from error
        except AgentBusy as error:
            raise Refused(409, "对方正在通话，请换一位。") from error
        finally:
            house.audit.write(me.account.name, "talk", entry.id, f"{move} {to}".strip())
        return PlainTextResponse(told, 200 if well else 409)

    @router.post("/call/{entry_id}/talk")
    async def talk(
        entry_id: str,
        me: Me,
        move: Annotated[str, Form(max_length=16)] = "",
        to: Annotated[str, Form(max_length=15)] = "",
    ) -> PlainTextResponse:
        if move != "unmute" and move not in list(Move):
            raise Refused(422, "没有这个操作。")
        if not limiter:  # belongs to the running event loop
            limiter.append(anyio.CapacityLimiter(RINGING_AT_ONCE))
        return await anyio.to_thread.run_sync(make, me, entry_id, move, to, limiter=limiter[0])

    return router


def _move(house: House, entry_id: str, move: str, to: str) -> tuple[str, bool]:
    """Make a move; return what to tell of it, and whether it did what was wished."""
    talk = house.talk
    match move:
        case "mute" | "unmute":
            talk.mute(entry_id, move == "mute")
        case "consult":
            result = talk.consult(entry_id, to)
            return CONSULTED[result], result is JoinResult.JOINED
        case "transfer":
            outside = talk.directory.find(to).outside
            result = talk.transfer(entry_id, to).result
            told = CONSULTED if outside and result is not JoinResult.JOINED else TRANSFERRED
            return told[result], result is JoinResult.JOINED
        case _:
            getattr(talk, move)(entry_id)
    return TOLD[move], True
