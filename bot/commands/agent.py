"""``hotline agent``: agents' telephones and who is on duty.

``add`` makes a telephone account (extension and password) and tells a running Asterisk of it;
the other commands speak with Redis. Signing in to the desk is another matter (accounts).
"""

from __future__ import annotations

import subprocess
import time
from typing import Annotated, NoReturn

import typer
from rich.table import Table

from bot.agents.presence import AgentState, checked
from bot.agents.queue import AgentQueue, QueueUnavailable
from bot.commands.output import console
from bot.config import Settings
from bot.node.asterisk import find_asterisk
from bot.node.render import render
from bot.node.secrets import add_agent, load_secrets
from bot.node.types import SetupError

STATES = {
    AgentState.OFF: "未上岗",
    AgentState.ON_DUTY: "空闲",
    AgentState.BREAK: "小休",
    AgentState.RINGING: "振铃中",
    AgentState.TALKING: "通话中",
    AgentState.WRAP_UP: "整理中",
    AgentState.GONE: "失联",
}

app = typer.Typer(help="Agents: add, list, on, off, break.", no_args_is_help=True)

Extension = Annotated[str, typer.Argument(help="Extension of the agent's phone: 2 to 10 digits.")]
Skills = Annotated[
    list[str] | None,
    typer.Option("--skill", help="What the agent can do, such as lang:yue; none: everything."),
]


@app.command()
def add(extension: Extension, skill: Skills = None) -> None:
    """Make an agent's telephone account, and print what the phone needs to register."""
    settings = Settings()
    _check(extension)
    try:
        password = add_agent(settings, extension)
        told = _tell_asterisk(settings)
        queue = AgentQueue(settings.redis_address)
        if skill is not None or queue.presence.get(extension) is None:
            queue.presence.teach(extension, skill or [])
    except SetupError as error:
        _fail("没有添加成功。", str(error))
    except ValueError as error:
        _fail("技能写得不对。", str(error))
    except QueueUnavailable as error:
        typer.echo(f"话机账号已建好，但连不上排队系统，技能没有保存。\n{error}", err=True)
        told = False
    typer.echo(f"服务器：{settings.bind}:{settings.sip_port}\n分机：{extension}\n密码：{password}")
    if not told:
        typer.echo("热线启动后生效。")


@app.command("list")
def list_agents() -> None:
    """Show all agents: state, since when, caller, skills."""
    settings = Settings()
    try:
        extensions = set(load_secrets(settings).agent_passwords)
        known = {one.extension: one for one in AgentQueue(settings.redis_address).presence.all()}
    except SetupError as error:
        _fail("读不到话机账号。", str(error))
    except QueueUnavailable as error:
        _fail("连不上排队系统（Redis）。", str(error))
    table = Table("分机", "状态", "持续", "来电编号", "技能")
    now = time.time()
    for extension in sorted(extensions | set(known)):
        one = known.get(extension)
        state = one.state if one else AgentState.OFF
        minutes = f"{int((now - one.since) / 60)} 分钟" if one else ""
        skills = "、".join(sorted(one.skills)) if one else ""
        table.add_row(extension, STATES[state], minutes, one.entry if one else "", skills)
    console().print(table)


@app.command()
def on(extension: Extension, skill: Skills = None) -> None:
    """Go on duty. The registered phone shows that the agent is there."""
    _choose(extension, AgentState.ON_DUTY, skill)


@app.command()
def off(extension: Extension) -> None:
    """Go off duty."""
    _choose(extension, AgentState.OFF)


@app.command("break")
def take_break(extension: Extension) -> None:
    """Take a break."""
    _choose(extension, AgentState.BREAK)


def _choose(extension: str, duty: AgentState, skills: list[str] | None = None) -> None:
    _check(extension)
    try:
        presence = AgentQueue(Settings().redis_address).presence
        if skills is not None:
            presence.teach(extension, skills)
        presence.choose(extension, duty)
        now = presence.get(extension)
    except QueueUnavailable as error:
        _fail("连不上排队系统（Redis）。", str(error))
    except ValueError as error:
        _fail("技能写得不对。", str(error))
    state = now.state if now else duty
    later = "" if state is duty else f"，通话结束后转为“{STATES[duty]}”"
    typer.echo(f"坐席{extension}：{STATES[state]}{later}。")


def _check(extension: str) -> None:
    try:
        checked(extension)
    except ValueError as error:
        _fail("分机号是2到10位数字。", str(error))


def _tell_asterisk(settings: Settings) -> bool:
    """Give a running Asterisk the new accounts; False when none runs.

    Raises:
        SetupError: the configuration cannot be written.
    """
    install = find_asterisk(settings)
    if install is None:
        return False
    conf = settings.state.absolute() / "asterisk" / "etc" / "asterisk.conf"
    if not conf.exists():
        return False
    conf = render(settings, load_secrets(settings), install)
    done = subprocess.run(
        install.command(conf, "-rx", "module reload res_pjsip.so"),
        env=install.env,
        capture_output=True,
        timeout=10,
        check=False,
    )
    return done.returncode == 0


def _fail(chinese: str, english: str) -> NoReturn:
    typer.echo(f"{chinese}\n{english}", err=True)
    raise typer.Exit(1)
