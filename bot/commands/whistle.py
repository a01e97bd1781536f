"""``hotline ticket whistle``: call departments to a place, check in, act, close, look.

Leaves to others: every rule (``bot/casework/whistles.py``).
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from bot.casework.errors import UnknownTicket
from bot.casework.whistles import Whistles
from bot.commands.casework import local_time, opened, parse_day
from bot.commands.output import console
from bot.observe import mask_text

app = typer.Typer(help="吹哨报到: blow, check-in, act, close, board.", no_args_is_help=True)

Id = Annotated[int, typer.Argument(help="Id of the whistle.")]
Department = Annotated[str, typer.Option("--department", help="Name of the department.")]


@app.command()
def blow(
    number: Annotated[str, typer.Argument(help="Number of the ticket.")],
    reason: Annotated[str, typer.Option("--reason", help="Why not alone.")],
    departments: Annotated[list[str], typer.Option("--department", help="Whom to call.")],
    within: Annotated[
        float, typer.Option("--within", help="Hours till they must be there.", min=0.1)
    ] = 2.0,
    place: Annotated[str, typer.Option("--place", help="Default: the ticket's.")] = "",
    by: Annotated[str, typer.Option("--by", help="unit:NAME; default: the ticket's.")] = "",
) -> None:
    """Call departments to a place, for a ticket that the unit can't solve alone."""
    with opened() as store:
        ticket = store.get(number)
        if ticket is None:
            raise UnknownTicket(f"There is no ticket {number}. Check the number.")
        by_when = store.ledger.now() + dt.timedelta(hours=within)
        id = Whistles(store.ledger).blow(
            number,
            by or f"unit:{ticket.unit}",
            reason=reason,
            departments=departments,
            be_there_by=by_when,
            place=place,
        )
        until = local_time(by_when, store.ledger.rules.clocks.zone)
        typer.echo(f"哨声 {id}：请{'、'.join(departments)}于{until}前到场。")


@app.command("check-in")
def check_in(id: Id, department: Department) -> None:
    """Record that a department is there (报到)."""
    with opened() as store:
        news = Whistles(store.ledger).check_in(id, department)
        typer.echo(f"{department}已报到。" if news else f"{department}早已报到。")


@app.command()
def act(
    id: Id,
    department: Department,
    what: Annotated[str, typer.Option("--what", help="What it did, in words.")],
) -> None:
    """Record what a department did there."""
    with opened() as store:
        Whistles(store.ledger).act(id, department, what)
        typer.echo("已记录。")


@app.command()
def close(
    id: Id,
    outcome: Annotated[str, typer.Option("--outcome", help="What came of it, in words.")],
    by: Annotated[str, typer.Option("--by", help="unit:NAME or supervisor:NAME.")],
) -> None:
    """Close a whistle (销哨), naming who came late or not at all."""
    with opened() as store:
        board = Whistles(store.ledger).close(id, by, outcome)
        late = "、".join(name for name in board.late if name not in board.absent)
        absent = "、".join(board.absent)
        named = (f"迟到：{late}。" if late else "") + (f"未到：{absent}。" if absent else "")
        typer.echo(f"哨声 {id} 已销哨。{named or '全部按时到场。'}")


@app.command()
def board(
    everything: Annotated[bool, typer.Option("--all", help="Also closed ones.")] = False,
    unit: Annotated[str, typer.Option("--unit", help="Only those of a unit.")] = "",
) -> None:
    """Show whistles, newest first."""
    with opened() as store:
        zone = store.ledger.rules.clocks.zone
        boards = Whistles(store.ledger).board(open_only=not everything, unit=unit)
        if not boards:
            typer.echo("没有哨声。")
            return
        table = Table("编号", "工单号", "吹哨单位", "事由", "地点", "到场时限", "已报到", "迟到")
        for one in boards:
            there = sum(called.arrived_at is not None for called in one.called)
            table.add_row(
                str(one.id),
                one.number,
                escape(one.unit),
                escape(mask_text(one.reason)),
                escape(mask_text(one.place)),
                local_time(one.be_there_by, zone),
                f"{there}/{len(one.called)}",
                escape("、".join(one.late)),
            )
        console().print(table)


@app.command()
def figures(
    since: Annotated[str, typer.Option("--since", help="First day; default: 30 days ago.")] = "",
) -> None:
    """Show how each department answers whistles."""
    with opened() as store:
        now = store.ledger.now()
        zone = store.ledger.rules.clocks.zone
        begin = parse_day(since, zone) if since else now - dt.timedelta(days=30)
        table = Table("部门", "被吹哨", "按时", "迟到", "未到", "平均到场（分钟）", "按时报到率")
        for one in Whistles(store.ledger).figures(begin, now):
            table.add_row(
                escape(one.department),
                str(one.called),
                str(one.on_time),
                str(one.late),
                str(one.absent),
                "—" if one.mean_minutes is None else f"{one.mean_minutes:.0f}",
                "—" if one.rate is None else f"{one.rate:.1%}",
            )
        console().print(table)
