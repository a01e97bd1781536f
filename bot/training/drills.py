"""Calls to be classified: scenarios, told by the synthetic citizen, and calls of real ones.

The reference of a scenario is its script; that of a real call is what the agent finally chose
(``corrections``). Numbers in a real caller's words are masked. Pure. Leaves to others: scoring.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.casework.desk_models import CorrectionRow
from bot.observe import mask_text
from bot.understanding.pack import Pack
from bot.understanding.scenarios import Expected, Scenario
from bot.understanding.schema import Category, Faq

#: What stands before the number of a real call in a drill's id.
RECORDED = "recorded.c"
#: Fewer characters say too little to be classified.
LEAST = 8
#: In this order a citizen tells their story.
ORDER = ("detail", "place", "time", "name")


@dataclass(frozen=True, slots=True)
class Drill:
    """One call to classify."""

    scenario: Scenario
    words: tuple[str, ...]
    """What the citizen says."""
    recorded: bool
    """A real citizen's words."""
    call: str = ""
    """Id of the real call, if it may be heard: one in which a number is said may only be read,
    for a sound cannot be masked."""

    @property
    def id(self) -> str:
        """As in addresses."""
        return self.scenario.id


def scripted(scenario: Scenario) -> Drill:
    """Return a scenario as a drill: everything the citizen has to say, in one go."""
    says = {str(name): text for name, text in scenario.says.items()}
    words = (scenario.opening, *(says[name] for name in ORDER if name in says))
    return Drill(scenario, words, recorded=False)


def recorded(row: CorrectionRow, pack: Pack) -> Drill | None:
    """Return a real call as a drill; None when it says too little or its kind is gone."""
    intent = next((one for one in pack.intents if one.id == row.chosen_intent), None)
    text = mask_text(row.text).strip()
    if len(text) < LEAST or not isinstance(intent, Category | Faq):
        return None
    unit = next((one.id for one in pack.units if one.name == row.chosen_unit), "")
    scenario = Scenario(
        id=f"{RECORDED}{row.id}",
        title="一通真实来电",
        level=2,
        temper=pack.coaching.tempers[0].id if pack.coaching else "plain",
        caller="000",
        opening=text,
        says={},
        expect=Expected(intent=intent.id, unit=unit),
        why=f"这是一通真实来电，当时的坐席最后选择了“{intent.title}”。",
    )
    masked = text != row.text.strip()
    return Drill(scenario, (text,), recorded=True, call="" if masked else row.call_id)


def drills_of(pack: Pack, rows: Iterable[CorrectionRow]) -> list[Drill]:
    """Return all drills: scenarios first, then real calls, each caller's words once."""
    found = [scripted(scenario) for scenario in pack.scenarios]
    seen: set[str] = set()
    for row in rows:
        drill = recorded(row, pack)
        if drill is not None and drill.words[0] not in seen:
            seen.add(drill.words[0])
            found.append(drill)
    return found
