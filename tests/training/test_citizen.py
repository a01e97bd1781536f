"""How a synthetic citizen answers, whatever the trainee says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.training.citizen import Citizen, Mind
from bot.understanding.pack import Pack
from bot.understanding.scenarios import Coaching, Scenario

HELLO = "您好，12345，请讲"


def citizen(pack: Pack, coaching: Coaching, scenario: Scenario) -> Citizen:
    return Citizen(scenario, coaching, pack.gazetteer)


def talk(one: Citizen, *words: str) -> tuple[Mind, str]:
    mind, said = one.begin(), ""
    for text in words:
        mind, reply = one.hear(mind, text)
        said = reply.text
    return mind, said


def test_they_say_why_they_call_after_the_first_words(
    pack: Pack, coaching: Coaching, no_water: Scenario
) -> None:
    assert talk(citizen(pack, coaching, no_water), HELLO)[1] == no_water.opening


@pytest.mark.parametrize("words", ["嗯，好的", "您好，请问有什么可以帮您"])
def test_a_nod_and_a_late_greeting_are_left_alone(
    pack: Pack, coaching: Coaching, no_water: Scenario, words: str
) -> None:
    assert talk(citizen(pack, coaching, no_water), "喂", words)[1] == ""


def test_they_tell_what_they_are_asked_for(
    pack: Pack, coaching: Coaching, no_water: Scenario
) -> None:
    one = citizen(pack, coaching, no_water)
    _, said = talk(one, HELLO, "请问您家的地址在哪里，什么时候停的水？")
    assert said == no_water.says["place"] + no_water.says["time"]


def test_an_angry_one_tells_nothing_before_they_are_calmed(angry: Citizen) -> None:
    says = angry.scenario.says
    mind, said = talk(angry, HELLO, "地址在哪里")
    assert says["place"] not in said
    mind, reply = angry.hear(mind, "您别着急，您的心情我理解，请问是在什么地方？")
    assert reply.text == angry.temper.calmed + says["place"]
    assert mind.calm


def test_they_confirm_what_is_read_back(pack: Pack, coaching: Coaching, no_water: Scenario) -> None:
    one = citizen(pack, coaching, no_water)
    words = "我跟您核对一下，地址是望京街道花家地北里12号楼，电话13800010001，对吗"
    assert talk(one, HELLO, words)[1] == no_water.confirms


def test_a_place_that_is_read_back_wrong_is_put_right(
    pack: Pack, coaching: Coaching, no_water: Scenario
) -> None:
    one = citizen(pack, coaching, no_water)
    _, said = talk(one, HELLO, "我跟您核对一下，海淀区清河街道毛纺南小区3号楼，对吗")
    assert said == no_water.wrong_read_back + no_water.says["place"]


def test_they_hang_up_at_good_bye(pack: Pack, coaching: Coaching, no_water: Scenario) -> None:
    one = citizen(pack, coaching, no_water)
    mind, _ = talk(one, HELLO)
    mind, reply = one.hear(mind, "好的，感谢您的来电，再见")
    assert (reply.text, reply.hang_up, mind.over) == (no_water.goodbye, True, True)


def test_silence_is_asked_about_and_then_they_give_up(
    pack: Pack, coaching: Coaching, no_water: Scenario
) -> None:
    one = citizen(pack, coaching, no_water)
    mind, reply = one.wait(one.begin())
    assert reply.text == no_water.opening  # nobody greeted them
    for words in one.temper.waiting:
        mind, reply = one.wait(mind)
        assert (reply.text, reply.hang_up) == (words, False)
    mind, reply = one.wait(mind)
    assert reply.hang_up
    assert mind.over


@settings(max_examples=60, deadline=None)
@given(
    words=st.lists(
        st.one_of(
            st.text(max_size=30),
            st.sampled_from(["在哪里", "您别生气", "对吗", "再见", "电话多少", "朝阳区对吗", ""]),
        ),
        max_size=8,
    ),
    number=st.integers(0, 23),
)
def test_every_answer_is_from_the_script_and_nothing_follows_the_end(
    pack: Pack, coaching: Coaching, words: list[str], number: int
) -> None:
    one = citizen(pack, coaching, pack.scenarios[number])
    mind = one.begin()
    for text in words:
        over = mind.over
        mind, reply = one.hear(mind, text)
        rest = reply.text
        for piece in sorted(one.lines, key=len, reverse=True):
            rest = rest.replace(piece, "")
        assert rest == ""
        assert not (over and reply.text)
