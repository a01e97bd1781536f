"""``hotline prompts``: make, list and check everything that a pack's line says by itself.

Leaves to others: the sound (``speech/voice.py``), people's recordings (``speech/recordings.py``)
and the listening (``speech/intelligibility.py``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from bot.app import load_recordings, load_voice, speak_prompts
from bot.commands.grammar import load_or_exit
from bot.commands.output import console
from bot.config import Settings
from bot.speech import recordings
from bot.speech.audio import seconds
from bot.speech.engines import choose_recogniser
from bot.speech.intelligibility import GOAL, TOO_HARD, Hearing, Line, listen, median_error
from bot.speech.types import ELDER_SPEED, SpeechError
from bot.speech.voice import Voice
from bot.understanding.pack import Pack
from bot.understanding.samples import with_samples
from bot.understanding.schema import Category, Faq, placeholders
from bot.understanding.spoken_length import LIMIT

app = typer.Typer(help="What the line says: make it, list it, check it.", no_args_is_help=True)

_Chosen = Annotated[
    str, typer.Argument(metavar="PACK", help="A pack's name, or its folder. Default: the line's.")
]


@app.command()
def build(pack: _Chosen = "") -> None:
    """Render every fixed prompt, at elder speed too, and take up new recordings."""
    loaded = load_or_exit(pack)
    try:
        voice, why = load_voice(Settings())
        typer.echo(f"voice {why}")
        found = load_recordings(loaded)
        speak_prompts(loaded, voice, typer.echo)
        if found.files and recordings.remember(loaded.folder / recordings.FOLDER, found):
            typer.echo(f"{recordings.MANIFEST} remembers the words of {len(found.files)} files")
    except (SpeechError, OSError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
    for trouble in (*found.problems, *found.stale):
        typer.echo(trouble, err=True)
    count = sum(1 for _ in loaded.wordings())
    typer.echo(
        f"{loaded.name}: {count} texts of {len(loaded.prompts)} prompts, "
        f"{len(found.files)} recorded by people. Ready."
    )
    if found.problems:
        raise typer.Exit(1)


@app.command("list")
def list_prompts(pack: _Chosen = "") -> None:
    """List every prompt and variant, how long it is, and where its sound comes from."""
    loaded = load_or_exit(pack)
    voice = _voice(loaded)
    table = Table("prompt", "variant", "seconds", "source", "text")
    for id, variant, text in loaded.wordings():
        source = _source(voice, text)
        made = source in ("recording", "synthesised")
        length = f"{seconds(voice.render(text)):.1f}" if made else "-"
        table.add_row(id, str(variant + 1), length, source, text)
    console().print(table)


@app.command()
def check(
    pack: _Chosen = "",
    hear: Annotated[
        bool, typer.Option("--listen/--no-listen", help="Have the recogniser hear every prompt.")
    ] = True,
    speed: Annotated[
        float, typer.Option(min=0.5, max=2.0, help="Speed at which it hears them.")
    ] = 1.0,
    answers: Annotated[
        bool, typer.Option(help="Measure the answers to questions too, some hundreds.")
    ] = False,
    as_json: Annotated[
        Path | None, typer.Option("--json", help="Also write everything to this JSON file.")
    ] = None,
    png: Annotated[Path | None, typer.Option(help="Also draw the errors as a chart.")] = None,
) -> None:
    """Measure how long each prompt is and how well it is understood over a phone.

    Status 1 if one is too long, too hard to understand, or its recording can't be used.
    """
    loaded = load_or_exit(pack)
    voice = _voice(loaded)
    lines = [Line(id, number, with_samples(loaded, t)) for id, number, t in loaded.wordings()]
    told = load_recordings(loaded)
    hearings: list[Hearing] = []
    try:
        typer.echo(f"measuring {len(lines)} texts at two speeds", err=True)
        measured = list(_measured(voice, lines))
        if answers:
            measured += _measured(voice, list(_answers(loaded)))
        if hear:
            recogniser, why = choose_recogniser(Settings())
            typer.echo(f"{recogniser.name} listens, told nothing: {why}", err=True)
            hearings = list(_with_progress(listen(voice, recogniser, lines, speed), len(lines)))
    except SpeechError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
    long = [one for one in measured if one.longest > LIMIT]
    hard = [one for one in hearings if one.error > TOO_HARD]
    _print(measured, hearings, long)
    for trouble in (*told.problems, *told.stale):
        typer.echo(trouble)
    if as_json:
        report = as_data(loaded, voice, measured, hearings)
        as_json.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", "utf-8")
    if png and hearings:
        draw(hearings, png)
    if long or hard or told.problems or told.stale or median_error(hearings) > GOAL:
        raise typer.Exit(1)


def _voice(pack: Pack) -> Voice:
    """Load the voice with a pack's recordings, or end with status 1."""
    try:
        voice, _ = load_voice(Settings())
    except SpeechError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
    voice.use(load_recordings(pack).sounds, pack.name)
    return voice


def _source(voice: Voice, text: str) -> str:
    if placeholders(text):
        return "in the call"
    if voice.is_recorded(text):
        return "recording"
    return "synthesised" if voice.is_made(text) else "missing"


@dataclass(frozen=True, slots=True)
class Measured:
    """How long a line takes to say; of several texts the longest."""

    line: Line
    seconds: float
    elder_seconds: float

    @property
    def longest(self) -> float:
        """The seconds at the slower of the two speeds."""
        return max(self.seconds, self.elder_seconds)


def _measured(voice: Voice, lines: Iterable[Line]) -> Iterator[Measured]:
    for line in lines:
        usual, elder = (
            max(seconds(voice.render(text, speed)) for text in line.texts)
            for speed in (1.0, ELDER_SPEED)
        )
        yield Measured(line, usual, elder)


def _answers(pack: Pack) -> Iterator[Line]:
    """Yield what is said once a question was understood, a line for each time it is said."""
    for intent in pack.intents:
        if isinstance(intent, Faq):
            yield Line(f"{intent.id} answer", 0, (intent.answer,))
            if intent.detail.strip():
                yield Line(f"{intent.id} detail", 0, (intent.detail,))
            for number, one in enumerate(intent.follow_ups):
                yield Line(f"{intent.id} follow-up", number, (one.answer,))
        elif isinstance(intent, Category):
            yield Line(f"{intent.id} opening", 0, (intent.opening,))


def _with_progress(hearings: Iterable[Hearing], count: int) -> Iterator[Hearing]:
    for number, one in enumerate(hearings, 1):
        if number % 20 == 0 or number == count:
            typer.echo(f"{number} of {count} heard", err=True)
        yield one


def _print(
    measured: Sequence[Measured], hearings: Sequence[Hearing], long: Sequence[Measured]
) -> None:
    if hearings:
        lengths = {one.line: f"{one.seconds:.1f}" for one in measured}
        table = Table("prompt", "variant", "seconds", "error", "said and heard")
        for one in sorted(hearings, key=lambda one: -one.error):
            pairs = (
                f"{said}\n{got or '(nothing)'}"
                for said, got in zip(one.line.texts, one.heard, strict=True)
            )
            row = (one.line.id, str(one.line.variant + 1), lengths[one.line])
            table.add_row(*row, f"{one.error:.0%}", "\n".join(pairs))
        console().print(table)
        hard = sum(one.error > TOO_HARD for one in hearings)
        typer.echo(
            f"Toneless-pinyin error: median {median_error(hearings):.1%} (goal {GOAL:.0%}), "
            f"{hard} of {len(hearings)} texts over {TOO_HARD:.0%}."
        )
    for too_long in long:
        typer.echo(
            f"{too_long.line.id} {too_long.line.variant + 1}: {too_long.seconds:.1f} s, "
            f"{too_long.elder_seconds:.1f} s at elder speed, more than {LIMIT:.0f}: "
            f"{too_long.line.texts[0]}"
        )
    usual = max((one.seconds for one in measured), default=0.0)
    elder = max((one.elder_seconds for one in measured), default=0.0)
    typer.echo(
        f"Length of {len(measured)} texts: at most {usual:.1f} s, {elder:.1f} s at elder speed "
        f"(limit {LIMIT:.0f} s); {len(long)} too long."
    )


def as_data(
    pack: Pack, voice: Voice, measured: Sequence[Measured], hearings: Sequence[Hearing]
) -> dict[str, Any]:
    """Return the whole report as plain data."""
    return {
        "pack": pack.name,
        "version": pack.version,
        "voice": f"{voice.name} {voice.synthesiser.voice}",
        "longest_seconds": round(max((one.seconds for one in measured), default=0.0), 2),
        "longest_elder_seconds": round(
            max((one.elder_seconds for one in measured), default=0.0), 2
        ),
        "median_pinyin_error": round(median_error(hearings), 4) if hearings else None,
        "over_limit": [one.line.id for one in measured if one.longest > LIMIT],
        "too_hard": [one.line.id for one in hearings if one.error > TOO_HARD],
        "lengths": [
            {
                "id": one.line.id,
                "variant": one.line.variant + 1,
                "seconds": round(one.seconds, 2),
                "elder_seconds": round(one.elder_seconds, 2),
                "texts": list(one.line.texts),
            }
            for one in measured
        ],
        "heard": [
            {
                "id": one.line.id,
                "variant": one.line.variant + 1,
                "pinyin_error": round(one.error, 4),
                "syllables": one.syllables,
                "said": list(one.line.texts),
                "heard": list(one.heard),
            }
            for one in hearings
        ],
    }


def draw(hearings: Sequence[Hearing], path: Path) -> None:
    """Draw the error of every prompt as a PNG.

    Raises:
        OSError: it cannot be written.
    """
    # Loaded here: it takes a second that no other command should pay.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    ranked = sorted(hearings, key=lambda one: (one.error, one.line.id))
    figure = Figure(figsize=(9, 1.5 + 0.17 * len(ranked)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    names = [f"{one.line.id} {one.line.variant + 1}" for one in ranked]
    axes.barh(names, [100 * one.error for one in ranked])
    axes.axvline(100 * GOAL, color="grey", linestyle="--", label=f"goal of the median, {GOAL:.0%}")
    axes.axvline(100 * TOO_HARD, color="red", label=f"to be reworded, over {TOO_HARD:.0%}")
    axes.tick_params(axis="y", labelsize=6)
    axes.set_ylim(-0.8, len(ranked) - 0.2)
    axes.set_xlabel("toneless syllables heard wrong over a phone, percent")
    axes.set_title(f"Prompts heard back: median {median_error(hearings):.1%}")
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=120)
