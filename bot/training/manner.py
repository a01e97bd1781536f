"""Hears in an agent's own words whether they greet, calm, read back and say good-bye.

The words are data (``coaching``). They count as written and, because a recogniser errs, by
their sound. Pure. Leaves to others: what it is worth (``scoring.py``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from rapidfuzz import fuzz

from bot.training.types import Said
from bot.understanding.normalise import clean
from bot.understanding.scenarios import Coaching, Manner, MannerName, Scenario
from bot.understanding.sound import folded, toned, toneless
from bot.understanding.template import parse

#: Likeness by sound, 0 to 100, from which words count as said. A recogniser gets about one
#: syllable in five wrong on the phone, so four of five right must be enough.
ALIKE = 79.0
#: Words of fewer syllables are too easily alike: they count only when all syllables are right.
SHORT = 4
#: Utterances at the beginning and at the end in which a greeting and a farewell belong.
EDGE = 2


@lru_cache(maxsize=2048)
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(parse(template.lower()).pattern())


@lru_cache(maxsize=4096)
def syllables(text: str) -> tuple[str, ...]:
    """Return how a text sounds, mix-ups of the telephone folded together."""
    return tuple(folded(toneless(one)) for one in toned(clean(text).replace(" ", "")))


def sounds_in(words: str, text: str) -> bool:
    """Whether ``words`` are somewhere in ``text`` by sound, as well as a recogniser hears."""
    wanted, heard = syllables(words), syllables(text)
    if len(wanted) > len(heard):
        return False
    least = 100.0 if len(wanted) < SHORT else ALIKE
    return fuzz.partial_ratio(wanted, heard) >= least


def spoken(phrases: Sequence[str], text: str) -> bool:
    """Whether one of the templates is somewhere in ``text`` as written."""
    plain = clean(text)
    return any(_pattern(phrase).search(plain) for phrase in phrases)


def shows(manner: Manner, text: str) -> bool:
    """Whether an utterance has this manner."""
    return spoken(manner.phrases, text) or any(sounds_in(one, text) for one in manner.by_sound)


def heard_manners(
    coaching: Coaching, scenario: Scenario, said: Sequence[Said]
) -> Mapping[MannerName, bool]:
    """Return for each manner that applies to a scenario whether the agent showed it.

    A greeting counts in the agent's first two utterances, a farewell in the last two, calming
    words once the citizen has spoken. Calming applies to citizens who need it, reading back to
    those who have a place, a time or a number to tell.
    """
    agent = [(place, one.text) for place, one in enumerate(said) if one.who == "agent"]
    begun = next((place for place, one in enumerate(said) if one.who == "citizen"), len(said))
    texts = [text for _, text in agent]
    where: dict[MannerName, list[str]] = {
        "greeting": texts[:EDGE],
        "calming": [text for place, text in agent if place > begun],
        "read_back": [text for place, text in agent if place > begun],
        "farewell": texts[-EDGE:],
    }
    return {
        name: any(shows(manner, text) for text in where[name])
        for name, manner in coaching.manners.items()
        if applies(name, coaching, scenario)
    }


def applies(name: MannerName, coaching: Coaching, scenario: Scenario) -> bool:
    """Whether a manner is wanted in a scenario."""
    expect = scenario.expect
    if name == "calming":
        temper = next((one for one in coaching.tempers if one.id == scenario.temper), None)
        return temper is not None and temper.needs_calm
    if name == "read_back":
        return bool(expect.place or expect.time or expect.phone)
    return True
