"""Whatever is said, typed or saved: a sane answer or a clear error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from understanding.worlds import write_world

from bot.commands.ask import answer
from bot.understanding.match import Understander
from bot.understanding.pack import PackError, Problem, load_pack

TEN_KB = 10_000
LONG = {
    "the same character": "一" * TEN_KB,
    "one digit": "1" * TEN_KB,
    "numerals": "十百千万" * (TEN_KB // 4),
    "digits with gaps": "1 " * (TEN_KB // 2),
    "corrections": "不是是不对" * (TEN_KB // 5),
    "addresses": "朝阳区望京街道3号楼" * (TEN_KB // 10),
    "times": "上上周三点半每天" * (TEN_KB // 8),
    "sums": "一块五毛" * (TEN_KB // 4),
    "emoji": "🙂🚰" * (TEN_KB // 2),
    "traditional characters": "我們社區停電了" * (TEN_KB // 7),
    "English": "hello world " * (TEN_KB // 12),
    "control characters": "\x00\x1b\u202e\ufeff" * (TEN_KB // 4),
    "a story": "我家昨天晚上停水了，打了三次电话没人管，" * (TEN_KB // 20),
}


@pytest.mark.timeout(60)  # a pattern that runs wild takes minutes
@pytest.mark.parametrize("text", LONG.values(), ids=LONG.keys())
def test_ten_thousand_characters_are_read_like_any_other_text(
    understander: Understander, text: str
) -> None:
    result = understander.understand(text, [text, text[::-1]])
    assert len(result.candidates) <= 5


@pytest.mark.parametrize(
    "text", ["", " ", "🙂", "\x00", "？！", "1234567890", "asdf", "的", "\ud800"]
)
def test_what_says_nothing_is_not_acted_upon(understander: Understander, text: str) -> None:
    result = understander.understand(text)
    assert result.emergency is None
    assert result.moods == ()
    best = result.best
    assert best is None or best.confidence < understander.pack.thresholds.accept


def test_traditional_characters_are_read_as_simplified(understander: Understander) -> None:
    best = understander.understand("我家停電了").best
    assert best is not None
    assert best.intent == "power.outage"


@settings(deadline=None)
@given(st.text(), st.lists(st.text(), max_size=2))
def test_any_answer_can_be_written_as_json(
    understander: Understander, text: str, others: list[str]
) -> None:
    shown = answer(understander.understand(text, others))
    assert json.loads(json.dumps(shown))["candidates"] == [
        {**one, "reasons": list(one["reasons"])} for one in shown["candidates"]
    ]


@given(st.binary(max_size=200))
def test_any_bytes_in_a_pack_s_file_are_read_or_told(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    write_world(folder, "")
    (folder / "world.yaml").write_bytes(content)
    problems: tuple[Problem, ...] = ()
    try:
        load_pack(folder)
    except PackError as error:
        problems = error.problems
    assert all(problem.file.parent == folder for problem in problems)


def test_a_file_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    write_world(tmp_path, "")
    (tmp_path / "world.yaml").write_bytes("words: [断电了]\n".encode("gb18030"))
    with pytest.raises(PackError, match="is not UTF-8 text"):
        load_pack(tmp_path)
