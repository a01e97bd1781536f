"""The shipped pack is asked the sentences of ``sentences.yaml``."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bot.understanding.match import Understander
from bot.understanding.normalise import normalise
from bot.understanding.pack import Pack
from bot.understanding.schema import expansions

BOOK = yaml.safe_load((Path(__file__).parent / "sentences.yaml").read_text(encoding="utf-8"))


def asked(group: str) -> list[tuple[str, str]]:
    return [(intent, said) for intent, all_said in BOOK[group].items() for said in all_said]


@pytest.mark.parametrize("group", ["plain", "misheard"])
def test_nine_of_ten_sentences_are_understood(understander: Understander, group: str) -> None:
    book = asked(group)
    wrong = []
    for intent, said in book:
        best = understander.understand(said).best
        if best is None or best.intent != intent:
            wrong.append(f"{said}: {best and best.intent}, not {intent}")
    assert len(wrong) <= len(book) // 10, "\n".join(wrong)


def test_what_is_accepted_is_right(pack: Pack, understander: Understander) -> None:
    wrong = []
    accepted = 0
    for intent, said in [*asked("plain"), *asked("misheard"), *asked("lookalike")]:
        best = understander.understand(said).best
        if best and best.confidence >= pack.thresholds.accept:
            accepted += 1
            if best.intent != intent:
                wrong.append(f"{said}: {best.intent}, not {intent}")
    assert accepted > 100
    assert len(wrong) <= accepted // 50, "\n".join(wrong)


@pytest.mark.parametrize(("intent", "said"), asked("emergency"))
def test_no_emergency_is_missed(understander: Understander, intent: str, said: str) -> None:
    assert understander.understand(said).emergency == intent


@pytest.mark.parametrize(("intent", "said"), asked("lookalike"))
def test_a_look_alike_raises_no_alarm(
    pack: Pack, understander: Understander, intent: str, said: str
) -> None:
    result = understander.understand(said)
    assert result.emergency is None
    best = result.best
    if intent != "-":
        assert best is not None
        assert best.intent == intent
    else:
        assert best is None or best.confidence < pack.thresholds.accept


def test_ordinary_questions_raise_no_alarm(understander: Understander) -> None:
    said = [said for group in ("plain", "misheard") for _, said in asked(group)]
    said += BOOK["out_of_scope"]
    assert [one for one in said if understander.understand(one).emergency] == []


@pytest.mark.parametrize("said", BOOK["out_of_scope"])
def test_what_no_city_answers_is_not_accepted(
    pack: Pack, understander: Understander, said: str
) -> None:
    best = understander.understand(said).best
    assert best is None or best.confidence < pack.thresholds.accept


def test_the_sentences_are_not_the_pack_s_own_phrases(pack: Pack) -> None:
    own = {normalise(text) for intent in pack.intents for text in expansions(intent)}
    book = [said for _, said in asked("plain")]
    assert [said for said in book if normalise(said) in own] == []


def test_a_garbled_second_reading_raises_no_alarm_over_a_sure_first_one(
    understander: Understander,
) -> None:
    said = understander.understand("垃圾没有人心虑", alternatives=["那既没有人心灵"])
    assert said.best is not None
    assert said.best.intent == "garbage.uncollected"


def test_a_cry_that_only_a_second_reading_spells_is_still_heard(
    understander: Understander,
) -> None:
    said = understander.understand("我家找活", alternatives=["我家着火了"])
    assert said.emergency == "emergency.119"
