"""Whom an agent may ring for a caller: other agents, and the units that the pack gives a number.

Nobody else can be dialled: the line is no way out to the telephone network. Leaves to
others: where extensions and units come from (``bot/line.py``), and ringing (``telephony``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass


class NotListed(ValueError):  # noqa: N818
    """The number is neither an agent's nor a listed unit's; nobody was rung."""


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who can be rung."""

    number: str
    name: str
    """Of a unit; "" for an agent."""
    outside: bool
    """Reached through the trunk, and of no concern to the queue."""


class Directory:
    """The numbers that may be rung. Asked anew each time, since agents and packs change."""

    def __init__(
        self,
        extensions: Callable[[], Collection[str]],
        units: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        """``units`` gives names by number; an agent's extension goes before a unit's number."""
        self._extensions = extensions
        self._units = units

    def find(self, number: str) -> Party:
        """Return who has a number.

        Raises:
            NotListed: nobody whom an agent may ring.
        """
        if number in self._extensions():
            return Party(number, "", outside=False)
        if name := self._units().get(number):
            return Party(number, name, outside=True)
        raise NotListed(f"{number!r} is neither an agent's extension nor a listed unit's number")

    def units(self) -> list[Party]:
        """Return the units that can be rung, by name."""
        taken = self._extensions()
        listed = [
            Party(number, name, outside=True)
            for number, name in self._units().items()
            if number not in taken
        ]
        return sorted(listed, key=lambda one: one.name)

    def agents(self) -> list[str]:
        """Return the agents' extensions, in order."""
        return sorted(self._extensions())
