from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.understanding.normalise import normalise, spoken_digits


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("我我我家停水了", "我家停水了"),
        ("嗯，那个，请问一下公积金怎么提取？", "公积金怎么提取"),
        ("我家停水了，我家停水了", "我家停水了"),
        ("社保卡丟了，怎麼補辦", "社保卡丢了怎么补办"),
        ("ＡＢＣ１２３", "abc123"),
        ("打幺二零", "打120"),
        ("谢谢", "谢谢"),
        ("天天吵", "天天吵"),
        ("额度是多少", "额度是多少"),
        ("你好", "你好"),
        ("嗯", "嗯"),
        ("🙂！？", ""),
        ("Street lights — out, on Main St!", "street lights out on main st"),
        ("um, the KTV 太吵 了", "the ktv太吵了"),
        ("138 0013 8000", "13800138000"),
    ],
)
def test_it_takes_away_what_means_nothing_and_no_more(said: str, plain: str) -> None:
    assert normalise(said) == plain


def test_repeated_digits_are_not_a_stutter() -> None:
    assert normalise("电话是13811112222") == "电话是13811112222"
    assert spoken_digits("幺三八零零零零") == "1380000"


@given(st.text())
def test_it_is_safe_and_settled_on_any_text(text: str) -> None:
    plain = normalise(text)
    assert normalise(plain) == plain
    assert all(char == " " or unicodedata.category(char)[0] in "LN" for char in plain)


def test_ten_kilobytes_are_no_trouble() -> None:
    assert normalise("我家停水了，怎么办呀？" * 400)
    assert normalise("🚰\x00\x1b\u202e" * 2000) == ""
