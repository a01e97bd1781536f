"""The events a dialogue takes and the actions it asks for. All plain, immutable data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.understanding.types import Understanding

# --- events: what happened -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallStarted:
    """The caller is on the line and nothing has been said yet."""

    caller: str = ""
    """Calling number, or "" when withheld."""
    did: str = "12345"
    """The number that was dialled."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The caller said something (``understanding.text`` is empty when unintelligible)."""

    understanding: Understanding


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


@dataclass(frozen=True, slots=True)
class FilingFailed:
    """The ticket asked for by ``FileTicket`` could not be stored."""


@dataclass(frozen=True, slots=True)
class HungUp:
    """The caller is gone."""


Event = CallStarted | Heard | Pressed | Silent | Filed | FilingFailed | HungUp

# --- actions: what to do, in order -----------------------------------------------------


@dataclass(frozen=True, slots=True)
class Say:
    """Speak to the caller; the next action waits until it was played or barged into."""

    text: str
    prompt: str = ""
    """Name of the pack's prompt or intent the text came from, for logs."""
    must_hear: bool = False
    """Speech does not interrupt it (keys always do)."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Wait for the caller: the next event is Heard, Pressed, Silent or HungUp."""

    patience: float = 6.0
    """Seconds of silence before ``Silent``."""
    expect: tuple[str, ...] = ()
    """Phrases that are likely now, for the recogniser."""


@dataclass(frozen=True, slots=True)
class FileTicket:
    """Store a ticket; the next event is Filed or FilingFailed."""

    category: str
    title: str
    text: str
    """What the caller said of it, in their own words."""
    place: str = ""
    unit: str = ""
    """Responsible unit's name, from the pack."""
    urgency: str = "normal"


class TransferReason(StrEnum):
    """Why a caller is sent to a person."""

    ASKED = "asked"
    NOT_UNDERSTOOD = "not_understood"
    EMERGENCY = "emergency"
    NO_INPUT = "no_input"
    FAILURE = "failure"
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
    """answered, filed, no_input, caller_gone: for statistics."""


Action = Say | Listen | FileTicket | Transfer | HangUp
