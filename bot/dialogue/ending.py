"""The end of a call: anything else? how was it? good-bye.

Leaves to others: what was done before, and the callback that a low rating may bring
(``callback.py``).
"""

from __future__ import annotations

from bot.dialogue import callback
from bot.dialogue.reading import read_choice, read_rating, read_yes_no
from bot.dialogue.state import Phase
from bot.dialogue.turn import NO, SCORES, YES, Decision, Turn
from bot.dialogue.types import Rate, TransferReason
from bot.understanding.types import Understanding

#: Scores that are called low: the caller is offered a person.
LOW = 2


def anything_else(turn: Turn) -> Decision:
    """Ask for the next request."""
    turn.say("anything_else")
    return turn.listen(Phase.OPEN, expect=YES + NO, about=turn.state.topic)


def finish(turn: Turn) -> Decision:
    """Ask for a rating, if there is something to rate; else say good-bye."""
    state = turn.state
    if state.served and not state.rated and turn.policy.ask_rating and state.phase != Phase.RATE:
        return ask_rating(turn)
    return goodbye(turn)


def ask_rating(turn: Turn) -> Decision:
    """Ask how it was."""
    turn.say("ask_rating")
    return turn.listen(Phase.RATE, expect=SCORES)


def goodbye(turn: Turn) -> Decision:
    """Say good-bye and end the call."""
    state = turn.state
    turn.say("goodbye")
    if state.filed:
        return turn.hang_up("filed")
    if state.booked:
        return turn.hang_up("callback")
    return turn.hang_up("answered" if state.served else "left")


def rating(turn: Turn, said: Understanding) -> Decision | None:
    """An answer to "how was it?"."""
    score = read_rating(said)
    if score is None:
        return None
    return rated(turn, score)


def rated(turn: Turn, score: int) -> Decision:
    """Thank for a score; after a low one, offer a person or a callback."""
    state = turn.state
    turn.set(rated=score)
    turn.note(Rate(score, state.filed[-1] if state.filed else "", turn.policy.name))
    if score > LOW:
        turn.say("thanks_rating")
        return goodbye(turn)
    turn.say("sorry_rating")
    return turn.listen(Phase.UNHAPPY, expect=("转人工", "回电话", "不用了"))


def unhappy(turn: Turn, said: Understanding) -> Decision | None:
    """An answer to "a person, or a callback?" after a low rating."""
    if "回" in said.normalised or read_choice(said) == 2:
        return callback.begin(turn, said.text)
    wanted = read_yes_no(turn, said)
    if wanted or read_choice(said) == 1:
        return turn.person(TransferReason.DISSATISFIED, "transfer", priority=3)
    return goodbye(turn) if wanted is False else None
