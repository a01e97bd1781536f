"""The events a dialogue takes and the actions it asks for. All plain, immutable data.

Three sorts of action: sentences (``Say``), notes that need no answer, and one last action
whose result is the next event. Leaves to others: carrying them out (``bot/office.py`` for
tickets, people and memory; ``telephony/conversation.py`` for sound).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from bot.understanding.types import Understanding

# --- what other rooms know, as dialogue needs it -----------------------------------------


@dataclass(frozen=True, slots=True)
class TicketView:
    """A ticket as far as a citizen is told of it."""

    number: str
    title: str
    category: str = ""
    place: str = ""
    unit: str = ""
    next_step: str = ""
    """What happens to it now: a short Chinese sentence without a full stop."""
    filed_on: dt.date | None = None
    due_on: dt.date | None = None
    open: bool = True
    """Neither solved nor withdrawn."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What the line remembers of a caller."""

    consent: bool | None = None
    """May the line remember? None: not asked yet."""
    elder: bool = False
    """Slower, shorter, a person sooner."""


class People(StrEnum):
    """Whether somebody can take a caller now."""

    THERE = "there"
    NIGHT = "night"
    """Outside the line's hours for people."""
    FULL = "full"
    """More callers wait than can be served in a bearable time."""


class Port(StrEnum):
    """What the dialogue asks of other rooms."""

    TICKET = "ticket"
    LOOK_UP = "look_up"
    CHANGE = "change"
    PEOPLE = "people"
    CALLBACK = "callback"


# --- events: what happened ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallStarted:
    """The caller is on the line and nothing has been said yet."""

    caller: str = ""
    """Calling number, or "" when withheld."""
    did: str = "12345"
    """The number that was dialled."""
    now: dt.datetime | None = None
    """Local time at which the call began."""
    lot: float = 0.0
    """0 to 1, different for each call: decides which of a pack's policies it gets."""
    profile: Profile = Profile()
    tickets: tuple[TicketView, ...] = ()
    """The caller's open tickets, newest first; only with their consent."""
    rating: bool = False
    """They have talked with an agent and are only asked how it was."""
    survey: TicketView | None = None
    """The line has called them, to ask whether this ticket is solved (回访)."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The caller said something (``understanding.text`` is empty when unintelligible)."""

    understanding: Understanding
    barged_in: bool = False
    """It cut the bot's last sentence short."""


@dataclass(frozen=True, slots=True)
class Pressed:
    """The caller pressed a key: 0-9, * or #."""

    digit: str


@dataclass(frozen=True, slots=True)
class Silent:
    """The caller said nothing for the whole of the last ``Listen.patience``."""


@dataclass(frozen=True, slots=True)
class Filed:
    """The ticket asked for by ``FileTicket`` is stored."""

    number: str
    news: str = ""
    """What is known of an incident that it belongs to: a Chinese sentence to be said."""


@dataclass(frozen=True, slots=True)
class Found:
    """What ``LookUp`` found, newest first; nothing when there is no such ticket."""

    tickets: tuple[TicketView, ...] = ()


@dataclass(frozen=True, slots=True)
class Changed:
    """The change asked for by ``ChangeTicket`` is made, or (``done`` False) not allowed now."""

    done: bool = True


@dataclass(frozen=True, slots=True)
class PeopleAre:
    """The answer to ``SeekPerson``."""

    people: People


@dataclass(frozen=True, slots=True)
class Booked:
    """The callback asked for by ``BookCallback`` is stored."""

    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Failed:
    """A port could not do what was asked; why is in the log."""

    port: Port


@dataclass(frozen=True, slots=True)
class HungUp:
    """The caller is gone."""


Event = (
    CallStarted
    | Heard
    | Pressed
    | Silent
    | Filed
    | Found
    | Changed
    | PeopleAre
    | Booked
    | Failed
    | HungUp
)

# --- sentences ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Say:
    """Speak to the caller; the next action waits until it was played or barged into."""

    text: str
    prompt: str = ""
    """Name of the pack's prompt or intent the text came from, for logs."""
    must_hear: bool = False
    """Speech does not interrupt it (keys always do)."""
    speed: float = 1.0
    """Of speech; less is slower."""
    gain: float = 1.0
    """Loudness, as a factor of the amplitude."""


# --- notes: done beside the conversation, with no answer ------------------------------------


@dataclass(frozen=True, slots=True)
class KeepDraft:
    """Keep what a caller said of a ticket that was never finished."""

    category: str
    title: str
    text: str
    place: str = ""
    since: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Rate:
    """Note how content the caller was."""

    score: int
    """1 (not at all) to 5 (very)."""
    ticket: str = ""
    """The last ticket of the call."""
    policy: str = ""


@dataclass(frozen=True, slots=True)
class Remember:
    """Change what the line remembers of the caller; None leaves a thing as it is."""

    consent: bool | None = None
    elder: bool | None = None
    forget: bool = False
    """Erase all of it."""


@dataclass(frozen=True, slots=True)
class SendText:
    """Send the caller a text message, if the line has a channel for it."""

    phone: str
    text: str


@dataclass(frozen=True, slots=True)
class TakeSurvey:
    """Note what a citizen who was called back said of their ticket."""

    number: str
    solved: bool | None = None
    """None: they did not say."""
    satisfied: int | None = None
    """1 to 5; None: they did not say."""
    words: str = ""
    refused: bool = False
    """They do not want to be asked."""


Note = KeepDraft | Rate | Remember | SendText | TakeSurvey

# --- last actions: each brings the next event ------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listen:
    """Wait for the caller: the next event is Heard, Pressed, Silent or HungUp."""

    patience: float = 6.0
    """Seconds of silence before ``Silent``."""
    expect: tuple[str, ...] = ()
    """Phrases that are likely now, for the recogniser."""
    about: str = ""
    """The question that was answered last: a short "and how long?" refers to it."""


@dataclass(frozen=True, slots=True)
class FileTicket:
    """Store a ticket; the next event is Filed or Failed."""

    category: str
    title: str
    text: str
    """What the caller said of it, in their own words."""
    place: str = ""
    unit: str = ""
    """Responsible unit's name, from the pack."""
    urgency: str = "normal"
    since: str = ""
    """When it began, or for how long, as in ``slots.find_slots``."""
    phone: str = ""
    """Whom to call back, if not the calling number."""
    confidence: float = 1.0
    """How sure the category is, 0 to 1."""


@dataclass(frozen=True, slots=True)
class LookUp:
    """Find a ticket by its number, else the open tickets of this caller; next is Found."""

    number: str = ""


class Change(StrEnum):
    """What a citizen may do to a ticket."""

    URGE = "urge"
    APPEND = "append"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class ChangeTicket:
    """Change a ticket; the next event is Changed or Failed."""

    number: str
    change: Change
    text: str = ""


@dataclass(frozen=True, slots=True)
class SeekPerson:
    """Find out whether a person can take the caller; the next event is PeopleAre."""


@dataclass(frozen=True, slots=True)
class BookCallback:
    """Promise that a person calls; the next event is Booked or Failed."""

    at: dt.datetime
    """Local time from which on."""
    phone: str
    text: str
    """What it is about, in the caller's words."""


class TransferReason(StrEnum):
    """Why a caller is sent to a person."""

    ASKED = "asked"
    NOT_UNDERSTOOD = "not_understood"
    EMERGENCY = "emergency"
    NO_INPUT = "no_input"
    FAILURE = "failure"
    DISSATISFIED = "dissatisfied"
    """A low rating."""
    BUSY = "busy"
    """Recognition is full, so this caller is not let into a dialogue."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """Leave the dialogue and wait for a person. Ends the dialogue."""

    reason: TransferReason
    priority: int = 5
    """0 is served first; emergencies are 0, ordinary callers 5."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """Say no more and end the call. Ends the dialogue."""

    outcome: str
    """answered, filed, callback, surveyed, no_input, left, caller_gone: for statistics."""


Request = FileTicket | LookUp | ChangeTicket | SeekPerson | BookCallback
"""What a port is asked for."""
PORTS: dict[type[Request], Port] = {
    FileTicket: Port.TICKET,
    LookUp: Port.LOOK_UP,
    ChangeTicket: Port.CHANGE,
    SeekPerson: Port.PEOPLE,
    BookCallback: Port.CALLBACK,
}
"""Which port answers each request: for ``Failed``, when it can't."""
Last = Listen | Request | Transfer | HangUp
Action = Say | Note | Last
