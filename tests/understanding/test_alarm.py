"""Emergencies known by likeness, where no word spells them."""

from __future__ import annotations

from pathlib import Path

import pytest
from understanding.worlds import small_world

from bot.understanding import alarm
from bot.understanding.alarm import Alarm, examples, learn_alarm
from bot.understanding.lexicon import Lexicon
from bot.understanding.match import Understander
from bot.understanding.pack import Pack
from bot.understanding.sentences import meanings_for

WORLD = """
units: [{id: unit, name: 单位}]
categories:
  - {id: lamp, title: 路灯, unit: unit, opening: 好, phrases: [路灯不亮了, 路灯坏了, 灯一闪一闪]}
  - {id: smoke, title: 油烟, unit: unit, opening: 好, phrases: [饭店油烟太大, 油烟呛人]}
emergencies:
  - id: emergency.119
    title: 火警
    number: "119"
    prompt: emergency_119
    phrases: [屋里全是浓烟出不去了, 火苗从窗户窜出来了, 房子烧起来了人还在里面, 厨房烧着了快来]
    words: [着火了]
    unless: [没…着火了]
  - id: emergency.120
    title: 急救
    number: "120"
    prompt: emergency_120
    phrases: [老人倒在地上没有呼吸, 他胸口疼得直冒汗, 孩子抽搐口吐白沫, 有人昏过去叫不醒]
    words: [救护车]
harmless: [火锅店生意真火, 急得我嗓子冒烟]
background: [今天天气不错, 给我唱首歌, 晚上吃什么好]
"""


@pytest.fixture
def world(tmp_path: Path) -> Pack:
    return small_world(tmp_path, WORLD)


def learnt(pack: Pack, cache: Path | None = None) -> Alarm:
    lexicon = Lexicon.of(pack)
    found = learn_alarm(list(examples(pack)), lexicon, meanings_for(lexicon, None), cache)
    assert found is not None
    return found


def likeness(pack: Pack, text: str) -> tuple[str, float]:
    return look(learnt(pack), Lexicon.of(pack), text)


def look(alarm: Alarm, lexicon: Lexicon, text: str) -> tuple[str, float]:
    reading = lexicon.read(text)
    return alarm.look(reading, meanings_for(lexicon, None).of(reading))


@pytest.mark.parametrize(
    ("said", "meant"),
    [("窗户里窜出来好大的火苗", "emergency.119"), ("老人躺地上没呼吸了", "emergency.120")],
)
def test_a_cry_in_other_words_is_known_by_its_likeness(world: Pack, said: str, meant: str) -> None:
    name, value = likeness(world, said)
    assert name == meant
    assert value >= alarm.ASK


def test_ordinary_trouble_is_not_like_a_cry_for_help(world: Pack) -> None:
    assert likeness(world, "这里的路灯坏了好几天")[1] < alarm.SURE
    assert likeness(world, "今天的火锅店生意真火")[1] < alarm.SURE


def test_a_likeness_that_is_high_is_an_emergency(world: Pack) -> None:
    result = Understander(world, cache=None).understand("火苗从窗户窜出来了快")
    assert result.emergency == "emergency.119"
    assert "求救" in result.candidates[0].reasons[0]


def test_what_editors_call_a_look_alike_is_never_alarming(world: Pack) -> None:
    result = Understander(world, cache=None).understand("屋里全是浓烟但是没有着火了")
    assert result.emergency is None


def test_what_was_learnt_is_kept_and_taken_again(world: Pack, tmp_path: Path) -> None:
    lexicon, cache = Lexicon.of(world), tmp_path / "cache"
    first = look(learnt(world, cache), lexicon, "厨房里烧着了")
    assert len(list(cache.glob("*.npz"))) == 1
    assert look(learnt(world, cache), lexicon, "厨房里烧着了") == pytest.approx(first)


def test_a_pack_without_emergencies_learns_nothing(world: Pack) -> None:
    known = [one for one in examples(world) if one[0] == alarm.NONE]
    lexicon = Lexicon.of(world)
    assert learn_alarm(known, lexicon, meanings_for(lexicon, None)) is None
