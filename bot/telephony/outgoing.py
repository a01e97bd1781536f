"""Calls citizens through the trunk: for an agent who calls back, and for the bot that asks.

Leaves to others: who is called when (``agents/calling_back.py``, ``bot/surveyor.py``), and
what rings and how it went (``ringing.py``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.agents.types import JoinResult, QueueEntry
from bot.telephony.ringing import CallOut
from bot.telephony.switchboard import AmiSwitchboard

#: A number that can be called: digits, perhaps after the + of an international one. It becomes
#: part of a channel's name in Asterisk, and may be what a caller said theirs was.
DIALLED = re.compile(r"\+?[0-9]{5,15}")
_AGENT = {
    CallOut.ANSWERED: JoinResult.JOINED,
    CallOut.BUSY: JoinResult.AGENT_BUSY,
    CallOut.NO_ANSWER: JoinResult.NO_ANSWER,
    CallOut.FAILED: JoinResult.AGENT_UNREACHABLE,
}
_CITIZEN = {
    CallOut.ANSWERED: JoinResult.JOINED,
    CallOut.BUSY: JoinResult.CITIZEN_BUSY,
    CallOut.NO_ANSWER: JoinResult.CITIZEN_NO_ANSWER,
    CallOut.FAILED: JoinResult.CITIZEN_UNREACHABLE,
}


class Outgoing:
    """The way out. Thread-safe.

    Every method but ``hang_up`` raises SwitchboardError when Asterisk cannot be reached.
    """

    def __init__(self, switchboard: AmiSwitchboard, outbound: str, did: str) -> None:
        """``outbound``: Asterisk's name of the channel that reaches a ``{number}``.

        ``did``: the line's number, for those of whom it is not known which one they called.
        """
        self._switchboard = switchboard
        self._outbound = outbound
        self._did = did

    def call_out(
        self, number: str, context: str, variables: Mapping[str, str], timeout: float
    ) -> tuple[CallOut, str]:
        """Call a number for up to ``timeout`` seconds; once answered it enters ``context``.

        Blocks until it is answered or not; returns the name of its channel too, "" when not.
        ``variables``: of that channel; the citizen sees ``HOTLINE_DID``.
        """
        if not DIALLED.fullmatch(number):
            return CallOut.FAILED, ""
        channel = self._outbound.format(number=number)
        shown = f"<{variables['HOTLINE_DID']}>"
        return self._switchboard.ringer.call_out(channel, context, variables, shown, timeout)

    def ring_agent(self, entry: QueueEntry, timeout: float) -> JoinResult:
        """Ring the entry's agent for up to ``timeout`` seconds. Blocks.

        JOINED: answered, and waiting to hear the citizen's telephone ring.
        """
        result, _ = self._switchboard.ringer.call_out(
            f"PJSIP/{self._switchboard.phone_of(entry.agent)}",
            "agent-calling",
            {"HOTLINE_LEG": entry.id},
            f"12345 <{entry.phone}>",
            timeout,
            entry.leg,
        )
        return _AGENT[result]

    def call_citizen(self, entry: QueueEntry, timeout: float) -> tuple[JoinResult, str]:
        """Call ``entry.phone`` for up to ``timeout`` seconds. Blocks.

        JOINED and the name of the citizen's channel once answered.
        """
        did = entry.did or self._did
        variables = {
            "HOTLINE_CALL": entry.id,
            "HOTLINE_DID": did,
            "HOTLINE_HELD": f"{entry.id}/{did}/callback",
        }
        result, channel = self.call_out(entry.phone, "called-back", variables, timeout)
        return _CITIZEN[result], channel

    def meet(self, entry: QueueEntry) -> None:
        """Join the agent, whom ``ring_agent`` rang, with ``entry.channel``."""
        self._switchboard.meet(entry.leg, entry.channel)

    def hang_up(self, leg: str) -> None:
        """End a leg; no error when it has ended already."""
        self._switchboard.hang_up(leg)
