"""``hotline queue``: see who waits for a person, take a caller, pass them on, end it.

``list`` and ``watch`` read Redis itself, so they work when the bot is down; ``claim``,
``transfer`` and ``done`` ask the running bot, because only it can ring phones. Leaves to
others: every rule.
"""

from __future__ import annotations

import contextlib
import json
import queue as news_queue
import threading
import time
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Group
from rich.live import Live
from rich.table import Table

from bot.agents.calling_back import CITIZEN_RINGS
from bot.agents.changes import Change
from bot.agents.codec import from_json, to_json
from bot.agents.queue import AgentQueue, QueueUnavailable
from bot.agents.types import EntryState, JoinResult, QueueEntry
from bot.commands.bot_api import BotError, ask_bot
from bot.commands.output import console
from bot.config import Settings
from bot.observe import mask_number

STATES = {
    EntryState.SCHEDULED: "预约回电",
    EntryState.WAITING: "等待中",
    EntryState.CLAIMED: "振铃中",
    EntryState.JOINED: "通话中",
    EntryState.DONE: "已结束",
    EntryState.ABANDONED: "已放弃",
}
REASONS = {
    "asked": "要求转人工",
    "not_understood": "没有听懂",
    "emergency": "紧急",
    "no_input": "没有说话",
    "failure": "系统故障",
    "busy": "机器人忙",
    "bot_lost": "机器人中断",
    "callback": "约定回电",
}
RESULTS = {
    JoinResult.JOINED: "已接通，请与市民通话。",
    JoinResult.NO_ANSWER: "{agent}话机无人接听，来电已回到原来的位置。",
    JoinResult.AGENT_BUSY: "{agent}话机忙，来电已回到原来的位置。",
    JoinResult.AGENT_UNREACHABLE: "找不到{agent}这部话机（是否已注册？），来电已回到原来的位置。",
    JoinResult.CALLER_GONE: "市民已挂机。",
    JoinResult.CITIZEN_NO_ANSWER: "市民无人接听，{then}",
    JoinResult.CITIZEN_BUSY: "市民电话忙，{then}",
    JoinResult.CITIZEN_UNREACHABLE: "市民的号码打不通，{then}",
    JoinResult.NOT_NOW: "现在不在允许外呼的时间，已改约到允许的时间。",
    JoinResult.TO_CALL: "这是回电，请用您的话机拨打上面的号码，结束后执行 hotline queue done。",
}
SPEAKERS = {"caller": "市民", "bot": "机器人"}

app = typer.Typer(
    help="The agents' queue: list, watch, claim, transfer, done.", no_args_is_help=True
)


@app.command("list")
def list_entries(
    everything: Annotated[
        bool, typer.Option("--all", help="Also finished ones of the last 7 days.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print plain data.")] = False,
) -> None:
    """Show who waits for a person."""
    try:
        queue = AgentQueue(Settings().redis_address)
        entries = queue.list() if everything else queue.live()
    except QueueUnavailable as error:
        _fail("连不上排队系统（Redis）。", str(error))
    now = time.time()
    if as_json:
        rows = [{**to_json(entry), "caller": mask_number(entry.caller)} for entry in entries]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    elif entries:
        console().print(_table(entries, now))
    else:
        typer.echo("没有等待的来电。")


@app.command()
def watch(
    seconds: Annotated[
        float | None, typer.Option(help="Stop by itself after this long; default: Ctrl-C.")
    ] = None,
) -> None:
    """Show who waits, as it changes, until Ctrl-C."""
    stop = threading.Event()
    try:
        queue = AgentQueue(Settings().redis_address)
        screen = console()
        news: news_queue.Queue[Change] = news_queue.Queue()

        def listen() -> None:
            for change in queue.changes(stop):
                news.put(change)

        threading.Thread(target=listen, daemon=True).start()
        until = time.monotonic() + seconds if seconds is not None else float("inf")
        with Live(_picture(queue), console=screen, auto_refresh=False) as live:
            while time.monotonic() < until:
                # At every change, and every second for the times in it.
                with contextlib.suppress(news_queue.Empty):
                    news.get(timeout=min(1.0, max(0.0, until - time.monotonic())))
                live.update(_picture(queue), refresh=True)
    except QueueUnavailable as error:
        _fail("连不上排队系统（Redis）。", str(error))
    except KeyboardInterrupt:
        return
    finally:
        stop.set()


@app.command()
def claim(
    agent: Annotated[str, typer.Option("--agent", help="Extension of the agent's phone.")],
    entry: Annotated[
        str | None, typer.Argument(help="Id of a certain caller; default: the first.")
    ] = None,
) -> None:
    """Ring the agent's phone and join it with the first caller, or with a certain one."""
    settings = Settings()
    answer = _ask_bot(
        settings,
        "/api/queue/claim",
        {"agent": agent, "entry": entry},
        settings.ring_seconds + CITIZEN_RINGS,
    )
    found, result = from_json(answer["entry"]), JoinResult(answer["result"])
    taken = result in (JoinResult.JOINED, JoinResult.TO_CALL)
    if taken:
        typer.echo(describe(found))
    again = found.state is EntryState.SCHEDULED
    then = "已改约稍后再回电。" if again else "已达到回电次数上限，不再回电。"
    typer.echo(RESULTS[result].format(agent=agent, then=then))
    if not taken:
        raise typer.Exit(2)


@app.command()
def transfer(
    entry: Annotated[str, typer.Argument(help="Id of the caller.")],
    to: Annotated[
        str,
        typer.Option("--to", help="An agent's extension or a unit's number; default: the queue."),
    ] = "",
    skill: Annotated[
        list[str] | None,
        typer.Option(help="What the next agent must be able to do, such as field:medicare."),
    ] = None,
) -> None:
    """Give a caller who is talking to another agent, to a unit, or back to the queue."""
    settings = Settings()
    body = {"to": to, "skills": skill or None}
    answer = _ask_bot(settings, f"/api/queue/{entry}/transfer", body, settings.ring_seconds)
    if not to:
        typer.echo("来电已回到队列，优先级和位置不变。")
        return
    result = JoinResult(answer["result"])
    if result is not JoinResult.JOINED:
        stays = answer["entry"]["state"] == EntryState.JOINED
        told = "对方没有接通，市民仍在与原坐席通话。" if stays else RESULTS[result]
        typer.echo(told.format(agent=to))
        raise typer.Exit(2)
    typer.echo(f"已转给{to}。")


@app.command()
def done(
    entry: Annotated[str, typer.Argument(help="Id of the caller.")],
) -> None:
    """Mark a conversation as over, which frees its agent."""
    answer = _ask_bot(Settings(), f"/api/queue/{entry}/done", {}, 0.0)
    typer.echo("已结束。" if answer["changed"] else "这个来电早已结束。")


def describe(entry: QueueEntry) -> str:
    """Tell an agent in Chinese all that is known of a caller."""
    lines = [
        f"来电编号：{entry.id}",
        f"来电号码：{entry.caller or '未显示'}    拨打：{entry.did}",
        f"转接原因：{REASONS.get(entry.reason, entry.reason)}",
    ]
    if entry.phone:
        lines.append(f"回电号码：{entry.phone}")
    if entry.ticket:
        lines.append(f"已登记工单：{entry.ticket}")
    if entry.transcript:
        lines.append("通话记录：")
        lines += [
            f"  {turn.at:6.1f} 秒  {SPEAKERS.get(turn.who, turn.who)}：{turn.text}"
            for turn in entry.transcript
        ]
    else:
        lines.append("通话记录：无")
    if entry.candidates:
        lines.append("可能的问题：")
        lines += [f"  {title}（{sure:.0%}）" for _, title, sure in entry.candidates]
    return "\n".join(lines)


def _picture(queue: AgentQueue) -> Group:
    """Everything worth seeing of the queue now."""
    staff = queue.presence.staffing()
    wait = queue.expected_wait(queue.waiting_count() + 1)
    expected = "未知" if wait is None else _duration(wait)
    line = f"在岗坐席{staff.serving}人，空闲{staff.free}人；新来电预计等待：{expected}"
    return Group(_table(queue.live(), time.time()), line)


def _table(entries: Sequence[QueueEntry], now: float) -> Table:
    left = ("序号", "状态", "等待时间", "优先级", "原因", "来电")
    right = ("最后一句话", "可能的问题", "坐席", "编号")
    table = Table(*left, *right)
    for number, entry in enumerate(entries, start=1):
        said = next((t.text for t in reversed(entry.transcript) if t.who == "caller"), "")
        over = entry.state in (EntryState.DONE, EntryState.ABANDONED)
        table.add_row(
            str(number),
            STATES[entry.state],
            _duration((entry.changed_at if over else now) - entry.queued_at),
            str(entry.priority),
            REASONS.get(entry.reason, entry.reason),
            mask_number(entry.caller) or "未显示",
            said,
            "、".join(f"{title} {sure:.0%}" for _, title, sure in entry.candidates[:2]),
            entry.agent,
            entry.id,
        )
    return table


def _duration(seconds: float) -> str:
    minutes, rest = divmod(max(0, int(seconds)), 60)
    return f"{minutes} 分 {rest:02d} 秒" if minutes else f"{rest} 秒"


def _ask_bot(
    settings: Settings, path: str, body: dict[str, Any], patience: float
) -> dict[str, Any]:
    try:
        return ask_bot(settings, path, body, patience)
    except BotError as error:
        _fail(error.chinese, error.english)


def _fail(chinese: str, english: str) -> NoReturn:
    typer.echo(f"{chinese}\n{english}", err=True)
    raise typer.Exit(1)
