"""``hotline ask``: what one sentence means to the pack, and why."""

from __future__ import annotations

import json
from dataclasses import asdict
from time import perf_counter
from typing import Annotated

import typer

from bot.commands.grammar import load_or_exit
from bot.understanding.match import Understander
from bot.understanding.pack import Pack
from bot.understanding.schema import Category, Faq, SmallTalk
from bot.understanding.types import Understanding


def ask(
    text: Annotated[str, typer.Argument(help="What a citizen says.")],
    also: Annotated[
        list[str] | None, typer.Option("--also", help="Another reading by the recogniser.")
    ] = None,
    pack: Annotated[str, typer.Option(help="A pack's name, or its folder.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print what a sentence means, how sure that is, and why."""
    loaded = load_or_exit(pack)
    understander = Understander(loaded)
    begun = perf_counter()
    result = understander.understand(text, also or ())
    milliseconds = (perf_counter() - begun) * 1000
    if as_json:
        shown = asdict(result) | {"milliseconds": round(milliseconds, 2)}
        typer.echo(json.dumps(shown, ensure_ascii=False, indent=2))
        return
    _show(loaded, result)
    typer.echo(f"{milliseconds:.1f} ms")


def _show(pack: Pack, result: Understanding) -> None:
    typer.echo(f"understood as: {result.normalised}")
    for candidate in result.candidates:
        typer.echo(f"{candidate.confidence:5.2f}  {candidate.intent}  {candidate.title}")
        for reason in candidate.reasons:
            typer.echo(f"         {reason}")
    if result.slots:
        typer.echo("slots: " + ", ".join(f"{name}={value}" for name, value in result.slots.items()))
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
