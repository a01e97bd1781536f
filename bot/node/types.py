"""Words that the set-up rooms share: how a step speaks, and how it says what went wrong."""

from __future__ import annotations

from collections.abc import Callable

#: Takes one line of progress for the operator.
Say = Callable[[str], None]


class SetupError(Exception):
    """Something set-up needs is missing or broken; the message says what to do about it."""


class UnreachableError(SetupError):
    """A server could not be reached at all, so another source may be tried instead."""
