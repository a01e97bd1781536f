"""Whole utterances: words to the bot and politeness, which count only when nothing else is said.

An utterance counts when the phrases of such intents and particles between them cover all of
it: 对对对没错, 那你说慢点呗, 不了不了谢谢. Where several intents share the cover, the one that
covers most counts, of equals the last, and politeness only when there is nothing else. What is
nearly one phrase, by writing or by sound, counts too. Leaves to others: words that count
wherever they stand (``spotting.py``).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import Indel

from bot.understanding.index import encode
from bot.understanding.lexicon import Reading
from bot.understanding.schema import Emergency, Intent, SmallTalk

#: Similarity of a whole utterance from which a phrase is near.
NEAR = 0.8
#: A longer utterance is more than a word to the bot, in characters.
LONGEST = 24
#: What is asked in this form is no answer: 要不要, 有没有; unless it is a particle.
_EITHER_OR = re.compile(r"(.)(?:不|没)\1(?:以)?")


class WholeUtterances:
    """The phrases of some intents, and the particles that may stand around them."""

    def __init__(
        self,
        phrases: Iterable[tuple[Intent, Reading]],
        patterns: Iterable[tuple[Intent, str]] = (),
        particles: Iterable[Reading] = (),
    ) -> None:
        """Take phrases; patterns, which are regular expressions; and particles."""
        self._codes: dict[str, str] = {}
        self._by_length: defaultdict[int, list[tuple[Intent, str, str]]] = defaultdict(list)
        self._owner: dict[str, Intent] = {}
        for intent, reading in phrases:
            sound = encode(reading.folded, self._codes, learn=True)
            self._by_length[len(reading.text)].append((intent, reading.text, sound))
            if not isinstance(intent, Emergency):
                self._owner.setdefault(reading.text, intent)
        self._particles = frozenset(one.text for one in particles)
        around = f"(?:{'|'.join(sorted(map(re.escape, self._particles), key=len, reverse=True))})*"
        # What is said twice is still that: 慢一点慢一点.
        self._patterns = [
            (intent, re.compile(f"(?:{around}(?:{pattern})){{1,2}}{around}"))
            for intent, pattern in patterns
        ]
        self._longest = max(map(len, (*self._owner, *self._particles)), default=0)

    def near(self, reading: Reading) -> Iterator[tuple[Intent, str, float, float]]:
        """Yield phrases that are about it: intent, text, likeness in writing and sound.

        Only those of which one likeness (0 to 1) reaches ``NEAR``. Of phrases of commands, none
        that is shorter: what is said beyond it may be what matters.
        """
        length = len(reading.text)
        known = [
            one
            for size in range(length - 2, length + 3)
            for one in self._by_length.get(size, ())
            if size >= length or isinstance(one[0], Emergency)
        ]
        if not known:
            return
        sound = encode(reading.folded, self._codes)
        writings, sounds = (
            process.cdist([said], others, scorer=Indel.normalized_similarity)[0]
            for said, others in (
                (reading.text, [text for _, text, _ in known]),
                (sound, [code for _, _, code in known]),
            )
        )
        for number in np.nonzero(np.maximum(writings, sounds) >= NEAR)[0].tolist():
            intent, text, _ = known[number]
            yield intent, text, float(writings[number]), float(sounds[number])

    def covering(self, reading: Reading) -> tuple[Intent, str] | None:
        """Return the intent whose phrases or pattern cover the utterance, and these words of it."""
        text = reading.text
        asked = (found[0] for found in _EITHER_OR.finditer(text))
        if not text or len(text) > LONGEST or any(one not in self._particles for one in asked):
            return None
        cover = self._cover(text)
        if cover is None:
            found = ((intent, one.fullmatch(text)) for intent, one in self._patterns)
            return next(((intent, text) for intent, match in found if match), None)
        share: Counter[str] = Counter()
        last: dict[str, int] = {}
        intents: dict[str, Intent] = {}
        polite = True
        for number, piece in enumerate(cover):
            intent = self._owner.get(piece)
            if intent is None:
                continue
            intents[intent.id] = intent
            share[intent.id] += len(piece)
            last[intent.id] = number
            polite = polite and isinstance(intent, SmallTalk)
        chosen = [name for name, one in intents.items() if polite or not isinstance(one, SmallTalk)]
        if not chosen:
            return None
        best = max(chosen, key=lambda name: (share[name], last[name]))
        said = [one for one in cover if one in self._owner and self._owner[one].id == best]
        return intents[best], "".join(said)

    def _cover(self, text: str) -> list[str] | None:
        """Cut a text into phrases and particles, as few and as many characters in phrases."""
        best: list[tuple[int, int, list[str]] | None] = [(0, 0, [])] + [None] * len(text)
        for end in range(1, len(text) + 1):
            for start in range(max(0, end - self._longest), end):
                before = best[start]
                piece = text[start:end]
                phrase = piece in self._owner
                if before is None or not (phrase or piece in self._particles):
                    continue
                # Politeness is worth a particle; a phrase of one character little more.
                worth = before[0] + (len(piece) if phrase else 0)
                one = (worth, before[1] - 1, [*before[2], piece])
                known = best[end]
                if known is None or one[:2] > known[:2]:
                    best[end] = one
        found = best[-1]
        return found[2] if found and found[0] else None
