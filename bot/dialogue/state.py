"""All that the policy remembers of a call: one immutable value, kept as JSON in the log.

Leaves to others: what changes it (``policy.py`` and the rooms beside it).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from pydantic import TypeAdapter

from bot.dialogue.types import (
    Change,
    KeepDraft,
    Listen,
    People,
    Profile,
    TicketView,
    TransferReason,
)
from bot.understanding.types import Care


class Phase(StrEnum):
    """What the bot is waiting for."""

    OPEN = "open"
    """Anything: what is it about?"""
    CONFIRM = "confirm"
    """Yes or no to one candidate."""
    CLARIFY = "clarify"
    """The first or the second of two candidates."""
    DANGER = "danger"
    """Yes or no: is somebody in danger now?"""
    DETAILS = "details"
    """Yes or no: hear the rest of an answer?"""
    WHAT = "what"
    """What the ticket is about."""
    SLOT = "slot"
    """A fact of the ticket: ``Draft.asking``."""
    READ_BACK = "read_back"
    """Yes, or what is wrong with the ticket as it was read back."""
    CORRECT = "correct"
    """What is wrong with it, after a bare no."""
    WHICH_TICKET = "which_ticket"
    """A ticket's number."""
    PICK_TICKET = "pick_ticket"
    """One of the caller's tickets."""
    VERIFY = "verify"
    """The last four digits of a ticket that is sensitive."""
    TICKET = "ticket"
    """What to do with the ticket that was told of."""
    APPEND = "append"
    """What to add to it."""
    WITHDRAW = "withdraw"
    """Yes or no: withdraw it?"""
    RETURNING = "returning"
    """Yes or no: is it about the open ticket?"""
    OFFER_CALLBACK = "offer_callback"
    """Yes or no: be called back?"""
    CALLBACK_TIME = "callback_time"
    """When to be called back."""
    CALLBACK_PHONE = "callback_phone"
    """Under which number."""
    CALLBACK_CHECK = "callback_check"
    """Yes or no to time and number."""
    CONSENT = "consent"
    """Yes or no: may the line remember the caller?"""
    FORGET = "forget"
    """Yes or no: erase what is remembered?"""
    RATE = "rate"
    """1 to 5."""
    UNHAPPY = "unhappy"
    """A person, a callback, or neither, after a low rating."""
    SOLVED = "solved"
    """Yes or no: is the ticket solved? The line has called for that."""
    SATISFIED = "satisfied"
    """1 to 5, of how it was solved."""
    UNSOLVED = "unsolved"
    """What is not solved."""
    MENU = "menu"
    """A key of the menu."""
    PORT = "port"
    """The answer of another room."""
    OVER = "over"
    """Nothing: the dialogue has ended."""


#: Phases in which any words are the answer, so that only few words to the bot count.
FREE_TEXT = frozenset({Phase.WHAT, Phase.APPEND, Phase.UNSOLVED})
#: Phases of a call that the line has made.
SURVEY = frozenset({Phase.SOLVED, Phase.SATISFIED, Phase.UNSOLVED})
#: Phases in which "no" and "nothing" answer a question rather than end the call.
STORY_PHASES = frozenset({Phase.SLOT, Phase.READ_BACK, Phase.CORRECT})


class Errand(StrEnum):
    """What a caller wants of a ticket they filed before."""

    STATUS = "status"
    URGE = "urge"
    APPEND = "append"
    WITHDRAW = "withdraw"

    @property
    def change(self) -> Change | None:
        """The change of the ticket it stands for, if any."""
        return None if self is Errand.STATUS else Change(self.value)


@dataclass(frozen=True, slots=True)
class Draft:
    """A ticket being taken."""

    category: str = ""
    story: str = ""
    """What the caller said of it."""
    place: str = ""
    since: str = ""
    phone: str = ""
    asking: str = ""
    """The slot asked for last: place, time or phone."""
    asked: tuple[str, ...] = ()
    """Slots asked for: none is asked for twice, unless it is corrected."""
    changed: bool = False
    """Something was corrected, so that it has to be read back again."""
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Why a person is sought, and what is said when there is one."""

    reason: TransferReason
    prompt: str
    priority: int


@dataclass(frozen=True, slots=True)
class Callback:
    """A callback being arranged."""

    text: str = ""
    """What it is about."""
    at: dt.datetime | None = None
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Menu:
    """A choice by key."""

    name: str
    """top, report, ask, category, question or district."""
    items: tuple[str, ...] = ()
    """Names of groups, intents or places."""
    page: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """All that the policy remembers of a call."""

    phase: Phase = Phase.OPEN
    policy: str = ""
    """Name of the pack's policy that leads this call."""
    turns: int = 0
    """Events so far."""
    caller: str = ""
    did: str = ""
    now: dt.datetime | None = None
    """Local time at which the call began."""
    profile: Profile = Profile()
    speed: float = 1.0
    gain: float = 1.0
    keypad: bool = False
    """The caller would rather press keys than speak."""
    misses: int = 0
    """Misunderstandings in a row."""
    silences: int = 0
    """Silences in a row."""
    resumed: bool = False
    """The bot has gone on once after a noise had cut it short."""
    choices: tuple[str, ...] = ()
    """Intents asked about in CONFIRM, CLARIFY and DANGER."""
    pending: str = ""
    """What the caller said before being asked which of two was meant."""
    denied: tuple[str, ...] = ()
    """Emergencies that the caller said there are not."""
    draft: Draft = Draft()
    topic: str = ""
    """The question that was answered last."""
    details: tuple[str, ...] = ()
    """What is left to say of its answer, a piece at a time."""
    tickets: tuple[TicketView, ...] = ()
    """Tickets found, newest first."""
    ticket: TicketView | None = None
    """The one that is spoken of."""
    verified: bool = False
    """The caller has shown that the tickets are theirs."""
    errand: Errand = Errand.STATUS
    survey: TicketView | None = None
    """The ticket that the citizen was called for, until it is known how they find it."""
    grade: int = 0
    """What they gave it, 1 to 5, before it was known whether it is solved."""
    callback: Callback = Callback()
    wanted: Wanted | None = None
    people: People = People.THERE
    menu: Menu | None = None
    keyed: str = ""
    """Digits of a number keyed in so far."""
    served: bool = False
    """Something was answered or done, so "no" to "anything else?" ends the call well."""
    filed: tuple[str, ...] = ()
    """Numbers of the tickets filed in this call."""
    booked: bool = False
    consent_asked: bool = False
    rated: int = 0
    last_said: tuple[tuple[str, str], ...] = ()
    """The last sentences, each with its name, for "say that again"."""
    last_listen: Listen = Listen()
    care: Care = Care.NONE
    """The most that any mood of this call asked for. Never falls."""
    answered_moods: tuple[str, ...] = ()
    """Moods whose sentence was said: once is enough."""

    def to_json(self) -> str:
        """Return the state as JSON, for the log and for replay."""
        return _STATES.dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> State:
        """Read back what ``to_json`` wrote (ValueError if it is not that)."""
        return _STATES.validate_json(text)

    @property
    def unfinished(self) -> KeepDraft | None:
        """The ticket that is half taken, as it is kept if the caller goes now."""
        draft = self.draft
        if not draft.story and not draft.category:
            return None
        return KeepDraft(
            draft.category, "", draft.story, draft.place, draft.since, draft.phone or self.caller
        )


_STATES = TypeAdapter(State)
