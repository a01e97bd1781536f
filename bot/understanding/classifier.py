"""A classifier trained on a pack's own phrases and examples: one view of what is meant.

Kernel ridge regression on one-against-all targets, solved exactly (Hastie, Tibshirani and
Friedman, The Elements of Statistical Learning, 12.3.7). Two texts are alike by what they
mean, by their n-grams of characters and words, and by their n-grams of syllables;
of the ways of joining these that were tried on the packs' own test sentences, one kernel
over the weighted sum of the three did best. The many ways of saying one template count as
one example, their mean; each of the pack's examples is one by itself. Leaves to
others: how much this view counts, and learning from a city's own records (``training.py``).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.understanding.lexicon import Reading
from bot.understanding.sentences import Meanings
from bot.understanding.sparse import Floats, Rows

#: Weights of meaning, writing and sound in how alike two texts are; they sum to 1.
MEANING, WRITING, SOUND = 0.7, 0.2, 0.1
#: How fast likeness falls off: the kernel is exp(SHARPNESS * (likeness - 1)).
SHARPNESS = 3.0
#: Weight of the ridge; the kernel's diagonal is 1.
RIDGE = 0.1
#: Examples at most. Memory and the time of training grow with its square and its cube.
MOST_EXAMPLES = 12_000


def written_grams(reading: Reading) -> set[str]:
    """Return characters, pairs of characters and words."""
    text = reading.text
    return {f"w:{word}" for word in reading.words} | _grams(text, (1, 2), "c:")


def spoken_grams(reading: Reading) -> set[str]:
    """Return folded syllables, alone and in twos and threes."""
    return _grams(reading.folded, (1, 2, 3), "s:")


def _grams(items: Sequence[str], sizes: Sequence[int], tag: str) -> set[str]:
    return {
        tag + " ".join(items[at : at + size])
        for size in sizes
        for at in range(len(items) - size + 1)
    }


@dataclass(frozen=True, slots=True)
class GramSpace:
    """Texts as vectors of length 1 over their n-grams, and the examples in that space."""

    columns: Mapping[str, int]
    rarity: Floats
    """Inverse document frequency of each n-gram."""
    examples: Rows
    """By n-gram, then example."""

    def alike(self, grams: set[str], examples: int) -> Floats:
        """Return the cosine of a text with each example."""
        known = sorted(self.columns[gram] for gram in grams if gram in self.columns)
        if not known:
            return np.zeros(examples, np.float32)
        rows = np.array(known, np.int64)
        values = self.rarity[rows]
        # Unknown n-grams lengthen the vector: they are part of what was said.
        unknown = (len(grams) - len(known)) * float(self.rarity.max()) ** 2
        length = math.sqrt(float((values**2).sum()) + unknown)
        return self.examples.summed(rows, (values / length).astype(np.float32), examples)


@dataclass(frozen=True, slots=True)
class Classifier:
    """A trained classifier. Immutable."""

    written: GramSpace
    spoken: GramSpace
    meanings: Floats
    """Of each example, of length 1."""
    labels: NDArray[np.int64]
    """Of each example."""
    dual: Floats
    """By label, then example."""
    prior: Floats
    """By label."""

    def kernel(self, reading: Reading, meant: Floats) -> Floats:
        """Return how alike a text is to each example; ``meant`` is how alike they mean, -1 to 1."""
        count = len(self.meanings)
        alike = MEANING * meant
        alike += WRITING * self.written.alike(written_grams(reading), count)
        alike += SOUND * self.spoken.alike(spoken_grams(reading), count)
        kernel: Floats = np.exp(SHARPNESS * (alike - 1.0))
        return kernel

    def scores(self, kernel: Floats, labels: NDArray[np.int64]) -> Floats:
        """Return a score for each of ``labels``: about 1 for what is meant, 0 for others."""
        scores: Floats = self.prior[labels] + self.dual[labels] @ kernel
        return scores


def learn(
    readings: Sequence[Reading],
    meanings: Meanings,
    labels: Sequence[int],
    templates: Sequence[int],
    count: int,
) -> Classifier:
    """Train on readings, each with its label (of ``count``) and template."""
    from scipy.linalg import cho_factor, cho_solve

    kinds, example = np.unique(np.asarray(templates, np.int64), return_inverse=True)
    truth = np.zeros(len(kinds), np.int64)
    truth[example] = labels
    chosen = _spread(truth)
    place = np.full(len(kinds), -1)
    place[chosen] = np.arange(len(chosen))
    example, truth = place[example], truth[chosen]
    used = np.nonzero(example >= 0)[0]
    readings = [readings[at] for at in used.tolist()]
    example = example[used]
    size = len(truth)
    said = meanings.of_all(readings)
    centres = np.zeros((size, said.shape[1]), np.float32)
    np.add.at(centres, example, said)
    centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-6)
    written, one = _space(readings, written_grams, example, size)
    spoken, other = _space(readings, spoken_grams, example, size)
    alike = MEANING * (centres @ centres.T) + WRITING * one + SOUND * other
    kernel = np.exp(SHARPNESS * (alike - 1.0)).astype(np.float32)
    kernel[np.diag_indices_from(kernel)] += RIDGE
    target = np.zeros((size, count), np.float32)
    target[np.arange(size), truth] = 1.0
    prior = target.sum(axis=0) / max(1, size)
    dual = cho_solve(cho_factor(kernel, overwrite_a=True, check_finite=False), target - prior)
    dual = np.ascontiguousarray(dual.T, np.float32)
    return Classifier(written, spoken, centres, truth, dual, prior)


def _spread(truth: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which examples to learn from: all, or the first ones of every label in turn."""
    if len(truth) <= MOST_EXAMPLES:
        return np.arange(len(truth))
    seen: Counter[int] = Counter()
    turn = []
    for label in truth.tolist():
        turn.append(seen[label])
        seen[label] += 1
    return np.sort(np.argsort(turn, kind="stable")[:MOST_EXAMPLES])


def _space(
    readings: Sequence[Reading],
    grams_of: Callable[[Reading], set[str]],
    example: NDArray[np.int64],
    size: int,
) -> tuple[GramSpace, NDArray[np.float32]]:
    """Return the space of some n-grams, and the cosines of all examples in it."""
    from scipy import sparse

    grams = [sorted(grams_of(reading)) for reading in readings]
    columns: dict[str, int] = {}
    for gram in chain.from_iterable(grams):
        columns.setdefault(gram, len(columns))
    starts = np.cumsum([0, *(len(said) for said in grams)])
    at = np.fromiter((columns[gram] for said in grams for gram in said), np.int32, starts[-1])
    shape = (len(grams), len(columns))
    said = sparse.csr_array((np.ones(len(at), np.float32), at, starts), shape=shape)
    belongs = sparse.csr_array(
        (np.ones(len(grams), np.float32), (example, np.arange(len(grams)))),
        shape=(size, len(grams)),
    )
    used = np.diff(sparse.csc_array(belongs @ said).indptr)
    rarity = (np.log((1 + size) / (1 + used)) + 0.5).astype(np.float32)
    examples = _unit_rows(belongs @ _unit_rows(said @ sparse.diags_array(rarity)))
    by_gram = sparse.csr_array(examples.T)
    rows = Rows(
        by_gram.indptr.astype(np.int64),
        by_gram.indices.astype(np.int32),
        by_gram.data.astype(np.float32),
    )
    cosines = (examples @ by_gram).toarray().astype(np.float32)
    return GramSpace(columns, rarity, rows), cosines


def _unit_rows(matrix: Any) -> Any:
    from scipy import sparse

    lengths = np.sqrt(matrix.multiply(matrix).sum(axis=1))
    return sparse.csr_array(sparse.diags_array(1.0 / np.maximum(lengths, 1e-9)) @ matrix)
