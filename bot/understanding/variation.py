"""Makes questions as people ask them out of phrases: wrapped in talk, coloured, misheard.

Used only to fit and to test the weights of evidence. What it does is known to nobody but
the training, and deterministic for a seed. Leaves to others: what a phrase means.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from random import Random

import yaml

from bot.understanding.lexicon import everyday
from bot.understanding.sound import folded, toned, toneless

FILE = Path(__file__).parent / "variations.yaml"
#: Share of characters that a recogniser takes for others on a bad line.
MISHEARD = 0.18


@lru_cache(maxsize=1)
def _talk() -> tuple[list[str], dict[str, list[str]]]:
    data = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return data["frames"], data["dialect"]


def wrapped(text: str, random: Random) -> str:
    """Return a phrase inside the talk around a request."""
    frames, _ = _talk()
    return random.choice(frames).replace("{}", text)


def coloured(text: str, random: Random) -> str:
    """Return a phrase with everyday words of other places."""
    _, dialect = _talk()
    for word in sorted(dialect, key=len, reverse=True):
        if word in text and random.random() < 0.7:
            text = text.replace(word, random.choice(dialect[word]), 1)
    return text


def misheard(text: str, random: Random) -> str:
    """Return a phrase with some characters taken for others of a near sound, or lost."""
    out = []
    for char in text:
        chance = random.random()
        if chance > MISHEARD:
            out.append(char)
        elif chance > MISHEARD / 8:
            out.append(random.choice(_alike(char)))
    return "".join(out) or text


def _alike(char: str) -> Sequence[str]:
    syllable = toned(char)[:1]
    return _by_sound().get(folded(toneless(syllable[0])) if syllable else "", (char,))


@lru_cache(maxsize=1)
def _by_sound() -> dict[str, list[str]]:
    """Common characters by what they sound like over a telephone."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    common = sorted(
        ((count, word) for word, count in everyday().FREQ.items() if len(word) == 1 and count),
        reverse=True,
    )
    for _, char in common[:3500]:
        syllable = toned(char)
        found[folded(toneless(syllable[0]))].append(char)
    return dict(found)
