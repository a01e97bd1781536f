"""Joins waiting callers with agents through AMI, and reports who hung up.

Implements the desk's ``Switchboard`` port. Leaves to others: who is joined with whom, and
when (``agents/desk.py``), ringing itself (``ringing.py``), and calling citizens
(``outgoing.py``); the dialplan's side is
``extensions.conf``, "agent-join".
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import structlog

from bot.agents.types import (
    HeldCaller,
    JoinResult,
    QueueEntry,
    Stop,
    SwitchboardError,
    TalkState,
)
from bot.telephony.ami import AmiLink, Fields
from bot.telephony.ringing import NORMAL, Ringer

log = structlog.get_logger(__name__)

#: Causes (Q.850) that say that somebody put the phone down.
PUT_DOWN = ("0", NORMAL)
#: ``BridgeTechnology`` of the places in which callers hear music.
HOLDING = "holding_bridge"
CALLERS_STOPS = (Stop.PEOPLE, Stop.CALLBACK, Stop.RATING)

#: Stands before an extension in the name of its browser's account (pjsip.conf): Asterisk has
#: to offer a browser encrypted media, which a telephone on the table cannot take.
WEB = "web-"


class Listener(Protocol):
    """Who is told what happens on the lines. Called one at a time; may block."""

    def caller_gone(self, entry_id: str) -> None:
        """A caller hung up."""

    def agent_gone(self, entry_id: str, leg: str, *, dropped: bool) -> None:
        """An agent's leg ended; ``dropped`` when nobody put the phone down."""

    def consulted_gone(self, entry_id: str, leg: str) -> None:
        """Whoever an agent consulted hung up."""

    def key_pressed(self, entry_id: str, digit: str) -> None:
        """A caller who has left the bot pressed a key."""

    def caller_moved(self, entry_id: str, *, holding: bool) -> None:
        """A caller who has left the bot is with somebody, or (``holding``) hears music."""


class AmiSwitchboard:
    """The telephone switch as the desk sees it. Thread-safe."""

    def __init__(
        self,
        port: int,
        secret: str,
        listener: Callable[[], Listener],
        on_connected: Callable[[bool], None] = lambda _: None,
        outbound: str = "PJSIP/{number}@trunk",
    ) -> None:
        """``listener`` is asked for when something happens: it may be made after this.

        ``outbound``: Asterisk's name of the channel that reaches a number outside.
        """
        self._listener = listener
        self._outbound = outbound
        self._notices = ThreadPoolExecutor(max_workers=1, thread_name_prefix="switchboard")
        self._ami = AmiLink(port, secret, self._on_event, on_connected)
        self.ringer = Ringer(self._ami)

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
        variables = {"HOTLINE_CALLER_CHANNEL": entry.channel, "HOTLINE_LEG": entry.id}
        return self.ringer.join(
            f"PJSIP/{self.phone_of(agent)}",
            entry.leg,
            "agent-join",
            variables,
            _shown(entry),
            entry.channel,
            timeout,
        )

    def consult(
        self, entry: QueueEntry, number: str, leg: str, timeout: float, *, outside: bool = False
    ) -> JoinResult:
        """Ring somebody for the agent, whose leg is at AGENT_CALLING; join the two. Blocks.

        ``outside``: through the trunk.

        Raises:
            SwitchboardError: Asterisk cannot be reached.
        """
        agent = self._name_of(entry.leg)
        # Should the agent hang up meanwhile, the caller waits on (extensions.conf, "after").
        self._set(entry.channel, "SHARED(asking)", "1")
        variables = {"HOTLINE_AGENT_CHANNEL": agent, "HOTLINE_CONSULT": entry.id}
        there = f"PJSIP/{self.phone_of(number)}"
        if outside:
            there = self._outbound.format(number=number)
        # A unit sees the line's number, never the citizen's.
        shown = f"<{entry.did}>" if outside else _shown(entry)
        return self.ringer.join(there, leg, "consult-join", variables, shown, agent, timeout)

    def meet(self, leg: str, channel: str) -> None:
        """Join an agent, whose leg is at AGENT_CALLING, with a citizen who was called for them.

        Raises:
            SwitchboardError: Asterisk cannot be reached, or one of them is gone.
        """
        self._set(leg, "HOTLINE_CALLER_CHANNEL", channel)
        self._redirect(leg, Stop.AGENT_JOIN.value)

    def conference(self, entry: QueueEntry) -> None:
        """Bring the caller, the agent and whom they consult together.

        Raises:
            SwitchboardError: Asterisk cannot be reached, or one of them is gone.
        """
        for leg in (entry.channel, entry.leg, entry.consult):
            self._set(leg, "HOTLINE_ROOM", entry.id)
        self._redirect(entry.leg, "conference-helper", entry.consult, "conference-helper")
        self._redirect(entry.channel, "conference-caller")

    def pass_on(self, entry: QueueEntry, *, to_agent: bool) -> None:
        """Leave the caller with whom the agent consults; the agent's leg ends.

        ``to_agent``: they are an agent, and the caller's agent from now on.

        Raises:
            SwitchboardError: Asterisk cannot be reached, or one of them is gone.
        """
        # From here on how the first agent's leg ends says nothing of the caller.
        self._set(entry.leg, "HOTLINE_CALLER_CHANNEL", "")
        if to_agent:
            self._set(entry.consult, "HOTLINE_CALLER_CHANNEL", entry.channel)
            self._set(entry.consult, "HOTLINE_LEG", entry.id)
            self._set(entry.consult, "HOTLINE_CONSULT", "")
            if entry.talk is TalkState.CONFERENCE:
                # Out of the room, where a caller whose agent drops is not found again.
                self.send(entry.channel, Stop.ON_HOLD, entry.consult, Stop.AGENT_JOIN)
            else:
                self.send(entry.consult, Stop.AGENT_JOIN)
        elif entry.talk is not TalkState.CONFERENCE:
            for leg in (entry.channel, entry.consult):
                self._set(leg, "HOTLINE_ROOM", entry.id)
            self._redirect(entry.consult, "conference-helper")
            self._redirect(entry.channel, "conference-caller")
        self.hang_up(entry.leg)

    def send(self, leg: str, stop: Stop, other: str = "", other_stop: Stop | None = None) -> None:
        """Send a leg to a stop and, in the same moment, the other that it talks with.

        Raises:
            SwitchboardError: Asterisk cannot be reached, or the leg is gone.
        """
        if stop is not Stop.ON_HOLD and other_stop is None and stop in CALLERS_STOPS:
            # The agent's leg is about to end and must not take the caller out of there.
            self._set(leg, "SHARED(onhold)", "0")
        self._redirect(leg, stop.value, other, other_stop.value if other_stop else "")

    def _set(self, leg: str, variable: str, value: str) -> None:
        self._ami.send("Setvar", Channel=leg, Variable=variable, Value=value)

    def _redirect(self, leg: str, context: str, other: str = "", other_context: str = "") -> None:
        fields = {"Channel": self._name_of(leg), "Context": context, "Exten": "s", "Priority": "1"}
        if other:
            fields |= {
                "ExtraChannel": self._name_of(other),
                "ExtraContext": other_context,
                "ExtraExten": "s",
                "ExtraPriority": "1",
            }
        self._ami.send("Redirect", **fields)

    def mute(self, leg: str, on: bool) -> None:
        """Let a leg be heard no longer, or again.

        Raises:
            SwitchboardError: Asterisk cannot be reached, or the leg is gone.
        """
        state = "on" if on else "off"
        self._ami.send("MuteAudio", Channel=self._name_of(leg), Direction="in", State=state)

    def hang_up(self, leg: str) -> None:
        """End a leg; no error when it has ended already."""
        self.ringer.hang_up(leg)

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

    def practising(self, number: str) -> str:
        """Name of the channel of the synthetic citizen who dialled ``number``; "" for none.

        Raises:
            SwitchboardError: Asterisk cannot be reached.
        """
        for channel in self._channels():
            if channel.get("Context") == "practice" and channel.get("Exten") == number:
                return str(channel["Channel"])
        return ""

    def live_channels(self) -> set[str]:
        """Names of all channels that exist now.

        Raises:
            SwitchboardError: Asterisk cannot be reached.
        """
        return {channel["Channel"] for channel in self._channels()}

    def legs(self) -> dict[str, bool]:
        """Unique ids of the agents' legs that exist now, and whether each talks with a caller.

        Raises:
            SwitchboardError: Asterisk cannot be reached.
        """
        return {
            channel["Uniqueid"]: channel.get("Application") in ("Bridge", "ConfBridge")
            for channel in self._channels()
            if channel.get("Uniqueid", "").startswith(("join-", "consult-"))
        }

    def registered(self) -> set[str]:
        """Extensions whose telephones are reachable now.

        Raises:
            SwitchboardError: Asterisk cannot be reached.
        """
        return {name.removeprefix(WEB) for name in self._contacts()}

    def listen(self, entry: QueueEntry, phone: str) -> None:
        """Ring a telephone and let it hear both sides of a conversation, unheard itself.

        Raises:
            SwitchboardError: Asterisk cannot be reached or refuses.
        """
        self._ami.send(
            "Originate",
            Channel=f"PJSIP/{self.phone_of(phone)}",
            # q: no beep; E: end when the conversation does.
            Application="ChanSpy",
            Data=f"{entry.channel},qE",
            CallerID="监听 <12345>",
            Timeout="20000",
            Async="true",
        )

    def spy(self, leg: str, ear: str, port: int) -> None:
        """Have what a leg says, and nothing it hears, brought to an AudioSocket server.

        ``ear`` is the UUID that it comes with. It ends when the leg does.

        Raises:
            SwitchboardError: Asterisk cannot be reached, or the leg is gone.
        """
        self._ami.send(
            "Originate",
            Channel=f"AudioSocket/127.0.0.1:{port}/{ear}/c(slin)",
            ChannelId=f"tap-{ear}",
            Application="ChanSpy",
            # q: no beep; o: only what comes from it; E: end when it does; u: just this channel.
            Data=f"{self._name_of(leg)},qoEu",
            Timeout="5000",
            Async="true",
        )

    def drop(self, entry: QueueEntry) -> None:
        """Hang a caller up.

        Raises:
            SwitchboardError: Asterisk cannot be reached, or they have gone.
        """
        self._ami.send("Hangup", Channel=entry.channel, Cause=NORMAL)

    def phone_of(self, extension: str) -> str:
        """Return what rings for an extension: its browser, if one is registered.

        Raises:
            SwitchboardError: Asterisk cannot be reached.
        """
        web = f"{WEB}{extension}"
        return web if web in self._contacts() else extension

    def _contacts(self) -> set[str]:
        """Names in pjsip.conf of the telephones that are reachable now."""
        contacts = self.ringer.listing("PJSIPShowContacts", "ContactListComplete")
        return {
            contact.get("ObjectName", "").partition(";")[0]
            for contact in contacts
            if contact.get("Status") != "Unreachable"
        }

    def _name_of(self, leg: str) -> str:
        """Name of a leg's channel; a name stands for itself."""
        if "/" in leg:
            return leg
        for channel in self._channels():
            if channel.get("Uniqueid") == leg:
                return str(channel["Channel"])
        raise SwitchboardError("That telephone line has ended already.")

    def _channels(self) -> list[Fields]:
        return self.ringer.listing("CoreShowChannels", "CoreShowChannelsComplete")

    # --- events ------------------------------------------------------------------------

    def _on_event(self, name: str, fields: Fields) -> None:
        self.ringer.heard(name, fields)
        if name == "Hangup":
            self._notices.submit(self._tell_hangup, fields)
        elif name == "DTMFEnd" and fields.get("Direction") == "Received" and _held(fields)[0]:
            digit = fields.get("Digit", "")
            self._notices.submit(self._tell, "key_pressed", _held(fields)[0], digit)
        elif name == "BridgeEnter" and (entry_id := _held(fields)[0]):
            holding = fields.get("BridgeTechnology") == HOLDING
            self._notices.submit(self._tell, "caller_moved", entry_id, holding=holding)

    def _tell_hangup(self, fields: Fields) -> None:
        leg = fields.get("Uniqueid", "")
        if entry_id := _variable(fields, "HOTLINE_LEG"):
            dropped = fields.get("Cause", "") not in PUT_DOWN
            self._tell("agent_gone", entry_id, leg, dropped=dropped)
        elif entry_id := _variable(fields, "HOTLINE_CONSULT"):
            self._tell("consulted_gone", entry_id, leg)
        elif held := _held(fields)[0]:
            self._tell("caller_gone", held)

    def _tell(self, what: str, *details: str, **more: bool) -> None:
        try:
            getattr(self._listener(), what)(*details, **more)
        except Exception:
            # The next look of the desk (``reconcile``) finds out what was missed.
            log.exception("switchboard.notice_failed", notice=what)


def _shown(entry: QueueEntry) -> str:
    """What an agent's telephone shows of a caller."""
    return f"12345 <{entry.caller or 'anonymous'}>"


def _variable(fields: Fields, name: str) -> str:
    variables = fields.get("ChanVariable")
    return str(variables.get(name, "")) if isinstance(variables, dict) else ""


def _held(fields: Fields) -> tuple[str, str, str]:
    """The (call id, DID, reason) that the dialplan set on a held caller's channel."""
    parts = _variable(fields, "HOTLINE_HELD").split("/")
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else ("", "", "")


def _seconds(duration: str) -> int:
    """Seconds in Asterisk's ``HH:MM:SS``."""
    parts = duration.split(":")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        return 0
    hours, minutes, seconds = map(int, parts)
    return hours * 3600 + minutes * 60 + seconds
