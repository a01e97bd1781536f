"""What trainees did, kept in SQL apart from every ticket and every figure.

Leaves to others: scoring (``scoring.py``), what is to be read out of it (``progress.py``), and
how long it is kept (``casework/retention.py``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import selectinload

from bot.casework.ledger import Clock, transaction, utc_now
from bot.casework.training_models import TrainingMarkRow, TrainingRow
from bot.training.types import Answer, Field, Kind, Mark, Said, Score, Talked


@dataclass(frozen=True, slots=True)
class Practice:
    """One practice that was kept."""

    id: int
    at: dt.datetime
    """In UTC."""
    trainee: str
    kind: Kind
    scenario: str
    title: str
    total: float
    passed: bool
    why: str
    marks: tuple[Mark, ...]
    answer: Answer
    said: tuple[Said, ...]


class TrainingRecords:
    """Practices in SQL. Thread-safe; every method may raise CaseworkError."""

    def __init__(self, engine: Engine, clock: Clock = utc_now) -> None:
        self._engine = engine
        self._now = clock

    def keep(
        self,
        trainee: str,
        kind: Kind,
        scenario: str,
        title: str,
        answer: Answer,
        score: Score,
        talked: Talked | None = None,
    ) -> int:
        """Keep what somebody did; return its id."""
        said = [asdict(one) for one in talked.said] if talked else []
        row = TrainingRow(
            at=self._now(),
            trainee=trainee,
            kind=kind.value,
            scenario=scenario,
            title=title,
            total=score.total,
            passed=score.passed,
            why=score.why,
            record={"answer": asdict(answer), "said": said},
            marks=[
                TrainingMarkRow(
                    field=mark.field.value,
                    points=mark.points,
                    most=mark.most,
                    given=mark.given,
                    wanted=mark.wanted,
                    advice=mark.advice,
                )
                for mark in score.marks
            ],
        )
        with transaction(self._engine) as session:
            session.add(row)
            session.flush()
            return row.id

    def get(self, id: int) -> Practice | None:
        """Return one practice."""
        with transaction(self._engine) as session:
            query = select(TrainingRow).options(selectinload(TrainingRow.marks))
            row = session.scalar(query.where(TrainingRow.id == id))
            return _practice(row) if row else None

    def of_trainee(self, trainee: str, count: int = 200) -> Sequence[Practice]:
        """Return what somebody did, newest first."""
        with transaction(self._engine) as session:
            query = select(TrainingRow).options(selectinload(TrainingRow.marks))
            query = query.where(TrainingRow.trainee == trainee)
            rows = session.scalars(query.order_by(TrainingRow.id.desc()).limit(count))
            return [_practice(row) for row in rows]

    def trainees(self) -> Sequence[tuple[str, int, float, dt.datetime]]:
        """Return everybody who has practised: name, how often, mean score, last time."""
        with transaction(self._engine) as session:
            query = select(
                TrainingRow.trainee,
                func.count(TrainingRow.id),
                func.avg(TrainingRow.total),
                func.max(TrainingRow.at),
            )
            rows = session.execute(
                query.group_by(TrainingRow.trainee).order_by(TrainingRow.trainee)
            )
            return [(row[0], int(row[1]), round(float(row[2]), 1), row[3]) for row in rows]


def _practice(row: TrainingRow) -> Practice:
    record: dict[str, Any] = row.record
    return Practice(
        id=row.id,
        at=row.at,
        trainee=row.trainee,
        kind=Kind(row.kind),
        scenario=row.scenario,
        title=row.title,
        total=row.total,
        passed=row.passed,
        why=row.why,
        marks=tuple(
            Mark(Field(one.field), one.points, one.most, one.given, one.wanted, one.advice)
            for one in row.marks
        ),
        answer=Answer(**record["answer"]),
        said=tuple(Said(**one) for one in record["said"]),
    )
