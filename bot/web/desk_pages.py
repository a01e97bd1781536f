"""The agents' desk: on duty, the queue as it moves, a call with all that is known, wrap-up.

Leaves to others: every rule of the queue (``agents``), what a call shows (``call_view.py``)
and what can be done while talking (``control_bar.py``). Sound goes past this: browser and
Asterisk talk SIP over WebSocket.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import anyio.to_thread
from fastapi import APIRouter, Depends, Form
from fastapi.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    StreamingResponse,
)
from starlette.requests import Request

from bot.agents.calling_back import IN_VAIN
from bot.agents.desk import ClaimResult
from bot.agents.presence import Agent, AgentState
from bot.agents.queue import AgentBusy, IllegalTransition, QueueUnavailable
from bot.agents.types import EntryKind, EntryState, JoinResult, QueueEntry, SwitchboardError
from bot.casework.lifecycle import Actor
from bot.casework.lifecycle import Role as CaseRole
from bot.casework.tickets import CaseworkError
from bot.understanding.schema import Category
from bot.web.accounts import Account
from bot.web.call_view import (
    REASONS,
    URGENCIES,
    asked_for,
    card_of,
    suggestions_of,
    ticket_form_of,
)
from bot.web.control_bar import controls_html, parties_html
from bot.web.feed import event
from bot.web.pages import (
    COOKIE,
    House,
    Me,
    Refused,
    fragment,
    guard,
    may_take_calls,
    own_entry,
    page,
)
from bot.web.records import OUTCOMES, Correction
from bot.web.sessions import SignedIn

#: Seconds after which an open page is sent its state anew, and shows itself (heartbeat).
BEAT = 10.0
#: Agents whose phones may ring at the same time; each holds a thread for as long.
CLAIMS_AT_ONCE = 200
STATES = {
    AgentState.OFF: "未上岗",
    AgentState.ON_DUTY: "空闲",
    AgentState.BREAK: "小休",
    AgentState.RINGING: "振铃中",
    AgentState.TALKING: "通话中",
    AgentState.WRAP_UP: "话后处理",
    AgentState.GONE: "离线",
}
RESULTS = {
    JoinResult.JOINED: "已接通。",
    JoinResult.NO_ANSWER: "话机无人接听，来电已回到原来的位置。",
    JoinResult.AGENT_BUSY: "话机忙，来电已回到原来的位置。",
    JoinResult.AGENT_UNREACHABLE: "找不到您的话机，请先连接网页电话或打开话机。",
    JoinResult.CALLER_GONE: "市民已挂机。",
    JoinResult.TO_CALL: "请给市民回电。",
    JoinResult.CITIZEN_NO_ANSWER: "市民无人接听",
    JoinResult.CITIZEN_BUSY: "市民电话忙",
    JoinResult.CITIZEN_UNREACHABLE: "市民的号码打不通",
    JoinResult.NOT_NOW: "现在不在允许外呼的时间，已改约到允许的时间。",
}
TROUBLE = "排队系统或电话交换机暂时连不上，请稍后再试。"


def desk_pages(house: House) -> APIRouter:
    """Return the routes of the desk."""
    router = APIRouter(prefix="/desk", dependencies=[Depends(guard(house))])
    limiter: list[anyio.CapacityLimiter] = []

    @router.get("")
    def desk(me: Me) -> HTMLResponse:
        if not may_take_calls(me.account):
            raise Refused(403, "您的账号没有分机号，不能接听来电。请管理员补上。")
        return page("desk.html", me, states=STATES)

    @router.get("/events")
    def events(request: Request, me: Me) -> StreamingResponse:
        return StreamingResponse(
            _events(house, me, request.cookies.get(COOKIE, "")), media_type="text/event-stream"
        )

    @router.get("/phone")
    def phone(me: Me) -> JSONResponse:
        extension = me.account.extension
        password = house.phone_password(extension) if extension else ""
        if not password:
            raise Refused(404, "您的账号没有可用的分机。")
        house.audit.write(me.account.name, "looked_at_phone", extension)
        return JSONResponse(
            {"user": f"web-{extension}", "password": password, "url": house.phone_url}
        )

    @router.post("/duty")
    def duty(me: Me, state: Annotated[AgentState, Form()]) -> PlainTextResponse:
        try:
            house.queue.presence.choose(me.account.extension, state)
            house.queue.presence.beat(me.account.extension)
        except ValueError as error:
            raise Refused(422, "只能选择上岗、小休或下岗。") from error
        house.audit.write(me.account.name, "duty", detail=state.value)
        return PlainTextResponse(STATES[state])

    def take(me: SignedIn, entry_id: str) -> PlainTextResponse:
        try:
            found = house.desk.claim(me.account.extension, entry_id or None)
        except AgentBusy as error:
            raise Refused(409, "您已有一个来电，请先结束它。") from error
        if found is None:
            raise Refused(404, "该来电已被接走。" if entry_id else "现在没有等待的来电。")
        house.metrics.queue_claims_total.labels(result=found.result.value).inc()
        house.audit.write(me.account.name, "claimed", found.entry.id, found.result.value)
        status = 200 if found.result in (JoinResult.JOINED, JoinResult.TO_CALL) else 409
        return PlainTextResponse(outcome_of(found), status)

    @router.post("/claim")
    async def claim(me: Me, entry: Annotated[str, Form(max_length=64)] = "") -> PlainTextResponse:
        if not may_take_calls(me.account):
            raise Refused(403, "您的账号没有分机号，不能接听来电。")
        # Made here because it belongs to the running event loop. Claims have their own limit:
        # phones that ring must not keep other pages from a thread.
        if not limiter:
            limiter.append(anyio.CapacityLimiter(CLAIMS_AT_ONCE))
        return await anyio.to_thread.run_sync(take, me, entry, limiter=limiter[0])

    @router.get("/call/{entry_id}")
    def call(entry_id: str, me: Me) -> HTMLResponse:
        entry = own_entry(house, me, entry_id)
        house.audit.write(me.account.name, "looked_at_caller", entry.id)
        pack = house.pack()
        return HTMLResponse(
            fragment(
                "call.html",
                me,
                entry=entry,
                card=card_of(entry.caller, house.tickets, house.citizens, house.records, entry.id),
                suggestions=suggestions_of(entry.candidates, pack),
                heard=suggestions_of(entry.heard, pack),
                talk=house.queue.said(entry.id),
                form=ticket_form_of(entry, pack, house.record(entry.id)),
                categories=[one for one in pack.intents if isinstance(one, Category)],
                units={unit.id: unit.name for unit in pack.units},
                urgencies=URGENCIES,
                outcomes=OUTCOMES,
                reason=REASONS.get(entry.reason, entry.reason),
                callback=entry.kind is EntryKind.CALLBACK,
            )
        )

    @router.get("/call/{entry_id}/sound/{mark}")
    def sound(entry_id: str, mark: int, me: Me) -> FileResponse:
        entry = own_entry(house, me, entry_id)
        found = house.sound(entry.caller, entry.id, mark)
        if found is None:
            raise Refused(404, "这句话没有录音，可能已过保存期限。")
        house.audit.write(me.account.name, "heard_caller", entry.id, str(mark))
        return FileResponse(found, media_type="audio/wav")

    @router.post("/call/{entry_id}/ticket")
    def ticket(
        entry_id: str,
        me: Me,
        category: Annotated[str, Form(max_length=64)] = "",
        text: Annotated[str, Form(max_length=2000)] = "",
        place: Annotated[str, Form(max_length=200)] = "",
        unit: Annotated[str, Form(max_length=64)] = "",
        urgency: Annotated[str, Form(max_length=8)] = "normal",
        phone: Annotated[str, Form(max_length=24)] = "",
    ) -> HTMLResponse:
        entry, pack = own_entry(house, me, entry_id), house.pack()
        titles = {one.id: one.title for one in pack.intents if isinstance(one, Category)}
        if category not in titles:
            raise Refused(422, "请选择诉求类别。")
        if not text.strip():
            raise Refused(422, "请写明市民反映的情况。")
        if urgency not in URGENCIES:
            raise Refused(422, "请选择紧急程度。")
        number = house.tickets.file(
            call_id=entry.id,
            category=category,
            title=titles[category],
            text=text.strip(),
            place=place.strip(),
            unit=unit.strip(),
            urgency=urgency,
            caller=entry.caller,
            phone=phone.strip(),
            pack=pack.name,
            channel="agent",
            by=Actor(CaseRole.AGENT, me.account.extension or me.account.name),
        )
        best = entry.candidates[0] if entry.candidates else ("", "", 0.0)
        house.records.correct(
            Correction(
                call_id=entry.id,
                agent=me.account.name,
                text=asked_for(entry),
                chosen_intent=category,
                chosen_unit=unit.strip(),
                bot_intent=best[0],
                bot_confidence=best[2],
                bot_unit=ticket_form_of(entry, pack, None).unit,
                ticket=number,
            )
        )
        house.queue.update(entry.id, ticket=number)
        house.audit.write(me.account.name, "filed_ticket", number, entry.id)
        return HTMLResponse(fragment("filed.html", me, number=number))

    @router.post("/call/{entry_id}/wrap-up")
    def wrap_up(
        entry_id: str,
        me: Me,
        outcome: Annotated[str, Form(max_length=16)] = "",
        note: Annotated[str, Form(max_length=2000)] = "",
        intent: Annotated[str, Form(max_length=64)] = "",
        rest: Annotated[bool, Form()] = False,
    ) -> PlainTextResponse:
        entry = own_entry(house, me, entry_id)
        if outcome not in OUTCOMES:
            raise Refused(422, "请选择本次通话的结果。")
        house.records.wrap_up(entry.id, me.account.name, outcome, note.strip(), entry.caller)
        if intent and not entry.ticket:
            best = entry.candidates[0] if entry.candidates else ("", "", 0.0)
            house.records.correct(
                Correction(
                    entry.id,
                    me.account.name,
                    asked_for(entry),
                    intent,
                    bot_intent=best[0],
                    bot_confidence=best[2],
                )
            )
        house.audit.write(me.account.name, "wrapped_up", entry.id, outcome)
        house.queue.presence.choose(
            me.account.extension, AgentState.BREAK if rest else AgentState.ON_DUTY
        )
        house.feed.wake()
        return PlainTextResponse("小结已保存。")

    return router


def outcome_of(claim: ClaimResult) -> str:
    """Say what came of a claim."""
    if claim.result not in IN_VAIN:
        return RESULTS[claim.result]
    again = claim.entry.state is EntryState.SCHEDULED
    then = "已改约稍后再回电。" if again else "已达到回电次数上限，不再回电。"
    return f"{RESULTS[claim.result]}，{then}"


def call_of(house: House, account: Account) -> tuple[Agent | None, QueueEntry | None]:
    """Return an agent as of now and the call on their desk: theirs, or the one to wrap up.

    Raises:
        QueueUnavailable: Redis does not answer.
    """
    agent = house.queue.presence.get(account.extension)
    if agent is None:
        return None, None
    if agent.entry:
        return agent, house.queue.get(agent.entry)
    if agent.state is not AgentState.WRAP_UP:
        return agent, None
    mine = [one for one in house.queue.list(EntryState.DONE) if one.agent == account.extension]
    last = max(mine, key=lambda one: one.changed_at, default=None)
    return agent, None if last is None or house.records.wrapped_up(last.id) else last


def desk_state(agent: Agent | None, entry: QueueEntry | None) -> dict[str, Any]:
    """Return what the page's script has to know of the agent's own state."""
    state = agent.state if agent else AgentState.OFF
    return {
        "state": state.value,
        "label": STATES[state],
        "since": agent.since if agent else 0,
        "duty": agent.duty.value if agent else AgentState.OFF.value,
        "entry": entry.id if entry else "",
        "phase": entry.state.value if entry else "",
    }


def queue_html(house: House, me: SignedIn) -> str:
    """Return the list of those who wait."""
    zone = ZoneInfo(house.pack().office.zone)
    entries = [
        one
        for one in house.queue.live()
        if one.state in (EntryState.WAITING, EntryState.CLAIMED, EntryState.SCHEDULED)
    ]
    return fragment("queue.html", me, entries=entries, reasons=REASONS, due=partial(due, zone))


def due(zone: ZoneInfo, at: float) -> str:
    """Return a Unix time as the city's clock shows it, with the date if it is another day."""
    then = dt.datetime.fromtimestamp(at, zone)
    today = dt.datetime.now(zone).date() == then.date()
    return then.strftime("%H:%M" if today else "%m-%d %H:%M")


async def _events(house: House, me: SignedIn, key: str) -> AsyncIterator[str]:
    sent: dict[str, str] = {}
    mine: list[str] = [""]
    async for everything in house.feed.news(BEAT, lambda: mine[0]):
        if await anyio.to_thread.run_sync(house.sessions.find, key) is None:
            yield event("signed_out", "")
            return
        try:
            if everything:
                mine[0], parts = await anyio.to_thread.run_sync(desk_parts, house, me)
            else:
                parts = await anyio.to_thread.run_sync(_talk_parts, house, me, mine[0])
        except (QueueUnavailable, SwitchboardError):
            parts = {"trouble": TROUBLE}
        parts.setdefault("trouble", "")
        fresh = [event(name, text) for name, text in parts.items() if sent.get(name) != text]
        sent |= parts
        yield "".join(fresh) or ": still here\n\n"


def desk_parts(house: House, me: SignedIn) -> tuple[str, dict[str, str]]:
    """The whole desk by the names of its events, and whose talk is on it."""
    if may_take_calls(me.account):
        house.queue.presence.beat(me.account.extension)
    agent, entry = call_of(house, me.account)
    state = desk_state(agent, entry)
    parts = {"queue": queue_html(house, me), "me": json.dumps(state)}
    if entry is not None and entry.state is EntryState.JOINED:
        parts["controls"] = controls_html(house, me, entry)
        parts["parties"] = parties_html(house, me, STATES)
    return state["entry"], parts | _talk_parts(house, me, state["entry"])


def _talk_parts(house: House, me: SignedIn, entry_id: str) -> dict[str, str]:
    """What caller and agent have said to each other so far, and what it is about."""
    entry = house.queue.get(entry_id) if entry_id else None
    if entry is None:
        return {}
    heard = suggestions_of(entry.heard, house.pack())
    talk = {
        "entry": entry.id,
        "talk": fragment("talk.html", me, talk=house.queue.said(entry.id)),
        "best": entry.heard[0][0] if entry.heard else "",
        "heard": fragment("suggestions.html", me, suggestions=heard),
    }
    return {"talk": json.dumps(talk, ensure_ascii=False)}


def told(error: Exception) -> str:
    """Return what to tell the agent of an error of one of the rooms."""
    if isinstance(error, IllegalTransition):
        return "通话已经结束，不能再这样操作。"
    if isinstance(error, CaseworkError):
        return "工单没有保存成功，请再试一次。"
    return TROUBLE
