"""``hotline text``: texts to citizens, what did not arrive, who wants none.

Leaves to others: every rule (``bot/casework/texts.py``), sending (a running line).
"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from bot.casework.talks import Inbox
from bot.casework.texts import Texts
from bot.commands.casework import local_time, opened
from bot.commands.output import console
from bot.observe import mask_number

app = typer.Typer(help="Texts (短信): list, retry, refuse.", no_args_is_help=True)

STATES = {"pending": "待发", "delivered": "已交网关", "dead": "未发出"}
RECEIVED = {"pending": "待回复", "delivered": "已回复", "dead": "未回复"}
KINDS = {"number": "工单号", "survey": "回访", "notice": "通知", "reply": "回复", "said": "来信"}


@app.command("list")
def list_texts(
    dead: Annotated[bool, typer.Option("--dead", help="Only those that were given up.")] = False,
    received: Annotated[bool, typer.Option("--received", help="Those that came in.")] = False,
    limit: Annotated[int, typer.Option("--limit", help="At most so many.", min=1)] = 50,
) -> None:
    """Show texts, newest first, and how many are in which state. Numbers are masked."""
    table = Table("id", "时间", "号码", "事由", "状态", "次数", "最近一次失败")
    with opened() as store:
        texts = Inbox(store.engine) if received else Texts(store.ledger)
        states = RECEIVED if received else STATES
        zone = store.ledger.rules.clocks.zone
        for one in texts.dead(limit) if dead else texts.newest(limit):
            table.add_row(
                str(one.id),
                local_time(one.made_at, zone),
                mask_number(one.phone),
                KINDS.get(one.kind, one.kind),
                states[one.state],
                str(one.attempts),
                escape(one.error),
            )
        counts = texts.count()
    console().print(table)
    typer.echo("，".join(f"{states[state]} {counts.get(state, 0)}" for state in states))


@app.command()
def retry() -> None:
    """Let every text that was given up be tried anew: sent, or answered."""
    with opened() as store:
        sent, answered = Texts(store.ledger).revive(), Inbox(store.engine).revive()
        typer.echo(f"重新发送 {sent} 条短信，重新回复 {answered} 条来信。")


@app.command()
def refuse(phone: Annotated[str, typer.Argument(help="Number that wants no texts.")]) -> None:
    """Text a number no more (退订)."""
    with opened() as store:
        Texts(store.ledger).refuse(phone)
        typer.echo(f"{mask_number(phone)} 不再接收短信。")


@app.command()
def allow(phone: Annotated[str, typer.Argument(help="Number that wants texts again.")]) -> None:
    """Text a number again that had refused."""
    with opened() as store:
        Texts(store.ledger).allow(phone)
        typer.echo(f"{mask_number(phone)} 恢复接收短信。")
