"""Feelings and risks in an utterance, from the pack's ``moods``.

A mood never changes what was meant: it only says how soon a person should come. Words are
found as emergencies are, in writing and by sound, and look-alikes do not count. Leaves to
others: what is done about it (``dialogue``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bot.understanding.lexicon import Reading
from bot.understanding.normalise import clean
from bot.understanding.schema import MoodWords
from bot.understanding.sound import folded, toned, toneless
from bot.understanding.template import parse
from bot.understanding.types import Care, Mood


class MoodReader:
    """Finds a pack's moods. Thread-safe once made."""

    def __init__(self, moods: Sequence[MoodWords]) -> None:
        self._listeners = [_Listener(mood) for mood in moods]

    def find(self, reading: Reading) -> tuple[Mood, ...]:
        """Return the moods heard, the one that brings most first."""
        found = [mood for one in self._listeners if (mood := one.heard(reading)) is not None]
        return tuple(sorted(found, key=lambda mood: -mood.care))


class _Listener:
    """One mood's words."""

    def __init__(self, mood: MoodWords) -> None:
        self._mood = mood
        self._words = [re.compile(parse(word.lower()).pattern()) for word in mood.words]
        # Look-ahead, so that look-alikes which overlap are all found.
        self._unless = [re.compile(f"(?=({parse(w.lower()).pattern()}))") for w in mood.unless]
        spoken = [clean(text) for word in mood.by_sound for text in parse(word).expand()]
        self._sounds = {_syllables(text): text for text in spoken}

    def heard(self, reading: Reading) -> Mood | None:
        text = reading.text
        excused = [(m.start(1), m.end(1)) for look in self._unless for m in look.finditer(text)]
        words = [
            text[start:end]
            for start, end in self._spans(reading)
            if not any(low <= start and end <= high for low, high in excused)
        ]
        if not words:
            return None
        mood, said = self._mood, tuple(dict.fromkeys(words))
        reason = f"{mood.title}：听到“{'”“'.join(said)}”"
        return Mood(mood.name, Care[mood.care.upper()], said, reason, mood.prompt)

    def _spans(self, reading: Reading) -> Iterator[tuple[int, int]]:
        for pattern in self._words:
            for found in pattern.finditer(reading.text):
                yield found.span()
        spoken = reading.folded
        if len(spoken) != len(reading.text):
            return
        for sound in self._sounds:
            for start in range(len(spoken) - len(sound) + 1):
                if spoken[start : start + len(sound)] == sound:
                    yield start, start + len(sound)


def _syllables(text: str) -> tuple[str, ...]:
    return tuple(folded(toneless(syllable)) for syllable in toned(text))
