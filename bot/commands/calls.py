"""``hotline calls``: how the calls there were went, by policy and by line."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from bot.app import calls_folder
from bot.commands.output import console
from bot.config import Settings
from bot.insight.calls import Figures, by
from bot.telephony.journal import read_call

app = typer.Typer(help="How calls went.", no_args_is_help=True)

COLUMNS = ("calls", "outcomes", "without a person", "turns", "to a ticket", "rating", "answer s")


@app.callback()
def _group() -> None:
    """How calls went."""


@app.command()
def report(
    folder: Annotated[
        Path | None, typer.Option(help="Records of calls; default: those of this line.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare policies and lines: outcomes, containment, turns, ratings, answer latency."""
    where = folder or calls_folder(Settings())
    found = [read_call(where, file.stem) for file in sorted(where.glob("*.json"))]
    records = [record for record in found if record is not None]
    groups = by(records, "did", "policy")
    if as_json:
        rows = [
            {"line": did, "policy": policy, **asdict(one)} for (did, policy), one in groups.items()
        ]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    if not groups:
        typer.echo(f"No call has ended yet: there is no record of one in {where}.")
        return
    table = Table("line", "policy", *COLUMNS)
    for (did, policy), one in groups.items():
        table.add_row(did, policy or "-", *_cells(one))
    console().print(table)
    typer.echo(
        "turns: said or pressed by the caller, mean; to a ticket: median; "
        "answer s: seconds to the first sound, median / 95 %"
    )


def _cells(one: Figures) -> tuple[str, ...]:
    return (
        str(one.calls),
        ", ".join(f"{outcome} {count}" for outcome, count in one.outcomes.items()),
        f"{one.containment:.0%}",
        f"{one.turns:.1f}",
        _number(one.turns_to_ticket, "g"),
        f"{_number(one.rating, '.1f')} ({one.ratings})",
        f"{_number(one.latency_p50, '.2f')} / {_number(one.latency_p95, '.2f')}",
    )


def _number(value: float | None, how: str) -> str:
    return "-" if value is None else format(value, how)
