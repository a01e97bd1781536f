"""``hotline evaluate``: how well questions with known answers are understood."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.commands.grammar import load_or_exit
from bot.understanding import calibration, training
from bot.understanding.evaluation import (
    Answer,
    confusion,
    measure,
    per_class,
    reliability,
    risk_coverage,
)
from bot.understanding.lexicon import Lexicon
from bot.understanding.match import Understander
from bot.understanding.pack import Pack
from bot.understanding.records import NOTHING, DataError, Record, read_records

#: Rows of the tables of classes and of confusions that are printed; the JSON has all.
SHOWN = 25

Engine = Callable[[Record], Answer]


def evaluate(
    data: Annotated[Path, typer.Argument(help="CSV with a header, or JSON Lines.")],
    text: Annotated[str, typer.Option(help="Column of what is said.")] = "text",
    label: Annotated[str, typer.Option(help="Column of the intent; - means none.")] = "intent",
    pack: Annotated[str, typer.Option(help="A pack's name, or its folder.")] = "",
    model: Annotated[
        Path | None, typer.Option(help="A model of “hotline train”; default: the pack's own.")
    ] = None,
    as_json: Annotated[
        Path | None, typer.Option("--json", help="Also write everything to this JSON file.")
    ] = None,
    png: Annotated[
        Path | None, typer.Option(help="Also draw risk over coverage, and calibration.")
    ] = None,
) -> None:
    """Measure the matcher alone, the classifier alone, and both together."""
    try:
        records = read_records(data, text, label)
        loaded = load_or_exit(pack)
        engines = _engines(loaded, training.load(model) if model else None)
    except (DataError, training.ModelError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
    known = {intent.id for intent in loaded.intents} | {NOTHING}
    if unknown := sorted({row.intent for row in records.rows} - known):
        typer.echo(f"Not intents of this pack, so always wrong: {', '.join(unknown[:8])}", err=True)
    report: dict[str, Any] = {"data": str(data), "sha256": records.sha256, "engines": {}}
    answers: dict[str, list[Answer]] = {}
    for name, engine in engines.items():
        answers[name] = [engine(row) for row in records.rows]
        inside = [one for one in answers[name] if one.record.intent != NOTHING]
        report["engines"][name] = measure(answers[name], loaded.thresholds.accept) | {
            "classes": per_class(inside),
            "confusion": confusion(inside),
            "risk_coverage": [
                [one.threshold, one.coverage, one.selective_risk, one.confident_wrong]
                for one in risk_coverage(answers[name])
            ],
            "reliability": reliability(answers[name]),
        }
    _print(report["engines"])
    if as_json:
        as_json.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", "utf-8")
    if png:
        _draw(png, answers)


def _engines(pack: Pack, trained: training.TrainedModel | None) -> dict[str, Engine]:
    """Return the engines by name: with a trained model that is the classifier, else the pack's."""
    both = Understander(pack, trained)
    if both.trained is None:
        named = (calibration.MATCHER, calibration.CLASSIFIER)
        parts = {name: Understander(pack, combination=calibration.shipped(name)) for name in named}
        return {name: _by_understanding(one) for name, one in (parts | {"both": both}).items()}
    lexicon, own = Lexicon.of(pack), both.trained

    def classify(row: Record) -> Answer:
        chances = own.probabilities(lexicon.read(row.text))
        best = max(chances, key=lambda name: chances[name])
        return Answer(row, best, chances[best])

    matcher = Understander(pack, untrained=True)
    return {
        "matcher": _by_understanding(matcher),
        "classifier": classify,
        "both": _by_understanding(both),
    }


def _by_understanding(understander: Understander) -> Engine:
    def answer(row: Record) -> Answer:
        best = understander.understand(row.text).best
        return Answer(row, best.intent, best.confidence) if best else Answer(row, NOTHING, 0.0)

    return answer


def _print(engines: dict[str, dict[str, Any]]) -> None:
    names = list(engines)
    typer.echo(f"{'':38}" + "".join(f"{name:>12}" for name in names))
    for measure_name, value in engines[names[0]].items():
        if not isinstance(value, dict | list):
            row = (_shown(engines[name][measure_name]) for name in names)
            typer.echo(f"{measure_name:38}" + "".join(f"{one:>12}" for one in row))
    typer.echo("\nAccuracy by style")
    for style, value in engines[names[0]]["by style"].items():
        row = (_shown(engines[name]["by style"][style]["accuracy"]) for name in names)
        typer.echo(
            f"{style} ({value['questions']})".ljust(38) + "".join(f"{one:>12}" for one in row)
        )
    whole = engines[names[-1]]
    typer.echo("\nRisk over coverage, both: threshold, coverage, risk, confident and wrong")
    curve = whole["risk_coverage"]
    for at in sorted({round(n * (len(curve) - 1) / 15) for n in range(16)}):
        typer.echo("  ".join(f"{one:8.3f}" for one in curve[at]))
    typer.echo(f"\nIntents least often understood, both (of {len(whole['classes'])})")
    weakest = sorted(whole["classes"].items(), key=lambda item: (item[1]["f1"], item[0]))
    for intent, row in weakest[:SHOWN]:
        typer.echo(
            f"{intent:34} n {row['questions']:3}  precision {row['precision']:.2f}"
            f"  recall {row['recall']:.2f}  F1 {row['f1']:.2f}"
        )
    typer.echo("\nMost frequent confusions, both: meant, understood")
    for meant, got, count in whole["confusion"][:SHOWN]:
        typer.echo(f"{count:4}  {meant:34} {got}")


def _shown(value: object) -> str:
    return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)


def _draw(file: Path, answers: dict[str, Sequence[Answer]] | dict[str, list[Answer]]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.6))
    for name, all_answers in answers.items():
        curve = risk_coverage(all_answers)
        left.plot(
            [one.coverage for one in curve], [one.selective_risk for one in curve], label=name
        )
        bins = reliability(all_answers)
        right.plot([one[0] for one in bins], [one[1] for one in bins], marker="o", label=name)
    left.set(title="Risk over coverage", xlabel="in-scope questions accepted", ylabel="wrong")
    right.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    right.set(title="Calibration", xlabel="confidence", ylabel="right")
    for axes in (left, right):
        axes.legend()
        axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(file, dpi=110)
    pyplot.close(figure)
