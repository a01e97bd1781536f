"""Rings telephones through AMI, and tells how it went.

An Originate says little by itself: what came of it is in events that arrive later, by the
action's id, the new leg's unique id or the name of the channel that waits for it. Leaves to
others: who is rung for whom (``switchboard.py``), and reading AMI (``ami.py``).
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from uuid import uuid4

from bot.agents.types import JoinResult, SwitchboardError
from bot.telephony.ami import AmiLink, Fields

#: Seconds beyond the ringing time in which the join itself must have happened: the bot's
#: last sentence may still be playing (extensions.conf waits 15 s for that).
JOIN_GRACE = 18.0
#: Seconds beyond the ringing in which Asterisk must say how a call out went.
CALL_OUT_GRACE = 5.0
#: Seconds between Asterisk's saying that a call failed and that its leg ended; either may
#: come first, and only the latter tells of a telephone that is busy (SIP 486).
WHY_GRACE = 0.5
#: Seconds in which Asterisk must have listed its channels or telephones.
LISTING = 3.0
#: ``Reason`` of a failed OriginateResponse: an AST_CONTROL_* frame (Asterisk, frame.h).
NO_ANSWER = "3"
BUSY = "5"
#: Causes (Q.850) of a plain hang-up, and of one by somebody who talks with others.
NORMAL = "16"
USER_BUSY = "17"

_Events = queue.SimpleQueue[tuple[str, Fields]]


class CallOut(StrEnum):
    """How calling a citizen ended, or began."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    FAILED = "failed"


class Ringer:
    """Originates calls and waits for what comes of them. Thread-safe.

    Every method raises SwitchboardError when Asterisk cannot be reached.
    """

    def __init__(self, ami: AmiLink) -> None:
        self._ami = ami
        self._lock = threading.Lock()
        self._waiting: dict[str, _Events] = {}

    def heard(self, name: str, fields: Fields) -> None:
        """Give an event to who waits for it. Does not block."""
        keys = (fields.get("ActionID"), fields.get("Uniqueid"), fields.get("Channel"))
        with self._lock:
            found = {id(one): one for key in keys if key and (one := self._waiting.get(key))}
        for events in found.values():
            events.put((name, fields))

    @contextmanager
    def _events_of(self, *keys: str) -> Iterator[_Events]:
        events: _Events = queue.SimpleQueue()
        with self._lock:
            self._waiting |= dict.fromkeys(keys, events)
        try:
            yield events
        finally:
            with self._lock:
                for key in keys:
                    self._waiting.pop(key, None)

    def join(
        self,
        channel: str,
        leg: str,
        context: str,
        variables: Mapping[str, str],
        shown: str,
        waiting: str,
        timeout: float,
    ) -> JoinResult:
        """Ring ``channel`` as ``leg``; once answered, it is joined with the one ``waiting``.

        Blocks for up to ``timeout`` seconds and a little. ``shown``: the caller's number.
        A leg that was not joined has ended when this returns.
        """
        action_id = self._ami.next_id()
        with self._events_of(leg, action_id, waiting) as events:
            self._originate(action_id, channel, context, variables, shown, timeout, leg)
            result = _joined(events, leg, waiting, timeout + JOIN_GRACE)
        if result is not JoinResult.JOINED:
            self.hang_up(leg)
        return result

    def call_out(
        self,
        channel: str,
        context: str,
        variables: Mapping[str, str],
        shown: str,
        timeout: float,
        leg: str = "",
    ) -> tuple[CallOut, str]:
        """Ring ``channel`` for up to ``timeout`` seconds; once answered it enters ``context``.

        Blocks until it is answered or not; returns the channel's name too, "" when not.
        """
        action_id, leg = self._ami.next_id(), leg or f"out-{uuid4()}"
        with self._events_of(action_id, leg) as events:
            self._originate(action_id, channel, context, variables, shown, timeout, leg)
            while True:
                try:
                    name, fields = events.get(timeout=timeout + CALL_OUT_GRACE)
                except queue.Empty:
                    return CallOut.FAILED, ""
                if _busy(name, fields, leg):
                    return CallOut.BUSY, ""
                if name == "OriginateResponse":
                    break
            if fields.get("Response") == "Success":
                return CallOut.ANSWERED, str(fields.get("Channel", ""))
            reasons = {NO_ANSWER: CallOut.NO_ANSWER, BUSY: CallOut.BUSY}
            return reasons.get(_reason(events, fields, leg), CallOut.FAILED), ""

    def hang_up(self, leg: str) -> None:
        """End a leg; no error when it has ended already."""
        try:
            self._ami.send("Hangup", Channel=leg, Cause=NORMAL)
        except SwitchboardError:
            return  # it had gone by itself

    def listing(self, action: str, complete: str) -> list[Fields]:
        """Send an action whose answer is a list of events; ``complete`` names the last."""
        action_id = self._ami.next_id()
        with self._events_of(action_id) as events:
            self._ami.send(action, ActionID=action_id)
            rows: list[Fields] = []
            while True:
                try:
                    name, fields = events.get(timeout=LISTING)
                except queue.Empty as error:
                    raise SwitchboardError(
                        f"Asterisk did not answer {action} in {LISTING:g} s"
                    ) from error
                if name == complete:
                    return rows
                rows.append(fields)

    def _originate(
        self,
        action_id: str,
        channel: str,
        context: str,
        variables: Mapping[str, str],
        shown: str,
        timeout: float,
        leg: str,
    ) -> None:
        self._ami.send(
            "Originate",
            ActionID=action_id,
            Channel=channel,
            ChannelId=leg,
            Context=context,
            Exten="s",
            Priority="1",
            CallerID=shown,
            Timeout=str(int(timeout * 1000)),
            Async="true",
            Variable=",".join(f"{name}={value}" for name, value in variables.items()),
        )


def _joined(events: _Events, leg: str, waiting: str, seconds: float) -> JoinResult:
    while True:
        try:
            name, fields = events.get(timeout=seconds)
        except queue.Empty:
            return JoinResult.NO_ANSWER
        match name:
            case "BridgeEnter" if fields.get("Uniqueid") == leg:
                return JoinResult.JOINED
            case "Hangup" if fields.get("Channel") == waiting:
                return JoinResult.CALLER_GONE
            case "Hangup" if _busy(name, fields, leg):
                return JoinResult.AGENT_BUSY
            case "OriginateResponse" if fields.get("Response") == "Failure":
                return {NO_ANSWER: JoinResult.NO_ANSWER, BUSY: JoinResult.AGENT_BUSY}.get(
                    _reason(events, fields, leg), JoinResult.AGENT_UNREACHABLE
                )
            case "Hangup" if fields.get("Uniqueid") == leg and fields.get("Cause") == NORMAL:
                # Answered, then put down before the two were joined.
                return JoinResult.NO_ANSWER


def _busy(name: str, fields: Fields, leg: str) -> bool:
    """Whether an event says that whoever was rung as ``leg`` talks with somebody else."""
    return (name, fields.get("Uniqueid"), fields.get("Cause")) == ("Hangup", leg, USER_BUSY)


def _reason(events: _Events, failed: Fields, leg: str) -> str:
    """Return why a call failed, as an OriginateResponse would say it."""
    reason = str(failed.get("Reason", ""))
    if reason in (NO_ANSWER, BUSY):
        return reason
    try:
        name, fields = events.get(timeout=WHY_GRACE)
    except queue.Empty:
        return reason
    return BUSY if _busy(name, fields, leg) else reason
