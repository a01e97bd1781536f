"""Cutting text into words, and what each view of it shows: words and sounds.

Each pack has a jieba tokenizer of its own, so that two packs in one process do not share
words; everyday Chinese is read from disk once for all of them. Latin words are kept whole
and lose their endings. Leaves to others: comparing readings.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import jieba

from bot.understanding.normalise import normalise
from bot.understanding.pack import Pack
from bot.understanding.sound import folded, toned, toneless

#: A recogniser never hands over more in one utterance; longer typed text is cut off.
MAX_CHARS = 400
#: English words that say nothing by themselves; jieba knows the frequency of Chinese only.
_ENGLISH_PARTICLES = frozenset(
    [
        "a",
        "about",
        "am",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "because",
        "been",
        "but",
        "by",
        "can",
        "cant",
        "could",
        "did",
        "do",
        "does",
        "dont",
        "for",
        "from",
        "get",
        "go",
        "got",
        "had",
        "has",
        "have",
        "he",
        "hello",
        "hi",
        "how",
        "i",
        "id",
        "if",
        "ill",
        "im",
        "in",
        "into",
        "is",
        "it",
        "its",
        "ive",
        "just",
        "know",
        "like",
        "me",
        "my",
        "need",
        "no",
        "not",
        "of",
        "off",
        "on",
        "or",
        "our",
        "out",
        "please",
        "really",
        "report",
        "s",
        "say",
        "she",
        "so",
        "some",
        "tell",
        "thank",
        "thanks",
        "that",
        "the",
        "their",
        "them",
        "there",
        "these",
        "they",
        "this",
        "to",
        "up",
        "us",
        "want",
        "was",
        "we",
        "were",
        "what",
        "whats",
        "when",
        "where",
        "which",
        "who",
        "why",
        "will",
        "with",
        "would",
        "yes",
        "you",
        "your",
    ]
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One text seen in every way that matching uses."""

    text: str
    """Normalised."""
    cut: tuple[str, ...]
    """Cut by jieba, as said."""
    words: tuple[str, ...]
    """As ``cut``, synonyms replaced by their standard word, English without endings."""
    toned: tuple[str, ...]
    """One syllable with tone for each character."""
    toneless: tuple[str, ...]
    folded: tuple[str, ...]
    """Toneless, phone confusions spelled alike."""

    @property
    def bigrams(self) -> frozenset[str]:
        """Pairs of neighbouring characters, and the text itself when it is one character."""
        return _pairs(tuple(self.text))

    @property
    def sound_bigrams(self) -> frozenset[str]:
        """Pairs of neighbouring folded syllables."""
        return _pairs(self.folded)


class Lexicon:
    """The words of one pack on top of everyday Chinese. Thread-safe once made."""

    def __init__(self, words: Iterable[str], synonyms: Mapping[str, Iterable[str]]) -> None:
        """Keep ``words`` whole; ``synonyms`` names, for a standard word, the others."""
        known = everyday()
        self._tokenizer = jieba.Tokenizer()
        self._tokenizer.FREQ = dict(known.FREQ)
        self._tokenizer.total = known.total
        self._tokenizer.initialized = True
        self._pack_words = frozenset(words)
        for word in self._pack_words:
            self._tokenizer.add_word(word)
        self._standard = {
            other: standard for standard, others in synonyms.items() for other in others
        }
        self._total = math.log(self._tokenizer.total)

    @classmethod
    def of(cls, pack: Pack) -> Lexicon:
        """Return the lexicon of a pack."""
        return cls(pack.words(), pack.synonyms)

    def read(self, text: str) -> Reading:
        """Look at a text in every way."""
        plain = normalise(text[: 4 * MAX_CHARS])[:MAX_CHARS].strip()
        cut = tuple(self._tokenizer.cut(plain, HMM=False))
        with_tone = tuple(syllable for word in cut for syllable in toned(word))
        bare = tuple(toneless(syllable) for syllable in with_tone)
        said = tuple(word for word in cut if word != " ")
        return Reading(
            text=plain,
            cut=said,
            words=tuple(self._standard.get(word) or stem(word) for word in said),
            toned=with_tone,
            toneless=bare,
            folded=tuple(folded(syllable) for syllable in bare),
        )

    def rarity(self, word: str) -> float:
        """Return how much a word says by itself, 0 (的) to 1, from everyday frequency."""
        if word in self._pack_words:
            return 1.0
        if word in _ENGLISH_PARTICLES:
            return 0.05
        count = self._tokenizer.FREQ.get(word) or 1
        # 的 is about 4 % of all words, log-frequency -3.2; a rare word about -17.
        informative = (self._total - math.log(count) - 3.0) / 9.0
        return min(1.0, max(0.05, informative))


@lru_cache(maxsize=1)
def everyday() -> jieba.Tokenizer:
    """Everyday Chinese as jieba knows it."""
    logging.getLogger("jieba").setLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    tokenizer.initialize()
    return tokenizer


_ENDING = re.compile(r"(?<=[a-z]{3})(?:ing|ed|es|s)$")


def stem(word: str) -> str:
    """Return an English word without its ending, any other word as it is.

    Only the endings of inflection, so that it errs little: lights → light, parked → park.
    """
    if not word.isascii() or len(word) < 4 or word.endswith("ss"):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    shorter = _ENDING.sub("", word)
    return shorter.removesuffix("e") if len(shorter) > 3 else shorter


def _pairs(items: tuple[str, ...]) -> frozenset[str]:
    if len(items) == 1:
        return frozenset(items)
    return frozenset(" ".join(pair) for pair in pairwise(items))
