"""What callers are likely to say, as a recogniser wants it: phrases cut into words.

Vosk takes a list of phrases whose words stand apart (``我 家 停水 了``), all of them words of
its model. Its Chinese models write no digits, so numbers are spelled as they are spoken.
Leaves to others: recognising.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import jieba

from bot.understanding.normalise import clean
from bot.understanding.pack import Pack
from bot.understanding.schema import Category, Command, Emergency, Faq, SmallTalk, expansions
from bot.understanding.template import parse

_SPOKEN = str.maketrans("0123456789", "零一二三四五六七八九")
_CODE = re.compile(r"\d{3,}")


def vosk_phrases(pack: Pack) -> list[str]:
    """Return all that the pack's templates can say, its words and its places, each once.

    A gap in a template stands for nothing. 120 is given as 一 二 零 and as 幺 二 零.
    """
    logging.getLogger("jieba").setLevel(logging.WARNING)
    cut = jieba.Tokenizer()
    phrases: dict[str, None] = {}
    for text in _texts(pack):
        for spoken in _spoken(clean(text)):
            # Digits are words of their own; jieba would keep 一二三 together.
            pieces = re.split(
                r"([零幺一二三四五六七八九](?=[零幺一二三四五六七八九])|[a-z]+)", spoken
            )
            words = [word for piece in pieces for word in cut.cut(piece, HMM=False) if word.strip()]
            phrases.setdefault(" ".join(words))
    phrases.pop("", None)
    return list(phrases)


def _texts(pack: Pack) -> Iterator[str]:
    yield from pack.domain_words
    for place in pack.places:
        yield from (place.name, *place.aliases)
    for intent in pack.intents:
        yield from expansions(intent)
        if isinstance(intent, Emergency | Command | SmallTalk):
            for word in (*intent.words, *intent.by_sound):
                yield from parse(word).expand()
        if isinstance(intent, Faq):
            for follow_up in intent.follow_ups:
                for phrase in follow_up.phrases:
                    yield from parse(phrase).expand()
        if isinstance(intent, Faq | Category):
            yield intent.title


def _spoken(text: str) -> list[str]:
    """Spell digits; in a number of three or more digits 1 is also said 幺."""
    plain = text.translate(_SPOKEN)
    code = _CODE.sub(lambda found: found.group().replace("1", "幺"), text).translate(_SPOKEN)
    return [plain] if plain == code else [plain, code]
