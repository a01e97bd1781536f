"""Everything that can be wrong with a pack, found at once, each with its place.

Written for the people who edit the files: a message says what is wrong in plain words and
where to put the cursor. Leaves to others: what one section looks like (``schema.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from bot.understanding.normalise import normalise
from bot.understanding.schema import (
    PLACEHOLDERS,
    REQUIRED_PROMPTS,
    Category,
    Emergency,
    Faq,
    Intent,
    Meta,
    PackFile,
    SmallTalk,
    placeholders,
)
from bot.understanding.template import TemplateError, parse
from bot.understanding.yaml_source import PackError, Problem, YamlSource, read_yaml

_SECTIONS = ("intents", "categories", "emergencies", "commands", "small_talk")
_PLAIN = {
    "extra_forbidden": "is not a field known here; check its spelling",
    "missing": "is missing",
    "string_too_short": "is empty",
    "too_short": "needs at least one entry",
    "date_from_datetime_parsing": "is not a date like 2026-11-20",
    "date_parsing": "is not a date like 2026-11-20",
    "date_type": "is not a date like 2026-11-20",
    "greater_than": "must be above 0 and below 1",
    "less_than": "must be above 0 and below 1",
    "bool_type": "must be true or false",
    "string_type": "must be text; put it in quotes if it looks like a number",
    "tuple_type": "must be a list, each entry on its own line beginning with “- ”",
    "model_type": "must be a group of fields",
    "dict_type": "must be a group of fields",
}


@dataclass(frozen=True, slots=True)
class ReadFile:
    """One file of the pack: its content and where everything stands in it."""

    source: YamlSource
    content: PackFile


def read_all(files: Sequence[Path]) -> tuple[list[ReadFile], list[Problem]]:
    """Read every file; files with problems are left out of the first list."""
    read: list[ReadFile] = []
    problems: list[Problem] = []
    for file in files:
        try:
            source = read_yaml(file)
        except PackError as error:
            problems += error.problems
            continue
        try:
            read.append(ReadFile(source, PackFile.model_validate(source.data or {})))
        except ValidationError as error:
            problems += [_plain(source, dict(detail)) for detail in error.errors()]
    return read, problems


def _plain(source: YamlSource, detail: dict[str, object]) -> Problem:
    path = detail["loc"]
    assert isinstance(path, tuple)
    kind = str(detail["type"])
    name = next((str(step) for step in reversed(path) if isinstance(step, str)), "the file")
    if name == "[key]":
        name = str(detail["input"])
    if kind == "string_pattern_mismatch":
        why = f"“{detail['input']}” is not written as it must be here"
        if name == "id" or "[key]" in path:
            why = f"“{detail['input']}” must be small letters, digits and _, parted by dots"
    elif kind == "literal_error":
        why = f"“{detail['input']}” is not one of {detail['ctx']['expected']}"  # type: ignore[index]
    else:
        why = _PLAIN.get(kind, str(detail["msg"]))
    keyed = kind in ("extra_forbidden", "missing") or "[key]" in path
    return source.problem([step for step in path if step != "[key]"], f"“{name}”: {why}", key=keyed)


def intents_of(read: ReadFile) -> Iterator[tuple[tuple[str | int, ...], Intent]]:
    """Yield every intent of a file with its path in it."""
    for section in _SECTIONS:
        for number, intent in enumerate(getattr(read.content, section)):
            yield (section, number), intent


def check(read: Sequence[ReadFile], whole: bool, folder: Path) -> list[Problem]:
    """Return the problems between sections; ``whole`` when every file could be read."""
    problems = [*_twice(read), *_phrases(read), *_prompts(read)]
    for one in read:
        problems += _thresholds(one)
    if whole:  # what is missing can only be told when every file could be read
        problems += [*_references(read), *_required(read, folder)]
    return problems


def _twice(read: Sequence[ReadFile]) -> Iterator[Problem]:
    """Names given two times."""
    seen: dict[tuple[str, str], Problem] = {}

    def twice(one: ReadFile, sort: str, id: str, path: tuple[str | int, ...]) -> Iterator[Problem]:
        here = one.source.problem(path, "", key=sort == "prompt")
        first = seen.setdefault((sort, id), here)
        if first is not here:
            yield one.source.problem(
                path,
                f"{sort} “{id}” is already there: {first.file.name}, line {first.line}",
                key=sort == "prompt",
            )

    for one in read:
        for path, intent in intents_of(one):
            yield from twice(one, "intent", intent.id, (*path, "id"))
        for number, unit in enumerate(one.content.units):
            yield from twice(one, "unit", unit.id, ("units", number, "id"))
        for number, group in enumerate(one.content.groups):
            yield from twice(one, "group", group.id, ("groups", number, "id"))
        for id in one.content.prompts:
            yield from twice(one, "prompt", id, ("prompts", id))
        if one.content.pack:
            yield from twice(one, "section", "pack", ("pack",))


def _phrases(read: Sequence[ReadFile]) -> Iterator[Problem]:
    """Templates that are not well-formed, and phrases that belong to two intents."""
    owner: dict[str, tuple[str, str]] = {}
    for one in read:
        for path, intent in intents_of(one):
            lists = [
                name for name in ("phrases", "words", "by_sound", "unless") if hasattr(intent, name)
            ]
            for name in lists:
                for number, phrase in enumerate(getattr(intent, name)):
                    at = (*path, name, number)
                    try:
                        template = parse(phrase)
                        if name in ("phrases", "by_sound") and "…" in phrase:
                            raise TemplateError(f"“…” may not stand in {name}", phrase.index("…"))
                    except TemplateError as error:
                        yield one.source.problem(at, f"“{phrase}”: {error}", offset=error.column)
                        continue
                    if name != "phrases":
                        continue
                    where = f"{one.source.file.name}, line {one.source.problem(at, '').line}"
                    for text in template.expand():
                        plain = normalise(text)
                        if not plain:
                            yield one.source.problem(at, f"“{phrase}” can say nothing at all")
                            break
                        other, place = owner.setdefault(plain, (intent.id, where))
                        if other != intent.id:
                            yield one.source.problem(
                                at, f"“{text}” already belongs to “{other}” ({place})"
                            )
                            break
            if not any(getattr(intent, name) for name in ("phrases", "words") if name in lists):
                yield one.source.problem(path, f"“{intent.id}” has neither phrases nor words")


def _prompts(read: Sequence[ReadFile]) -> Iterator[Problem]:
    """Placeholders that nobody fills in."""
    for one in read:
        for id, text in one.content.prompts.items():
            try:
                unknown = placeholders(text) - PLACEHOLDERS
            except ValueError as error:
                yield one.source.problem(("prompts", id), f"“{id}”: {error}")
                continue
            for name in sorted(unknown):
                known = ", ".join(sorted(PLACEHOLDERS))
                yield one.source.problem(
                    ("prompts", id), f"“{{{name}}}” is not a placeholder; there are: {known}"
                )


def _thresholds(one: ReadFile) -> Iterator[Problem]:
    meta: Meta | None = one.content.pack
    if meta and meta.thresholds.clarify >= meta.thresholds.accept:
        yield one.source.problem(
            ("pack", "thresholds", "clarify"), "“clarify” must be below “accept”"
        )


def _references(read: Sequence[ReadFile]) -> Iterator[Problem]:
    """Groups, units, categories and prompts that are named but not there."""
    units = {unit.id for one in read for unit in one.content.units}
    groups = {group.id for one in read for group in one.content.groups}
    categories = {intent.id for one in read for intent in one.content.categories}
    prompts = {id for one in read for id in one.content.prompts}
    for one in read:
        for path, intent in intents_of(one):
            if isinstance(intent, Category) and intent.unit not in units:
                yield one.source.problem((*path, "unit"), f"there is no unit “{intent.unit}”")
            if isinstance(intent, Category | Faq) and groups and intent.group not in groups:
                yield one.source.problem((*path, "group"), f"there is no group “{intent.group}”")
            if isinstance(intent, Faq) and intent.category and intent.category not in categories:
                yield one.source.problem(
                    (*path, "category"), f"there is no category “{intent.category}”"
                )
            if isinstance(intent, Emergency | SmallTalk) and intent.prompt not in prompts:
                yield one.source.problem((*path, "prompt"), f"there is no prompt “{intent.prompt}”")
            if isinstance(intent, Faq) and not normalise(intent.answer):
                yield one.source.problem((*path, "answer"), "“answer”: holds no words")
        for number, line in enumerate(one.content.pack.lines if one.content.pack else ()):
            if line.greeting not in prompts:
                yield one.source.problem(
                    ("pack", "lines", number, "greeting"), f"there is no prompt “{line.greeting}”"
                )


def _required(read: Sequence[ReadFile], folder: Path) -> Iterator[Problem]:
    """What every pack must have."""
    if not any(one.content.pack for one in read):
        yield Problem(folder / "pack.yaml", 1, 1, "no file has a “pack” section")
    prompts = {id for one in read for id in one.content.prompts}
    home = next((one.source for one in read if one.content.prompts), read[0].source)
    for id in REQUIRED_PROMPTS:
        if id not in prompts:
            yield home.problem(("prompts",), f"prompt “{id}” is missing", key=True)
