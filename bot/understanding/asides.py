"""How much an utterance is like a word to the bot, or a politeness, in nobody's foreseen words.

A small classifier of its own, apart from the questions and categories: these intents have so
many short and everyday phrases that among the others they would look like everything. It
learns them from their phrases, and everything else from questions, categories and everyday
talk. Leaves to others: whole utterances that are such words (``whole.py``), and words that
count wherever they stand (``spotting.py``), both of which come first.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bot.understanding.alarm import NONE, Alarm, Example, learn_alarm
from bot.understanding.lexicon import Lexicon
from bot.understanding.pack import Pack
from bot.understanding.schema import Category, Command, Faq, SmallTalk
from bot.understanding.template import parse
from bot.understanding.word_vectors import WordVectors

#: Confidence at some likenesses, straight between them. By cross-validation in five parts over
#: 976 phrases of commands and 3883 other sayings: from 0.2, 1.2 % of the others and 88 % of the
#: commands (97 % of these the right one); from 0.3, 0.3 % and 84 % (98 %); from 0.5, none and 66 %.
LIKENESSES = (0.0, 0.2, 0.25, 0.3, 0.5, 1.0)
CONFIDENCES = (0.0, 0.0, 0.4, 0.75, 0.92, 0.94)
#: With fewer other sayings than this, everything would be like a command.
FEWEST_OTHERS = 100
#: A template with more ways of saying it takes too long to list.
MOST_WAYS = 4000
#: Ways of saying one template that are learnt from, and phrases of each question.
OF_TEMPLATE, OF_EACH = 10, 6


def learn(
    pack: Pack, lexicon: Lexicon, vectors: WordVectors, cache: Path | None = None
) -> Alarm | None:
    """Learn a pack's commands and politeness, or take them from the folder ``cache``.

    None if it has none, or hardly anything else to tell them from.
    """
    known = list(examples(pack))
    if sum(name == NONE for name, _ in known) < FEWEST_OTHERS:
        return None
    return learn_alarm(known, lexicon, vectors, cache)


def confidence(likeness: float) -> float:
    """Return the confidence (0 to 1) of something of that likeness."""
    return float(np.interp(likeness, LIKENESSES, CONFIDENCES))


def examples(pack: Pack) -> Iterator[Example]:
    """Yield what there is to learn from: an intent's id or ``NONE``, and a text."""
    for intent in pack.intents:
        if isinstance(intent, Command | SmallTalk):
            for source in (*intent.phrases, *intent.whole, *intent.words):
                template = parse(source, None)
                if template.count() <= MOST_WAYS:
                    ways = template.expand()
                    for text in ways[:: -(-len(ways) // OF_TEMPLATE)]:
                        if len(text) > 1:
                            yield intent.id, text
        elif isinstance(intent, Faq | Category):
            for source in intent.phrases[:OF_EACH]:
                yield NONE, parse(source).expand()[-1]
            for text in intent.tests:
                yield NONE, text
    for text in (*pack.background, *pack.harmless):
        yield NONE, text
