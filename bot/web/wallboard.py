"""The supervisor's page: figures of the day, who waits, who talks; listen in, take out, give.

Leaves to others: the figures themselves (``figures.py``) and the telephone (``Floor``).
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import anyio.to_thread
from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, PlainTextResponse, StreamingResponse
from starlette.requests import Request

from bot.agents.queue import AgentBusy, QueueUnavailable
from bot.agents.types import EntryState, QueueEntry
from bot.insight.calls import contained
from bot.web.accounts import Role
from bot.web.call_view import REASONS
from bot.web.desk_pages import STATES, TROUBLE, outcome_of
from bot.web.feed import event
from bot.web.figures import TARGET, figures_of
from bot.web.pages import COOKIE, House, Me, Refused, fragment, guard, page
from bot.web.sessions import SignedIn

#: Seconds after which the board is sent anew.
REFRESH = 5.0
#: Days, with today, of which the bot's containment is shown: one day says little.
CONTAINMENT_DAYS = 7
ENTRY_STATES = {
    EntryState.WAITING: "等待中",
    EntryState.SCHEDULED: "预约回电",
    EntryState.CLAIMED: "振铃中",
    EntryState.JOINED: "通话中",
}


def wallboard_pages(house: House) -> APIRouter:
    """Return the routes of the wallboard."""
    router = APIRouter(prefix="/wallboard", dependencies=[Depends(guard(house))])

    def entry_of(entry_id: str) -> QueueEntry:
        entry = house.queue.get(entry_id)
        if entry is None:
            raise Refused(404, "没有这个来电。")
        return entry

    @router.get("")
    def wallboard(me: Me) -> HTMLResponse:
        return page("wallboard.html", me, board=board_html(house, me))

    @router.get("/events")
    def events(request: Request, me: Me) -> StreamingResponse:
        return StreamingResponse(
            _events(house, me, request.cookies.get(COOKIE, "")), media_type="text/event-stream"
        )

    @router.post("/{entry_id}/listen")
    def listen(entry_id: str, me: Me) -> PlainTextResponse:
        entry = entry_of(entry_id)
        if not me.account.extension:
            raise Refused(409, "您的账号没有分机号，不能监听。请管理员补上。")
        if entry.state is not EntryState.JOINED or not entry.channel:
            raise Refused(409, "只能监听正在进行的通话。")
        # Written first: nobody listens without its being known.
        house.audit.write(me.account.name, "listened", entry.id, entry.agent)
        house.floor.listen(entry, me.account.extension)
        return PlainTextResponse("您的话机即将振铃，接听后即可监听。")

    @router.post("/{entry_id}/remove")
    def remove(entry_id: str, me: Me) -> PlainTextResponse:
        entry = entry_of(entry_id)
        if entry.state not in (EntryState.WAITING, EntryState.SCHEDULED):
            raise Refused(409, "只能移出还在等待的来电。")
        house.audit.write(me.account.name, "removed_entry", entry.id)
        house.queue.abandon(entry.id)
        if entry.channel:
            house.floor.drop(entry)
        return PlainTextResponse("已移出队列。")

    @router.post("/{entry_id}/give")
    def give(
        entry_id: str, me: Me, agent: Annotated[str, Form(pattern=r"^[0-9]{2,10}$")]
    ) -> PlainTextResponse:
        entry = entry_of(entry_id)
        if entry.state is not EntryState.WAITING:
            raise Refused(409, "只能指派还在等待的来电。")
        house.audit.write(me.account.name, "gave_entry", entry.id, agent)
        try:
            found = house.desk.claim(agent, entry.id)
        except AgentBusy as error:
            raise Refused(409, f"坐席{agent}正忙，请换一位。") from error
        if found is None:
            raise Refused(404, "该来电已被接走。")
        return PlainTextResponse(f"坐席{agent}：{outcome_of(found)}")

    return router


def board(house: House) -> dict[str, Any]:
    """Work out all that the board shows.

    Raises:
        QueueUnavailable: Redis does not answer.
    """
    now = time.time()
    today = dt.datetime.now(ZoneInfo(house.pack().office.zone))
    midnight = today.replace(hour=0, minute=0, second=0, microsecond=0)
    live, agents = house.queue.live(), house.queue.presence.all()
    waiting = [one for one in live if one.state is EntryState.WAITING]
    names = {one.extension: one.name for one in house.accounts.all() if one.extension}
    return {
        "waiting": len(waiting),
        "longest": max((now - one.queued_at for one in waiting), default=None),
        "figures": figures_of(house.queue.events(midnight.timestamp()), midnight.timestamp()),
        "target": TARGET,
        "containment": contained(house.queue.tally.of(today.date(), CONTAINMENT_DAYS)),
        "containment_days": CONTAINMENT_DAYS,
        "by_state": Counter(STATES[one.state] for one in agents),
        "agents": [(one, names.get(one.extension, ""), STATES[one.state]) for one in agents],
        "entries": [(one, ENTRY_STATES[one.state]) for one in live],
        "free": [one.extension for one in agents if one.state.value == "on_duty"],
        "reasons": REASONS,
    }


def board_html(house: House, me: SignedIn) -> str:
    """Return the board as a piece of a page, or the news that there is none."""
    try:
        found = board(house)
    except QueueUnavailable:
        return fragment("trouble.html", me, message=TROUBLE)
    return fragment("board.html", me, acts=me.account.role is Role.SUPERVISOR, **found)


async def _events(house: House, me: SignedIn, key: str) -> AsyncIterator[str]:
    async for _ in house.feed.news(REFRESH):
        if await anyio.to_thread.run_sync(house.sessions.find, key) is None:
            yield event("signed_out", "")
            return
        yield event("board", await anyio.to_thread.run_sync(board_html, house, me))
