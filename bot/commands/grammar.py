"""``hotline grammar``: tools for the people who edit a pack.

Leaves to others: every rule (``bot/understanding``).
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bot.commands.bot_api import BotError, ask_bot
from bot.config import Settings
from bot.understanding.match import Understander
from bot.understanding.pack import Loaded, Pack, PackError, load_with_files
from bot.understanding.proving import Proof, overdue, prove, warnings
from bot.understanding.schema import Faq, PackFile, expansions
from bot.understanding.starting import make_pack
from bot.understanding.vocabulary import vosk_phrases
from bot.understanding.yaml_source import Problem

#: Seconds in which a running line has read a new pack and spoken its new sentences.
RELOAD_PATIENCE = 300.0

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
    return _load(pack).pack


def _load(pack: str) -> Loaded:
    try:
        return load_with_files(pack_folder(pack))
    except PackError as error:
        _tell(error.problems)
        typer.echo(f"{_some(error.problems, 'problem')}. The pack can't be used.", err=True)
        raise typer.Exit(1) from error


def _tell(problems: Iterable[Problem], sort: str = "") -> None:
    for problem in problems:
        place, _, message = str(problem).partition(": ")
        typer.echo(_relative(f"{place}: {sort}{message}"), err=True)


def _some(things: Iterable[object], name: str) -> str:
    count = len(list(things))
    return f"{count} {name}{'' if count == 1 else 's'}"


@app.command()
def check(
    pack: _Chosen = "",
    strict: Annotated[bool, typer.Option(help="End with status 1 on warnings too.")] = False,
) -> None:
    """Check a pack; print every problem as file:line:column: what is wrong.

    Warnings do not keep a pack from working: its own tests that come out as something else,
    answers whose review is overdue, groups that are unknown or empty.
    """
    loaded = _load(pack)
    found = warnings(loaded, Understander(loaded.pack), dt.date.today())
    _tell(found, "warning: ")
    counted = f"{_some(loaded.pack.files, 'file')}, {_some(loaded.pack.intents, 'intent')}"
    also = f", {_some(found, 'warning')}" if found else ""
    typer.echo(f"{loaded.pack.name}: no problems in {counted}{also}.")
    if found and strict:
        raise typer.Exit(1)


@app.command()
def stats(pack: _Chosen = "") -> None:
    """Count what a pack holds."""
    read = _load(pack)
    loaded = read.pack
    kinds = Counter(str(loaded.kind(intent.id)) for intent in loaded.intents)
    faqs = [intent for intent in loaded.intents if isinstance(intent, Faq)]
    rows = [
        *kinds.items(),
        ("groups", len(loaded.groups)),
        ("phrases", sum(len(intent.phrases) for intent in loaded.intents)),
        ("ways of saying them", sum(len(expansions(intent)) for intent in loaded.intents)),
        ("follow-up questions", sum(len(faq.follow_ups) for faq in faqs)),
        ("tests", sum(len(intent.tests) for intent in loaded.intents)),
        ("intents without a test", sum(not intent.tests for intent in loaded.intents)),
        ("moods", len(loaded.moods)),
        ("training scenarios", len(loaded.scenarios)),
        ("places", len(loaded.places)),
        ("names of places known", len(loaded.gazetteer.names)),
        ("prompts", len(loaded.prompts)),
        ("texts spoken without change", len(loaded.spoken_texts())),
        ("answers for show, to be replaced", sum(faq.example for faq in faqs)),
        ("answers overdue for review", len(list(overdue(read, dt.date.today())))),
    ]
    for name, count in rows:
        typer.echo(f"{count:6}  {name}")
    if faqs:
        oldest = min(faqs, key=lambda faq: faq.reviewed)
        typer.echo(f"oldest review: {oldest.reviewed} ({oldest.id})")
    typer.echo(f"version: {loaded.version}")


@app.command()
def schema() -> None:
    """Print the JSON Schema of a pack's files, for editors that complete and check YAML."""
    described = PackFile.model_json_schema()
    described["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    typer.echo(json.dumps(described, ensure_ascii=False, indent=2))


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The new pack's name: small letters, digits, _.")],
) -> None:
    """Make a small valid pack to begin with, in a folder of its own."""
    settings = Settings()
    folder = settings.grammars / name
    if "/" in name or name.startswith("."):
        typer.echo(f"“{name}” is no name for a pack.", err=True)
        raise typer.Exit(1)
    try:
        files = make_pack(folder, name, _load(""), dt.date.today())
    except FileExistsError as error:
        typer.echo(f"{folder} is there already; nothing was changed.", err=True)
        raise typer.Exit(1) from error
    except PackError as error:
        typer.echo(f"“{name}” can't be made a pack: {error.problems[0].message}", err=True)
        raise typer.Exit(1) from error
    except OSError as error:
        typer.echo(f"{folder} can't be written: {error.strerror}", err=True)
        raise typer.Exit(1) from error
    for file in files:
        typer.echo(_relative(str(file)))
    typer.echo(f"Made. Edit it, then:  hotline grammar check {name}")


@app.command()
def vosk(
    pack: _Chosen = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON list, as KaldiRecognizer takes it.")
    ] = False,
) -> None:
    """Print what callers are likely to say, cut into words, for a Vosk recogniser."""
    said = vosk_phrases(load_or_exit(pack))
    if as_json:
        typer.echo(json.dumps([*said, "[unk]"], ensure_ascii=False))
        return
    for phrase in said:
        typer.echo(phrase)


@app.command("test")
def run_tests(
    pack: _Chosen = "",
    everything: Annotated[
        bool, typer.Option("--all", help="Also the intents whose tests all come out right.")
    ] = False,
) -> None:
    """Ask the pack its own tests; print what came out wrong. Status 1 if any did."""
    loaded = _load(pack)
    proofs = list(prove(loaded, Understander(loaded.pack)))
    _show_proofs(proofs, everything)
    wrong = [proof for proof in proofs if not proof.right]
    _tell(proof.problem for proof in wrong if proof.problem)
    sure = sum(proof.accepted and proof.right for proof in proofs)
    risky = sum(proof.accepted and not proof.right for proof in proofs)
    typer.echo(
        f"{_some(proofs, 'test')}: {len(proofs) - len(wrong)} right ({sure} for certain), "
        f"{len(wrong)} wrong ({risky} for certain)."
    )
    if wrong:
        raise typer.Exit(1)


def _show_proofs(proofs: list[Proof], everything: bool) -> None:
    table = Table("intent", "tests", "right", "for certain", "came out as")
    by_intent: dict[str, list[Proof]] = {}
    for proof in proofs:
        by_intent.setdefault(proof.intent, []).append(proof)
    for intent, some in by_intent.items():
        wrong = [proof for proof in some if not proof.right]
        if not wrong and not everything:
            continue
        others = Counter(proof.best.intent if proof.best else "nothing" for proof in wrong)
        table.add_row(
            intent,
            str(len(some)),
            str(len(some) - len(wrong)),
            str(sum(proof.accepted and proof.right for proof in some)),
            ", ".join(f"{other} ({count})" for other, count in others.items()),
        )
    if table.row_count:
        Console().print(table)


@app.command()
def reload() -> None:
    """Let the running line read its pack anew; calls in progress keep what they have."""
    try:
        answer = ask_bot(Settings(), "/reload", {}, RELOAD_PATIENCE)
    except BotError as error:
        for problem in error.answer.get("problems", ()):
            typer.echo(_relative(problem), err=True)
        typer.echo(f"{error.chinese}\n{error.english}", err=True)
        raise typer.Exit(1) from error
    if answer["changed"]:
        typer.echo(f"已换上新的知识包：{answer['pack']} {answer['version']}，新来电即用。")
    else:
        typer.echo(f"知识包没有变化：{answer['pack']} {answer['version']}。")


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
