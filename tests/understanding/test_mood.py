from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from understanding.worlds import small_world

from bot.understanding.match import Understander
from bot.understanding.types import Care

WORLD = """
moods:
  - name: self_harm
    title: 有轻生风险
    care: person
    words: [活着…没意思, 跳楼]
    by_sound: [不想活了]
    unless: [跳楼价, 热…不想活了]
    prompt: calm
  - {name: anger, title: 情绪激动, care: offer, words: [(太|真)气人]}
  - {name: urgency, title: 着急, words: [快点来]}
prompts: {calm: 别着急}
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Understander:
    return Understander(small_world(tmp_path_factory.mktemp("moods"), WORLD))


def moods(understander: Understander, said: str) -> list[str]:
    return [mood.name for mood in understander.understand(said).moods]


def test_a_mood_names_the_words_it_was_heard_in_and_says_why(small: Understander) -> None:
    (mood,) = small.understand("你们真气人，太气人了").moods
    assert (mood.name, mood.care, mood.words) == ("anger", Care.OFFER, ("真气人", "太气人"))
    assert mood.reason == "情绪激动：听到“真气人”“太气人”"
    assert mood.prompt == ""


def test_words_of_the_same_sound_count(small: Understander) -> None:
    (mood,) = small.understand("我不响活了").moods
    assert (mood.name, mood.words, mood.prompt) == ("self_harm", ("不响活了",), "calm")


def test_a_look_alike_does_not_count_but_hides_nothing(small: Understander) -> None:
    assert moods(small, "跳楼价甩卖") == []
    assert moods(small, "热得不想活了") == []
    assert moods(small, "跳楼价甩卖，我要跳楼") == ["self_harm"]


def test_what_brings_most_comes_first(small: Understander) -> None:
    result = small.understand("快点来，真气人，我要跳楼")
    assert [mood.name for mood in result.moods] == ["self_harm", "anger", "urgency"]
    assert result.care is Care.PERSON
    assert small.understand("你好").care is Care.NONE


def test_a_mood_never_changes_what_was_meant(understander: Understander) -> None:
    calm = understander.understand("我家停水了").best
    angry = understander.understand("气死我了，我家停水了")
    assert calm is not None
    assert angry.best is not None
    assert angry.best.intent == calm.intent
    assert angry.moods


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("我真的不想活了", "self_harm"), ("活着没什么意思", "self_harm"),
        ("遗书我都写好了你们看着办，我写了一封遗书", "self_harm"), ("我死给你们看", "self_harm"),
        ("我要砍死他们", "threat"), ("逼急了我跟他们同归于尽", "threat"),
        ("气死我了", "anger"), ("你们什么破态度", "anger"), ("你们就是踢皮球", "anger"),
        ("我已经打了三次电话了", "repeat"), ("第三次反映这个事了", "repeat"),
        ("上次反映过还是没人处理", "repeat"), ("报修好几天一直没人来", "repeat"),
        ("赶紧派人来", "urgency"), ("快点处理吧", "urgency"), ("急死人了", "urgency"),
    ],
)  # fmt: skip
def test_the_shipped_pack_hears_moods(understander: Understander, said: str, name: str) -> None:
    assert name in moods(understander, said)


@pytest.mark.parametrize(
    "said",
    [
        "公积金怎么提取", "跳楼价大甩卖是不是骗人的", "想死你了", "天热得受不了了",
        "遇到骗子怎么办", "上次反映过已经解决了谢谢", "噪音吵得花都活不下去了",
        "废物回收站在哪", "怎么预防青少年自杀", "什么时候来修", "不着急慢慢来",
        "他说要打死我", "我妈的药过期了", "路灯坏了一直没人管",
        "坐电梯下来", "我想活动活动", "自杀干预热线是多少",
    ],
)  # fmt: skip
def test_the_shipped_pack_is_not_alarmed_by_ordinary_words(
    understander: Understander, said: str
) -> None:
    assert moods(understander, said) == []


@given(st.text())
def test_any_text_is_safe(small: Understander, said: str) -> None:
    assert isinstance(small.understand(said).care, Care)


def test_a_pack_may_have_no_moods(tmp_path: Path) -> None:
    assert Understander(small_world(tmp_path, "")).understand("我要跳楼").moods == ()
