"""``hotline grammar``: tools for the people who edit a pack."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from bot.config import Settings
from bot.understanding.pack import Pack, PackError, load_pack
from bot.understanding.schema import Faq, expansions

app = typer.Typer(help="Check and look into a pack of knowledge.", no_args_is_help=True)

_Chosen = Annotated[
    str, typer.Argument(metavar="PACK", help="A pack's name, or its folder. Default: the line's.")
]


def pack_folder(pack: str) -> Path:
    """Return the folder of a pack given by name or by folder; "" means the line's own."""
    settings = Settings()
    named = settings.grammars / (pack or settings.pack)
    return Path(pack) if pack and not named.is_dir() else named


def load_or_exit(pack: str) -> Pack:
    """Load a pack; when it has problems print each with its place and end with status 1."""
    try:
        return load_pack(pack_folder(pack))
    except PackError as error:
        for problem in error.problems:
            typer.echo(_relative(str(problem)), err=True)
        count = len(error.problems)
        typer.echo(f"{count} problem{'s' if count > 1 else ''}. The pack can't be used.", err=True)
        raise typer.Exit(1) from error


@app.command()
def check(pack: _Chosen = "") -> None:
    """Check a pack; print every problem as file:line:column: what is wrong."""
    loaded = load_or_exit(pack)
    typer.echo(
        f"{loaded.name}: no problems in {len(loaded.files)} files, {len(loaded.intents)} intents."
    )


@app.command()
def stats(pack: _Chosen = "") -> None:
    """Count what a pack holds."""
    loaded = load_or_exit(pack)
    kinds = Counter(str(loaded.kind(intent.id)) for intent in loaded.intents)
    phrases = sum(len(intent.phrases) for intent in loaded.intents)
    ways = sum(len(expansions(intent)) for intent in loaded.intents)
    faqs = [intent for intent in loaded.intents if isinstance(intent, Faq)]
    rows = [
        *kinds.items(),
        ("phrases", phrases),
        ("ways of saying them", ways),
        ("prompts", len(loaded.prompts)),
        ("texts spoken without change", len(loaded.spoken_texts())),
        ("answers for show, to be replaced", sum(faq.example for faq in faqs)),
    ]
    for name, count in rows:
        typer.echo(f"{count:6}  {name}")
    if faqs:
        oldest = min(faqs, key=lambda faq: faq.reviewed)
        typer.echo(f"oldest review: {oldest.reviewed} ({oldest.id})")


@app.command()
def phrases(
    intent: Annotated[str, typer.Option(help="The intent's id, such as water.outage.")],
    pack: _Chosen = "",
) -> None:
    """Print everything an intent's phrases can say, one a line."""
    loaded = load_or_exit(pack)
    try:
        found = loaded.intent(intent)
    except KeyError as error:
        near = [one.id for one in loaded.intents if one.id.split(".")[0] == intent.split(".")[0]]
        hint = f" There are: {', '.join(near)}." if near else ""
        typer.echo(f"The pack {loaded.name} has no intent “{intent}”.{hint}", err=True)
        raise typer.Exit(1) from error
    for text in expansions(found):
        typer.echo(text)


def _relative(line: str) -> str:
    return line.removeprefix(f"{Path.cwd()}/")
