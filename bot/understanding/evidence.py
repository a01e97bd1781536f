"""Evidence that an utterance means an intent, from several views.

Words and character pairs weighted by rarity, the writing as a whole, the sound, the meaning of
the sentence, and a classifier. A cheap look at every intent picks the few worth a
closer one, so that time grows little with the pack. Leaves to others: making one confidence
of the views (``calibration.py``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process
from rapidfuzz.distance import Indel

from bot.understanding.classifier import Classifier
from bot.understanding.index import (
    SEPARATOR,
    Index,
    codes_of,
    encode,
    sound_features,
    text_features,
    weight_of,
)
from bot.understanding.lexicon import Lexicon, Reading
from bot.understanding.sparse import Floats, Rows
from bot.understanding.word_vectors import unit

#: The views, in the order of their numbers. Each is about 0 to 1.
VIEWS: tuple[str, ...] = (
    "explained",  # share of the utterance's words, by rarity, that the intent's phrases use
    "covered",  # share of the closest phrase's words, by rarity, that the utterance uses
    "sound_explained",  # as explained, for pairs of syllables
    "sound_covered",  # as covered, for pairs of syllables
    "writing",  # similarity of the characters (normalised Indel) to the closest phrase
    "sound",  # similarity of the syllables to the closest phrase, toneless and folded
    "inside",  # similarity of the closest phrase to the part of the utterance most like it
    "sentence",  # cosine of the meanings of the utterance and the closest phrase or example
    "field",  # cosine of the utterance and the mean of the intent's phrases and examples
    "classified",  # score of the classifier
)
#: Intents that the classifier scores, and those of them that get a closer look.
LONGLIST, SHORTLIST = 48, 12
#: Phrases of each such intent that are looked for inside the utterance.
CLOSEST = 3
#: An utterance is explained when this much rarity is: people tell long stories.
ENOUGH_WORDS, ENOUGH_SOUNDS = 5.0, 6.0


@dataclass(frozen=True, slots=True)
class Look:
    """What speaks for each label on the shortlist of one utterance."""

    labels: NDArray[np.int64]
    views: Floats
    """A row for each label, a column for each of ``VIEWS``."""
    closest: NDArray[np.int64]
    """Number of the closest phrase of each label."""


class Evidence:
    """The phrases of a pack, indexed. Thread-safe once made."""

    def __init__(self, index: Index, lexicon: Lexicon) -> None:
        self.index = index
        self._lexicon = lexicon
        self.labels = len(index.first) - 1
        self._codes = codes_of(index.syllables)
        self._columns = {feature: number for number, feature in enumerate(index.features)}
        self._text_total = _total(index.text_rows, len(index.features))
        self._sound_total = _total(index.sound_rows, len(index.features))
        self._centres = _centres(index.classifier, self.labels)
        self._label_words = [frozenset(words.split(SEPARATOR)) for words in index.label_words]

    def look(self, reading: Reading, meaning: Floats) -> Look:
        """Return what speaks for the labels worth considering; none when nothing does.

        ``meaning`` is that of the text, by the same model as those of the index.
        """
        texts, sounds = text_features(reading), sound_features(reading)
        text_columns, sound_columns = self._known(texts), self._known(sounds)
        explained = self._explained(
            self.index.text_users, text_columns, self._unknown(texts), ENOUGH_WORDS
        )
        heard = self._explained(
            self.index.sound_users, sound_columns, self._unknown(sounds), ENOUGH_SOUNDS
        )
        classifier = self.index.classifier
        meant = classifier.meanings @ meaning
        sentence = np.full(self.labels, -1.0, np.float32)
        np.maximum.at(sentence, classifier.labels, meant)
        field = self._centres @ meaning
        cheap = explained + heard + sentence + field
        told = self.index.first[1:] > self.index.first[:-1]
        long = _greatest(np.where(told, cheap, -np.inf).astype(np.float32), LONGLIST)
        long = long[told[long]]
        classified = classifier.scores(classifier.kernel(reading, meant), long)
        chosen = np.sort(_greatest(cheap[long] + 4.0 * classified, SHORTLIST))
        short, classified = long[chosen], classified[chosen]
        if not len(short):
            return Look(short, np.zeros((0, len(VIEWS)), np.float32), short)
        counts = self.index.first[short + 1] - self.index.first[short]
        rows = np.repeat(
            self.index.first[short] - (np.cumsum(counts) - counts), counts
        ) + np.arange(counts.sum())
        edges = np.cumsum(counts) - counts

        def best(values: Floats) -> Floats:
            most: Floats = np.maximum.reduceat(values, edges)
            return most

        writing, sound, inside, closest = self._written(reading, rows, edges, counts)
        present = np.zeros(len(self.index.weights), np.float32)
        present[text_columns] = 1.0
        present[sound_columns] = 1.0
        views = np.stack(
            (
                explained[short],
                best(self.index.text_rows.found(rows, present) / self._text_total[rows]),
                heard[short],
                best(self.index.sound_rows.found(rows, present) / self._sound_total[rows]),
                best(writing),
                best(sound),
                inside,
                sentence[short],
                field[short],
                classified,
            ),
            axis=1,
        ).astype(np.float32)
        return Look(short, views, closest)

    def shared(self, reading: Reading, label: int) -> list[str]:
        """Return the words that an utterance and a label's phrases have in common, rarest first."""
        own = self._label_words[label]
        common = {word for word in reading.words if word in own}
        weights = {word: float(self.index.weights[self._columns[f"w:{word}"]]) for word in common}
        return sorted((w for w in common if weights[w] > 0.2), key=lambda w: (-weights[w], w))

    def weight_of_word(self, word: str) -> float:
        """Return how much a word says about which label is meant, 0 to 1; 0 if none uses it."""
        column = self._columns.get(f"w:{word}")
        return 0.0 if column is None else float(self.index.weights[column])

    def _known(self, features: Iterable[str]) -> NDArray[np.int64]:
        found = [self._columns[feature] for feature in features if feature in self._columns]
        return np.array(sorted(found), np.int64)

    def _unknown(self, features: Iterable[str]) -> float:
        return sum(
            weight_of(feature, 0, self.labels, self._lexicon)
            for feature in features
            if feature not in self._columns
        )

    def _explained(
        self, users: Rows, columns: NDArray[np.int64], unknown: float, enough: float
    ) -> Floats:
        weights = self.index.weights[columns]
        total = min(float(weights.sum()) + unknown, enough)
        if not total:
            return np.zeros(self.labels, np.float32)
        share: Floats = np.minimum(1.0, users.summed(columns, weights, self.labels) / total)
        return share

    def _written(
        self,
        reading: Reading,
        rows: NDArray[np.int64],
        edges: NDArray[np.int64],
        counts: NDArray[np.int64],
    ) -> tuple[Floats, Floats, Floats, NDArray[np.int64]]:
        """Return writing and sound for each row, and for each label the best part and phrase."""
        codes = (
            reading.text,
            encode(reading.toneless, self._codes),
            encode(reading.folded, self._codes),
        )
        numbers = rows.tolist()
        writing, bare, fold = (
            process.cdist([code], [side[n] for n in numbers], scorer=Indel.normalized_similarity)[0]
            for code, side in zip(
                codes, (self.index.texts, self.index.bare, self.index.folded), strict=True
            )
        )
        sound = (bare + fold) / 2
        both = writing + sound
        inside = np.zeros(len(edges), np.float32)
        closest = np.zeros(len(edges), np.int64)
        for number, (begin, count) in enumerate(zip(edges.tolist(), counts.tolist(), strict=True)):
            order = np.argsort(-both[begin : begin + count], kind="stable")[:CLOSEST] + begin
            closest[number] = rows[order[0]]
            inside[number] = max(
                _inside(codes[2], self.index.folded[rows[at]]) for at in order.tolist()
            )
        return writing, sound, inside, closest


def _inside(code: str, phrase: str) -> float:
    """Return how well a phrase is found inside a longer text, as sounds."""
    if len(phrase) >= len(code):
        return float(Indel.normalized_similarity(code, phrase))
    return float(fuzz.partial_ratio(phrase, code)) / 100


def _centres(classifier: Classifier, labels: int) -> Floats:
    """Return the mean meaning of each label's examples, of length 1."""
    centres = np.zeros((labels, classifier.meanings.shape[1]), np.float32)
    np.add.at(centres, classifier.labels, classifier.meanings)
    return unit(centres)


def _greatest(values: Floats, count: int) -> NDArray[np.int64]:
    """Return where the greatest values stand, in writing order."""
    if len(values) <= count:
        return np.arange(len(values))
    return np.sort(np.argpartition(-values, count)[:count])


def _total(rows: Rows, columns: int) -> Floats:
    """Return the weight of all of each phrase."""
    everything = np.arange(len(rows.starts) - 1)
    total: Floats = np.maximum(rows.found(everything, np.ones(columns, np.float32)), 1e-6)
    return total
