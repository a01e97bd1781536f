from __future__ import annotations

import pytest

from bot.understanding.evaluation import Answer, confusion, measure, per_class, risk_coverage
from bot.understanding.records import NOTHING, Record


def answer(meant: str, got: str, confidence: float, also: tuple[str, ...] = ()) -> Answer:
    return Answer(Record("话", meant, frozenset(also), "plain"), got, confidence)


FIVE = [
    answer("water", "water", 0.9),
    answer("water", "power", 0.8),
    answer("power", "power", 0.7),
    answer("gas", "water", 0.4, also=("water",)),
    answer(NOTHING, "gas", 0.3),
]


def test_another_right_answer_is_right() -> None:
    assert measure(FIVE, 0.6)["accuracy"] == 0.75


def test_what_is_out_of_scope_should_stay_below_acceptance() -> None:
    assert measure(FIVE, 0.6)["out of scope rejected"] == 1.0
    assert measure(FIVE, 0.2)["out of scope rejected"] == 0.0


def test_confident_and_wrong_counts_among_all_questions() -> None:
    found = measure(FIVE, 0.6)
    assert found["confident and wrong at accept"] == 0.2
    assert found["coverage at accept"] == 0.75


def test_risk_grows_with_what_is_accepted() -> None:
    curve = risk_coverage(FIVE)
    assert [(one.coverage, one.confident_wrong) for one in curve] == [
        (0.25, 0.0),
        (0.5, 0.2),
        (0.75, 0.2),
        (1.0, 0.2),
        (1.0, 0.4),
    ]


def test_equal_confidences_are_accepted_together() -> None:
    curve = risk_coverage([answer("a", "a", 0.5), answer("a", "b", 0.5)])
    assert len(curve) == 1
    assert curve[0].selective_risk == 0.5


def test_each_intent_has_precision_and_recall() -> None:
    table = per_class(FIVE[:4])
    assert table["water"] == {"questions": 2, "precision": 1.0, "recall": 0.5, "f1": 0.6667}
    assert table["power"] == {"questions": 1, "precision": 0.5, "recall": 1.0, "f1": 0.6667}


def test_confusions_tell_what_was_taken_for_what() -> None:
    assert confusion(FIVE[:4]) == [("water", "power", 1)]


@pytest.mark.parametrize("answers", [[], [answer(NOTHING, NOTHING, 0.0)]])
def test_few_answers_are_no_trouble(answers: list[Answer]) -> None:
    assert measure(answers, 0.6)["accuracy"] is None
