"""``hotline rehearse``: scripted conversations as text, with what each takes to file a ticket."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from bot.app import load_packs, open_office
from bot.commands.output import console
from bot.config import Settings
from bot.rehearsal import Report, ScriptError, rehearse
from bot.understanding.live import Knowledge
from bot.understanding.pack import PackError


def rehearse_command(
    paths: Annotated[list[Path], typer.Argument(help="Scripts (YAML), or folders of them.")],
    show: Annotated[bool, typer.Option(help="Print every conversation.")] = False,
) -> None:
    """Play scripted conversations through understanding, dialogue and casework; no sound."""
    files = [file for path in paths for file in _scripts(path)]
    if not files:
        typer.echo("Error: no script (.yaml) there.", err=True)
        raise typer.Exit(2)
    try:
        reports = rehearse_files(Settings(), files)
    except (PackError, ScriptError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
    for file, report in zip(files, reports, strict=True):
        if show or report.problems:
            typer.echo("\n".join([f"== {file.name}: {report.title}", *report.lines]))
            typer.echo("\n".join(f"   ✗ {problem}" for problem in report.problems) + "\n")
    _print(files, reports)
    if any(report.problems for report in reports):
        raise typer.Exit(1)


def rehearse_files(settings: Settings, files: list[Path]) -> list[Report]:
    """Play scripts, each in an office of its own; the packs are loaded once.

    Raises:
        PackError, ScriptError: a pack or a script can't be used.
    """
    known = {pack.name: Knowledge.of(pack) for pack in load_packs(settings)}

    def knowledge(did: str) -> Knowledge:
        return known[settings.packs_of(did)[0]]

    reports = []
    with tempfile.TemporaryDirectory() as folder:
        for number, file in enumerate(files):
            database = f"sqlite:///{folder}/{number}.db"
            office = open_office(
                database, lambda name: known[name or settings.pack].pack, names=tuple(known)
            )
            reports.append(rehearse(file, knowledge, office))
            office.close()
    return reports


def _scripts(path: Path) -> list[Path]:
    return sorted(path.rglob("*.yaml")) if path.is_dir() else [path]


def _print(files: list[Path], reports: list[Report]) -> None:
    table = Table()
    for column in ("script", "turns", "turns to ticket", "verdict"):
        table.add_column(column)
    for file, report in zip(files, reports, strict=True):
        taken = "" if report.turns_to_ticket is None else str(report.turns_to_ticket)
        verdict = "\n".join(report.problems) or "as written"
        table.add_row(file.stem, str(report.turns), taken, verdict)
    out = console()
    out.print(table)
    good = sum(not report.problems for report in reports)
    out.print(f"{good} of {len(reports)} as written")
    took = [one.turns_to_ticket for one in reports if one.turns_to_ticket is not None]
    if took:
        out.print(
            f"Turns to a filed ticket: median {statistics.median(took):g}, most {max(took)}, "
            f"of {len(took)}"
        )
