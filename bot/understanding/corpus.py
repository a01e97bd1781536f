"""A pack's questions and categories as numbered labels with everything they can be said as.

What the matching engine is built from, and what it is fitted on. Leaves to others: comparing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.understanding.classifier import learn
from bot.understanding.evidence import Evidence, Phrase
from bot.understanding.lexicon import Lexicon
from bot.understanding.pack import Pack
from bot.understanding.schema import Category, Faq
from bot.understanding.template import parse
from bot.understanding.word_vectors import WordVectors

#: Name of the label of everyday talk that no intent answers.
NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Corpus:
    """Phrases with their labels."""

    names: tuple[str, ...]
    """Name of each label: intents, and last ``NOTHING`` when the pack gives everyday talk."""
    phrases: tuple[Phrase, ...]

    @property
    def background(self) -> int | None:
        """Label of everyday talk."""
        return len(self.names) - 1 if self.names[-1:] == (NOTHING,) else None

    def without(self, templates: Collection[int]) -> Corpus:
        """Return the corpus that was not told some templates."""
        return Corpus(self.names, tuple(p for p in self.phrases if p.template not in templates))

    def templates(self) -> NDArray[np.int64]:
        """Return the numbers of all templates."""
        return np.unique(np.array([phrase.template for phrase in self.phrases], np.int64))


def corpus_of(pack: Pack, lexicon: Lexicon) -> Corpus:
    """Read all that a pack's questions and categories can be said as.

    An intent's title is one more way of saying it.
    """
    names: list[str] = []
    phrases: list[Phrase] = []
    template = 0
    for intent in pack.intents:
        if not isinstance(intent, Faq | Category):
            continue
        for source in (*intent.phrases, intent.title, intent.title_en):
            for text in parse(source).expand() if source in intent.phrases else (source,):
                if (reading := lexicon.read(text)).text:
                    phrases.append(Phrase(len(names), template, reading))
            template += 1
        names.append(intent.id)
    if names and pack.background:
        for text in pack.background:
            phrases.append(Phrase(len(names), template, lexicon.read(text)))
            template += 1
        names.append(NOTHING)
    return Corpus(tuple(names), tuple(phrases))


def evidence_of(corpus: Corpus, lexicon: Lexicon, vectors: WordVectors) -> Evidence:
    """Index a corpus, and train the classifier that is one of its views."""
    readings = [phrase.reading for phrase in corpus.phrases]
    meanings = vectors.sentences(readings, lexicon.rarity)
    classifier = learn(
        readings,
        meanings,
        [phrase.label for phrase in corpus.phrases],
        [phrase.template for phrase in corpus.phrases],
        len(corpus.names),
    )
    return Evidence(corpus.phrases, meanings, len(corpus.names), lexicon, vectors, classifier)
