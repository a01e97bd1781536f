"""Joins waiting callers with agents through AMI, and reports who hung up.

Implements the desk's ``Switchboard`` port. Leaves to others: who is joined with whom, and
when (``agents/desk.py``); the dialplan's side is ``extensions.conf``, "agent-join".
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from bot.agents.types import HeldCaller, JoinResult, QueueEntry, SwitchboardError
from bot.telephony.ami import AmiLink, Fields

#: Seconds beyond the ringing time in which the join itself must have happened: the bot's
#: last sentence may still be playing (extensions.conf waits 15 s for that).
JOIN_GRACE = 18.0
#: ``Reason`` of a failed OriginateResponse: an AST_CONTROL_* frame (Asterisk, frame.h).
NO_ANSWER = "3"
BUSY = "5"

_Waiter = queue.SimpleQueue[tuple[str, Fields]]


class AmiSwitchboard:
    """The telephone switch as the desk sees it. Thread-safe."""

    def __init__(
        self,
        port: int,
        secret: str,
        *,
        on_caller_gone: Callable[[str], None],
        on_agent_left: Callable[[str], None],
        on_connected: Callable[[bool], None] = lambda _: None,
    ) -> None:
        """The callbacks get a call's id; they run one at a time in a thread and may block."""
        self._on_caller_gone = on_caller_gone
        self._on_agent_left = on_agent_left
        self._waiters: dict[str, _Waiter] = {}
        self._joined: dict[str, str] = {}
        self._lock = threading.Lock()
        self._notices = ThreadPoolExecutor(max_workers=1, thread_name_prefix="switchboard")
        self._ami = AmiLink(port, secret, self._on_event, on_connected)

    @property
    def connected(self) -> bool:
        """Whether Asterisk answers now."""
        return self._ami.connected

    def start(self) -> None:
        """Connect in the background."""
        self._ami.start()

    def stop(self) -> None:
        """Disconnect."""
        self._ami.stop()
        self._notices.shutdown(wait=False, cancel_futures=True)

    # --- the port ----------------------------------------------------------------------

    def join(self, entry: QueueEntry, agent: str, timeout: float) -> JoinResult:
        """Ring the agent for up to ``timeout`` seconds and join the two. Blocks.

        Raises:
            SwitchboardError: Asterisk cannot be reached.
        """
        if entry.channel not in self.live_channels():
            return JoinResult.CALLER_GONE
        leg = f"join-{uuid4()}"
        action_id = self._ami.next_id()
        waiter: _Waiter = queue.SimpleQueue()
        with self._lock:
            self._waiters |= {leg: waiter, action_id: waiter, entry.channel: waiter}
        try:
            self._ami.send(
                "Originate",
                ActionID=action_id,
                Channel=f"PJSIP/{agent}",
                ChannelId=leg,
                Context="agent-join",
                Exten="s",
                Priority="1",
                CallerID=f"12345 <{entry.caller or 'anonymous'}>",
                Timeout=str(int(timeout * 1000)),
                Async="true",
                Variable=f"HOTLINE_CALLER_CHANNEL={entry.channel}",
            )
            result = self._follow(waiter, leg, entry.channel, timeout + JOIN_GRACE)
        finally:
            with self._lock:
                for key in (leg, action_id, entry.channel):
                    self._waiters.pop(key, None)
        if result is JoinResult.JOINED:
            with self._lock:
                self._joined[leg] = entry.id
        else:
            self._hang_up(leg)
        return result

    def _follow(self, waiter: _Waiter, leg: str, caller: str, seconds: float) -> JoinResult:
        while True:
            try:
                name, fields = waiter.get(timeout=seconds)
            except queue.Empty:
                return JoinResult.NO_ANSWER
            match name:
                case "BridgeEnter" if fields.get("Uniqueid") == leg:
                    return JoinResult.JOINED
                case "Hangup" if fields.get("Channel") == caller:
                    return JoinResult.CALLER_GONE
                case "OriginateResponse" if fields.get("Response") == "Failure":
                    return {NO_ANSWER: JoinResult.NO_ANSWER, BUSY: JoinResult.AGENT_BUSY}.get(
                        fields.get("Reason", ""), JoinResult.AGENT_UNREACHABLE
                    )
                case "Hangup" if fields.get("Uniqueid") == leg and fields.get("Cause") == "16":
                    # Answered, then put down before the two were joined.
                    return JoinResult.NO_ANSWER

    def _hang_up(self, leg: str) -> None:
        try:
            self._ami.send("Hangup", Channel=leg)
        except SwitchboardError:
            return  # it had gone by itself

    def held_callers(self) -> list[HeldCaller]:
        """List who is in the holding place now.

        Raises:
            SwitchboardError: Asterisk cannot be reached.
        """
        held = []
        for channel in self._channels():
            call_id, did, reason = _held(channel)
            if call_id and channel.get("Context") in ("people", "lost"):
                held.append(
                    HeldCaller(
                        id=call_id,
                        channel=channel["Channel"],
                        caller=channel.get("CallerIDNum", ""),
                        did=did,
                        seconds=_seconds(channel.get("Duration", "")),
                        reason=reason,
                    )
                )
        return held

    def live_channels(self) -> set[str]:
        """Names of all channels that exist now.

        Raises:
            SwitchboardError: Asterisk cannot be reached.
        """
        return {channel["Channel"] for channel in self._channels()}

    def _channels(self) -> list[Fields]:
        action_id = self._ami.next_id()
        waiter: _Waiter = queue.SimpleQueue()
        with self._lock:
            self._waiters[action_id] = waiter
        try:
            self._ami.send("CoreShowChannels", ActionID=action_id)
            channels: list[Fields] = []
            while True:
                name, fields = waiter.get(timeout=3.0)
                if name == "CoreShowChannelsComplete":
                    return channels
                channels.append(fields)
        except queue.Empty as error:
            raise SwitchboardError("Asterisk did not list its channels in 3 s") from error
        finally:
            with self._lock:
                self._waiters.pop(action_id, None)

    # --- events ------------------------------------------------------------------------

    def _on_event(self, name: str, fields: Fields) -> None:
        keys = (fields.get("ActionID"), fields.get("Uniqueid"), fields.get("Channel"))
        with self._lock:
            waiters = {id(w): w for key in keys if key and (w := self._waiters.get(key))}
        for waiter in waiters.values():
            waiter.put((name, fields))
        if name == "Hangup":
            with self._lock:
                call_id = self._joined.pop(fields.get("Uniqueid", ""), "")
            if call_id:
                self._notices.submit(self._on_agent_left, call_id)
            elif held := _held(fields)[0]:
                self._notices.submit(self._on_caller_gone, held)


def _held(fields: Fields) -> tuple[str, str, str]:
    """The (call id, DID, reason) that the dialplan set on a held caller's channel."""
    variables = fields.get("ChanVariable")
    value = variables.get("HOTLINE_HELD", "") if isinstance(variables, dict) else ""
    parts = value.split("/")
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else ("", "", "")


def _seconds(duration: str) -> int:
    """Seconds in Asterisk's ``HH:MM:SS``."""
    parts = duration.split(":")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        return 0
    hours, minutes, seconds = map(int, parts)
    return hours * 3600 + minutes * 60 + seconds
