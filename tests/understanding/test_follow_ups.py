"""What is asked about the answer just heard."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.config import CHECKOUT
from bot.understanding.follow_up_fitting import read_sentences
from bot.understanding.match import Understander
from bot.understanding.pack import Pack
from bot.understanding.schema import Faq

DEV = CHECKOUT / "tests" / "data" / "dev" / "follow_ups.jsonl"


@pytest.mark.parametrize(
    ("about", "said", "title"),
    [
        ("passport.apply", "那要带什么材料", "要带什么"),
        ("passport.apply", "多少钱", "多少钱"),
        ("passport.apply", "嗯那要多久啊", "要多久"),
        ("passport.apply", "要多酒能拿到", "要多久"),
        ("marriage.divorce", "他不同意怎么办", "对方不同意"),
        ("passport.apply", "护照要带什么材料", "要带什么"),
    ],
)
def test_a_question_without_a_subject_is_about_the_answer(
    understander: Understander, pack: Pack, about: str, said: str, title: str
) -> None:
    found = understander.understand(said, about=about).follow_up
    faq = pack.intent(about)
    assert found is not None
    assert isinstance(faq, Faq)
    assert (found.title, found.answer) == (title, faq.follow_ups[found.index].answer)
    assert 0.5 <= found.confidence <= 1.0


@pytest.mark.parametrize(
    "said", ["公积金怎么提取", "我家停水了", "好的", "转人工", "谢谢", "结婚登记要带什么", ""]
)
def test_what_has_a_subject_of_its_own_is_not(understander: Understander, said: str) -> None:
    assert understander.understand(said, about="passport.apply").follow_up is None


def test_an_emergency_is_never_taken_for_a_question(understander: Understander) -> None:
    result = understander.understand("着火了要多久能到", about="passport.apply")
    assert (result.emergency, result.follow_up) == ("emergency.119", None)


def test_without_an_answer_before_it_there_is_none(understander: Understander) -> None:
    assert understander.understand("要带什么材料").follow_up is None
    assert understander.understand("要带什么材料", about="no.such").follow_up is None


def test_most_development_sentences_are_told_apart(understander: Understander, pack: Pack) -> None:
    found = right = meant = 0
    for about, text, number in read_sentences(DEV, pack):
        asked = understander.understand(text, about=about).follow_up
        found += asked is not None
        meant += number >= 0
        right += asked is not None and asked.index == number
    # Below what was measured (see follow_ups.json), so that only a real loss fails.
    assert right / found >= 0.9
    assert right / meant >= 0.85


@settings(deadline=None, max_examples=40)
@given(st.text(max_size=20))
def test_any_text_is_safe_after_an_answer(understander: Understander, said: str) -> None:
    asked = understander.understand(said, about="passport.apply").follow_up
    assert asked is None or 0 <= asked.index < 3
