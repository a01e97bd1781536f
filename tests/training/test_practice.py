"""A practice call from its beginning to its score, and every way in which it can end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from practice_world import World, eventually, make_world

from bot.agents.presence import AgentState
from bot.agents.types import EntryState, JoinResult, QueueEntry
from bot.practice import MISSED, MOST, TROUBLE
from bot.training.room import PracticeRefused, Stage
from bot.training.scoring import expected_of
from bot.training.types import Answer
from bot.understanding.pack import Pack
from bot.understanding.scenarios import Scenario


@pytest.fixture
def world(tmp_path: Path, redis_url: str, pack: Pack) -> Iterator[World]:
    made = make_world(tmp_path, redis_url, pack)
    yield made
    for phone in made.switch.phones_of:
        phone.state = "ended"
    eventually(lambda: not made.hall.queue.live())


def waiting(world: World, scenario: Scenario, trainee: str = "lin") -> str:
    id = world.hall.begin(trainee, "8001", scenario)
    world.reaches(trainee, id, Stage.WAITING)
    return id


def talking(world: World, scenario: Scenario) -> str:
    id = waiting(world, scenario)
    assert world.hall.claim("lin", id) is JoinResult.JOINED
    return id


def test_filing_and_hanging_up_brings_the_score_whichever_comes_first(
    world: World, no_water: Scenario, pack: Pack
) -> None:
    best = expected_of(no_water, pack)
    for filed_first in (True, False):
        id = talking(world, no_water)
        if filed_first:
            world.hall.file("lin", id, best)
            world.hall.hang_up("lin", id)
        else:
            world.hall.hang_up("lin", id)
            world.reaches("lin", id, Stage.ENDED)
            world.hall.file("lin", id, best)
        view = world.reaches("lin", id, Stage.SCORED)
        kept = world.records.get(view.result)
        assert kept is not None
        assert (kept.trainee, kept.scenario, kept.answer) == ("lin", no_water.id, best)
        assert world.hall.current("lin") is None


def test_the_citizen_waits_in_a_queue_of_their_own_and_the_trainee_is_on_duty_only_there(
    world: World, no_water: Scenario
) -> None:
    id = waiting(world, no_water)
    (entry,) = world.hall.queue.live()
    assert (entry.id, entry.caller, entry.state) == (id, no_water.caller, EntryState.WAITING)
    duty = world.hall.queue.presence.get("8001")
    assert duty is not None
    assert duty.state is AgentState.ON_DUTY
    assert world.real_queue.list() == []
    assert world.real_queue.presence.all() == []


def test_a_citizen_whom_nobody_answers_gives_up_and_that_counts(
    world: World, no_water: Scenario
) -> None:
    id = waiting(world, no_water)
    world.phone().state = "ended"
    view = world.reaches("lin", id, Stage.SCORED)
    assert view.trouble == MISSED
    kept = world.records.get(view.result)
    assert kept is not None
    assert (kept.total, kept.passed) == (0.0, False)


def test_a_telephone_that_does_not_answer_leaves_the_citizen_waiting(
    world: World, no_water: Scenario
) -> None:
    id = waiting(world, no_water)
    world.switch.answer = JoinResult.NO_ANSWER
    assert world.hall.claim("lin", id) is JoinResult.NO_ANSWER
    assert world.hall.view("lin", id).stage is Stage.WAITING
    world.switch.answer = JoinResult.JOINED
    assert world.hall.claim("lin", id) is JoinResult.JOINED


def test_a_trainee_whose_line_drops_may_still_file(
    world: World, no_water: Scenario, pack: Pack
) -> None:
    id = talking(world, no_water)
    entry = world.hall.queue.get(id)
    assert entry is not None
    world.hall.agent_gone(id, entry.leg, dropped=True)
    world.phone().state = "ended"  # as the dialplan does
    world.reaches("lin", id, Stage.ENDED)
    assert world.hall.queue.live() == []  # nobody waits for the next
    world.hall.file("lin", id, expected_of(no_water, pack))
    world.reaches("lin", id, Stage.SCORED)


def test_giving_up_keeps_nothing_and_frees_the_trainee(world: World, no_water: Scenario) -> None:
    for begin in (waiting, talking):
        id = begin(world, no_water)
        world.hall.give_up("lin", id)
        assert world.hall.view("lin", id).stage is Stage.FAILED
        eventually(lambda: not world.hall.queue.live())
    assert world.records.of_trainee("lin") == []


def test_a_phone_that_fails_ends_the_practice_with_what_to_do(
    world: World, no_water: Scenario
) -> None:
    world.phone_trouble[0] = "no route"
    id = world.hall.begin("lin", "8001", no_water)
    view = world.reaches("lin", id, Stage.FAILED)
    assert view.trouble == TROUBLE
    assert world.records.of_trainee("lin") == []


def test_nothing_is_filed_before_the_call_is_taken_nor_twice(
    world: World, no_water: Scenario
) -> None:
    id = waiting(world, no_water)
    with pytest.raises(PracticeRefused, match="先接听"):
        world.hall.file("lin", id, Answer())
    world.hall.claim("lin", id)
    world.hall.file("lin", id, Answer())
    with pytest.raises(PracticeRefused, match="已经提交"):
        world.hall.file("lin", id, Answer())


def test_a_practice_is_its_trainees_alone(world: World, no_water: Scenario) -> None:
    id = waiting(world, no_water)
    for move in (world.hall.view, world.hall.claim, world.hall.hang_up, world.hall.give_up):
        with pytest.raises(PracticeRefused):
            move("wu", id)


def test_there_is_one_practice_a_trainee_few_at_once_and_none_while_citizens_need_the_line(
    world: World, no_water: Scenario
) -> None:
    waiting(world, no_water)
    with pytest.raises(PracticeRefused, match="没有结束"):
        world.hall.begin("lin", "8001", no_water)
    for number in range(1, MOST):
        waiting(world, no_water, f"trainee{number}")
    with pytest.raises(PracticeRefused, match=f"已有{MOST}人"):
        world.hall.begin("wu", "8002", no_water)
    world.busy.set()
    with pytest.raises(PracticeRefused, match="来电较多"):
        world.hall.begin("wu", "8002", no_water)


def test_what_a_killed_line_left_behind_keeps_no_trainee_from_the_next_practice(
    world: World, no_water: Scenario
) -> None:
    world.hall.desk.escalate(QueueEntry("left", "PJSIP/left", "13800010001", "practice", "asked"))
    assert world.hall.queue.claim("8001", "left")
    world.hall.queue.join("left")
    talking(world, no_water)
    left = world.hall.queue.get("left")
    assert left is not None
    assert left.state is EntryState.DONE
