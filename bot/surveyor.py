"""回访 by telephone: calls citizens whose tickets are said to be solved, one after the other.

Only to numbers that have called or were left, only within permitted hours, only as often as
the pack allows (``casework.surveys``), and only while no caller waits for an agent. Leaves to
others: the conversation (``dialogue/survey.py``), what an answer does (``bot/office.py``).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Protocol

import structlog

from bot.casework.lifecycle import BOT
from bot.casework.surveys import Asking, Surveys
from bot.telephony.ringing import CallOut

log = structlog.get_logger(__name__)

#: Seconds that a citizen's telephone rings.
RING = 30.0
#: Seconds after which a conversation of which nothing was noted counts as lost.
LOST = 900.0


class CallsOut(Protocol):
    """Calls a number (``Outgoing.call_out``)."""

    def __call__(
        self, number: str, context: str, variables: dict[str, str], timeout: float
    ) -> tuple[CallOut, str]:
        """Ring, and say how it went, and on which channel."""


class Surveyor:
    """Calls who is due, one at a time."""

    def __init__(
        self,
        surveys: Surveys,
        call_out: CallsOut,
        did: str,
        busy: Callable[[], bool] = lambda: False,
        by: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``did`` is shown to the citizen as ours.

        ``by``: only those that are to be asked this way. ``clock`` in seconds.
        """
        self._surveys = surveys
        self._call_out = call_out
        self._did = did
        self._busy = busy
        self._by = by
        self._clock = clock
        self._talking: dict[str, float] = {}

    def look(self) -> int:
        """Call everybody who is due now; return how many were called. Blocks while it rings.

        Raises:
            CaseworkError, SwitchboardError: look again later.
        """
        called = 0
        for asking in self._surveys.due(self._by):
            if self._busy():
                break
            # Who is talking with the bot now is due until the end of the conversation.
            if self._clock() - self._talking.get(asking.token, -LOST) < LOST:
                continue
            self._call(asking)
            called += 1
        return called

    def _call(self, asking: Asking) -> None:
        variables = {
            "HOTLINE_CALL": str(uuid.uuid4()),
            "HOTLINE_DID": self._did,
            "HOTLINE_PHONE": asking.phone,
            "HOTLINE_RATED": asking.number,
        }
        result, _ = self._call_out(asking.phone, "survey", variables, RING)
        log.info("survey.called", ticket=asking.number, result=result.value)
        if result is CallOut.ANSWERED:
            # What they said is noted at the end of the conversation.
            self._talking[asking.token] = self._clock()
        else:
            self._surveys.attempt(asking.number, result.value, BOT)
