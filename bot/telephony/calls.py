"""A call as both of its servers see it: AGI knows who calls, AudioSocket has the sound.

``CallBook`` brings the two together by the call's id. Leaves to others: the wire formats
(``agi.py``, ``audiosocket.py``) and the conversation itself.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import StrEnum

from bot.speech.types import LINE_RATE


class NextStop(StrEnum):
    """Dialplan context in which the caller goes on after the conversation."""

    PEOPLE = "people"
    """The holding place, with music, until an agent joins."""
    GOODBYE = "bye"
    LOST = "lost"
    """The bot failed: an apology, then the holding place."""
    RATING = "rating"
    """The bot asks how it was (``Purpose.RATING``), in a call of its own."""


class Purpose(StrEnum):
    """What a call is given to the bot for: the path of ``agi://…/<purpose>``."""

    CALL = "call"
    """Somebody has dialled the line."""
    RATING = "rating"
    """They have talked with an agent, who sent them back to be asked how it was."""
    SURVEY = "survey"
    """The line has called them, to ask whether their ticket is solved (回访)."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call, as it arrived."""

    id: str
    """UUID made by the dialplan."""
    channel: str
    """Asterisk channel name."""
    caller: str
    """Calling number, or "" when withheld."""
    did: str
    """The number that was dialled."""
    sip_call_id: str = ""
    """Call-ID of the caller's INVITE (RFC 3261, 8.1.1.4), "" when not SIP."""
    began_at: float = field(default_factory=time.time)
    """Unix time, seconds."""
    purpose: Purpose = Purpose.CALL
    rated: str = ""
    """Id of the call that is to be rated, or number of the ticket that is asked about."""
    rate: int = LINE_RATE
    """Samples per second that the caller's telephone carries."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a conversation ended."""

    next: NextStop
    label: str
    """For statistics: answered, filed, transferred, caller_gone, failed …"""
    reason: str = ""
    """Why a person is needed, when one is."""


class CallBook:
    """Calls whose sound has not yet arrived or not yet ended. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[str, tuple[Call, Future[Outcome]]] = {}

    def expect(self, call: Call) -> Future[Outcome]:
        """Note a call whose sound is about to arrive; the future tells how it ended."""
        future: Future[Outcome] = Future()
        with self._lock:
            self._calls[call.id] = (call, future)
        return future

    def arrive(self, call_id: str) -> tuple[Call, Future[Outcome]] | None:
        """Take the call whose sound has arrived; None for a stranger."""
        with self._lock:
            return self._calls.pop(call_id, None)

    def forget(self, call_id: str) -> None:
        """The sound of this call will not come any more."""
        with self._lock:
            self._calls.pop(call_id, None)
