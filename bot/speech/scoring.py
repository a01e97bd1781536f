"""How well was it heard? Errors of a recogniser against what was really said.

Texts are compared by their Chinese characters, letters and digits only. Leaves to others:
hearing (``ears.py``), and printing (``commands/asr.py``, ``tests/bench``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pypinyin import Style, lazy_pinyin
from rapidfuzz.distance import Levenshtein

_SPOKEN = re.compile(r"[\u4e00-\u9fffA-Za-z0-9]")


def plain(text: str) -> str:
    """Keep what is said of a text: characters, letters and digits."""
    return "".join(_SPOKEN.findall(text)).upper()


def syllables(text: str) -> list[str]:
    """Return the toneless pinyin of a text, syllable by syllable."""
    return lazy_pinyin(plain(text), style=Style.NORMAL)


def errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Substitutions, deletions and insertions between two sequences (Levenshtein 1966)."""
    return int(Levenshtein.distance(said, heard))


def holds_sound(word: Sequence[str], heard: Sequence[str]) -> bool:
    """Whether the syllables of ``word`` stand together somewhere in ``heard``."""
    size = len(word)
    return any(list(heard[i : i + size]) == list(word) for i in range(len(heard) - size + 1))


@dataclass(slots=True)
class Tally:
    """Errors added up over many utterances."""

    clips: int = 0
    characters: int = 0
    character_errors: int = 0
    syllables: int = 0
    syllable_errors: int = 0
    keywords: int = 0
    keywords_written: int = 0
    """Keywords that were heard in the very same characters."""
    keywords_sounded: int = 0
    """Keywords of which at least the syllables were heard, tones apart."""
    audio_seconds: float = 0.0
    decode_seconds: float = 0.0

    def add(
        self,
        said: str,
        heard: str,
        keywords: Iterable[str] = (),
        *,
        audio_seconds: float = 0.0,
        decode_seconds: float = 0.0,
    ) -> None:
        """Count one utterance; of ``keywords`` those count that were really said."""
        told, got = plain(said), plain(heard)
        sounds_told, sounds_got = syllables(said), syllables(heard)
        self.clips += 1
        self.characters += len(told)
        self.character_errors += errors(told, got)
        self.syllables += len(sounds_told)
        self.syllable_errors += errors(sounds_told, sounds_got)
        for word in said_keywords(told, keywords):
            self.keywords += 1
            self.keywords_written += word in got
            self.keywords_sounded += holds_sound(syllables(word), sounds_got)
        self.audio_seconds += audio_seconds
        self.decode_seconds += decode_seconds

    @property
    def cer(self) -> float:
        """Character error rate; 0 when nothing was said."""
        return self.character_errors / self.characters if self.characters else 0.0

    @property
    def pinyin_error(self) -> float:
        """Error rate of toneless syllables; 0 when nothing was said."""
        return self.syllable_errors / self.syllables if self.syllables else 0.0

    @property
    def recall(self) -> float:
        """Share of the keywords said that were heard in writing; 1 when there were none."""
        return self.keywords_written / self.keywords if self.keywords else 1.0

    @property
    def recall_by_sound(self) -> float:
        """Share of the keywords said that were heard by their sound; 1 when there were none."""
        return self.keywords_sounded / self.keywords if self.keywords else 1.0

    @property
    def real_time_factor(self) -> float:
        """Seconds of decoding for a second of sound; 0 when there was no sound."""
        return self.decode_seconds / self.audio_seconds if self.audio_seconds else 0.0

    def as_dict(self) -> dict[str, float | int]:
        """Plain data, rates rounded to four places."""
        return {
            "clips": self.clips,
            "cer": round(self.cer, 4),
            "pinyin_error": round(self.pinyin_error, 4),
            "keywords": self.keywords,
            "keyword_recall": round(self.recall, 4),
            "keyword_recall_by_sound": round(self.recall_by_sound, 4),
            "real_time_factor": round(self.real_time_factor, 4),
            "audio_seconds": round(self.audio_seconds, 1),
        }


def said_keywords(text: str, keywords: Iterable[str]) -> list[str]:
    """Return the keywords in a text; of two that overlap, the longer one only."""
    found: list[str] = []
    rest = plain(text)
    for word in sorted({plain(word) for word in keywords} - {""}, key=lambda w: (-len(w), w)):
        if word in rest:
            found.append(word)
            rest = rest.replace(word, "\0")
    return found
