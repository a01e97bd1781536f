"""Cutting Chinese text into words, and what each view of it shows: words and sounds.

Holds its own jieba tokenizer, so that two packs in one process do not share words. Leaves
to others: comparing readings.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from itertools import pairwise

import jieba

from bot.understanding.normalise import normalise
from bot.understanding.pack import Pack
from bot.understanding.sound import folded, toned, toneless

#: A recogniser never hands over more in one utterance; longer typed text is cut off.
MAX_CHARS = 400


@dataclass(frozen=True, slots=True)
class Reading:
    """One text seen in every way that matching uses."""

    text: str
    """Normalised."""
    words: tuple[str, ...]
    """Cut by jieba, synonyms replaced by their standard word."""
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

    def __init__(self, pack: Pack) -> None:
        logging.getLogger("jieba").setLevel(logging.WARNING)
        self._tokenizer = jieba.Tokenizer()
        self._tokenizer.initialize()
        for word in pack.words():
            self._tokenizer.add_word(word)
        self._standard = {
            other: standard for standard, others in pack.synonyms.items() for other in others
        }
        self._total = math.log(self._tokenizer.total)
        self._pack_words = frozenset(pack.words())

    def read(self, text: str) -> Reading:
        """Look at a text in every way."""
        plain = normalise(text[: 4 * MAX_CHARS])[:MAX_CHARS]
        cut = tuple(self._tokenizer.cut(plain, HMM=False))
        with_tone = tuple(syllable for word in cut for syllable in toned(word))
        bare = tuple(toneless(syllable) for syllable in with_tone)
        return Reading(
            text=plain,
            words=tuple(self._standard.get(word, word) for word in cut),
            toned=with_tone,
            toneless=bare,
            folded=tuple(folded(syllable) for syllable in bare),
        )

    def rarity(self, word: str) -> float:
        """Return how much a word says by itself, 0 (的) to 1, from everyday frequency."""
        if word in self._pack_words:
            return 1.0
        count = self._tokenizer.FREQ.get(word) or 1
        # 的 is about 4 % of all words, log-frequency -3.2; a rare word about -17.
        informative = (self._total - math.log(count) - 3.0) / 9.0
        return min(1.0, max(0.05, informative))


def _pairs(items: tuple[str, ...]) -> frozenset[str]:
    if len(items) == 1:
        return frozenset(items)
    return frozenset(" ".join(pair) for pair in pairwise(items))
