"""What is not wrong with a pack, but should be looked at: its own tests, reviews, groups.

A pack with such findings works, and a live line may load it; ``hotline grammar check`` prints
them as warnings. Leaves to others: what keeps a pack from working (``checks.py``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.understanding.checks import ReadFile, intents_of
from bot.understanding.match import Understander
from bot.understanding.pack import Loaded
from bot.understanding.schema import Category, Faq
from bot.understanding.types import Candidate
from bot.understanding.yaml_source import Problem


@dataclass(frozen=True, slots=True)
class Proof:
    """One of the pack's tests, and what it came out as."""

    intent: str
    said: str
    best: Candidate | None
    accepted: bool
    """Sure enough to be acted upon without asking."""
    problem: Problem | None
    """Why it did not come out as its intent; None when it did."""

    @property
    def right(self) -> bool:
        """Whether the first candidate is the intent."""
        return self.problem is None


def prove(loaded: Loaded, understander: Understander) -> Iterator[Proof]:
    """Ask the pack every intent's ``tests``, in the order of the files."""
    accept = loaded.pack.thresholds.accept
    for one in loaded.files:
        for path, intent in intents_of(one):
            for number, said in enumerate(intent.tests):
                best = understander.understand(said).best
                problem = None
                if best is None or best.intent != intent.id:
                    got = f"“{best.intent}” ({best.confidence:.2f})" if best else "nothing"
                    why = f"“{said}” comes out as {got}, not as “{intent.id}”"
                    problem = one.source.problem((*path, "tests", number), why)
                sure = best is not None and best.confidence >= accept
                yield Proof(intent.id, said, best, sure, problem)


def overdue(loaded: Loaded, today: dt.date) -> Iterator[Problem]:
    """Answers that were to be looked at again by ``today`` and have not been."""
    days = loaded.pack.meta.review_days
    for one in loaded.files:
        for path, intent in intents_of(one):
            if isinstance(intent, Faq) and (due := intent.reviewed + dt.timedelta(days)) < today:
                why = f"“{intent.id}” was due for review on {due} ({(today - due).days} days ago)"
                yield one.source.problem((*path, "reviewed"), why)


def groups(files: Sequence[ReadFile]) -> Iterator[Problem]:
    """Groups that are named but not there, and groups that nothing is in."""
    used: set[str] = set()
    known = {group.id for one in files for group in one.content.groups}
    if not known:
        return
    for one in files:
        for path, intent in intents_of(one):
            if not isinstance(intent, Faq | Category):
                continue
            used.add(intent.group)
            if intent.group not in known:
                why = f"“{intent.id}” is in no known group: there is no group “{intent.group}”"
                yield one.source.problem((*path, "group"), why)
    for one in files:
        for number, group in enumerate(one.content.groups):
            if group.id not in used:
                why = f"nothing is in the group “{group.id}”"
                yield one.source.problem(("groups", number, "id"), why)


def warnings(loaded: Loaded, understander: Understander, today: dt.date) -> list[Problem]:
    """Return everything that should be looked at, by file and line."""
    failed = [proof.problem for proof in prove(loaded, understander) if proof.problem]
    return sorted([*failed, *overdue(loaded, today), *groups(loaded.files)])
