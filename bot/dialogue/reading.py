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
_CLAUSE = re.compile(r"[，。！？,.!?、]+")
#: A score within a longer sentence: 我给五分吧.
_SCORE = re.compile(r"([一二两三四五1-5])分(?!钟)")
_SCORES = dict(zip("一二三四五12345两", (*range(1, 6), *range(1, 6), 2), strict=True))
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
    other = said.best is not None and said.best.confidence >= turn.book.thresholds.clarify
    if agreed is None and not other:
        # 对，这回对了; 不用，我等着: the first word is the answer.
        agreed = read_reply(_CLAUSE.split(said.text.strip())[0]).agreement
    return {Agreement.YES: True, Agreement.NO: False}.get(agreed) if agreed else None


def read_negated(said: Understanding) -> bool:
    """Whether it takes back what it names: 不撤了, 先别删, 还是算了."""
    return any(word in said.normalised for word in ("不撤", "别撤", "不删", "别删", "先不", "算了"))


def read_choice(said: Understanding) -> int | None:
    """1, 2 or 3 of what was named, 0 for none of them; None if it says no such thing."""
    choice = read_reply(said.text).choice
    if choice is not None and choice >= 0:
        return choice
    return next((number for number, word in _WITHIN if word in said.normalised), None)


def read_rating(said: Understanding) -> int | None:
    """A score of 1 to 5; None if it says none."""
    clauses = (said.text, *_CLAUSE.split(said.text))
    scores = (read_reply(clause).rating for clause in clauses)
    score = next((one for one in scores if one is not None), None)
    named = _SCORE.search(said.normalised) if score is None else None
    return _SCORES[named.group(1)] if named else score


def read_unsure(said: Understanding) -> bool:
    """Whether the caller can't or won't say."""
    clauses = (said.text, *_CLAUSE.split(said.text))
    replies = [read_reply(clause) for clause in clauses if clause]
    return any(one.decline or one.agreement is Agreement.UNSURE for one in replies)


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
