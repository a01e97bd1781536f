"""What the policy needs to know of a pack, and the one place that knows the pack's names.

Implemented by ``understanding.pack.Pack``. Leaves to others: what the sentences say.
"""

from __future__ import annotations

from typing import Protocol

from bot.understanding.schema import Intent, Place, Thresholds
from bot.understanding.types import IntentKind


class Book(Protocol):
    """The knowledge of one line, as dialogue sees it."""

    @property
    def thresholds(self) -> Thresholds:
        """Where confidence becomes action."""

    @property
    def places(self) -> tuple[Place, ...]:
        """Districts, which are likely answers to "where?"."""

    def intent(self, id: str) -> Intent:
        """Return the intent of that name (KeyError if unknown)."""

    def kind(self, id: str) -> IntentKind:
        """Return what sort of thing the intent of that name is (KeyError if unknown)."""

    def unit_name(self, id: str) -> str:
        """Return the name of the unit with that id (KeyError if unknown)."""

    def greeting(self, did: str) -> str:
        """Return the sentence that greets who dialled ``did``."""

    def prompt(self, id: str, *, variant: int = 0, **values: str) -> str:
        """Return a fixed sentence, in one of its variants, filled in (KeyError if unknown)."""
