"""A pack's intents as numbered labels with everything they can be said as.

What the matching engine is built from, and what it is fitted on. Leaves to others: comparing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.understanding import store
from bot.understanding.evidence import Evidence
from bot.understanding.index import Index, Phrase, build
from bot.understanding.lexicon import Lexicon
from bot.understanding.pack import Pack
from bot.understanding.schema import Category, Faq
from bot.understanding.sentences import Meanings
from bot.understanding.template import parse

#: Name of the label of everyday talk that no intent answers.
NOTHING = "-"
#: Signs that mean something in a template.
SIGNS = "[]()|…?*+^$\\{}"
#: Ways of saying one template that are learnt from: more teach nothing that these do not.
MOST_WAYS = 24


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


def sayings(pack: Pack) -> Iterator[tuple[str, str]]:
    """Yield each template of a pack with the name of its label.

    A question's or category's title is one more way of saying it, and so is each example.
    Commands and politeness are not among them (``asides.py``), nor emergencies (``alarm.py``).
    Everyday talk comes last.
    """
    for intent in pack.intents:
        if isinstance(intent, Faq | Category):
            for source in intent.phrases:
                yield intent.id, source
            # Titles and examples are plain text, in which the signs of templates mean nothing.
            for text in (intent.title, intent.title_en, *pack.examples.get(intent.id, ())):
                yield intent.id, "".join(" " if char in SIGNS else char for char in text)
    for text in pack.background:
        yield NOTHING, text


def corpus_of(pack: Pack, lexicon: Lexicon) -> Corpus:
    """Read all that a pack's intents can be said as."""
    labels: dict[str, int] = {}
    phrases: list[Phrase] = []
    for template, (name, source) in enumerate(sayings(pack)):
        label = labels.setdefault(name, len(labels))
        for text in _said(source) if name != NOTHING else (source,):
            if (reading := lexicon.read(text)).text:
                phrases.append(Phrase(label, template, reading))
    return Corpus(tuple(labels), tuple(phrases))


def _said(source: str) -> list[str]:
    """Return what a template can say; of very many ways some, evenly chosen."""
    ways = parse(source).expand()
    return ways[:: -(-len(ways) // MOST_WAYS)]


def evidence_of(corpus: Corpus, lexicon: Lexicon, meanings: Meanings) -> Evidence:
    """Index a corpus, and train the classifier that is one of its views."""
    return Evidence(build(corpus.phrases, len(corpus.names), lexicon, meanings), lexicon)


def evidence_of_pack(
    pack: Pack, lexicon: Lexicon, meanings: Meanings, cache: Path | None
) -> tuple[tuple[str, ...], Evidence]:
    """Return the names of a pack's labels and their evidence.

    The index is read from the folder ``cache`` if it was kept there, and else made and kept.
    """
    if cache is None:
        corpus = corpus_of(pack, lexicon)
        return corpus.names, evidence_of(corpus, lexicon, meanings)
    names = tuple(dict.fromkeys(name for name, _ in sayings(pack)))
    everything = (text for saying in sayings(pack) for text in saying)
    synonyms = (text for word, others in pack.synonyms.items() for text in (word, *others))
    engine = (str(MOST_WAYS), meanings.version)
    file = cache / f"{store.key_of(chain(everything, synonyms, pack.words(), engine))}.npz"
    index = store.load(file, Index)
    if index is None:
        index = build(corpus_of(pack, lexicon).phrases, len(names), lexicon, meanings)
        store.save(file, index)
    return names, Evidence(index, lexicon)
