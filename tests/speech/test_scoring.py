"""Errors of a recogniser: characters, syllables, keywords."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.speech.audio import samples
from bot.speech.citizen import with_loss
from bot.speech.scoring import Tally, errors, plain, said_keywords

chinese = st.text("公积金怎么提取停水了吗", max_size=12)


def test_what_was_heard_right_has_no_errors() -> None:
    tally = Tally()
    tally.add("公积金，怎么提取？", "公积金怎么提取", ["公积金"])
    assert (tally.cer, tally.pinyin_error, tally.recall) == (0.0, 0.0, 1.0)


def test_the_right_sound_in_wrong_characters_is_an_error_of_writing_only() -> None:
    tally = Tally()
    tally.add("停水", "亭睡", ["停水"])
    assert (tally.cer, tally.pinyin_error) == (1.0, 0.0)
    assert (tally.recall, tally.recall_by_sound) == (0.0, 1.0)


def test_rates_are_over_all_characters_not_over_clips() -> None:
    tally = Tally()
    tally.add("停", "")
    tally.add("公积金怎么提取吗", "公积金怎么提取吗", audio_seconds=2.0, decode_seconds=0.5)
    assert tally.cer == pytest.approx(1 / 9)
    assert tally.real_time_factor == 0.25
    assert tally.as_dict()["clips"] == 2


def test_only_keywords_that_were_said_count_and_the_longest_of_those_that_overlap() -> None:
    assert said_keywords("公积金提取和停水", ["公积金", "公积金提取", "停电", "停水", ""]) == [
        "公积金提取",
        "停水",
    ]


def test_nothing_said_and_nothing_heard_is_no_division_by_zero() -> None:
    assert Tally().as_dict()["cer"] == 0.0


@given(chinese, chinese)
def test_errors_are_a_distance(one: str, other: str) -> None:
    assert errors(one, other) == errors(other, one)
    assert (errors(one, other) == 0) is (one == other)
    assert plain(plain(one)) == plain(one)


@given(st.floats(0.0, 0.3), st.integers(1, 50))
def test_about_as_many_packets_are_lost_as_were_asked_for(share: float, seed: int) -> None:
    pcm = bytes(range(1, 201)) * 3200  # 1000 packets, none like the one before it
    after = with_loss(pcm, share, seed)
    assert len(after) == len(pcm)
    before, now = (samples(one).reshape(-1, 160) for one in (pcm, after))
    lost = (before != now).any(axis=1).mean()
    assert lost == pytest.approx(share, abs=0.08)
