"""``hotline doctor``: every part of the node, its version, its state, what to do about it."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import json
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from bot.app import load_packs
from bot.casework.deadlines import uncertain_year
from bot.commands.output import console
from bot.config import Settings
from bot.database import examine_database
from bot.node.doctor import Finding, examine
from bot.rules import casework_rules
from bot.understanding.pack import PackError

MARKS = {"ok": "[green]ok[/]", "warn": "[yellow]warn[/]", "fail": "[red]FAIL[/]"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print plain data.")] = False,
) -> None:
    """Examine every part of this node; exit code 1 if one fails."""
    settings = Settings()
    findings = [*examine(settings), examine_database(settings)]
    report([*findings, *calendars(settings, dt.date.today())], as_json)


def calendars(settings: Settings, today: dt.date) -> list[Finding]:
    """Say of each pack whether the days off that its deadlines will reach are known."""
    part, version = "days off", f"chinesecalendar {importlib.metadata.version('chinesecalendar')}"
    try:
        packs = load_packs(settings)
    except PackError as error:
        advice = "Mend the pack: `hotline grammar check`."
        return [Finding(part, "fail", detail=str(error).splitlines()[0], advice=advice)]
    findings = []
    for pack in packs:
        year = uncertain_year(casework_rules(pack).clocks, today)
        if year is None:
            findings.append(Finding(part, "ok", version, f"{pack.name}: known far enough ahead"))
            continue
        why = f"{pack.name}: those of {year} are guessed by weekends and statutory days"
        advice = (
            f"When the notice for {year} is out, upgrade chinesecalendar, or write rest_days and "
            f"work_days into {pack.folder.name}/dispatch.yaml."
        )
        findings.append(Finding(part, "warn", version, why, advice))
    return findings


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
