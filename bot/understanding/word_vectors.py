"""What everyday words mean, as vectors: words used alike lie close together.

A fixed table, so that an utterance costs a few additions and no neural network runs: each
word's vector is its embedding by multilingual-e5-small (Wang et al. 2024, MIT licence),
reduced to its principal components. ``distil.py`` makes the file anew. A sentence is the sum
of its words' and characters' vectors, each as heavy as it is rare (the idea of Arora, Liang
and Ma 2017). Leaves to others: what is compared with what.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.understanding.lexicon import Reading
from bot.understanding.sparse import Floats

FILE = Path(__file__).parent / "word_vectors.npz"
#: No word of the table is longer.
_LONGEST = 8
#: A character says less than a word, but is known when the word is not.
CHARACTER = 0.3


#: The table keeps each number in half a byte, as itself plus this.
OFFSET = 8


def unit(matrix: Floats) -> Floats:
    """Return the rows scaled to length 1; rows of zeros stay so."""
    scaled: Floats = matrix / np.maximum(np.linalg.norm(matrix, axis=-1, keepdims=True), 1e-6)
    return scaled


class WordVectors:
    """A table from words to vectors of length 1. Immutable, thread-safe."""

    def __init__(self, words: Sequence[str], packed: NDArray[np.uint8]) -> None:
        """Make a table of ``words`` and their vectors, two numbers of :data:`OFFSET` a byte."""
        self._row = {word: row for row, word in enumerate(words)}
        self._packed = packed
        self.size: int = 2 * packed.shape[1]

    @classmethod
    def load(cls, file: Path = FILE) -> WordVectors:
        """Read a table.

        Raises:
            OSError: there is no such file.
        """
        with np.load(file, allow_pickle=False) as data:
            return cls(bytes(data["words"]).decode("utf-8").split("\n"), data["vectors"])

    def of(self, word: str) -> Floats:
        """Return a word's vector; of an unknown word, its known parts' mean, or zeros."""
        row = self._row.get(word)
        if row is not None:
            vector: Floats = self._unpacked([row])[0]
            return vector
        parts = self._parts(word)
        if not parts:
            return np.zeros(self.size, dtype=np.float32)
        return unit(self._unpacked(parts).mean(axis=0))

    def _unpacked(self, rows: Sequence[int]) -> Floats:
        packed = self._packed[rows]
        matrix = np.empty((len(rows), self.size), np.float32)
        matrix[:, 0::2], matrix[:, 1::2] = packed >> 4, packed & 15
        return unit(matrix - OFFSET)

    def all_of(self, words: Sequence[str]) -> Floats:
        """Return the vectors of some words."""
        rows = [self._row.get(word, -1) for word in words]
        vectors = self._unpacked(rows)
        for at, row in enumerate(rows):
            if row < 0:
                vectors[at] = self.of(words[at])
        return vectors

    def sentences(self, readings: Sequence[Reading], rarity: Callable[[str], float]) -> Floats:
        """Return the meaning of each text, of length 1; ``rarity`` weighs words, 0 to 1."""
        tokens: dict[str, int] = {}
        counts: list[dict[int, float]] = []
        for reading in readings:
            count: dict[int, float] = {}
            for items, worth in ((reading.cut, 1.0), (reading.text, CHARACTER)):
                for item in items:
                    at = tokens.setdefault(item, len(tokens))
                    count[at] = count.get(at, 0.0) + worth
            counts.append(count)
        weighed = self.all_of(list(tokens))
        weighed *= np.fromiter(map(rarity, tokens), np.float32, len(tokens))[:, None]
        sums = [
            np.fromiter(count.values(), np.float32, len(count)) @ weighed[list(count)]
            for count in counts
        ]
        return unit(np.array(sums, np.float32).reshape(-1, self.size))

    def _parts(self, word: str) -> list[int]:
        """Cut an unknown word into the longest known ones, from the left."""
        found: list[int] = []
        at = 0
        if word.isascii():
            return found
        while at < len(word):
            for end in range(min(len(word), at + _LONGEST), at, -1):
                row = self._row.get(word[at:end])
                if row is not None:
                    found.append(row)
                    break
            else:
                end = at + 1
            at = end
        return found


@lru_cache(maxsize=1)
def shipped() -> WordVectors:
    """Return the table that ships with the project, read once."""
    return WordVectors.load()
