"""The queue entry that follows an escalated caller, and the ports around it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Protocol

Candidates = tuple[tuple[str, str, float], ...]
"""What somebody may want: (intent, title, confidence), best first."""


class Priority(IntEnum):
    """Who goes first; within one priority, who has waited longest.

    Any number from 0 to 999 is a priority; these have names. An entry that has waited too
    long rises by itself: to OVERDUE after 3 minutes, and after 10 minutes to VULNERABLE,
    where its age puts it before newer ones (``queue.lua``). So nobody starves, and nobody
    ever overtakes an emergency.
    """

    EMERGENCY = 0
    RETURNED = 1
    """Was talking to an agent whose line dropped."""
    VULNERABLE = 2
    """Old, ill, in distress, or calling again about the same."""
    LOST = 3
    """Was in the hands of a bot that died."""
    OVERDUE = 4
    """Has waited too long."""
    NORMAL = 5


class EntryKind(StrEnum):
    """What an agent takes on with an entry."""

    CALL = "call"
    """A caller who is on the line."""
    CALLBACK = "callback"
    """Somebody to be called back; nobody is on the line."""


class EntryState(StrEnum):
    """Where an escalated caller stands."""

    SCHEDULED = "scheduled"
    """A callback that is not due yet."""
    WAITING = "waiting"
    """In the holding place, hearing music."""
    CLAIMED = "claimed"
    """An agent's phone is ringing for them."""
    JOINED = "joined"
    """Talking with the agent."""
    DONE = "done"
    """The conversation with the agent is over."""
    ABANDONED = "abandoned"
    """The caller hung up before talking with an agent."""


class TalkState(StrEnum):
    """How a joined caller and the agent stand with each other."""

    TOGETHER = "together"
    """They hear each other."""
    HELD = "held"
    """The caller hears music, the agent nothing."""
    ASKING = "asking"
    """The caller hears music, and the telephone of whom the agent wants to ask rings."""
    CONSULTING = "consulting"
    """The caller hears music; the agent and whom they ask hear each other."""
    CONFERENCE = "conference"
    """All three hear each other."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing said in the call so far."""

    who: str
    """``caller``, ``bot`` or ``agent``."""
    text: str
    """"" for what an agent or their caller said while nobody could write it down."""
    at: float
    """Seconds since the call began."""
    mark: int = 0
    """Number by which its sound is found (``speech/archive.py``); 0: there is none."""


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """One escalated caller, with everything known so far."""

    id: str
    """The call's id (UUID)."""
    channel: str
    """Asterisk channel name of the caller; "" while nobody is on the line (a callback)."""
    caller: str
    """Calling number, or "" when withheld."""
    did: str
    reason: str
    """A ``TransferReason`` value, or ``bot_lost`` when the dialplan sent the caller."""
    priority: int = 5
    """0 is served first."""
    queued_at: float = 0.0
    """Unix time, seconds; the caller's place, kept when an entry goes back."""
    state: EntryState = EntryState.WAITING
    agent: str = ""
    """The agent's extension, once claimed."""
    changed_at: float = 0.0
    """Unix time of the last change of state, seconds."""
    transcript: tuple[Turn, ...] = ()
    candidates: Candidates = ()
    """Of the last utterance that the bot heard."""
    heard: Candidates = ()
    """Of the last utterance to the agent that was about something."""
    ticket: str = ""
    """Number of the ticket filed in this call, if any."""
    extra: dict[str, str] = field(default_factory=dict)
    kind: EntryKind = EntryKind.CALL
    due_at: float = 0.0
    """Unix time before which a callback is nobody's to take; 0 for at once."""
    phone: str = ""
    """Number to call back."""
    tries: int = 0
    """How often it was called in vain."""
    skills: frozenset[str] = frozenset()
    """What the agent must be able to do, such as ``lang:yue`` or ``field:medicare``."""
    rank: int = -1
    """The priority that counts now: ``priority``, or better after a long wait."""
    node: str = ""
    """Node whose Asterisk the caller is on; "" when there is only one."""
    leg: str = ""
    """Asterisk's unique id of the agent's leg, made at the claim."""
    talk: TalkState = TalkState.TOGETHER
    """How caller and agent stand, once joined."""
    muted: bool = False
    """The agent is not heard."""
    consult: str = ""
    """Unique id of the leg of whoever the agent consults."""
    consulted: str = ""
    """Their number; kept until the caller is no longer on hold for what was asked."""


class JoinResult(StrEnum):
    """How an attempt to join a caller and an agent ended."""

    JOINED = "joined"
    NO_ANSWER = "no_answer"
    AGENT_BUSY = "agent_busy"
    AGENT_UNREACHABLE = "agent_unreachable"
    CALLER_GONE = "caller_gone"
    TO_CALL = "to_call"
    """A callback, on a line with no way out: nobody was rung, and the agent is to dial
    ``QueueEntry.phone`` on another telephone."""
    CITIZEN_NO_ANSWER = "citizen_no_answer"
    """A callback: the citizen did not answer; as with the next two, it is due again later."""
    CITIZEN_BUSY = "citizen_busy"
    CITIZEN_UNREACHABLE = "citizen_unreachable"
    NOT_NOW = "not_now"
    """A callback outside the hours in which citizens may be called; it is due when they begin."""


@dataclass(frozen=True, slots=True)
class HeldCaller:
    """A caller found in Asterisk's holding place."""

    id: str
    channel: str
    caller: str
    did: str
    seconds: int
    """How long the channel has existed."""
    reason: str = "bot_lost"


class SwitchboardError(Exception):
    """Asterisk could not be reached or refused; the message says which and what to do."""


class Stop(StrEnum):
    """Where a leg of a call can be sent: contexts of the dialplan (extensions.conf)."""

    PEOPLE = "people"
    """Caller: music, until an agent joins."""
    ANNOUNCE = "announce"
    """Caller: hears their position, then PEOPLE."""
    CALLBACK = "callback"
    """Caller: hears that they will be called back, then good-bye."""
    ON_HOLD = "on-hold"
    """Caller: music, while the agent is busy with something."""
    RATING = "rating"
    """Caller: the bot asks how it was."""
    AGENT_JOIN = "agent-join"
    """Agent: (again) with the caller."""
    AGENT_IDLE = "agent-idle"
    """Agent: alone, or with whom they consult."""
    AGENT_CALLING = "agent-calling"
    """Agent: hears that somebody's telephone rings, then is with them."""


class Switchboard(Protocol):
    """What the desk needs of the telephone switch (implemented over AMI). Thread-safe.

    Every method raises SwitchboardError when Asterisk cannot be reached, or refuses because
    a leg is gone. A ``leg`` is Asterisk's unique id of one.
    """

    def join(self, entry: QueueEntry, agent: str, timeout: float) -> JoinResult:
        """Ring the agent for up to ``timeout`` seconds and join the two. Blocks.

        The agent's leg gets the unique id ``entry.leg``.
        """

    def consult(
        self, entry: QueueEntry, number: str, leg: str, timeout: float, *, outside: bool = False
    ) -> JoinResult:
        """Ring somebody for the agent, whose leg is at AGENT_CALLING; join the two. Blocks.

        ``outside``: through the trunk.
        """

    def conference(self, entry: QueueEntry) -> None:
        """Bring the caller, the agent and whom they consult together."""

    def pass_on(self, entry: QueueEntry, *, to_agent: bool) -> None:
        """Leave the caller with whom the agent consults; the agent's leg ends.

        ``to_agent``: they are an agent, and the caller's agent from now on.
        """

    def send(self, leg: str, stop: Stop, other: str = "", other_stop: Stop | None = None) -> None:
        """Send a leg to a stop and, in the same moment, the other that it talks with."""

    def mute(self, leg: str, on: bool) -> None:
        """Let a leg be heard no longer, or again."""

    def hang_up(self, leg: str) -> None:
        """End a leg; no error when it has ended already."""

    def held_callers(self) -> list[HeldCaller]:
        """List who is in the holding place now."""

    def live_channels(self) -> set[str]:
        """Names of all channels that exist now."""

    def legs(self) -> dict[str, bool]:
        """Unique ids of the agents' legs that exist now, and whether each talks with a caller."""

    def registered(self) -> set[str]:
        """Extensions whose telephones are reachable now."""
