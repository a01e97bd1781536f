"""How much an utterance is like a cry for help, where no word of an emergency was spotted.

A classifier of its own, small, and apart from the questions and categories: it learns the
pack's emergencies from whole cries for help (their ``phrases`` and examples), and everything else
from questions and categories and from the pack's ``harmless`` utterances, which hold alarming words
and mean nothing by them. Leaves to others: words that always count
(``spotting.py``), which come first, and the classifier's own workings (``classifier.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from bot.understanding import store
from bot.understanding.classifier import Classifier, learn
from bot.understanding.lexicon import Lexicon, Reading
from bot.understanding.pack import Pack
from bot.understanding.schema import Category, Command, Emergency, Faq, SmallTalk
from bot.understanding.sentences import Meanings
from bot.understanding.sparse import Floats
from bot.understanding.template import parse

#: Likeness from which it is taken for an emergency, and from which the caller is asked. By
#: cross-validation in five parts over 973 cries for help, 882 harmless utterances with alarming
#: words and 9084 others: from 0.35, 91 % of the cries by likeness alone, 7 % of the harmless and
#: 1.1 % of the others; from 0.25, 96 %, 17 % and 3.2 %.
SURE, ASK = 0.35, 0.25
#: Likeness below which a spotted word is a candidate like any other, and below which it makes us
#: ask, also if a question or category is sure. Of the cries 1 %, 3 % and 9 % lie below, of
#: the harmless utterances 67 %, 80 % and 93 %.
DOUBTED, ASKED_BELOW, ASKED_BELOW_IF_OTHER = 0.15, 0.22, 0.35
#: Confidence, as a share of "accept", of what is asked about before all else, of what is asked
#: about if nothing else is sure, and of what is doubted.
ASKED, ASKED_LATER, DOUBTFUL = 0.9, 0.85, 0.6
#: Label of everything that is no emergency.
NONE = ""
#: Phrases of each question and category that are learnt from, beside all of its examples.
OF_EACH = 4

Example = tuple[str, str]
"""Label (an emergency's id, or ``NONE``) and text."""


def examples(pack: Pack) -> Iterator[Example]:
    """Yield what there is to learn from, each text once."""
    for intent in pack.intents:
        if isinstance(intent, Emergency):
            for source in intent.phrases:
                yield intent.id, parse(source).expand()[0]
            for text in pack.examples.get(intent.id, ()):
                yield intent.id, text
        elif isinstance(intent, Faq | Category):
            for source in intent.phrases[:OF_EACH]:
                yield NONE, parse(source).expand()[-1]
            # As long and as lively as a cry for help, which phrases are not.
            for text in (*intent.tests, *pack.examples.get(intent.id, ())):
                yield NONE, text
        elif isinstance(intent, Command | SmallTalk):
            # As short as a cry for help.
            for source in intent.phrases[:OF_EACH]:
                ways = parse(source).expand()
                for text in ways[:: -(-len(ways) // OF_EACH)]:
                    yield NONE, text
            for text in pack.examples.get(intent.id, ()):
                yield NONE, text
    for text in (*pack.harmless, *pack.background):
        yield NONE, text


def doubt(likeness: float, other: bool, calm: bool) -> float:
    """Return how sure a spotted emergency still is, as a share of "accept"; 0 for no doubt.

    ``other`` tells that a question or category is sure, ``calm`` that it was said by somebody
    in no danger: of the cries for help 3 of 634 are, of the harmless utterances 30 %.
    """
    if calm:
        return ASKED_LATER if likeness >= DOUBTED else DOUBTFUL
    if likeness < DOUBTED:
        return DOUBTFUL
    below = ASKED_BELOW_IF_OTHER if other else ASKED_BELOW
    return ASKED if likeness < below else 0.0


class Alarm:
    """Knows the pack's emergencies by likeness. Thread-safe once made."""

    def __init__(self, names: Sequence[str], classifier: Classifier) -> None:
        self._names = tuple(names)
        self._classifier = classifier
        self._labels = np.arange(1, len(self._names))

    def look(self, reading: Reading, meaning: Floats) -> tuple[str, float]:
        """Return the likeliest emergency, and how much it is like any: about 0 to about 1."""
        scores = self._scores(reading, meaning)
        return self._names[1 + int(scores.argmax())], float(scores.sum())

    def look_best(self, reading: Reading, meaning: Floats) -> tuple[str, float]:
        """Return the likeliest intent, and how much it is like that one: about 0 to about 1."""
        scores = self._scores(reading, meaning)
        return self._names[1 + int(scores.argmax())], float(scores.max())

    def _scores(self, reading: Reading, meaning: Floats) -> Floats:
        kernel = self._classifier.kernel(reading, self._classifier.meanings @ meaning)
        return self._classifier.scores(kernel, self._labels)


def learn_alarm(
    known: Sequence[Example], lexicon: Lexicon, meanings: Meanings, cache: Path | None = None
) -> Alarm | None:
    """Learn from examples, or take what was learnt from the same ones; None if no emergency.

    ``cache`` is a folder in which what was learnt is kept.
    """
    names = (NONE, *dict.fromkeys(label for label, _ in known if label != NONE))
    if len(names) == 1:
        return None
    said = chain(chain.from_iterable(known), [meanings.version])
    file = cache / f"{store.key_of(said)}.npz" if cache else None
    classifier = store.load(file, Classifier) if file else None
    if classifier is None:
        readings = [lexicon.read(text) for _, text in known]
        classifier = learn(
            readings,
            meanings,
            [names.index(label) for label, _ in known],
            range(len(known)),
            len(names),
        )
        if file:
            store.save(file, classifier)
    return Alarm(names, classifier)
