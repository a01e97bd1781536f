"""Which question about the answer just heard: 那要带什么材料, 多少钱, 在哪儿办.

Such a question names no subject, so it is compared only with the follow-up questions of the
answer it follows: in writing, in sound and in meaning. What speaks against it is a subject of
its own: words that neither the answer's question nor its follow-ups use, and another intent
that it is likelier to be. A conditional logit makes probabilities of these; its weights
are in ``follow_ups.json``, fitted by ``follow_up_fitting.py``. Leaves to others: reading the
utterance as a question of its own, which ``match.py`` does first.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz
from rapidfuzz.distance import Indel

from bot.understanding.lexicon import Lexicon, Reading
from bot.understanding.pack import Pack
from bot.understanding.schema import Faq
from bot.understanding.sparse import Floats
from bot.understanding.template import parse
from bot.understanding.types import FollowUpMatch
from bot.understanding.word_vectors import WordVectors

FILE = Path(__file__).parent / "follow_ups.json"
#: What speaks for a follow-up question, each about 0 to 1.
VIEWS = (
    "writing",  # similarity of the characters (normalised Indel) to the closest phrase
    "sound",  # the same for toneless, folded syllables
    "inside",  # similarity of the closest phrase to the part of the utterance most like it
    "meaning",  # cosine of the utterance and the closest phrase, as sums of word vectors
    "shared",  # share of the closest phrase's words, by rarity, that the utterance uses
    "lead",  # how much likelier than the answer's other follow-ups, by meaning and writing
    "foreign",  # weight of the words of other subjects, that this answer never speaks of
    "rival",  # confidence of the other intents
    "other",  # product of the two: another subject that is understood
)
#: Probability from which it is one: likelier than not. ``follow_ups.json`` says how often that
#: is right; a higher one is right more often
LIKELY = 0.5


@dataclass(frozen=True, slots=True)
class Asked:
    """One way of asking a follow-up question."""

    text: str
    sound: str
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Subject:
    """A question with what may be asked after its answer."""

    faq: Faq
    ways: tuple[tuple[Asked, ...], ...]
    """Of each follow-up question."""
    meanings: tuple[Floats, ...]
    known: frozenset[str]
    """Words of its own subject."""


class FollowUps:
    """Knows the follow-up questions of a pack. Thread-safe once made."""

    def __init__(
        self,
        pack: Pack,
        lexicon: Lexicon,
        vectors: WordVectors,
        weight_of_word: Callable[[str], float],
        weights: NDArray[np.float64] | None = None,
    ) -> None:
        """Read them all.

        ``weight_of_word`` tells how much a word says of a subject, 0 to 1. ``weights`` of the
        views, then the constant; by default the shipped ones.
        """
        self._weight_of_word = weight_of_word
        self._lexicon = lexicon
        self._vectors = vectors
        self._weights = shipped() if weights is None else weights
        faqs = [one for one in pack.intents if isinstance(one, Faq) and one.follow_ups]
        by_title: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for faq in faqs:
            for follow_up in faq.follow_ups:
                by_title[follow_up.title].update(dict.fromkeys(_said(follow_up.phrases)))
        self._phrases = {
            faq.id: tuple(tuple(ways) for ways in _ways(faq, by_title)) for faq in faqs
        }
        self._faqs = {faq.id: faq for faq in faqs}
        self._subjects: dict[str, _Subject] = {}

    def look(
        self, about: str, reading: Reading, rival: float, without: str = ""
    ) -> NDArray[np.float64]:
        """Return a row of ``VIEWS`` for each follow-up question of ``about``; none if it has none.

        ``rival`` is the confidence of all other intents. ``without`` is a phrase
        to be forgotten, for fitting.
        """
        subject = self._subject(about)
        if subject is None or not reading.text:
            return np.zeros((0, len(VIEWS)))
        meaning = self._vectors.sentences([reading], self._lexicon.rarity)[0]
        words, sound = frozenset(reading.words), " ".join(reading.folded)
        rows = []
        for ways, meanings in zip(subject.ways, subject.meanings, strict=True):
            best = [0.0] * 5
            for one, likeness in zip(ways, (meanings @ meaning).tolist(), strict=True):
                if one.text == without:
                    continue
                views = (
                    Indel.normalized_similarity(reading.text, one.text),
                    Indel.normalized_similarity(reading.folded, one.sound.split(" ")),
                    fuzz.partial_ratio(one.sound, sound) / 100
                    if len(one.sound) <= len(sound)
                    else Indel.normalized_similarity(one.sound, sound),
                    likeness,
                    self._share(one.words & words, one.words),
                )
                best = [max(pair) for pair in zip(best, views, strict=True)]
            rows.append(best)
        both = [row[0] + row[3] for row in rows]
        foreign = min(1.0, sum(map(self._weight_of_word, words - subject.known)))
        return np.array(
            [
                [
                    *row,
                    own - max((other for at, other in enumerate(both) if at != number), default=0),
                    foreign,
                    rival,
                    foreign * rival,
                ]
                for number, (row, own) in enumerate(zip(rows, both, strict=True))
            ]
        )

    def find(self, about: str, reading: Reading, rival: float) -> FollowUpMatch | None:
        """Return the follow-up question of ``about`` that was asked; None if none was."""
        views = self.look(about, reading, rival)
        if not len(views):
            return None
        chances = probabilities(views, self._weights)
        index = int(chances.argmax())
        if chances[index] < LIKELY:
            return None
        found = self._faqs[about].follow_ups[index]
        return FollowUpMatch(found.title, found.answer, index, round(float(chances[index]), 4))

    def phrases(self, about: str) -> tuple[tuple[str, ...], ...]:
        """Return all the ways of asking each follow-up question of ``about``."""
        return self._phrases.get(about, ())

    def _subject(self, about: str) -> _Subject | None:
        # Made when first asked about: a pack has hundreds, a call needs a few.
        if about not in self._faqs:
            return None
        if about not in self._subjects:
            faq = self._faqs[about]
            readings = [[self._lexicon.read(text) for text in ways] for ways in self.phrases(about)]
            own = [faq.title, *faq.phrases]
            for one in faq.follow_ups:
                own += one.phrases
            self._subjects[about] = _Subject(
                faq,
                tuple(
                    tuple(
                        Asked(one.text, " ".join(one.folded), frozenset(one.words)) for one in ways
                    )
                    for ways in readings
                ),
                tuple(self._vectors.sentences(ways, self._lexicon.rarity) for ways in readings),
                self._words(own),
            )
        return self._subjects[about]

    def _words(self, phrases: Sequence[str]) -> frozenset[str]:
        return frozenset(w for text in _said(phrases) for w in self._lexicon.read(text).words)

    def _share(self, some: frozenset[str], whole: frozenset[str]) -> float:
        total = sum(map(self._lexicon.rarity, whole))
        return sum(map(self._lexicon.rarity, some)) / total if total else 0.0


def probabilities(views: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how likely each follow-up question is; what is missing of 1 is "none of them"."""
    return shares(views @ weights[:-1] + weights[-1], np.zeros(len(views), np.int64))


def shares(odds: NDArray[np.float64], owner: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share of each row among those of one owner and "none", of log-odds 0."""
    parts = np.exp(np.clip(odds, -50.0, 50.0))
    found: NDArray[np.float64] = parts / (1.0 + np.bincount(owner, parts))[owner]
    return found


@lru_cache(maxsize=1)
def shipped() -> NDArray[np.float64]:
    """Return the weights that ship with the project."""
    known = json.loads(FILE.read_text("utf-8"))["weights"]
    found = np.array([*(known[view] for view in VIEWS), known["constant"]], np.float64)
    assert all(map(math.isfinite, found.tolist()))
    return found


def _said(phrases: Sequence[str]) -> list[str]:
    return [text for phrase in phrases for text in parse(phrase).expand()]


def _ways(faq: Faq, by_title: dict[str, dict[str, None]]) -> list[list[str]]:
    """Return the ways of asking each follow-up question.

    Questions with one title are asked in the same words about every subject, so each learns
    the others' phrases; but never one that is another question's of this same answer.
    """
    own = [dict.fromkeys([one.title, *_said(one.phrases)]) for one in faq.follow_ups]
    return [
        list(
            said
            | {
                text: None
                for text in by_title[one.title]
                if not any(text in others for others in own if others is not said)
            }
        )
        for one, said in zip(faq.follow_ups, own, strict=True)
    ]
