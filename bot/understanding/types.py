"""What understanding hands to dialogue: a ranked, explained reading of one utterance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


class IntentKind(StrEnum):
    """What sort of thing an intent is, which decides how dialogue treats it."""

    FAQ = "faq"
    """A question the pack answers."""
    CATEGORY = "category"
    """A request that becomes a ticket of this category."""
    COMMAND = "command"
    """A word to the bot itself: repeat, slower, agent, yes, no, goodbye …"""
    EMERGENCY = "emergency"
    """Belongs to 110, 119, 120 or 122, at once."""
    SMALL_TALK = "small_talk"
    """Greeting, thanks: answered politely, files nothing."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One intent that the utterance may mean, with the evidence for it."""

    intent: str
    kind: IntentKind
    title: str
    """Short Chinese name, fit to be read out in "您是想问…吗"."""
    confidence: float
    """0 to 1."""
    reasons: tuple[str, ...] = ()
    """Readable evidence, strongest first."""


class Care(IntEnum):
    """What a mood brings; more is more. It never changes what was meant."""

    NONE = 0
    PRIORITY = 1
    """Served earlier, if a person is needed."""
    OFFER = 2
    """As PRIORITY; and a person is offered, and comes after the first misunderstanding."""
    PERSON = 3
    """A person at once, before everybody else who waits."""


@dataclass(frozen=True, slots=True)
class Mood:
    """A feeling or a risk that was heard."""

    name: str
    """anger, urgency, self_harm, threat or repeat."""
    care: Care
    words: tuple[str, ...]
    """The words it was heard in, as said."""
    reason: str
    """Why, in Chinese, for agents."""
    prompt: str = ""
    """The pack's sentence to say first, by name; "" for none."""


@dataclass(frozen=True, slots=True)
class FollowUpMatch:
    """A question about the answer just given: 那要带什么材料."""

    title: str
    answer: str
    index: int
    """Its number among the follow-up questions of that answer, from 0."""
    confidence: float
    """0 to 1."""


@dataclass(frozen=True, slots=True)
class Understanding:
    """The reading of one utterance; ``candidates`` is ranked, best first, may be empty."""

    text: str
    """As heard or typed."""
    normalised: str
    candidates: tuple[Candidate, ...] = ()
    slots: Mapping[str, str] = field(default_factory=dict)
    """Facts by name, in plain form; only what was said. See ``slots.find_slots``."""
    emergency: str | None = None
    """The emergency intent's name when one was recognised, whatever else was said."""
    speech_confidence: float = 1.0
    """How sure the recogniser was, 0 to 1; 1 for typed text."""
    moods: tuple[Mood, ...] = ()
    """Feelings and risks heard, the one that brings most first."""
    follow_up: FollowUpMatch | None = None
    """The question about the last answer that was asked, if any; it goes before ``candidates``
    unless an emergency was recognised, with which it is never set."""

    @property
    def best(self) -> Candidate | None:
        """The first candidate, if there is one."""
        return self.candidates[0] if self.candidates else None

    @property
    def care(self) -> Care:
        """The most that any mood brings: for dialogue to raise priority or fetch a person."""
        return max((mood.care for mood in self.moods), default=Care.NONE)
