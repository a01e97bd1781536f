"""``hotline asr evaluate``: how well this machine's recogniser hears a folder of recordings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bot.app import load_line_pack
from bot.config import Settings
from bot.speech.engines import choose_recogniser
from bot.speech.evaluation import Result, evaluate, find_recordings, tallies
from bot.speech.scoring import Tally
from bot.speech.types import SpeechError
from bot.understanding.pack import PackError

app = typer.Typer(help="The recogniser: measure it.", no_args_is_help=True)

COLUMNS = {
    "clips": "clips",
    "cer": "CER",
    "pinyin_error": "pinyin error",
    "keyword_recall": "keyword recall",
    "keyword_recall_by_sound": "by sound",
    "real_time_factor": "real-time factor",
}


@app.callback()
def _group() -> None:
    """Keep ``evaluate`` a sub-command."""


@app.command("evaluate")
def evaluate_folder(
    folder: Annotated[Path, typer.Argument(help="Recordings, each with NAME.txt beside it.")],
    pack: Annotated[str, typer.Option(help="Pack whose words count. Default: the line's.")] = "",
    bias: Annotated[bool, typer.Option(help="Let the pack's words be likely.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print plain data.")] = False,
    png: Annotated[Path | None, typer.Option(help="Draw a chart.")] = None,
) -> None:
    """Hear every recording in a folder and print what was heard wrong, by noise level."""
    settings = Settings(pack=pack) if pack else Settings()
    try:
        words = load_line_pack(settings).bias_words()
        recogniser, why = choose_recogniser(settings, hint=words if bias else ())
        results = evaluate(
            recogniser, find_recordings(folder), lambda text: typer.echo(text, err=True)
        )
    except (SpeechError, PackError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
    groups = tallies(results, words)
    if as_json:
        report = as_data(results, groups, recogniser.name)
        typer.echo(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        typer.echo(f"{recogniser.name}: {why}")
        _print(results, groups)
    if png is not None:
        draw(groups, png, recogniser.name)


def as_data(results: Sequence[Result], groups: Mapping[str, Tally], engine: str) -> dict[str, Any]:
    """Return the whole report as plain data."""
    return {
        "engine": engine,
        "groups": {name: tally.as_dict() for name, tally in groups.items()},
        "recordings": [
            {
                "file": str(result.recording.path),
                "noise": result.recording.noise,
                "said": result.recording.text,
                "heard": result.heard,
                "audio_seconds": round(result.audio_seconds, 2),
                "decode_seconds": round(result.decode_seconds, 3),
            }
            for result in results
        ],
    }


def _print(results: Sequence[Result], groups: Mapping[str, Tally]) -> None:
    console = Console()
    wrong = Table("file", "noise", "said", "heard", title="Not heard as it was said")
    for result in results:
        if result.heard != result.recording.text:
            recording = result.recording
            wrong.add_row(recording.path.name, recording.noise, recording.text, result.heard)
    console.print(wrong)
    table = Table("noise", *COLUMNS.values())
    for name, tally in groups.items():
        data = tally.as_dict()
        table.add_row(name, *(_shown(column, data[column]) for column in COLUMNS))
    console.print(table)


def _shown(column: str, value: float) -> str:
    if column == "clips":
        return str(value)
    return f"{value:.2f}" if column == "real_time_factor" else f"{value:.1%}"


def draw(groups: Mapping[str, Tally], path: Path, title: str) -> None:
    """Draw error rates and keyword recall by noise level as a PNG.

    Raises:
        OSError: it cannot be written.
    """
    # Loaded here: it takes a second that no other command should pay.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    shown = ("cer", "pinyin_error", "keyword_recall")
    for number, column in enumerate(shown):
        places = [place + (number - 1) * 0.27 for place in range(len(groups))]
        heights = [100 * tally.as_dict()[column] for tally in groups.values()]
        bars = axes.bar(places, heights, width=0.25, label=COLUMNS[column])
        axes.bar_label(bars, fmt="%.0f", fontsize=8)
    axes.set_xticks(range(len(groups)), list(groups))
    axes.set_xlabel("noise level of the recordings (signal to noise)")
    axes.set_ylabel("percent")
    axes.set_title(f"{title}: errors (lower is better) and keyword recall (higher is better)")
    axes.legend()
    figure.savefig(path, dpi=120)
