"""What the policy needs to know of a pack, and the one place that knows the pack's names.

Implemented by ``understanding.pack.Pack``. Leaves to others: what the sentences say.
"""

from __future__ import annotations

from typing import Protocol

from bot.understanding.schema import Group, Intent, Line, Place, Policy, Thresholds
from bot.understanding.types import IntentKind


class Book(Protocol):
    """The knowledge of one line, as dialogue sees it."""

    @property
    def thresholds(self) -> Thresholds:
        """Where confidence becomes action."""

    @property
    def places(self) -> tuple[Place, ...]:
        """Districts, which are likely answers to "where?"."""

    @property
    def groups(self) -> tuple[Group, ...]:
        """The fields of city life, in the order of the keypad's menu."""

    @property
    def policies(self) -> tuple[Policy, ...]:
        """The ways to lead a conversation; at least one."""

    def intent(self, id: str) -> Intent:
        """Return the intent of that name (KeyError if unknown)."""

    def kind(self, id: str) -> IntentKind:
        """Return what sort of thing the intent of that name is (KeyError if unknown)."""

    def of_kind(self, kind: IntentKind) -> tuple[Intent, ...]:
        """Return all intents of one kind, in the pack's order."""

    def unit_name(self, id: str) -> str:
        """Return the name of the unit with that id (KeyError if unknown)."""

    def line(self, did: str) -> Line:
        """Return the line of a dialled number; the first line for an unknown one."""

    def has_prompt(self, id: str) -> bool:
        """Whether there is a fixed sentence of that name."""

    def must_hear(self, id: str) -> bool:
        """Whether a fixed sentence may not be talked over (KeyError if unknown)."""

    def slow(self, id: str) -> bool:
        """Whether a fixed sentence is said slowly (KeyError if unknown)."""

    def prompt(self, id: str, *, variant: int = 0, **values: str) -> str:
        """Return a fixed sentence, in one of its variants, filled in (KeyError if unknown)."""
