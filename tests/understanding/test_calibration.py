from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.understanding.calibration import (
    USES,
    Combination,
    Sample,
    calibration_error,
    fit,
    longness,
    shipped,
)
from bot.understanding.evidence import VIEWS, Look

NOTHING_MEANT: frozenset[int] = frozenset()


def look(*strengths: float) -> Look:
    """A shortlist whose labels are 0, 1, 2 …, each equally strong in all views."""
    views = np.repeat(np.array(strengths, np.float32)[:, None], len(VIEWS), axis=1)
    labels = np.arange(len(strengths))
    return Look(labels, views, labels)


@pytest.mark.parametrize("name", list(USES))
def test_shipped_weights_are_there_for_each_engine(name: str) -> None:
    assert Combination.from_json(json.loads(json.dumps(shipped(name).to_json()))).flat() == (
        pytest.approx(shipped(name).flat(), abs=1e-3)
    )


@given(st.lists(st.floats(0, 1), max_size=12), st.integers(1, 400))
def test_probabilities_lie_between_0_and_1_and_leave_room_for_nothing(
    strengths: list[float], length: int
) -> None:
    shares = shipped().probabilities(look(*strengths), length, None)
    assert ((shares >= 0) & (shares <= 1)).all()
    assert shares.sum() <= 1.0001


def test_more_evidence_is_more_probable() -> None:
    shares = shipped().probabilities(look(0.9, 0.2), 8, None)
    assert shares[0] > shares[1]


def test_the_fit_finds_what_tells_right_from_wrong() -> None:
    samples = [Sample(look(0.9, 0.1), 8, frozenset([0])) for _ in range(20)]
    samples += [Sample(look(0.2, 0.1), 8, NOTHING_MEANT) for _ in range(20)]
    fitted = fit(samples, None)
    assert fitted.probabilities(look(0.9, 0.1), 8, None)[0] > 0.9
    assert fitted.probabilities(look(0.2, 0.1), 8, None).sum() < 0.1


def test_everyday_talk_counts_as_nothing() -> None:
    samples = [Sample(look(0.9, 0.1), 8, frozenset([0])) for _ in range(20)]
    samples += [Sample(look(0.5, 0.9), 8, NOTHING_MEANT) for _ in range(20)]
    fitted = fit(samples, background=1)
    assert fitted.probabilities(look(0.5, 0.9), 8, 1)[1] > 0.8


def test_a_view_that_is_left_out_has_no_weight() -> None:
    fitted = fit([Sample(look(0.9, 0.1), 8, frozenset([0]))] * 5, None, USES["matcher"])
    assert fitted.views[VIEWS.index("classified")] == 0.0


def test_a_story_is_longer_than_a_question() -> None:
    assert longness(3) == longness(12) == 0.0
    assert longness(24) == pytest.approx(math.log(2))


def test_calibration_error_is_the_gap_between_confidence_and_truth() -> None:
    sure = np.full(10, 0.9)
    assert calibration_error(sure, np.array([True] * 9 + [False]), bins=1) == pytest.approx(0)
    assert calibration_error(sure, np.zeros(10, bool), bins=1) == pytest.approx(0.9)
