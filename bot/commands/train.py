"""``hotline train``: learns a classifier from a city's own records."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.commands.grammar import load_or_exit
from bot.understanding import training
from bot.understanding.lexicon import Lexicon
from bot.understanding.match import CLASSIFIER_FILE, Understander
from bot.understanding.records import DataError, read_records


def train(
    data: Annotated[Path, typer.Argument(help="CSV with a header, or JSON Lines.")],
    text: Annotated[str, typer.Option(help="Column of what is said.")] = "text",
    label: Annotated[str, typer.Option(help="Column of the intent.")] = "intent",
    output: Annotated[Path, typer.Option("-o", "--output", help="File of the model.")] = Path(
        CLASSIFIER_FILE
    ),
    pack: Annotated[
        str, typer.Option(help="The pack that it will stand beside: its name, or its folder.")
    ] = "",
) -> None:
    """Compare three linear classifiers on records, and keep the best in a file.

    Put the file into the pack's folder as classifier.npz to have the line use it.
    """
    loaded = load_or_exit(pack)
    try:
        records = read_records(data, text, label)
        lexicon = Lexicon.of(loaded)
        readings = [lexicon.read(row.text) for row in records.rows]
        labels = [row.intent for row in records.rows]
        known = {intent.id for intent in loaded.intents}
        matched = None
        if known.issuperset(labels):
            matcher = Understander(loaded, untrained=True)
            matched = [
                {one.intent: one.confidence for one in matcher.understand(row.text).candidates}
                for row in records.rows
            ]
        else:
            typer.echo(
                f"The labels are not the intents of {loaded.name}, so how far to trust the model "
                "beside the pack can't be learnt.",
                err=True,
            )
        facts = {
            "data": data.name,
            "sha256": records.sha256,
            "pack": loaded.name,
            "trained": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        model = training.train(readings, labels, facts, matched)
        training.save(model, output)
    except (DataError, training.ModelError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
    except OSError as error:
        typer.echo(f"Error: {output}: cannot be written: {error.strerror}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{model.facts['records']} records, {model.facts['labels']} labels")
    if model.facts["left out, too rare"]:
        typer.echo(f"{model.facts['left out, too rare']} left out: the only record of their label")
    for kind, quality in model.facts["compared"].items():
        chosen = "  (chosen)" if kind == model.facts["chosen"] else ""
        typer.echo(
            f"{kind:24} accuracy {quality['accuracy']:.4f}  "
            f"macro-F1 {quality['macro_f1']:.4f}{chosen}"
        )
    typer.echo(f"trust beside the pack: {model.trust}")
    typer.echo(f"written to {output}")
