"""Evidence that an utterance means an intent, from several views, each 0 to 1.

Words and character pairs weighted by rarity, the writing as a whole, and the sound. An
inverted index picks the few intents worth a closer look, so that time grows with what an
utterance shares with the pack and not with the pack. Leaves to others: making one
confidence of the views (``match.py``).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process
from rapidfuzz.distance import Indel

from bot.understanding.lexicon import Lexicon, Reading
from bot.understanding.schema import Category, Faq, Intent, expansions

#: Intents that get a closer look for each utterance.
SHORTLIST = 10
#: Phrases of each such intent that are compared feature by feature.
CLOSEST = 6
#: A pair of characters says less than a whole word.
PAIR_WEIGHT = 0.5
#: A phrase found whole inside a longer utterance is worth this much of the same said alone.
INSIDE = 0.9
#: An utterance is explained when this much rarity is: people tell long stories.
ENOUGH_WORDS, ENOUGH_SOUNDS = 5.0, 6.0


@dataclass(frozen=True, slots=True)
class Views:
    """What speaks for one intent. Each value lies between 0 and 1."""

    explained: float
    """Share of the utterance's words, by rarity, that the intent's phrases use."""
    covered: float
    """Share of the closest phrase's words, by rarity, that the utterance uses."""
    sound_explained: float
    """As ``explained``, for pairs of syllables."""
    sound_covered: float
    """As ``covered``, for pairs of syllables."""
    writing: float
    """Similarity of the characters (normalised Indel) to the closest phrase."""
    sound: float
    """Similarity of the syllables to the closest phrase: toneless, folded and toned."""
    phrase: str
    """The closest phrase."""
    shared: tuple[str, ...]
    """Words in common with the intent, rarest first."""

    def vector(self) -> tuple[float, ...]:
        """Return the numbers in the order of ``match.WEIGHTS``."""
        return (
            self.explained,
            self.covered,
            self.sound_explained,
            self.sound_covered,
            self.writing,
            self.sound,
        )


@dataclass(frozen=True, slots=True)
class _Phrase:
    reading: Reading
    features: Mapping[str, float]
    sounds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Entry:
    intent: Intent
    phrases: tuple[_Phrase, ...]
    writings: tuple[str, ...]
    tonelesses: tuple[str, ...]
    foldeds: tuple[str, ...]
    toneds: tuple[str, ...]
    features: frozenset[str]
    sounds: frozenset[str]


class Evidence:
    """The pack's questions and categories, indexed. Thread-safe once made."""

    def __init__(self, intents: Iterable[Intent], lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._codes: dict[str, str] = {}
        readings = [
            (intent, [lexicon.read(text) for text in expansions(intent)])
            for intent in intents
            if isinstance(intent, Faq | Category)
        ]
        self._count = max(1, len(readings))
        self._df: Counter[str] = Counter()
        for _, said in readings:
            self._df.update({f for r in said for f in (*_text_features(r), *_sound_features(r))})
        self._entries = tuple(self._entry(intent, said) for intent, said in readings)
        self._postings: defaultdict[str, list[int]] = defaultdict(list)
        for number, entry in enumerate(self._entries):
            for feature in (*entry.features, *entry.sounds):
                self._postings[feature].append(number)

    def _entry(self, intent: Intent, said: Sequence[Reading]) -> _Entry:
        unique = list({reading.text: reading for reading in said}.values())
        phrases = tuple(
            _Phrase(
                reading,
                self._weighed(_text_features(reading)),
                self._weighed(_sound_features(reading)),
            )
            for reading in unique
        )
        return _Entry(
            intent,
            phrases,
            tuple(reading.text for reading in unique),
            tuple(self._encode(reading.toneless, learn=True) for reading in unique),
            tuple(self._encode(reading.folded, learn=True) for reading in unique),
            tuple(self._encode(reading.toned, learn=True) for reading in unique),
            frozenset(feature for phrase in phrases for feature in phrase.features),
            frozenset(feature for phrase in phrases for feature in phrase.sounds),
        )

    def _encode(self, syllables: Sequence[str], learn: bool = False) -> str:
        # One character a syllable lets the string metrics run at full speed.
        if learn:
            for syllable in syllables:
                self._codes.setdefault(syllable, chr(0x4E00 + len(self._codes)))
        return "".join(self._codes.get(syllable, "\0") for syllable in syllables)

    def _weighed(self, features: Iterable[str]) -> dict[str, float]:
        return {feature: self._weight(feature) for feature in features}

    def _weight(self, feature: str) -> float:
        # Inverse document frequency over intents, scaled to 1 for a word in no or one intent.
        idf = math.log((self._count + 1) / (self._df[feature] + 0.5))
        idf = min(1.0, idf / math.log((self._count + 1) / 1.5)) if self._count > 1 else 1.0
        if feature.startswith("w:"):
            return max(0.02, idf) * self._lexicon.rarity(feature[2:])
        return max(0.02, idf) * (PAIR_WEIGHT if feature.startswith("c:") else 1.0)

    def views(self, reading: Reading) -> list[tuple[Intent, Views]]:
        """Return the intents worth considering with what speaks for each, unordered."""
        features = self._weighed(_text_features(reading))
        sounds = self._weighed(_sound_features(reading))
        scores: defaultdict[int, float] = defaultdict(float)
        for weights in (features, sounds):
            total = sum(weights.values()) or 1.0
            for feature, weight in weights.items():
                for number in self._postings.get(feature, ()):
                    scores[number] += weight / total
        codes = (
            reading.text,
            self._encode(reading.toneless),
            self._encode(reading.folded),
            self._encode(reading.toned),
        )
        best = sorted(scores, key=lambda number: (-scores[number], number))[:SHORTLIST]
        entries = [self._entries[number] for number in best]
        return [(one.intent, self._look(one, features, sounds, codes)) for one in entries]

    def _look(
        self,
        entry: _Entry,
        features: Mapping[str, float],
        sounds: Mapping[str, float],
        codes: tuple[str, str, str, str],
    ) -> Views:
        sides = (entry.writings, entry.tonelesses, entry.foldeds, entry.toneds)
        writing, bare, fold, tone = (
            process.cdist([code], side, scorer=Indel.normalized_similarity)[0]
            for code, side in zip(codes, sides, strict=True)
        )
        sound = 0.4 * bare + 0.4 * fold + 0.2 * tone
        order = (writing + sound).argsort()[::-1][:CLOSEST]
        near = [entry.phrases[number] for number in order]
        shared = [feature for feature in features if feature in entry.features]
        words = sorted(
            (f for f in shared if f.startswith("w:") and features[f] > 0.2),
            key=lambda feature: -features[feature],
        )
        return Views(
            explained=_share(features, entry.features, ENOUGH_WORDS),
            covered=max(_share(phrase.features, features) for phrase in near),
            sound_explained=_share(sounds, entry.sounds, ENOUGH_SOUNDS),
            sound_covered=max(_share(phrase.sounds, sounds) for phrase in near),
            writing=max(
                float(writing.max()), _inside(codes[0], [entry.writings[n] for n in order])
            ),
            sound=max(float(sound.max()), _inside(codes[2], [entry.foldeds[n] for n in order])),
            phrase=near[0].reading.text,
            shared=tuple(feature[2:] for feature in words),
        )


def _inside(code: str, phrases: Sequence[str]) -> float:
    """Return how well the best phrase of four or more characters is found inside ``code``."""
    fitting = [phrase for phrase in phrases if 4 <= len(phrase) < len(code)]
    return max((INSIDE * fuzz.partial_ratio(phrase, code) / 100 for phrase in fitting), default=0.0)


def _share(
    of: Mapping[str, float],
    within: frozenset[str] | Mapping[str, float],
    enough: float = math.inf,
) -> float:
    total = min(sum(of.values()), enough)
    common = sum(weight for feature, weight in of.items() if feature in within)
    return min(1.0, common / total) if total else 0.0


def _text_features(reading: Reading) -> set[str]:
    return {f"w:{word}" for word in reading.words} | {f"c:{pair}" for pair in reading.bigrams}


def _sound_features(reading: Reading) -> set[str]:
    return {f"s:{pair}" for pair in reading.sound_bigrams}
