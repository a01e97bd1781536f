"""What can be wrong with a pack's training: names that are not there, facts that nobody tells.

Leaves to others: what the sections look like (``scenarios.py``), and all other checks
(``checks.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.understanding.checks import ReadFile, Steps, intents_of
from bot.understanding.scenarios import Coaching, Scenario
from bot.understanding.schema import Category, Emergency, Faq
from bot.understanding.template import TemplateError, parse
from bot.understanding.yaml_source import Problem


def check_training(read: Sequence[ReadFile]) -> Iterator[Problem]:
    """Yield the problems; every file of the pack must be in ``read``."""
    coaching = next((one.content.coaching for one in read if one.content.coaching), None)
    intents = {
        intent.id
        for one in read
        for _, intent in intents_of(one)
        if isinstance(intent, Category | Faq | Emergency)
    }
    units = {unit.id for one in read for unit in one.content.units}
    for one in read:
        if one.content.coaching:
            yield from _coaching(one, one.content.coaching)
        for number, scenario in enumerate(one.content.scenarios):
            at: Steps = ("scenarios", number)
            if coaching is None:
                yield one.source.problem(at, "scenarios need a section “coaching”")
                return
            yield from _scenario(one, at, scenario, coaching, intents, units)


def _coaching(one: ReadFile, coaching: Coaching) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, temper in enumerate(coaching.tempers):
        if temper.id in seen:
            twice: Steps = ("coaching", "tempers", number, "id")
            yield one.source.problem(twice, f"temper “{temper.id}” is already there")
        seen.add(temper.id)
    lists: dict[Steps, tuple[str, ...]] = {
        ("coaching", "questions", name): phrases for name, phrases in coaching.questions.items()
    }
    for name, manner in coaching.manners.items():
        lists["coaching", "manners", name, "phrases"] = manner.phrases
        lists["coaching", "manners", name, "by_sound"] = manner.by_sound
    for path, phrases in lists.items():
        for number, phrase in enumerate(phrases):
            try:
                parse(phrase)
            except TemplateError as error:
                at = (*path, number)
                yield one.source.problem(at, f"“{phrase}”: {error}", offset=error.column)


def _scenario(
    one: ReadFile,
    at: Steps,
    scenario: Scenario,
    coaching: Coaching,
    intents: set[str],
    units: set[str],
) -> Iterator[Problem]:
    expect = scenario.expect
    if scenario.temper not in {temper.id for temper in coaching.tempers}:
        yield one.source.problem((*at, "temper"), f"there is no temper “{scenario.temper}”")
    if expect.intent not in intents:
        why = f"there is no category, question or emergency “{expect.intent}”"
        yield one.source.problem((*at, "expect", "intent"), why)
    if expect.unit and expect.unit not in units:
        yield one.source.problem((*at, "expect", "unit"), f"there is no unit “{expect.unit}”")
    for fact in ("place", "time", "phone"):
        if getattr(expect, fact) and fact not in scenario.says:
            why = f"“{fact}” is expected, but “says” has nothing to tell it with"
            yield one.source.problem((*at, "expect", fact), why)
