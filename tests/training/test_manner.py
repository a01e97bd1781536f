"""An agent's manner, heard in their own words, right or misheard."""

from __future__ import annotations

import pytest

from bot.training.manner import heard_manners, shows, sounds_in
from bot.training.types import Said
from bot.understanding.scenarios import Coaching, MannerName, Scenario


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("greeting", "您好，市民热线，请讲"),
        ("greeting", "你好很高兴为您服务"),
        ("calming", "您先别着急，慢慢说"),
        ("calming", "您的心情我非常理解"),
        ("calming", "实在抱歉，让您久等了"),
        ("read_back", "我跟您核对一下，是花家地北里，对吗"),
        ("read_back", "您反映的是停水"),
        ("farewell", "感谢您的来电，再见"),
        ("farewell", "祝您生活愉快"),
    ],
)
def test_usual_words_are_known(coaching: Coaching, name: MannerName, text: str) -> None:
    assert shows(coaching.manners[name], text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("greeting", "什么事"),
        ("calming", "你急什么，别吵"),
        ("calming", "请问您在哪里"),
        ("read_back", "您住在哪里"),
        ("farewell", "行，就这样"),
    ],
)
def test_other_words_are_not_taken_for_them(
    coaching: Coaching, name: MannerName, text: str
) -> None:
    assert not shows(coaching.manners[name], text)


def test_a_recognisers_other_characters_count_by_their_sound(coaching: Coaching) -> None:
    assert shows(coaching.manners["calming"], "您的新晴我里解")
    assert shows(coaching.manners["farewell"], "赶谢您的来店")


def test_short_words_must_sound_right_altogether() -> None:
    assert sounds_in("再见", "好的在建")
    assert not sounds_in("再见", "再打")
    assert not sounds_in("您反映的是", "嗯")


def said(*turns: tuple[str, str]) -> list[Said]:
    return [Said(who, text, float(at)) for at, (who, text) in enumerate(turns)]


def test_a_greeting_counts_at_the_beginning_and_a_farewell_at_the_end(
    coaching: Coaching, no_water: Scenario
) -> None:
    talk = said(
        ("agent", "再见"),
        ("citizen", "没水了"),
        ("agent", "在哪里"),
        ("agent", "几点停的"),
        ("agent", "您好"),
    )
    found = heard_manners(coaching, no_water, talk)
    assert (found["greeting"], found["farewell"]) == (False, False)


def test_calming_before_the_citizen_spoke_calms_nobody(
    coaching: Coaching, angry_scenario: Scenario
) -> None:
    early = said(("agent", "您好，别着急"), ("citizen", "你们管不管"), ("agent", "在哪里"))
    late = [*early, Said("agent", "您别生气", 9.0)]
    assert not heard_manners(coaching, angry_scenario, early)["calming"]
    assert heard_manners(coaching, angry_scenario, late)["calming"]


@pytest.fixture
def angry_scenario(scenarios: dict[str, Scenario]) -> Scenario:
    return scenarios["streets.sewage"]
