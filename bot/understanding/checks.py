"""Everything that can be wrong with a pack, found at once, each with its place.

Written for the people who edit the files: a message says what is wrong in plain words and
where to put the cursor. Leaves to others: what one section looks like (``schema.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

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
    Prompt,
    SmallTalk,
    placeholders,
)
from bot.understanding.spoken_length import LIMIT, estimated_seconds
from bot.understanding.template import MAX_EXPANSIONS, TemplateError, parse
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


#: The way to a value in a file: names of fields and numbers of entries.
Steps = tuple[str | int, ...]


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
            problems += [
                _plain(source, dict(detail))
                for detail in error.errors()
                # A list that is too short only because its entries are wrong is no problem more.
                if not (detail["type"] == "too_short" and detail["input"])
            ]
    return read, problems


def _plain(source: YamlSource, detail: dict[str, object]) -> Problem:
    path = detail["loc"]
    assert isinstance(path, tuple)
    if path[:1] == ("prompts",) and path[2:3] == ("say",):
        # “say” may have been left out in the file.
        path = prompt_steps(source, path[1], path[3] if len(path) > 3 else 0)
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


def intents_of(read: ReadFile) -> Iterator[tuple[Steps, Intent]]:
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

    def twice(one: ReadFile, sort: str, id: str, path: Steps) -> Iterator[Problem]:
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
        for number, mood in enumerate(one.content.moods):
            yield from twice(one, "mood", mood.name, ("moods", number, "name"))
        if one.content.casework:
            yield from twice(one, "section", "casework", ("casework",))
        if one.content.region:
            yield from twice(one, "section", "region", ("region",))
        if one.content.coaching:
            yield from twice(one, "section", "coaching", ("coaching",))
        for number, scenario in enumerate(one.content.scenarios):
            yield from twice(one, "scenario", scenario.id, ("scenarios", number, "id"))
        for id in one.content.prompts:
            yield from twice(one, "prompt", id, ("prompts", id))
        if one.content.pack:
            yield from twice(one, "section", "pack", ("pack",))


def _phrases(read: Sequence[ReadFile]) -> Iterator[Problem]:
    """Templates that are not well-formed, and phrases and tests that have no one owner."""
    owners = Owners()
    for one in read:
        for path, intent in intents_of(one):
            yield from _intent_phrases(one, path, intent, owners)
        for section in ("calm", "urgent"):
            yield from _templates(one, (section,), getattr(one.content, section))
        for number, mood in enumerate(one.content.moods):
            for name in ("words", "by_sound", "unless"):
                yield from _templates(one, ("moods", number, name), getattr(mood, name))
    # Only now is every phrase known.
    for one in read:
        for id, texts in one.content.examples.items():
            yield from _examples(one, id, texts, owners)
    for one in read:
        for path, intent in intents_of(one):
            yield from _tests(one, path, intent, owners)


class Owner(NamedTuple):
    """An intent, with the place where it says something."""

    id: str
    file: ReadFile
    at: Steps

    @property
    def where(self) -> str:
        """The place in words; told only when it is asked for, since it takes a while to find."""
        line = self.file.source.problem(self.at, "").line
        return f"{self.file.source.file.name}, line {line}"


@dataclass(slots=True)
class Owners:
    """Who says what: a normalised text to the intent and the place where it stands."""

    phrases: dict[str, Owner] = field(default_factory=dict)
    examples: dict[str, Owner] = field(default_factory=dict)
    tests: dict[str, Owner] = field(default_factory=dict)


def _intent_phrases(
    one: ReadFile, path: Steps, intent: Intent, owners: Owners
) -> Iterator[Problem]:
    names = [name for name in ("words", "whole", "by_sound", "unless") if hasattr(intent, name)]
    for name in names:
        yield from _templates(one, (*path, name), getattr(intent, name))
    yield from _templates(one, (*path, "phrases"), intent.phrases, intent.id, owners)
    for number, follow_up in enumerate(intent.follow_ups if isinstance(intent, Faq) else ()):
        yield from _templates(one, (*path, "follow_ups", number, "phrases"), follow_up.phrases)
    if not any(getattr(intent, name) for name in ("phrases", *names[:2])):
        yield one.source.problem(path, f"“{intent.id}” has neither phrases nor words")


def _templates(
    one: ReadFile,
    path: Steps,
    phrases: Sequence[str],
    owner: str = "",
    owners: Owners | None = None,
) -> Iterator[Problem]:
    """Check a list of templates; with ``owners`` each thing said may have one owner only."""
    whole = path[-1] in ("phrases", "by_sound")
    for number, phrase in enumerate(phrases):
        at = (*path, number)
        try:
            template = parse(phrase, None if path[-1] == "whole" else MAX_EXPANSIONS)
            if whole and "…" in phrase:
                raise TemplateError(f"“…” may not stand in {path[-1]}", phrase.index("…"))
        except TemplateError as error:
            yield one.source.problem(at, f"“{phrase}”: {error}", offset=error.column)
            continue
        if not whole:
            continue
        for text in template.expand():
            plain = normalise(text)
            if not plain:
                yield one.source.problem(at, f"“{phrase}” can say nothing at all")
                break
            if owners is None:
                continue
            first = owners.phrases.setdefault(plain, Owner(owner, one, at))
            if first.id != owner:
                why = f"“{text}” already belongs to “{first.id}” ({first.where})"
                yield one.source.problem(at, why)
                break


def _examples(one: ReadFile, id: str, texts: Sequence[str], owners: Owners) -> Iterator[Problem]:
    """Examples that are there twice, that mean two things, or that say nothing."""
    for number, text in enumerate(texts):
        at = ("examples", id, number)
        plain = normalise(text)
        if not plain:
            yield one.source.problem(at, f"“{text}” says nothing at all")
            continue
        here = Owner(id, one, at)
        first = owners.examples.setdefault(plain, here)
        other = owners.phrases.get(plain, here)
        if first is not here:
            why = f"“{text}” is an example of “{first.id}” already ({first.where})"
            yield one.source.problem(at, why)
        elif other.id != id:
            why = f"“{text}” is a phrase of “{other.id}” ({other.where}), so no example of “{id}”"
            yield one.source.problem(at, why)


def _tests(one: ReadFile, path: Steps, intent: Intent, owners: Owners) -> Iterator[Problem]:
    """Tests that prove nothing: equal to what is learnt, or there twice, or no utterance."""
    for number, test in enumerate(intent.tests):
        at = (*path, "tests", number)
        signs = [test.index(sign) for sign in "[]()|…" if sign in test]
        if signs:
            why = f"“{test}”: a test is what somebody says, without “{test[min(signs)]}”"
            yield one.source.problem(at, why, offset=min(signs))
            continue
        plain = normalise(test)
        if not plain:
            yield one.source.problem(at, f"“{test}” says nothing at all")
        elif plain in owners.phrases:
            other = owners.phrases[plain]
            whose = "this intent" if other.id == intent.id else f"“{other.id}”"
            why = f"“{test}” is a phrase of {whose} ({other.where}); a test must be worded anew"
            yield one.source.problem(at, why)
        elif plain in owners.examples:
            other = owners.examples[plain]
            why = f"“{test}” is an example of “{other.id}” ({other.where}); word it anew"
            yield one.source.problem(at, why)
        else:
            here = Owner(intent.id, one, at)
            first = owners.tests.setdefault(plain, here)
            if first is not here:
                why = f"“{test}” is a test of “{first.id}” already ({first.where})"
                yield one.source.problem(at, why)


def _prompts(read: Sequence[ReadFile]) -> Iterator[Problem]:
    """Placeholders that nobody fills in, variants that differ in them, and texts too long."""
    for one in read:
        for id, prompt in one.content.prompts.items():
            yield from _prompt(one, id, prompt)


def _prompt(one: ReadFile, id: str, prompt: Prompt) -> Iterator[Problem]:
    first: set[str] | None = None
    for number, text in enumerate(prompt.say):
        at = prompt_steps(one.source, id, number)
        try:
            names = placeholders(text)
        except ValueError as error:
            yield one.source.problem(at, f"“{id}”: {error}")
            continue
        for name in sorted(names - PLACEHOLDERS):
            known = ", ".join(sorted(PLACEHOLDERS))
            yield one.source.problem(at, f"“{{{name}}}” is not a placeholder; there are: {known}")
        first = names if first is None else first
        if names != first:
            differ = ", ".join(f"{{{name}}}" for name in sorted(names ^ first))
            why = f"“{id}”: its variants must have the same placeholders; they differ in {differ}"
            yield one.source.problem(at, why)
        length = estimated_seconds(text)
        if length > LIMIT:
            why = f"“{id}” takes about {length:.0f} s to say; more than {LIMIT:.0f} s is too long"
            yield one.source.problem(at, f"{why} for the phone: shorten it or make it two")


def prompt_steps(source: YamlSource, id: str, variant: int) -> Steps:
    """Return the way to one variant of a prompt, whichever way the prompt is written."""
    section = source.data.get("prompts") if isinstance(source.data, dict) else None
    written = section.get(id) if isinstance(section, dict) else None
    steps: Steps = ("prompts", id)
    if isinstance(written, dict):
        steps, written = (*steps, "say"), written.get("say")
    return (*steps, variant) if isinstance(written, list) else steps


def _thresholds(one: ReadFile) -> Iterator[Problem]:
    meta: Meta | None = one.content.pack
    if meta and meta.thresholds.clarify >= meta.thresholds.accept:
        yield one.source.problem(
            ("pack", "thresholds", "clarify"), "“clarify” must be below “accept”"
        )


def _references(read: Sequence[ReadFile]) -> Iterator[Problem]:
    """Intents, units, categories and prompts that are named but not there."""
    units = {unit.id for one in read for unit in one.content.units}
    categories = {intent.id for one in read for intent in one.content.categories}
    intents = {intent.id for one in read for _, intent in intents_of(one)}
    prompts = {id for one in read for id in one.content.prompts}
    for one in read:
        for path, intent in intents_of(one):
            if isinstance(intent, Category) and intent.unit not in units:
                yield one.source.problem((*path, "unit"), f"there is no unit “{intent.unit}”")
            if isinstance(intent, Faq) and intent.category and intent.category not in categories:
                yield one.source.problem(
                    (*path, "category"), f"there is no category “{intent.category}”"
                )
            if isinstance(intent, Emergency | SmallTalk) and intent.prompt not in prompts:
                yield one.source.problem((*path, "prompt"), f"there is no prompt “{intent.prompt}”")
            if isinstance(intent, Faq) and not normalise(intent.answer):
                yield one.source.problem((*path, "answer"), "“answer”: holds no words")
        for id in one.content.examples:
            if id not in intents:
                yield one.source.problem(("examples", id), f"there is no intent “{id}”", key=True)
        yield from _dispatch(
            one, units, categories | {g.id for r in read for g in r.content.groups}
        )
        for name in one.content.casework.texting.instead if one.content.casework else ():
            if name not in prompts:
                steps = ("casework", "texting", "instead", name)
                why = f"there is no prompt “{name}”"
                yield one.source.problem(steps, why, key=True)
        for number, mood in enumerate(one.content.moods):
            if mood.prompt and mood.prompt not in prompts:
                at = ("moods", number, "prompt")
                yield one.source.problem(at, f"there is no prompt “{mood.prompt}”")
        for number, line in enumerate(one.content.pack.lines if one.content.pack else ()):
            if line.greeting not in prompts:
                yield one.source.problem(
                    ("pack", "lines", number, "greeting"), f"there is no prompt “{line.greeting}”"
                )


def _dispatch(one: ReadFile, units: set[str], subjects: set[str]) -> Iterator[Problem]:
    """Units and categories that the rules of dispatch name, and placeholders they fill in."""
    if one.content.casework is None:
        return
    at: Steps = ("casework", "dispatch")
    written = one.content.casework.dispatch
    for number, rule in enumerate(written.rules):
        here = (*at, "rules", number)
        if rule.to not in {"territory", "department", *units}:
            yield one.source.problem((*here, "to"), f"there is no unit “{rule.to}”")
        for name in set(rule.categories) - subjects - {"*"}:
            yield one.source.problem(
                (*here, "categories"), f"there is no category and no group “{name}”"
            )
    for section, names in (("offices", written.offices), ("units", written.units)):
        for id, name in names.items():
            if section == "units" and id not in units:
                yield one.source.problem((*at, section, id), f"there is no unit “{id}”")
            try:
                unknown = placeholders(name) - {"district", "street"}
            except ValueError as error:
                yield one.source.problem((*at, section, id), f"“{name}”: {error}")
                continue
            for wrong in sorted(unknown):
                why = f"“{{{wrong}}}” is not known here; there are: {{district}}, {{street}}"
                yield one.source.problem((*at, section, id), why)


def _required(read: Sequence[ReadFile], folder: Path) -> Iterator[Problem]:
    """What every pack must have."""
    if not any(one.content.pack for one in read):
        yield Problem(folder / "pack.yaml", 1, 1, "no file has a “pack” section")
    prompts = {id for one in read for id in one.content.prompts}
    home = next((one.source for one in read if one.content.prompts), read[0].source)
    for id in REQUIRED_PROMPTS:
        if id not in prompts:
            yield home.problem(("prompts",), f"prompt “{id}” is missing", key=True)
