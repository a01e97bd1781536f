"""A classifier trained on a city's own records, as a second opinion beside the pack.

Character and syllable n-grams weighted by rarity, and the best of three linear models
(logistic regression, linear support vectors, complement naive Bayes) by cross-validation.
The file it is kept in is a numpy archive of plain arrays and JSON, read without pickle: a
model from elsewhere can be wrong, but not run code. Leaves to others: where records come
from (``records.py``), and when the second opinion is asked (``match.py``).
"""

from __future__ import annotations

import json
import math
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.understanding.classifier import spoken_grams, written_grams
from bot.understanding.lexicon import Reading
from bot.understanding.sparse import Floats, Rows

FORMAT = 1
FOLDS = 5
SEED = 20261124
#: A label needs this many records, or nothing can be learnt of it.
FEWEST = 2
#: Weights smaller than this share of a label's greatest are left out of the file.
PRUNED = 0.01
#: Probability of an intent that the pack's matching did not think of.
UNTHOUGHT = 1e-3
_TEMPERATURES = tuple(2.0 ** (power / 2) for power in range(-6, 13))
_TRUSTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5)


class ModelError(ValueError):
    """A model can't be trained or read; the message says why."""


@dataclass(frozen=True)
class TrainedModel:
    """A trained classifier. Immutable."""

    labels: tuple[str, ...]
    grams: Mapping[str, int]
    rarity: Floats
    weights: Rows
    """By n-gram, then label."""
    offset: Floats
    temperature: float
    """Scores times this, through softmax, are probabilities."""
    trust: float
    """Exponent of its probability beside that of the pack's matching."""
    facts: Mapping[str, Any]
    """What it was trained on, with what, and how well it did."""

    def probabilities(self, reading: Reading) -> dict[str, float]:
        """Return the probability of every label; they sum to 1."""
        known = sorted(self.grams[gram] for gram in grams_of(reading) if gram in self.grams)
        scores = self.offset.copy()
        if known:
            rows = np.array(known, np.int64)
            values = self.rarity[rows]
            values = (values / np.linalg.norm(values)).astype(np.float32)
            scores += self.weights.summed(rows, values, len(self.labels))
        chances = softmax(scores[None] * self.temperature)[0]
        return dict(zip(self.labels, chances.tolist(), strict=True))

    def weigh(self, reading: Reading, matched: Mapping[str, float]) -> dict[str, float]:
        """Return both opinions' product, normalised; ``matched`` may sum to less than 1."""
        return combined(self.probabilities(reading), matched, self.trust)


def combined(
    trained: Mapping[str, float], matched: Mapping[str, float], trust: float
) -> dict[str, float]:
    """Return the normalised product of two opinions (logarithmic opinion pool).

    For "none of them" and for intents that the trained model was never shown, its opinion is
    that of having none: as likely as any.
    """
    blank = 1.0 / len(trained)
    names = dict.fromkeys([*matched, *(name for name, p in trained.items() if p > 0.05)])
    nothing = max(1e-6, 1.0 - sum(matched.values())) * blank**trust
    shares = {
        name: max(matched.get(name, 0.0), UNTHOUGHT) * max(trained.get(name, blank), 1e-4) ** trust
        for name in names
    }
    total = nothing + sum(shares.values())
    return {name: share / total for name, share in shares.items()}


def grams_of(reading: Reading) -> set[str]:
    """Return what the model sees of a text."""
    text = reading.text
    return (
        written_grams(reading)
        | spoken_grams(reading)
        | {f"c:{text[at : at + 3]}" for at in range(len(text) - 2)}
    )


def train(
    readings: Sequence[Reading],
    labels: Sequence[str],
    facts: Mapping[str, Any],
    matched: Sequence[Mapping[str, float]] | None = None,
) -> TrainedModel:
    """Compare three linear models and return the best, trained on everything.

    ``matched`` is what the pack's matching thinks of each text, when the labels are its
    intents; how far to trust the model beside it is then learnt as well.

    Raises:
        ModelError: fewer than two labels have enough records.
    """
    often = Counter(labels)
    kept = [at for at, label in enumerate(labels) if often[label] >= FEWEST]
    names = tuple(sorted({labels[at] for at in kept}))
    if len(names) < 2:
        raise ModelError(
            f"at least two labels with {FEWEST} records each are needed, not {len(names)}"
        )
    number = {name: at for at, name in enumerate(names)}
    truth = np.array([number[labels[at]] for at in kept])
    said = [sorted(grams_of(readings[at])) for at in kept]
    compared, scores = {}, {}
    for kind in ("logistic regression", "linear SVM", "complement naive Bayes"):
        scores[kind] = _out_of_fold(kind, said, truth, len(names))
        compared[kind] = _quality(scores[kind], truth)
    best = max(compared, key=lambda kind: compared[kind]["accuracy"])
    temperature = min(_TEMPERATURES, key=lambda one: _surprise(scores[best] * one, truth))
    trust = 0.5
    if matched is not None:
        chances = softmax(scores[best] * temperature)
        trust = _best_trust(chances, names, truth, [matched[at] for at in kept])
    grams, rarity, design = _space(said)
    weights, offset = _fitted(best, design, truth)
    return TrainedModel(
        names,
        grams,
        rarity,
        _pruned(weights),
        offset,
        temperature,
        trust,
        {
            **facts,
            "records": len(kept),
            "labels": len(names),
            "left out, too rare": len(labels) - len(kept),
            "folds": FOLDS,
            "compared": compared,
            "chosen": best,
            "versions": {name: version(name) for name in ("numpy", "scikit-learn", "scipy")},
        },
    )


def save(model: TrainedModel, file: Path) -> None:
    """Write a model (OSError when that fails)."""
    head = {
        "format": FORMAT,
        "labels": model.labels,
        "temperature": model.temperature,
        "trust": model.trust,
        "facts": model.facts,
    }
    with file.open("wb") as out:
        np.savez_compressed(
            out,
            head=_bytes(json.dumps(head, ensure_ascii=False)),
            grams=_bytes("\n".join(model.grams)),
            rarity=model.rarity,
            starts=model.weights.starts,
            columns=model.weights.columns,
            values=model.weights.values,
            offset=model.offset,
        )


def load(file: Path) -> TrainedModel:
    """Read a model.

    Raises:
        ModelError: it can't be read or is no model of this format.
    """
    try:
        with np.load(file, allow_pickle=False) as data:
            head = json.loads(bytes(data["head"]).decode("utf-8"))
            if head["format"] != FORMAT:
                raise ModelError(f"{file}: format {head['format']}, not {FORMAT}: train it again")
            grams = bytes(data["grams"]).decode("utf-8").split("\n")
            model = TrainedModel(
                tuple(head["labels"]),
                {gram: at for at, gram in enumerate(grams)},
                data["rarity"],
                Rows(data["starts"], data["columns"], data["values"]),
                data["offset"],
                float(head["temperature"]),
                float(head["trust"]),
                head["facts"],
            )
    except OSError as error:
        raise ModelError(f"{file}: cannot be read: {error.strerror or error}") from error
    except (EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{file}: is not a model made by “hotline train”") from error
    if len(model.rarity) != len(grams) or len(model.offset) != len(model.labels):
        raise ModelError(f"{file}: its parts do not fit together")
    return model


def softmax(scores: NDArray[Any]) -> NDArray[np.float64]:
    """Return each row's probabilities."""
    parts = np.exp(scores - scores.max(axis=1, keepdims=True), dtype=np.float64)
    shares: NDArray[np.float64] = parts / parts.sum(axis=1, keepdims=True)
    return shares


def _bytes(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode("utf-8"), np.uint8)


def _space(said: Sequence[Sequence[str]]) -> tuple[dict[str, int], Floats, Any]:
    """Return the n-grams that occur twice or more, their rarity, and the texts over them."""
    used = Counter(gram for one in said for gram in one)
    grams = {gram: at for at, gram in enumerate(g for g, n in used.items() if n > 1)}
    counts = np.array([used[gram] for gram in grams], np.float32)
    rarity = (np.log((1 + len(said)) / (1 + counts)) + 1).astype(np.float32)
    return grams, rarity, _design(said, grams, rarity)


def _design(said: Sequence[Sequence[str]], grams: Mapping[str, int], rarity: Floats) -> Any:
    from scipy import sparse

    rows = [[grams[gram] for gram in one if gram in grams] for one in said]
    starts = np.cumsum([0, *map(len, rows)])
    at = np.fromiter((column for row in rows for column in row), np.int32, starts[-1])
    values = rarity[at]
    lengths = np.sqrt(np.maximum(1e-9, np.add.reduceat(np.append(values**2, 0.0), starts[:-1])))
    values = values / np.repeat(lengths, np.diff(starts))
    return sparse.csr_matrix((values, at, starts), shape=(len(said), len(grams)))


def _fitted(kind: str, design: Any, truth: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return weights (by n-gram, then label) and offsets (by label)."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import ComplementNB
    from sklearn.svm import LinearSVC

    model: Any = {
        "logistic regression": lambda: LogisticRegression(C=20.0, max_iter=300),
        "linear SVM": lambda: LinearSVC(C=1.0, random_state=SEED),
        "complement naive Bayes": lambda: ComplementNB(alpha=0.3),
    }[kind]()
    model.fit(design, truth)
    if kind == "complement naive Bayes":
        return model.feature_log_prob_.T.astype(np.float32), np.zeros(
            len(model.classes_), np.float32
        )
    weights, offset = model.coef_.T, model.intercept_
    if weights.shape[1] == 1:  # of two labels, scikit-learn scores the second only
        weights, offset = np.hstack((-weights, weights)), np.hstack((-offset, offset))
    return weights.astype(np.float32), offset.astype(np.float32)


def _out_of_fold(
    kind: str, said: Sequence[Sequence[str]], truth: NDArray[np.int64], labels: int
) -> NDArray[np.float64]:
    """Return the scores of each text by a model that was not shown it."""
    from sklearn.model_selection import StratifiedKFold

    folds = max(2, min(FOLDS, int(np.bincount(truth).min())))
    scores = np.zeros((len(said), labels))
    split = StratifiedKFold(folds, shuffle=True, random_state=SEED)
    for learnt, asked in split.split(np.zeros(len(said)), truth):
        grams, rarity, design = _space([said[at] for at in learnt])
        weights, offset = _fitted(kind, design, truth[learnt])
        scores[asked] = _design([said[at] for at in asked], grams, rarity) @ weights + offset
    return scores


def _quality(scores: NDArray[np.float64], truth: NDArray[np.int64]) -> dict[str, float]:
    from sklearn.metrics import f1_score

    guessed = scores.argmax(axis=1)
    return {
        "accuracy": round(float((guessed == truth).mean()), 4),
        "macro_f1": round(float(f1_score(truth, guessed, average="macro", zero_division=0)), 4),
    }


def _surprise(scores: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    chances = softmax(scores)[np.arange(len(truth)), truth]
    return float(-np.log(np.maximum(chances, 1e-12)).mean())


def _best_trust(
    chances: NDArray[np.float64],
    names: Sequence[str],
    truth: NDArray[np.int64],
    matched: Sequence[Mapping[str, float]],
) -> float:
    def surprise(trust: float) -> float:
        total = 0.0
        for row, right, other in zip(chances, truth.tolist(), matched, strict=True):
            both = combined(dict(zip(names, row.tolist(), strict=True)), other, trust)
            total -= math.log(max(both.get(names[right], 0.0), 1e-6))
        return total

    return min(_TRUSTS, key=surprise)


def _pruned(weights: Floats) -> Rows:
    keep = np.abs(weights) >= PRUNED * np.abs(weights).max(axis=0)
    starts = np.zeros(len(weights) + 1, np.int64)
    np.cumsum(keep.sum(axis=1), out=starts[1:])
    return Rows(starts, np.nonzero(keep)[1].astype(np.int32), weights[keep])
