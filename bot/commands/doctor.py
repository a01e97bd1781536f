"""``hotline doctor``: every part of the node, its version, its state, what to do about it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from bot.commands.output import console
from bot.config import Settings
from bot.node.doctor import Finding, examine

MARKS = {"ok": "[green]ok[/]", "warn": "[yellow]warn[/]", "fail": "[red]FAIL[/]"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print plain data.")] = False,
) -> None:
    """Examine every part of this node; exit code 1 if one fails."""
    report(examine(Settings()), as_json)


def report(findings: Sequence[Finding], as_json: bool) -> None:
    """Print findings.

    Raises:
        typer.Exit: with code 1 if a part fails.
    """
    if as_json:
        typer.echo(json.dumps([f.as_dict() for f in findings], ensure_ascii=False, indent=2))
    else:
        table = Table("part", "state", "version", "found", "what to do")
        for finding in findings:
            table.add_row(
                finding.part,
                MARKS[finding.state],
                finding.version,
                finding.detail,
                finding.advice,
            )
        console().print(table)
    if any(finding.state == "fail" for finding in findings):
        raise typer.Exit(1)
