"""What an editor is told when training does not fit the rest of the pack."""

from __future__ import annotations

from pathlib import Path

import pytest
from understanding.worlds import write_world

from bot.understanding.pack import PackError, load_pack

WORLD = """
units: [{id: water, name: 水务}]
categories:
  - {id: water.outage, title: 停水, unit: water, opening: 好。, phrases: [停水了]}
coaching:
  tempers: [{id: plain, title: 平和}]
  manners:
    greeting: {title: 问候, phrases: [您好], advice: 先问好。}
  questions:
    place: [(在哪|哪里)]
scenarios:
  - id: no_water
    title: 没水
    temper: plain
    caller: "13800010001"
    opening: 我家没水。
    says: {place: 望京}
    expect: {intent: water.outage, place: 望京}
    why: 是停水。
"""


def told(folder: Path, world: str) -> tuple[int, str]:
    write_world(folder, world)
    with pytest.raises(PackError) as caught:
        load_pack(folder)
    (problem,) = caught.value.problems
    return problem.line, problem.message


def test_scenarios_that_fit_are_loaded(tmp_path: Path) -> None:
    write_world(tmp_path, WORLD)
    pack = load_pack(tmp_path)
    assert [one.id for one in pack.scenarios] == ["no_water"]
    assert pack.coaching is not None


@pytest.mark.parametrize(
    ("old", "new", "at", "why"),
    [
        ("temper: plain", "temper: furious", "temper:", "there is no temper “furious”"),
        ("{intent: water.outage", "{intent: gone", "expect:", "no category, question or"),
        ("place: 望京}\n    why", "unit: fire}\n    why", "expect:", "no unit “fire”"),
        ("says: {place: 望京}", "says: {}", "expect:", "“says” has nothing to tell it with"),
        ("[(在哪|哪里)]", "[(在哪|哪里]", "place: [(", "“(在哪|哪里”"),
        ("temper: plain", "temper: plain\n    levl: 1", "levl:", "not a field known here"),
        ('"13800010001"', "小王", "caller:", "not written as it must be"),
        ("[{id: plain, title: 平和}]", "[]", "tempers:", "needs at least one entry"),
    ],
)
def test_each_mistake_is_told_at_its_line(
    tmp_path: Path, old: str, new: str, at: str, why: str
) -> None:
    assert old in WORLD
    world = WORLD.replace(old, new)
    line, message = told(tmp_path, world)
    assert why in message
    assert at in world.splitlines()[line - 1]


def test_scenarios_without_coaching_are_refused(tmp_path: Path) -> None:
    world = WORLD[: WORLD.index("coaching:")] + WORLD[WORLD.index("scenarios:") :]
    assert "need a section “coaching”" in told(tmp_path, world)[1]


def test_a_scenario_given_twice_is_refused(tmp_path: Path) -> None:
    world = WORLD + WORLD[WORLD.index("  - id: no_water") :]
    assert "scenario “no_water” is already there" in told(tmp_path, world)[1]
