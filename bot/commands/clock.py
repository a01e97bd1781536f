"""``hotline clock``: remind, say what is overdue, escalate; once or for ever; who is to be told.

A running line does it by itself; this is for a node without a bot, and for looking. Leaves to
others: every rule (``bot/casework/clocks.py``).
"""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from bot.casework.clocks import Clock, Ticked
from bot.casework.deadlines import uncertain_year
from bot.casework.errors import CaseworkError
from bot.casework.notices import Notices
from bot.casework.tickets import TicketStore
from bot.commands.casework import local_time, opened
from bot.commands.output import console
from bot.observe import mask_number, mask_text

app = typer.Typer(help="The clock of tickets: run, once, notices.", no_args_is_help=True)


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


@app.command()
def notices(
    limit: Annotated[int, typer.Option("--limit", help="At most so many.", min=1)] = 50,
) -> None:
    """Show whom the clock has something to tell: units, and those up the chain."""
    table = Table("时间", "对象", "内容")
    with opened() as store:
        zone = store.ledger.rules.clocks.zone
        for one in Notices(store.engine).unsent(limit=limit):
            whom = mask_number(one.recipient) if one.to_kind == "citizen" else one.recipient
            table.add_row(local_time(one.made_at, zone), escape(whom), escape(mask_text(one.text)))
    console().print(table)


def _warn(store: TicketStore) -> None:
    """Say in time that working days will soon be guessed."""
    today = store.ledger.now().date()
    years = [uncertain_year(rules.clocks, today) for rules in store.ledger.all_rules]
    for year in sorted({year for year in years if year is not None}):
        typer.echo(
            f"提醒：还不知道{year}年的放假和调休安排，工作日暂按周末和法定节日推算。"
            "请升级软件包 chinesecalendar，或在 dispatch.yaml 的 rest_days、work_days 里写明。",
            err=True,
        )


def _told(ticked: Ticked) -> str:
    return (
        f"临期提醒 {ticked.reminded}，超期 {ticked.overdue}，升级督办 {ticked.escalated}，"
        f"吹哨迟到通知 {ticked.late}，回访未果结案 {ticked.closed}，群体诉求 {ticked.incidents}"
    )
