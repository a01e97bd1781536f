"""The line's words in what was nearly heard: found by sound, never by chance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.speech.keywords import NEAR, Keywords, distance, sounds

LINE = Keywords(("公积金", "停水", "停电", "转人工", "社保", "社保卡", "ETC办理", "水"))


def readings(text: str) -> list[str]:
    return [one.text for one in LINE.proposals(text, 5)]


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("工积金怎么提取", "公积金怎么提取"),
        ("我家亭睡了", "我家停水了"),
        ("补办车保", "补办社保"),
        ("我家，听水了", "我家，停水了"),
    ],
)
def test_what_sounds_like_a_word_of_the_line_may_be_that_word(heard: str, meant: str) -> None:
    assert meant in readings(heard)


@pytest.mark.parametrize("heard", ["", "ABC", "今天天气真好", "停水", "我家停水了停"])
def test_what_does_not_or_already_is_one_stays(heard: str) -> None:
    assert "停水" not in "".join(readings(heard)).replace(heard, "")


def test_the_nearest_comes_first_and_no_more_come_than_wanted() -> None:
    found = LINE.proposals("我要社宝咖", 5)
    assert [one.distance for one in found] == sorted(one.distance for one in found)
    assert len(LINE.proposals("我要社宝咖", 1)) == 1


def test_words_are_not_put_across_marks() -> None:
    assert "停水" not in "".join(readings("停，睡"))


def test_confused_sounds_are_nearer_than_merely_different_ones() -> None:
    assert distance(sounds("牛"), sounds("流")) < distance(sounds("牛"), sounds("求"))
    assert distance(sounds("因"), sounds("英")) < distance(sounds("因"), sounds("央"))
    assert distance(sounds("停水"), sounds("挺睡")) == 0.0


@given(st.text("公工积鸡金进停挺水睡电店社射保宝，A1", max_size=12))
def test_a_proposal_changes_one_stretch_of_equal_length_and_nothing_else(text: str) -> None:
    for one in LINE.proposals(text, 5):
        assert len(one.text) == len(text)
        assert one.word in one.text
        assert one.distance <= NEAR
        assert sum(a != b for a, b in zip(one.text, text, strict=True)) <= len(one.word)
