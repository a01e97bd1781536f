"""What is kept of practices, and what is read out of it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from bot.casework.storage import open_engine
from bot.casework.versions import prepare
from bot.training.picture import bars, curve
from bot.training.progress import RECENT, next_scenarios, progress_of
from bot.training.records import TrainingRecords
from bot.training.types import Answer, Field, Kind, Mark, Said, Score, Talked


class Now:
    def __init__(self) -> None:
        self.now = dt.datetime(2026, 11, 1, 8, 0, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        self.now += dt.timedelta(hours=1)
        return self.now


@pytest.fixture
def records(tmp_path: Path) -> TrainingRecords:
    engine = open_engine(f"sqlite:///{tmp_path / 'training.db'}")
    prepare(engine)
    return TrainingRecords(engine, Now())


def result(intent: float = 20.0, place: float = 15.0) -> Score:
    return Score(
        (
            Mark(Field.INTENT, intent, 20.0, "停水", "停水"),
            Mark(
                Field.PLACE, place, 15.0, "朝阳区", "朝阳区望京", "问到小区" if place < 15 else ""
            ),
        ),
        passing=80.0,
        why="因为整栋楼都没水。",
    )


def keep(records: TrainingRecords, scenario: str = "a", who: str = "lin", **points: float) -> int:
    return records.keep(who, Kind.DRILL, scenario, "停水", Answer("water.outage"), result(**points))


def test_a_practice_comes_back_as_it_was_kept(records: TrainingRecords) -> None:
    talked = Talked((Said("agent", "您好", 0.5),), 3.0, 60.0)
    answer = Answer("water.outage", "water_company", "high", "filed", "望京", "今天", "138")
    id = records.keep("lin", Kind.CALL, "a", "停水", answer, result(place=5.0), talked)
    found = records.get(id)
    assert found is not None
    assert (found.trainee, found.kind, found.total) == ("lin", Kind.CALL, 71.4)
    assert (found.answer, found.said, found.marks) == (
        answer,
        talked.said,
        result(place=5.0).marks,
    )
    assert not found.passed


def test_everybody_has_their_own(records: TrainingRecords) -> None:
    keep(records)
    keep(records, who="wu", place=0.0)
    keep(records, who="wu")
    assert [one.trainee for one in records.of_trainee("wu")] == ["wu", "wu"]
    assert [(name, count) for name, count, _, _ in records.trainees()] == [("lin", 1), ("wu", 2)]


def test_the_weakest_part_comes_first_with_its_advice(records: TrainingRecords) -> None:
    for _ in range(3):
        keep(records, place=3.0)
    progress = progress_of(records.of_trainee("lin"))
    assert [part.field for part in progress.parts] == [Field.PLACE, Field.INTENT]
    assert [(part.field, part.advice) for part in progress.weak] == [(Field.PLACE, "问到小区")]


def test_progress_is_told_against_the_practices_before(records: TrainingRecords) -> None:
    for place in [0.0] * RECENT + [15.0] * RECENT:
        keep(records, place=place)
    progress = progress_of(records.of_trainee("lin"))
    assert (progress.mean, progress.change) == (100.0, 42.9)
    assert not progress.weak


def test_before_the_first_practice_nothing_is_claimed() -> None:
    progress = progress_of([])
    assert (progress.mean, progress.change, progress.weak) == (None, None, ())


def test_what_was_never_tried_comes_first_then_what_went_worst(records: TrainingRecords) -> None:
    keep(records, "a", place=0.0)
    keep(records, "b")
    keep(records, "a", place=15.0)
    keep(records, "c", place=0.0)
    known = [("a", 1), ("b", 1), ("c", 1), ("d", 3), ("e", 1)]
    order = next_scenarios(records.of_trainee("lin"), known)
    assert list(order) == ["e", "d", "c", "a", "b"]


def test_the_pictures_say_their_values_in_words_and_trust_no_title(
    records: TrainingRecords,
) -> None:
    records.keep("lin", Kind.CALL, "a", "<script>", Answer(), result(place=0.0))
    practices = records.of_trainee("lin")
    drawn = curve(practices, 80) + bars(progress_of(practices).parts)
    assert "<script>" not in drawn
    assert "57分" in drawn
    assert "地点" in drawn
    assert "0% 需加强" in drawn
    assert "style=" not in drawn
