"""How well questions are understood: every measure of it, from what was answered to each.

Pure arithmetic on a list of answers. Leaves to others: getting the answers, printing and
drawing (``bot/commands/evaluate.py``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bot.understanding.calibration import calibration_error
from bot.understanding.records import NOTHING, Record

#: Share of all questions that may be answered wrongly with confidence.
MOST_WRONG = 0.015


@dataclass(frozen=True, slots=True)
class Answer:
    """What came out first for a question; ``NOTHING`` when nothing did."""

    record: Record
    intent: str
    confidence: float

    @property
    def right(self) -> bool:
        """Whether it may be meant."""
        return self.record.allows(self.intent)


@dataclass(frozen=True, slots=True)
class Risk:
    """What accepting everything from ``threshold`` on means, as shares of all in-scope rows."""

    threshold: float
    coverage: float
    """In-scope questions accepted."""
    selective_risk: float
    """Accepted ones, in scope or not, that are wrong, among all accepted."""
    confident_wrong: float
    """Accepted ones, in scope or not, that are wrong, among all questions."""


def risk_coverage(answers: Sequence[Answer]) -> list[Risk]:
    """Return the risk at each confidence that occurs, most confident first."""
    inside = sum(answer.record.intent != NOTHING for answer in answers)
    ranked = sorted(answers, key=lambda answer: -answer.confidence)
    curve: list[Risk] = []
    wrong = covered = 0
    for accepted, answer in enumerate(ranked, 1):
        wrong += not answer.right
        covered += answer.record.intent != NOTHING
        if accepted == len(ranked) or ranked[accepted].confidence < answer.confidence:
            curve.append(
                Risk(
                    round(answer.confidence, 4),
                    round(covered / max(1, inside), 4),
                    round(wrong / accepted, 4),
                    round(wrong / len(ranked), 4),
                )
            )
    return curve


def measure(answers: Sequence[Answer], accept: float) -> dict[str, Any]:
    """Return every measure by name; ``accept`` is the confidence from which an answer counts."""
    inside = [answer for answer in answers if answer.record.intent != NOTHING]
    outside = [answer for answer in answers if answer.record.intent == NOTHING]
    classes = per_class(inside)
    curve = risk_coverage(answers)
    within = [risk for risk in curve if risk.confident_wrong <= MOST_WRONG]
    confidence = np.array([answer.confidence for answer in answers])
    right = np.array([answer.right and answer.intent != NOTHING for answer in answers])
    accepted = [answer for answer in answers if answer.confidence >= accept]
    return {
        "questions": len(answers),
        "in scope": len(inside),
        "accuracy": _share([answer.right for answer in inside]),
        "macro_f1": round(float(np.mean([row["f1"] for row in classes.values()])), 4)
        if classes
        else None,
        "accept": accept,
        "coverage at accept": _share([answer.confidence >= accept for answer in inside]),
        "confident and wrong at accept": round(
            sum(not answer.right for answer in accepted) / max(1, len(answers)), 4
        ),
        "out of scope rejected": _share([answer.confidence < accept for answer in outside]),
        "expected calibration error": round(calibration_error(confidence, right), 4),
        "area under risk-coverage": _area(curve),
        f"coverage with at most {MOST_WRONG:.1%} wrong": max(
            (risk.coverage for risk in within), default=0.0
        ),
        "threshold for that": min((risk.threshold for risk in within), default=None),
        "by style": {
            style: {"questions": len(rows), "accuracy": _share([row.right for row in rows])}
            for style, rows in _by_style(inside).items()
        },
    }


def per_class(inside: Sequence[Answer]) -> dict[str, dict[str, float]]:
    """Return precision, recall and F1 of each intent; another right answer counts as the first."""
    true: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    said: Counter[str] = Counter()
    for answer in inside:
        asked[answer.record.intent] += 1
        said[answer.record.intent if answer.right else answer.intent] += 1
        true[answer.record.intent] += answer.right
    table = {}
    for intent in sorted(asked):
        precision = true[intent] / said[intent] if said[intent] else 0.0
        recall = true[intent] / asked[intent]
        both = precision + recall
        table[intent] = {
            "questions": asked[intent],
            "precision": round(precision, 4),
            "recall": round(recall, 4),
            "f1": round(2 * precision * recall / both, 4) if both else 0.0,
        }
    return table


def confusion(inside: Sequence[Answer]) -> list[tuple[str, str, int]]:
    """Return what was taken for what (meant, understood, how often), most frequent first."""
    pairs = Counter((answer.record.intent, answer.intent) for answer in inside if not answer.right)
    return [(meant, got, count) for (meant, got), count in pairs.most_common()]


def reliability(answers: Sequence[Answer], bins: int = 10) -> list[tuple[float, float, int]]:
    """Return mean confidence, share right and count of equally filled bins."""
    ranked = sorted(answers, key=lambda answer: answer.confidence)
    parts = np.array_split(np.arange(len(ranked)), min(bins, max(1, len(ranked))))
    return [
        (
            float(np.mean([ranked[at].confidence for at in part])),
            float(np.mean([ranked[at].right and ranked[at].intent != NOTHING for at in part])),
            len(part),
        )
        for part in parts
        if len(part)
    ]


def _by_style(answers: Sequence[Answer]) -> dict[str, list[Answer]]:
    styles: defaultdict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        styles[answer.record.style or "(none)"].append(answer)
    return dict(sorted(styles.items()))


def _share(flags: Sequence[bool]) -> float | None:
    return round(sum(flags) / len(flags), 4) if flags else None


def _area(curve: Sequence[Risk]) -> float:
    """Return the mean of the selective risk over coverage (0 to 1), by trapezoids."""
    if not curve:
        return 0.0
    coverage = [0.0, *(risk.coverage for risk in curve)]
    risk = [curve[0].selective_risk, *(one.selective_risk for one in curve)]
    return round(float(np.trapezoid(risk, coverage)), 4)
