"""What can go wrong with casework, in words that say what to do.

Leaves to others: when to raise which (every other module of this room).
"""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError


class CaseworkError(Exception):
    """Something could not be stored, read or done; the message says what to do."""


class UnknownTicket(CaseworkError):  # noqa: N818 (the name says it)
    """There is no ticket, whistle, incident or draft of that number."""


class IllegalTransition(CaseworkError):  # noqa: N818 (the name says it)
    """The ticket's state, or who asks, does not allow this."""


class Conflict(CaseworkError):  # noqa: N818 (the name says it)
    """Somebody else changed the ticket meanwhile: look at it again, then decide anew."""


def told(error: SQLAlchemyError) -> CaseworkError:
    """Return the database's complaint as one that says what to do."""
    cause = getattr(error, "orig", None) or error
    return CaseworkError(
        f"The ticket database cannot be used ({cause}). Check free disk space, the rights on "
        "the state folder, and DATABASE_URL."
    )
