"""Words to the bot: nothing else was said, whatever particles stand around them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from understanding.worlds import small_world

from bot.config import CHECKOUT
from bot.understanding.lexicon import Lexicon
from bot.understanding.match import Understander
from bot.understanding.pack import Pack
from bot.understanding.schema import Command, SmallTalk, expansions
from bot.understanding.whole import WholeUtterances

WORLD = """
particles: [那, 你, 吧, 呗, 啊, 了, 行不行]
commands:
  - {id: command.yes, title: 是, phrases: [对, 没错, 就是这个, 行]}
  - {id: command.no, title: 不是, phrases: [不了, 不用, 要不要钱]}
  - {id: command.slower, title: 慢, phrases: [说慢点]}
  - {id: command.goodbye, title: 再见, phrases: [再见]}
small_talk:
  - {id: small_talk.thanks, title: 谢谢, prompt: hello_reply, phrases: [谢谢]}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return small_world(tmp_path_factory.mktemp("whole"), WORLD)


def covering(pack: Pack, text: str) -> str:
    lexicon = Lexicon.of(pack)
    spoken = [one for one in pack.intents if isinstance(one, Command | SmallTalk)]
    whole = WholeUtterances(
        ((one, lexicon.read(said)) for one in spoken for said in expansions(one)),
        particles=map(lexicon.read, pack.particles),
    )
    found = whole.covering(lexicon.read(text))
    return found[0].id if found else "-"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("对没错就是这个", "command.yes"),
        ("那你说慢点呗", "command.slower"),
        ("不了不用谢谢", "command.no"),
        ("行再见", "command.goodbye"),
        ("谢谢啊", "small_talk.thanks"),
        ("说慢点行不行", "command.slower"),
        ("对门太吵", "-"),
        ("那你吧", "-"),
        ("行不行", "-"),
        ("", "-"),
    ],
)
def test_phrases_and_particles_must_cover_all_of_it(world: Pack, said: str, meant: str) -> None:
    assert covering(world, said) == meant


@settings(deadline=None)
@given(st.text(alphabet="对没错就是这个不了用谢再见说慢点那你吧", max_size=30))
def test_any_jumble_is_safe(world: Pack, said: str) -> None:
    covering(world, said)


def test_development_sentences_of_commands_are_right_and_sure(
    pack: Pack, understander: Understander
) -> None:
    file: Path = CHECKOUT / "tests" / "data" / "dev" / "commands.jsonl"
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    best = [understander.understand(row["text"]).best for row in rows]
    right = [
        one is not None and one.intent == row["intent"] and one.confidence >= pack.thresholds.accept
        for one, row in zip(best, rows, strict=True)
    ]
    assert len(rows) >= 250
    # 254 of 257 when written.
    assert sum(right) / len(right) >= 0.95
