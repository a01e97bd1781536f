"""What an utterance says to the bot itself: a command, yes, the second one, a number.

Leaves to others: the words (``understanding.replies`` and the pack's commands), and which
of the readings counts, which depends on what was asked.
"""

from __future__ import annotations

import re

from bot.dialogue.turn import Turn
from bot.understanding.numerals import as_digits
from bot.understanding.replies import Agreement, read_reply
from bot.understanding.types import IntentKind, Understanding

#: What the names of a pack's commands begin with.
COMMAND = "command."
#: Digits of a ticket's number.
TICKET = 12
#: Choices that stand out within a longer answer: 我要问第二个.
_WITHIN = ((1, "第一"), (2, "第二"), (3, "第三"), (0, "都不是"))


def command_of(turn: Turn, said: Understanding) -> str:
    """The command said, with enough certainty, else ""."""
    best = said.best
    if best is None or best.kind is not IntentKind.COMMAND:
        return ""
    sure = best.confidence >= turn.book.thresholds.clarify
    return best.intent.removeprefix(COMMAND) if sure else ""


def read_yes_no(turn: Turn, said: Understanding) -> bool | None:
    """Whether it says yes or no; None for neither."""
    command = command_of(turn, said)
    if command in ("yes", "no"):
        return command == "yes"
    agreed = read_reply(said.text).agreement
    return {Agreement.YES: True, Agreement.NO: False}.get(agreed) if agreed else None


def read_choice(said: Understanding) -> int | None:
    """1, 2 or 3 of what was named, 0 for none of them; None if it says no such thing."""
    choice = read_reply(said.text).choice
    if choice is not None and choice >= 0:
        return choice
    return next((number for number, word in _WITHIN if word in said.normalised), None)


def read_rating(said: Understanding) -> int | None:
    """A score of 1 to 5; None if it says none."""
    return read_reply(said.text).rating


def read_unsure(said: Understanding) -> bool:
    """Whether the caller can't or won't say."""
    reply = read_reply(said.text)
    return reply.decline or reply.agreement is Agreement.UNSURE


def read_this_number(said: Understanding) -> bool:
    """Whether the number they call from is meant."""
    return read_reply(said.text).this_number


def read_phone(said: Understanding) -> str:
    """The telephone number said, "" for none."""
    return said.slots.get("phone", "")


def read_ticket(said: Understanding, digits: int = TICKET) -> str:
    """The ticket number said, or its last ``digits``; "" for none."""
    if digits == TICKET:
        return said.slots.get("ticket", "")
    found = re.findall(r"\d+", as_digits(said.text).replace(" ", ""))
    return next((one for one in found if len(one) == digits), "")


def said_since(slots: dict[str, str]) -> str:
    """When something began, or for how long it has gone on."""
    return slots.get("time") or slots.get("duration") or ""
