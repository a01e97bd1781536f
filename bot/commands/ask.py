"""``hotline ask``: what a sentence means to the pack, and why; or many, one a line.

Leaves to others: understanding, and what the bot would do.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, BinaryIO

import typer
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.commands.grammar import load_or_exit
from bot.understanding.match import Understander
from bot.understanding.pack import Pack
from bot.understanding.schema import Category, Faq, SmallTalk
from bot.understanding.types import Understanding

#: A longer line is no utterance, and a sign that the file is something else.
MAX_LINE = 1_000_000


def ask(
    text: Annotated[str | None, typer.Argument(help="What a citizen says.")] = None,
    also: Annotated[
        list[str] | None, typer.Option("--also", help="Another reading by the recogniser.")
    ] = None,
    pack: Annotated[str, typer.Option(help="A pack's name, or its folder.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    batch: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="Ask every line of a file (- for standard input): plain text, or JSON with "
            '"text" and perhaps "alternatives" and "speech_confidence". Prints one JSON object '
            "a line.",
        ),
    ] = "",
) -> None:
    """Print what a sentence means, how sure that is, and why."""
    if (text is None) == (not batch):
        typer.echo("Give a sentence, or --batch FILE.", err=True)
        raise typer.Exit(2)
    if batch:
        _ask_all(Path(batch), load_or_exit(pack))
        return
    loaded = load_or_exit(pack)
    understander = Understander(loaded)
    begun = perf_counter()
    # Bytes of the command line that are no UTF-8 arrive as half characters.
    said = (text or "").encode("utf-8", "replace").decode()
    result = understander.understand(said, also or ())
    milliseconds = (perf_counter() - begun) * 1000
    if as_json:
        shown = asdict(result) | {"milliseconds": round(milliseconds, 2)}
        typer.echo(json.dumps(shown, ensure_ascii=False, indent=2))
        return
    _show(loaded, result)
    typer.echo(f"{milliseconds:.1f} ms")


class Question(BaseModel):
    """One line of a batch. Other fields, such as what was expected, are left alone."""

    model_config = ConfigDict(extra="ignore")

    text: str
    alternatives: tuple[str, ...] = ()
    speech_confidence: Annotated[float, Field(ge=0, le=1)] = 1.0


@dataclass(frozen=True, slots=True)
class BadLine:
    """Why a line could not be asked."""

    why: str


def questions(lines: BinaryIO, only_json: bool) -> Iterator[tuple[int, Question | BadLine]]:
    """Yield each line that is not empty, with its number counted from 1."""
    number = 0
    while raw := lines.readline(MAX_LINE + 1):
        number += 1
        if len(raw) > MAX_LINE:
            while raw and not raw.endswith(b"\n"):
                raw = lines.readline(MAX_LINE)
            yield number, BadLine(f"is longer than {MAX_LINE} bytes")
        elif raw.strip():
            yield number, _question(raw, only_json)


def _question(raw: bytes, only_json: bool) -> Question | BadLine:
    try:
        line = raw.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        return BadLine(f"is not UTF-8 text (byte {error.start + 1}); save the file as UTF-8")
    if not only_json and not line.startswith("{"):
        return Question(text=line)
    try:
        return Question.model_validate_json(line)
    except ValidationError as error:
        detail = error.errors()[0]
        if detail["type"] == "json_invalid":
            why = str(detail["ctx"]["error"]).replace("at line 1 column", "at character")
            return BadLine(f"is not JSON: {why}")
        name = ".".join(str(step) for step in detail["loc"]) or "the line"
        return BadLine(f"“{name}”: {detail['msg']}")


def _ask_all(file: Path, pack: Pack) -> None:
    named = "standard input" if str(file) == "-" else str(file)
    try:
        lines = nullcontext(sys.stdin.buffer) if str(file) == "-" else file.open("rb")
    except OSError as error:
        typer.echo(f"{named}: cannot be read: {error.strerror}", err=True)
        raise typer.Exit(1) from error
    understander = Understander(pack)
    bad = 0
    with lines as source:
        for number, question in questions(source, file.suffix in (".jsonl", ".json")):
            if isinstance(question, BadLine):
                typer.echo(f"{named}:{number}: {question.why}", err=True)
                bad += 1
                continue
            begun = perf_counter()
            result = understander.understand(
                question.text, question.alternatives, question.speech_confidence
            )
            milliseconds = round((perf_counter() - begun) * 1000, 2)
            shown = {"line": number, **answer(result), "milliseconds": milliseconds}
            typer.echo(json.dumps(shown, ensure_ascii=False))
    if bad:
        typer.echo(f"{bad} line{'' if bad == 1 else 's'} could not be asked.", err=True)
        raise typer.Exit(1)


def answer(result: Understanding) -> dict[str, Any]:
    """Return an understanding as plain data, the first candidate foremost."""
    best = result.best
    return {
        "text": result.text,
        "normalised": result.normalised,
        "intent": best.intent if best else None,
        "kind": best.kind.value if best else None,
        "confidence": best.confidence if best else 0.0,
        "emergency": result.emergency,
        "moods": [
            {"name": mood.name, "words": list(mood.words), "reason": mood.reason}
            for mood in result.moods
        ],
        "slots": dict(result.slots),
        "candidates": [asdict(candidate) for candidate in result.candidates],
    }


def _show(pack: Pack, result: Understanding) -> None:
    typer.echo(f"understood as: {result.normalised}")
    for candidate in result.candidates:
        typer.echo(f"{candidate.confidence:5.2f}  {candidate.intent}  {candidate.title}")
        for reason in candidate.reasons:
            typer.echo(f"         {reason}")
    if result.slots:
        typer.echo("slots: " + ", ".join(f"{name}={value}" for name, value in result.slots.items()))
    for mood in result.moods:
        typer.echo(f"mood: {mood.name} ({mood.care.name.lower()})  {mood.reason}")
    best = result.best
    limits = pack.thresholds
    if best is None or best.confidence < limits.clarify:
        typer.echo("verdict: not understood")
        return
    lead = best.confidence - (result.candidates[1:2] or (best,))[0].confidence
    alone = len(result.candidates) == 1
    if result.emergency:
        typer.echo(f"verdict: emergency {result.emergency}")
    elif best.confidence < limits.accept:
        typer.echo(f"verdict: ask whether “{best.title}” is meant")
    elif not alone and lead < limits.margin:
        typer.echo(f"verdict: ask which, “{best.title}” or “{result.candidates[1].title}”")
    else:
        typer.echo(f"verdict: {best.intent}")
        intent = pack.intent(best.intent)
        if isinstance(intent, Faq):
            typer.echo(f"answer: {intent.answer}")
        elif isinstance(intent, Category):
            typer.echo(f"answer: {intent.opening}")
        elif isinstance(intent, SmallTalk):
            typer.echo(f"answer: {pack.prompt(intent.prompt)}")
