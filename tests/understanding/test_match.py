from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from understanding.worlds import small_world

from bot.understanding.match import Understander
from bot.understanding.types import IntentKind

WORLD = """
units: [{id: works, name: 公用}]
categories:
  - {id: water.outage, title: 停水, unit: works, opening: 好。, phrases: [我家停水了, 水管没水]}
  - {id: power.outage, title: 停电, unit: works, opening: 好。, phrases: [我家停电了, 没有电]}
  - {id: fire.hazard, title: 隐患, unit: works, opening: 好。, phrases: [消防通道被占用了]}
emergencies:
  - id: emergency.119
    title: 火警
    number: "119"
    prompt: emergency_119
    words: [着火, (燃气|煤气)…漏]
    by_sound: [着火了]
    unless: [昨天…着火, 着火车]
commands:
  - {id: command.agent, title: 转人工, phrases: [人工], words: [转人工], unless: [转人工智能]}
  - {id: command.yes, title: 是, phrases: [是的, 对]}
synonyms: {停水: [断水]}
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Understander:
    return Understander(small_world(tmp_path_factory.mktemp("world"), WORLD))


def best(understander: Understander, said: str) -> str:
    found = understander.understand(said).best
    return found.intent if found else "-"


def test_a_phrase_means_its_intent_and_says_why(small: Understander) -> None:
    found = small.understand("我家停水了").best
    assert found is not None
    assert (found.intent, found.kind, found.title) == ("water.outage", IntentKind.CATEGORY, "停水")
    assert found.confidence > 0.9
    assert any("我家停水了" in reason for reason in found.reasons)


def test_words_of_the_same_sound_mean_the_same(small: Understander) -> None:
    assert best(small, "我家挺水了") == "water.outage"


def test_a_synonym_means_the_same(small: Understander) -> None:
    assert best(small, "断水") == "water.outage"


def test_an_emergency_wins_over_everything_else_said(small: Understander) -> None:
    result = small.understand("我家停电了转人工快点着火了")
    assert result.emergency == "emergency.119"
    assert result.best is not None
    assert result.best.intent == "emergency.119"


def test_an_emergency_is_recognised_by_sound(small: Understander) -> None:
    result = small.understand("快点我家找火了")
    assert result.emergency == "emergency.119"
    assert result.best is not None
    assert "听起来像" in result.best.reasons[0]


def test_words_with_others_between_them_are_found(small: Understander) -> None:
    assert small.understand("煤气好像在漏").emergency == "emergency.119"


def test_a_look_alike_is_no_emergency(small: Understander) -> None:
    assert small.understand("昨天有栋楼着火").emergency is None
    assert small.understand("坐着火车").emergency is None
    assert small.understand("消防通道被占用了").emergency is None


def test_a_look_alike_does_not_hide_a_real_emergency(small: Understander) -> None:
    assert small.understand("昨天那边着火今天我家又着火了").emergency == "emergency.119"


def test_a_request_for_a_person_wins_over_a_question(small: Understander) -> None:
    assert best(small, "我家停电了你给我转人工吧") == "command.agent"
    assert best(small, "转人工智能") != "command.agent"


def test_a_command_must_be_the_whole_utterance(small: Understander) -> None:
    assert best(small, "是的") == "command.yes"
    assert best(small, "对面的人是的确很吵") != "command.yes"


def test_another_reading_of_the_recogniser_helps(small: Understander) -> None:
    alone = small.understand("我夹停嘴乐")
    helped = small.understand("我夹停嘴乐", alternatives=["我家停水了"])
    assert helped.best is not None
    assert helped.best.intent == "water.outage"
    assert alone.best is None or helped.best.confidence > alone.best.confidence
    assert any("识别备选" in reason for reason in helped.best.reasons)


def test_the_recogniser_s_certainty_is_passed_on(small: Understander) -> None:
    assert small.understand("停水", speech_confidence=0.4).speech_confidence == 0.4


@pytest.mark.parametrize("said", ["", "   ", "🙂", "\x00\x1b", "？！"])
def test_nothing_said_means_nothing(small: Understander, said: str) -> None:
    assert small.understand(said).candidates == ()


@settings(deadline=None)
@given(st.text())
def test_any_text_is_read_with_confidence_between_0_and_1(small: Understander, said: str) -> None:
    result = small.understand(said, alternatives=[said[::-1]])
    assert all(0 <= one.confidence <= 1 for one in result.candidates)


def test_two_packs_in_one_process_do_not_share_words(tmp_path: Path, small: Understander) -> None:
    (tmp_path / "other").mkdir()
    world = WORLD.replace("synonyms: {停水: [断水]}", "words: [我家停水]")
    Understander(small_world(tmp_path / "other", world))
    assert best(small, "断水") == "water.outage"
    assert "停水" in small._lexicon.read("我家停水了").words


def test_a_pack_without_questions_still_understands_commands(tmp_path: Path) -> None:
    world = WORLD[WORLD.index("commands") : WORLD.index("synonyms")]
    assert best(Understander(small_world(tmp_path, world)), "转人工") == "command.agent"
