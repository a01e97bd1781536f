"""How much an utterance is like a word to the bot, or a politeness, in nobody's foreseen words.

A small classifier of its own, apart from the questions and categories: these intents have so
many short and everyday phrases that among the others they would look like everything. It
learns them from their phrases and examples, and everything else from questions, categories,
emergencies and everyday talk. Leaves to others: whole utterances that are such words
(``whole.py``), and words that count wherever they stand (``spotting.py``), both of which come
first.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bot.understanding.alarm import NONE, Alarm, Example, learn_alarm
from bot.understanding.lexicon import Lexicon
from bot.understanding.pack import Pack
from bot.understanding.schema import Category, Command, Emergency, Faq, SmallTalk
from bot.understanding.sentences import Meanings
from bot.understanding.template import parse

#: Confidence at some likenesses, straight between them: how often what was that likely was right,
#: by cross-validation in five parts over 1920 sayings of commands and 5896 others. From 0.25, 95 %
#: of the commands (97 % of these the right one) and 1.1 % of the others; from 0.4, 87 % (99 %)
#: and 0.3 %; of the sentences that citizens say, which are harder, 83 % (90 %) and 54 % (94 %).
LIKENESSES = (0.0, 0.15, 0.22, 0.28, 0.37, 0.45, 0.55, 0.7, 1.0)
CONFIDENCES = (0.0, 0.0, 0.38, 0.5, 0.8, 0.88, 0.93, 0.95, 0.95)
#: With fewer other sayings than this, everything would be like a command.
FEWEST_OTHERS = 100
#: A template with more ways of saying it takes too long to list.
MOST_WAYS = 4000
#: Ways of saying one template that are learnt from, and phrases of each question.
OF_TEMPLATE, OF_EACH = 10, 6


def learn(
    pack: Pack, lexicon: Lexicon, meanings: Meanings, cache: Path | None = None
) -> Alarm | None:
    """Learn a pack's commands and politeness, or take them from the folder ``cache``.

    None if it has none, or hardly anything else to tell them from.
    """
    known = list(examples(pack))
    if sum(name == NONE for name, _ in known) < FEWEST_OTHERS:
        return None
    return learn_alarm(known, lexicon, meanings, cache)


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
            for text in pack.examples.get(intent.id, ()):
                yield intent.id, text
        elif isinstance(intent, Faq | Category):
            for source in intent.phrases[:OF_EACH]:
                yield NONE, parse(source).expand()[-1]
            for text in (*intent.tests, *pack.examples.get(intent.id, ())[:OF_EACH]):
                yield NONE, text
        elif isinstance(intent, Emergency):
            for text in pack.examples.get(intent.id, ()):
                yield NONE, text
    for text in (*pack.background, *pack.harmless):
        yield NONE, text
