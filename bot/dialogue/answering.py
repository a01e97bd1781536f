"""Answering a question so that it fits a phone: short first, then more if it is wanted.

Leaves to others: finding out which question it was (``policy.py``, ``understanding``).
"""

from __future__ import annotations

import re

from bot.dialogue.ending import anything_else
from bot.dialogue.reading import read_yes_no
from bot.dialogue.state import Phase
from bot.dialogue.turn import Decision, Turn
from bot.understanding.schema import Faq
from bot.understanding.types import Understanding

#: Sentences, and characters, that are said in one piece: more is not remembered, and is
#: longer than the 12 seconds a caller listens to.
AT_ONCE, AT_ONCE_CHARS = 3, 48
_SENTENCE_END = re.compile(r"(?<=[。！？；!?;\n])")


def answer(turn: Turn, faq: Faq) -> Decision:
    """Answer a question, and offer the rest of the answer."""
    details = pieces(faq.detail)
    turn.set(topic=faq.id, served=True, choices=(), pending="", details=details)
    turn.say_text(faq.answer, faq.id)
    if not details or turn.state.profile.elder:
        return anything_else(turn)
    if not turn.policy.offer_details:
        turn.say_text(faq.detail.strip(), faq.id)
        turn.set(details=())
        return anything_else(turn)
    turn.say("offer_details")
    return turn.yes_or_no(Phase.DETAILS, about=faq.id)


def more(turn: Turn) -> Decision:
    """Say the next piece of the last answer."""
    if not turn.state.details:
        return turn.again()
    first, *rest = turn.state.details
    turn.set(details=tuple(rest))
    turn.say_text(first, turn.state.topic)
    if not rest:
        return anything_else(turn)
    turn.say("more_details")
    return turn.yes_or_no(Phase.DETAILS, about=turn.state.topic)


def details(turn: Turn, said: Understanding) -> Decision | None:
    """An answer to "would you like to hear more?"."""
    wanted = read_yes_no(turn, said)
    if wanted is None:
        return None
    return more(turn) if wanted else anything_else(turn)


def follow_up(turn: Turn, said: Understanding) -> Decision | None:
    """A short question that makes sense only after the last answer, if it was one."""
    asked = said.follow_up
    if asked is None or asked.confidence < turn.book.thresholds.clarify:
        return None
    turn.set(served=True, choices=())
    turn.say_text(asked.answer, turn.state.topic)
    return anything_else(turn)


def pieces(text: str) -> tuple[str, ...]:
    """Cut a text into pieces of a few sentences, none longer than is remembered."""
    found: list[str] = []
    count = 0
    for sentence in (one.strip() for one in _SENTENCE_END.split(text)):
        if not sentence:
            continue
        if found and count < AT_ONCE and len(found[-1]) + len(sentence) <= AT_ONCE_CHARS:
            found[-1] += sentence
            count += 1
        else:
            found.append(sentence)
            count = 1
    return tuple(found)
