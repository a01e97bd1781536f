"""Who of the agents is there: on duty, on a break, with a caller, in wrap-up, or gone.

Agents choose ``on_duty``, ``break`` and ``off``; ringing, talking and wrap-up follow from
the queue, in the same atomic step as the entry (``queue.lua``). Whoever is on duty shows so
by a heartbeat (an open desk page, a registered telephone); when it stops they are gone, and
when it comes back they are what they were. The times in all states are kept for figures.
Leaves to others: accounts and passwords (``bot/web``, ``bot/node/secrets.py``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from bot.agents.codec import skills_text
from bot.agents.rules import Rules, pairs

#: Seconds without a heartbeat after which an agent counts as gone. Desk pages and telephones
#: show themselves every few seconds.
GONE_AFTER = 30.0
_EPOCH = date(1970, 1, 1).toordinal()
_EXTENSION = re.compile(r"[0-9]{2,10}")


class AgentState(StrEnum):
    """Where an agent stands."""

    OFF = "off"
    ON_DUTY = "on_duty"
    """Free for the next caller."""
    BREAK = "break"
    RINGING = "ringing"
    TALKING = "talking"
    WRAP_UP = "wrap_up"
    """Writes down what the last caller wanted."""
    GONE = "gone"
    """On duty or on a break, but the heartbeat stopped."""


#: States that take part in the service.
SERVING = (AgentState.ON_DUTY, AgentState.RINGING, AgentState.TALKING, AgentState.WRAP_UP)


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent, as of now."""

    extension: str
    state: AgentState
    since: float
    """Unix time of the last change of state, seconds."""
    duty: AgentState
    """What they chose: on_duty, break or off."""
    beat: float
    """Unix time of the last heartbeat, seconds."""
    entry: str = ""
    """Id of the entry they have claimed or joined."""
    skills: frozenset[str] = frozenset()
    """Without any they may take everybody."""


@dataclass(frozen=True, slots=True)
class Staffing:
    """What the expected wait is made of."""

    serving: int
    """Agents on duty, with or without a caller."""
    free: int
    service_seconds: float | None
    """Mean of the last 100 conversations with their wrap-ups; None before the first."""


class Presence:
    """The agents' presence. Thread-safe; every method may raise QueueUnavailable."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def choose(self, extension: str, duty: AgentState) -> None:
        """Go on duty (which ends a wrap-up too), on a break, or off.

        An agent with a caller keeps them; the choice counts when they have parted.

        Raises:
            ValueError: the extension is no number of 2 to 10 digits, or the state is not one
                that can be chosen.
        """
        if duty not in (AgentState.ON_DUTY, AgentState.BREAK, AgentState.OFF):
            raise ValueError(f"an agent cannot choose to be {duty}")
        self._rules.run("duty", checked(extension), duty.value)

    def beat(self, *extensions: str) -> None:
        """These agents are there. Of an agent nobody knows nothing is kept."""
        if extensions:
            self._rules.run("beat", *extensions)

    def sweep(self) -> list[str]:
        """Count those as gone whose heartbeat stopped; return their extensions."""
        before = repr(self._rules.clock() - GONE_AFTER)
        return list(self._rules.run("sweep", before)[1])

    def teach(self, extension: str, skills: Iterable[str]) -> None:
        """Set what an agent can do; makes the agent known. Without skills: everything.

        Raises:
            ValueError: the extension or a skill is malformed.
        """
        self._rules.run("skills", checked(extension), skills_text(frozenset(skills)))

    def forget(self, extension: str) -> bool:
        """Remove an agent; False while they have a caller."""
        return bool(self._rules.run("forget", extension)[0] == "ok")

    def all(self) -> list[Agent]:
        """Return every agent that is known, by extension."""
        return self._roster()[0]

    def get(self, extension: str) -> Agent | None:
        """Return one agent."""
        return next((one for one in self.all() if one.extension == extension), None)

    def staffing(self) -> Staffing:
        """Return how many serve, and how long a caller takes them."""
        agents, service, wrap_up = self._roster()
        return Staffing(
            serving=sum(one.state in SERVING for one in agents),
            free=sum(one.state is AgentState.ON_DUTY for one in agents),
            service_seconds=(_mean(service) + _mean(wrap_up)) if service else None,
        )

    def times(self, day: date) -> dict[str, dict[AgentState, float]]:
        """Return, by extension, the seconds in each state.

        A state counts on the day (in China) on which it ended; the present one not yet.
        """
        key = f"{self._rules.prefix}times:{day.toordinal() - _EPOCH}"
        found: dict[str, dict[AgentState, float]] = {}
        stored: dict[str, str] = self._rules.ask(lambda client: client.hgetall(key))
        for name, seconds in sorted(stored.items()):
            extension, _, state = name.rpartition(":")
            found.setdefault(extension, {})[AgentState(state)] = float(seconds)
        return found

    def _roster(self) -> tuple[list[Agent], list[str], list[str]]:
        _, rows, service, wrap_up = self._rules.run("roster")
        agents = [
            _agent(extension, float(beat), entry, pairs(fields))
            for extension, beat, entry, fields in rows
        ]
        return sorted(agents, key=lambda one: one.extension), service, wrap_up


def checked(extension: str) -> str:
    """Return an extension that is one; it becomes part of a channel's name in Asterisk.

    Raises:
        ValueError: it is no number of 2 to 10 digits.
    """
    if not _EXTENSION.fullmatch(extension):
        raise ValueError(f"an extension is a number of 2 to 10 digits, not {extension!r}")
    return extension


def _agent(extension: str, beat: float, entry: str, fields: dict[str, str]) -> Agent:
    return Agent(
        extension=extension,
        state=AgentState(fields["state"]),
        since=float(fields["since"]),
        duty=AgentState(fields["duty"]),
        beat=beat,
        entry=entry,
        skills=frozenset(fields.get("skills", "").split()),
    )


def _mean(samples: list[str]) -> float:
    return sum(map(float, samples)) / len(samples) if samples else 0.0
