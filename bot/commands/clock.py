"""``hotline clock``: remind, say what is overdue, escalate; once or for ever.

A running line does it by itself; this is for a node without a bot, and for looking. Leaves to
others: every rule (``bot/casework/clocks.py``).
"""

from __future__ import annotations

import datetime as dt
import time
from typing import Annotated

import typer

from bot.casework.clocks import Clock, Ticked
from bot.casework.deadlines import is_certain
from bot.casework.errors import CaseworkError
from bot.casework.tickets import TicketStore
from bot.commands.casework import opened

#: How far deadlines reach; a year that begins within this must be known.
AHEAD = dt.timedelta(days=60)

app = typer.Typer(help="The clock of tickets: run, once.", no_args_is_help=True)


@app.command()
def once() -> None:
    """Look at all tickets once, and say what was done."""
    with opened() as store:
        _warn(store)
        typer.echo(_told(Clock(store.ledger).tick()))


@app.command()
def run(
    every: Annotated[
        float, typer.Option("--every", help="Seconds between two looks.", min=1)
    ] = 60.0,
) -> None:
    """Look at all tickets again and again, until Ctrl-C."""
    with opened() as store:
        _warn(store)
        clock = Clock(store.ledger)
        try:
            while True:
                try:
                    ticked = clock.tick()
                    if ticked != Ticked():
                        typer.echo(_told(ticked))
                except CaseworkError as error:
                    # The database may come back; the next look says all that is due by then.
                    typer.echo(f"Error: {error}", err=True)
                time.sleep(every)
        except KeyboardInterrupt:
            typer.echo("已停止。")


def _warn(store: TicketStore) -> None:
    """Say in time that working days will soon be guessed."""
    rules = store.ledger.rules.clocks
    soon = (store.ledger.now() + AHEAD).date()
    if not is_certain(rules, soon):
        typer.echo(
            f"提醒：还不知道{soon.year}年的放假和调休安排，工作日暂按周末和固定节日推算。"
            "请升级软件包 chinesecalendar，或在 dispatch.yaml 的 rest_days、work_days 里写明。",
            err=True,
        )


def _told(ticked: Ticked) -> str:
    return (
        f"临期提醒 {ticked.reminded}，超期 {ticked.overdue}，升级督办 {ticked.escalated}，"
        f"吹哨迟到通知 {ticked.late}，回访未果结案 {ticked.closed}，群体诉求 {ticked.incidents}"
    )
