"""The phrases and examples of a pack, turned into the arrays that an utterance is compared with.

Making them takes seconds for a large pack, reading them from a file a fraction of one: see
``store.py``. Nothing in them refers to how they were made. Leaves to others: comparing
(``evidence.py``).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bot.understanding.classifier import Classifier, learn
from bot.understanding.lexicon import Lexicon, Reading
from bot.understanding.sentences import Meanings
from bot.understanding.sparse import Floats, Rows

#: A pair of characters says less than a whole word.
PAIR_WEIGHT = 0.5
#: Parts the words of a label in ``Index.label_words``.
SEPARATOR = "\x1f"
_FIRST_CODE = 0x4E00


@dataclass(frozen=True, slots=True)
class Phrase:
    """One thing that can be said."""

    label: int
    """Number of what it means."""
    template: int
    """Number of the template that it was expanded from."""
    reading: Reading


@dataclass(frozen=True, slots=True)
class Index:
    """Phrases are sorted by label; ``first[label]`` is the first of a label, and so on."""

    first: NDArray[np.int64]
    texts: tuple[str, ...]
    """Each phrase, normalised."""
    syllables: tuple[str, ...]
    """All syllables there are; the n-th is written as one character in ``bare``."""
    bare: tuple[str, ...]
    """Each phrase as toneless syllables, one character a syllable."""
    folded: tuple[str, ...]
    """Likewise as folded syllables."""
    features: tuple[str, ...]
    """Words (w:), pairs of characters (c:) and of syllables (s:)."""
    weights: Floats
    """Of each feature, by rarity, 0 to 1."""
    text_rows: Rows
    """By phrase: its words and pairs of characters, with their weights."""
    sound_rows: Rows
    """By phrase: its pairs of syllables, with their weights."""
    text_users: Rows
    """By feature: the labels whose phrases use it."""
    sound_users: Rows
    label_words: tuple[str, ...]
    """By label: all words of its phrases."""
    classifier: Classifier


def encode(syllables: Sequence[str], codes: dict[str, str], learn: bool = False) -> str:
    """Write one character for each syllable, so that string metrics run at full speed."""
    if learn:
        for syllable in syllables:
            codes.setdefault(syllable, chr(_FIRST_CODE + len(codes)))
    return "".join(codes.get(syllable, "\0") for syllable in syllables)


def codes_of(syllables: Sequence[str]) -> dict[str, str]:
    """Return the character of each syllable, in the order of ``Index.syllables``."""
    return {syllable: chr(_FIRST_CODE + number) for number, syllable in enumerate(syllables)}


def build(phrases: Sequence[Phrase], labels: int, lexicon: Lexicon, meanings: Meanings) -> Index:
    """Index ``phrases``, whose labels are numbered up to ``labels``, and train on them."""
    unique = {(one.label, one.reading.text): one for one in phrases}
    phrases = sorted(unique.values(), key=lambda one: one.label)
    readings = [one.reading for one in phrases]
    owners = np.array([one.label for one in phrases], np.int64)
    first = np.searchsorted(owners, np.arange(labels + 1))
    codes: dict[str, str] = {}
    bare = tuple(encode(one.toneless, codes, learn=True) for one in readings)
    folded = tuple(encode(one.folded, codes, learn=True) for one in readings)
    templates = [one.template for one in phrases]
    texts = [sorted(text_features(one)) for one in readings]
    sounds = [sorted(sound_features(one)) for one in readings]
    used = _used_by(owners, texts, sounds)
    weights = {feature: weight_of(feature, used[feature], labels, lexicon) for feature in used}
    columns = {feature: number for number, feature in enumerate(used)}
    text_rows, sound_rows = (
        Rows.of([[(columns[one], weights[one]) for one in said] for said in all_said])
        for all_said in (texts, sounds)
    )
    return Index(
        first=first,
        texts=tuple(one.text for one in readings),
        syllables=tuple(codes),
        bare=bare,
        folded=folded,
        features=tuple(columns),
        weights=np.array(list(weights.values()), np.float32),
        text_rows=text_rows,
        sound_rows=sound_rows,
        text_users=_by_label(text_rows, first).transposed(len(columns)),
        sound_users=_by_label(sound_rows, first).transposed(len(columns)),
        label_words=tuple(
            SEPARATOR.join(sorted({word for one in readings[begin:end] for word in one.words}))
            for begin, end in pairwise(first.tolist())
        ),
        classifier=learn(readings, meanings, owners.tolist(), templates, labels),
    )


def text_features(reading: Reading) -> set[str]:
    """Return the words and the pairs of characters of a text."""
    return {f"w:{word}" for word in reading.words} | {f"c:{pair}" for pair in reading.bigrams}


def sound_features(reading: Reading) -> set[str]:
    """Return the pairs of syllables of a text."""
    return {f"s:{pair}" for pair in reading.sound_bigrams}


def weight_of(feature: str, used: int, labels: int, lexicon: Lexicon) -> float:
    """Return how much a feature says that ``used`` of the labels use, 0 to 1.

    Its inverse document frequency over labels, scaled to 1 for what one label or none uses;
    a word's is lowered if it is common in everyday language.
    """
    idf = 1.0
    if labels > 1:
        idf = math.log((labels + 1) / (used + 0.5)) / math.log((labels + 1) / 1.5)
    idf = max(0.02, min(1.0, idf))
    if feature.startswith("w:"):
        return idf * lexicon.rarity(feature[2:])
    return idf * (PAIR_WEIGHT if feature.startswith("c:") else 1.0)


def _used_by(
    owners: NDArray[np.int64], texts: Sequence[Sequence[str]], sounds: Sequence[Sequence[str]]
) -> Counter[str]:
    """Return by how many labels each feature is used."""
    pairs = {
        (feature, owner): None
        for owner, *both in zip(owners.tolist(), texts, sounds, strict=True)
        for said in both
        for feature in said
    }
    return Counter(feature for feature, _ in pairs)


def _by_label(rows: Rows, first: NDArray[np.int64]) -> Rows:
    edges = rows.starts[first].tolist()
    return Rows.of(
        [
            [(column, 1.0) for column in np.unique(rows.columns[begin:end]).tolist()]
            for begin, end in pairwise(edges)
        ]
    )
