"""From views of evidence to one honest probability.

A conditional logit (McFadden 1974) over the intents on the shortlist and "none of them":
each intent's log-odds is the weighted sum of its views, with weights that may change with
the utterance's length, since in a long story little of the whole is like any phrase. The
likelihood of such a model is what makes its output a probability; how true that is, is
measured as expected calibration error. Leaves to others: where the views come from
(``evidence.py``), and making the data to fit on (``fitting.py``).
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.understanding.evidence import VIEWS, Look
from bot.understanding.sparse import Floats

FILE = Path(__file__).parent / "weights.json"
#: Characters of an ordinary question; longer ones are stories.
ORDINARY = 12


@dataclass(frozen=True, slots=True)
class Combination:
    """The fitted weights."""

    views: NDArray[np.float64]
    """Log-odds for each view."""
    long_views: NDArray[np.float64]
    """As ``views``, for each unit of :func:`longness`."""
    nothing: NDArray[np.float64]
    """Log-odds of "none of them": constant, and for each unit of longness."""
    everyday: float
    """Log-odds added to the background's own evidence."""

    def probabilities(self, look: Look, length: int, background: int | None) -> Floats:
        """Return the probability of each label on the shortlist; they sum to at most 1.

        ``length`` counts the utterance's characters; ``background`` is the label of everyday
        talk, whose probability is that of "none of them".
        """
        more = longness(length)
        odds = look.views @ (self.views + more * self.long_views)
        if background is not None:
            odds = odds + self.everyday * (look.labels == background)
        none = self.nothing[0] + more * self.nothing[1]
        top = max(none, float(odds.max(initial=-math.inf)))
        parts = np.exp(odds - top)
        shares: Floats = (parts / (parts.sum() + math.exp(none - top))).astype(np.float32)
        return shares

    @classmethod
    def of(cls, flat: NDArray[np.float64]) -> Combination:
        """Make it of one vector of parameters, as :meth:`flat` returns it."""
        size = len(VIEWS)
        return cls(
            flat[:size], flat[size : 2 * size], flat[2 * size : 2 * size + 2], float(flat[-1])
        )

    def flat(self) -> NDArray[np.float64]:
        """Return all parameters as one vector."""
        return np.concatenate((self.views, self.long_views, self.nothing, [self.everyday]))

    def to_json(self) -> dict[str, object]:
        """Return the weights by name."""
        return {
            "views": dict(zip(VIEWS, self.views.round(3).tolist(), strict=True)),
            "long_views": dict(zip(VIEWS, self.long_views.round(3).tolist(), strict=True)),
            "nothing": self.nothing.round(3).tolist(),
            "everyday": round(self.everyday, 3),
        }

    @classmethod
    def from_json(cls, data: dict[str, dict[str, float]]) -> Combination:
        """Read what :meth:`to_json` returned."""
        return cls(
            np.array([data["views"][name] for name in VIEWS]),
            np.array([data["long_views"][name] for name in VIEWS]),
            np.array(data["nothing"], np.float64),
            float(data["everyday"]),  # type: ignore[arg-type]
        )


#: Names of the shipped weights: for all views, all but the classifier, the classifier alone, and
#: for all views where no sentence model is installed.
BOTH, MATCHER, CLASSIFIER, WORDS = "both", "matcher", "classifier", "words"
#: The views that each of them uses.
USES: dict[str, tuple[str, ...]] = {
    BOTH: VIEWS,
    MATCHER: tuple(view for view in VIEWS if view != "classified"),
    CLASSIFIER: ("classified",),
    WORDS: VIEWS,
}


@lru_cache(maxsize=4)
def shipped(name: str = BOTH) -> Combination:
    """Return the weights that ship with the project."""
    data = json.loads(FILE.read_text(encoding="utf-8"))["combinations"][name]
    return Combination.from_json(data)


def longness(length: int) -> float:
    """Return how much longer than an ordinary question an utterance is: 0 up to that, then log."""
    return math.log(max(1.0, length / ORDINARY))


@dataclass(frozen=True, slots=True)
class Sample:
    """One question with its shortlist and what is right."""

    look: Look
    length: int
    right: frozenset[int]
    """Labels; empty: none of the pack's intents."""
    weight: float = 1.0


def fit(
    samples: Sequence[Sample],
    background: int | None,
    views: Collection[str] = VIEWS,
    ridge: float = 2e-4,
) -> Combination:
    """Return the weights under which the right answers are likeliest.

    Only ``views`` get a weight. ``ridge`` is the weight of the squared parameters beside the
    mean surprise of a sample.
    """
    from scipy.optimize import minimize

    design, right, none, weights = _design(samples, background)
    unused = [at for at, view in enumerate(VIEWS) if view not in views]
    design[:, :, [*unused, *(at + len(VIEWS) for at in unused)]] = 0.0

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds = design @ flat
        odds[none] = -math.inf
        top = odds.max(axis=1, keepdims=True)
        parts = np.exp(odds - top)
        all_parts, right_parts = parts.sum(axis=1), (parts * right).sum(axis=1)
        surprise = np.log(all_parts) - np.log(np.maximum(right_parts, 1e-12))
        pull = parts / all_parts[:, None] - parts * right / np.maximum(right_parts, 1e-12)[:, None]
        slope = np.einsum("sc,scp->p", pull * weights[:, None], design)
        total = weights.sum()
        return (
            float((weights * surprise).sum() / total + ridge * 0.5 * (flat**2).sum()),
            slope / total + ridge * flat,
        )

    start = np.zeros(design.shape[2])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return Combination.of(found.x)


def _design(
    samples: Sequence[Sample], background: int | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Return parameters by candidate by sample, which are right, which are padding, weights."""
    size = len(VIEWS)
    most = 1 + max(len(sample.look.labels) for sample in samples)
    design = np.zeros((len(samples), most, 2 * size + 3))
    right = np.zeros((len(samples), most))
    padding = np.ones((len(samples), most), bool)
    for number, sample in enumerate(samples):
        count, more = len(sample.look.labels), longness(sample.length)
        rows = design[number]
        rows[:count, :size] = sample.look.views
        rows[:count, size : 2 * size] = more * sample.look.views
        rows[count, 2 * size], rows[count, 2 * size + 1] = 1.0, more
        padding[number, : count + 1] = False
        nothing = not sample.right
        right[number, count] = float(nothing)
        for at, label in enumerate(sample.look.labels.tolist()):
            if label == background:
                rows[at, -1] = 1.0
                right[number, at] = float(nothing)
            else:
                right[number, at] = float(label in sample.right)
        if not right[number].any():  # the right one is not on the shortlist: as good as none
            right[number, count] = 1.0
    return design, right, padding, np.array([sample.weight for sample in samples])


def calibration_error(
    confidence: NDArray[np.float64], correct: NDArray[np.bool_], bins: int = 10
) -> float:
    """Return the expected calibration error over equally filled bins (Nguyen and O'Connor 2015)."""
    order = np.argsort(confidence, kind="stable")
    parts = np.array_split(order, min(bins, max(1, len(order))))
    gaps = [
        len(part) * abs(float(confidence[part].mean() - correct[part].mean()))
        for part in parts
        if len(part)
    ]
    return sum(gaps) / max(1, len(order))
