"""How long a silence may be: what was asked, what was said, whether it was understood."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.speech.turns import (
    ANSWERED,
    GROUPED,
    HANGING,
    THOUGHTFUL,
    USUAL,
    WHOLE,
    Endings,
    Question,
    hangs,
    question,
    silence_needed,
)
from bot.understanding.pack import Pack
from bot.understanding.schema import expansions

YES_NO = ("是", "是的", "对", "不是", "没有")


@pytest.mark.parametrize(
    ("expect", "patience", "asked"),
    [
        ((), 6.0, Question.OPEN),
        (YES_NO, 6.0, Question.CHOICE),
        (("公积金提取", "公积金查询", "第一个", "第二个"), 6.0, Question.CHOICE),
        (("东城区", "西城区", "朝阳区"), 8.0, Question.STORY),
        (tuple(f"区{n}" for n in range(40)), 6.0, Question.OPEN),
        (tuple("零一二三四五六七八九"), 8.0, Question.DIGITS),
        (tuple("0123456789"), 6.0, Question.DIGITS),
    ],
)
def test_what_was_asked_is_told_by_what_is_expected(
    expect: tuple[str, ...], patience: float, asked: Question
) -> None:
    assert question(expect, patience) is asked


@pytest.mark.parametrize(
    "text",
    [
        "我家在",
        "我想问一下公积金的",
        "因为",
        "垃圾没人管，然后",
        "我",
        "那个",
        "嗯，",
        "你好我想问一下",
    ],
)
def test_words_that_want_others_after_them_hang_in_the_air(text: str) -> None:
    assert hangs(text)


@pytest.mark.parametrize("text", ["我家停水了", "公积金怎么提取", "转人工", "是的。", "好的好的"])
def test_a_sentence_that_can_stand_alone_does_not(text: str) -> None:
    # "是的" ends in 的, and is an answer: the list of what is expected decides there.
    assert not hangs(text) or text in ("是的。", "好的好的")


def test_an_answer_that_was_asked_for_is_taken_at_once() -> None:
    assert silence_needed(Question.CHOICE, "是的。", expect=YES_NO) == ANSWERED


def test_a_sentence_that_was_understood_is_soon_taken_for_finished() -> None:
    assert silence_needed(Question.OPEN, "我家停水了", whole=True) == WHOLE


def test_a_hanging_word_is_waited_for_even_if_something_was_understood() -> None:
    assert silence_needed(Question.OPEN, "我家停水了，因为", whole=True) == HANGING


def test_a_story_is_given_time_even_if_its_beginning_was_understood() -> None:
    assert silence_needed(Question.STORY, "朝阳区望京街道", whole=True) == THOUGHTFUL


def test_a_number_is_given_time_between_its_groups_until_it_is_full() -> None:
    assert silence_needed(Question.DIGITS, "138") == GROUPED
    assert silence_needed(Question.DIGITS, "幺三八零零") == GROUPED
    assert silence_needed(Question.DIGITS, "幺三八零零幺三八零零零") == WHOLE


def test_while_nothing_is_known_the_usual_silence_holds() -> None:
    assert silence_needed(Question.OPEN, None) == USUAL
    assert silence_needed(Question.OPEN, "") == USUAL


@given(st.sampled_from(Question), st.none() | st.text(max_size=30), st.booleans())
def test_a_silence_is_never_shorter_than_a_breath_nor_longer_than_patience(
    asked: Question, text: str | None, understood: bool
) -> None:
    assert 0.4 <= silence_needed(asked, text, whole=understood) <= 1.1


@given(st.sampled_from(Question), st.text(max_size=30))
def test_understanding_never_makes_the_caller_wait_longer(asked: Question, text: str) -> None:
    sure = silence_needed(asked, text, whole=True)
    assert sure <= silence_needed(asked, text, whole=False)


LINE = Endings(
    (
        *("公积金怎么提取", "公积金提取要什么材料", "我要提取公积金", "公积金查询"),
        *("我家停水了", "小区停水了", "停水了怎么办", "转人工", "我要转人工", "请转人工"),
    )
)


@pytest.mark.parametrize("text", ["公积金怎么提取", "我们小区停水了", "功基金怎么提去", "转人工"])
def test_a_text_that_ends_as_the_lines_sentences_do_is_whole(text: str) -> None:
    assert LINE.whole(text)


def test_what_was_misheard_needs_a_surer_end_and_a_short_one_a_meaning() -> None:
    assert LINE.whole("我们消去停水了", meant=False)
    assert not LINE.whole("转人工", meant=False)


@pytest.mark.parametrize("text", ["公积金", "公积金提取要", "我家停", "这里的天气", "", "好"])
def test_a_beginning_and_what_is_unknown_are_not(text: str) -> None:
    assert not LINE.whole(text)


@given(st.text("公积金怎么提取停水了转人工", max_size=12))
def test_a_share_is_a_share_and_nothing_is_known_of_an_empty_line(text: str) -> None:
    assert 0.0 <= LINE.share(text) <= 1.0
    assert Endings(()).share(text) == 0.0


def test_most_of_a_packs_sentences_are_whole_and_few_of_their_beginnings(pack: Pack) -> None:
    phrases = [text for intent in pack.intents for text in expansions(intent)[:20]]
    seen, unseen = phrases[::2], [text for text in phrases[1::2] if len(text) >= 6]
    line = Endings(seen)
    whole = sum(line.whole(text) for text in unseen) / len(unseen)
    halves = sum(line.whole(text[: len(text) // 2]) for text in unseen) / len(unseen)
    assert whole > 0.6
    assert halves < 0.1
