"""``hotline run``: the whole line of this node, until Ctrl-C; ``hotline bot``: the bot alone."""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated

import typer

from bot.app import build_prompts
from bot.casework.errors import CaseworkError
from bot.casework.versions import prepare
from bot.commands.call import prove_line
from bot.config import CHECKOUT, Settings
from bot.database import open_database
from bot.line import run_bot
from bot.node.asterisk import AsteriskInstall, find_asterisk
from bot.node.child import ChildSpec
from bot.node.ports import check_ports
from bot.node.redis_server import redis_command, redis_ready
from bot.node.render import remove_run_dir, render
from bot.node.secrets import load_secrets
from bot.node.supervisor import Supervisor
from bot.node.types import SetupError
from bot.speech.types import SpeechError
from bot.understanding.pack import PackError

#: What the self-call asks.
QUESTION = CHECKOUT / "tests" / "fixtures" / "water_outage.wav"


def run(
    self_call: Annotated[
        bool, typer.Option(help="Prove the line with a real call, then stay up.")
    ] = False,
) -> None:
    """Start Redis, the bot and Asterisk; watch them; stop them all at Ctrl-C."""
    settings = Settings()
    try:
        install = find_asterisk(settings)
        if install is None:
            raise SetupError("There is no Asterisk here yet; run `make setup`.")
        # Told here rather than by a bot that the supervisor starts again and again.
        prepare(open_database(settings))
        build_prompts(settings, typer.echo)
        supervisor = Supervisor(settings.state, children(settings, install), typer.echo)
        supervisor.claim()
        check_ports(settings)
        conf = render(settings, load_secrets(settings), install)
        typer.echo(f"Asterisk {install.version} with {conf.parent}")
        supervisor.run(lambda: _started(settings, self_call))
    except (CaseworkError, SetupError, SpeechError, PackError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
    finally:
        remove_run_dir(settings)


def bot() -> None:
    """Run the bot process alone, as ``hotline run`` starts it."""
    try:
        run_bot(Settings())
    except (CaseworkError, SetupError, SpeechError, PackError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error


def children(settings: Settings, install: AsteriskInstall) -> list[ChildSpec]:
    """The processes of a node, in the order in which they start."""
    logs = settings.state / "log"
    conf = settings.state.absolute() / "asterisk" / "etc" / "asterisk.conf"
    url = f"http://127.0.0.1:{settings.http_port}/healthz"
    specs = []
    if not settings.redis_url:
        specs.append(
            ChildSpec(
                "redis",
                redis_command(settings),
                ready=lambda: redis_ready(settings),
                log=logs / "redis.log",
            )
        )
    specs.append(
        ChildSpec(
            "bot",
            [sys.executable, "-m", "bot.cli", "bot"],
            ready=lambda: _answers(url),
            log=logs / "bot.log",
            health=lambda: _answers(url),
        )
    )
    # Asterisk comes last: nobody can call before there is a bot to answer.
    specs.append(
        ChildSpec(
            "asterisk",
            install.command(conf, "-f"),
            env=install.env,
            ready=lambda: _booted(install, conf),
            log=logs / "asterisk.log",
        )
    )
    return specs


def _answers(url: str) -> bool:
    """Whether the bot's event loop answers at all; a sick part (503) is not its fault."""
    try:
        with urllib.request.urlopen(url, timeout=2.0):
            return True
    except urllib.error.HTTPError:
        return True


def _booted(install: AsteriskInstall, conf: Path) -> bool:
    done = subprocess.run(
        install.command(conf, "-rx", "core waitfullybooted"),
        env=install.env,
        capture_output=True,
        text=True,
        timeout=5,
        check=False,
    )
    return done.returncode == 0 and "fully booted" in done.stdout


def _started(settings: Settings, self_call: bool) -> None:
    if self_call:
        typer.echo("Proving the line with a real call …")
        prove_line(settings, QUESTION)
    numbers = "、".join(settings.dids)
    typer.echo(
        f"The line is up: dial {numbers} at {settings.bind}:{settings.sip_port}. Ctrl-C stops it."
    )
