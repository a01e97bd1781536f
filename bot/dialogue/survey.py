"""回访: the line has called a citizen to ask whether their ticket is solved, and how they find it.

Leaves to others: whom to call and when, and what an answer does to the ticket (``casework``).
"""

from __future__ import annotations

from bot.dialogue.reading import read_rating, read_unsure, read_yes_no
from bot.dialogue.state import Phase
from bot.dialogue.turn import LONG_PATIENCE, NO, SCORES, YES, Decision, Turn
from bot.dialogue.types import TakeSurvey, TicketView
from bot.dialogue.wording import spoken_date
from bot.understanding.types import Understanding

#: Words by which a ticket is not solved, or is, whatever else is said.
_NOT = ("没解决", "没有解决", "还没", "没办", "没人管", "没修", "又坏", "还是", "没弄")
_DONE = ("解决了", "办好了", "修好了", "弄好了", "处理好了", "好了")
#: Who gives at least this says that it is solved.
GOOD = 4


def begin(turn: Turn, ticket: TicketView, *, sensitive: bool) -> Decision:
    """Say who calls and why, and ask whether it is solved."""
    turn.set(survey=ticket, ticket=ticket)
    today = turn.state.now.date() if turn.state.now else ticket.filed_on
    date = spoken_date(ticket.filed_on, today) if ticket.filed_on and today else ""
    if sensitive:
        turn.say("survey_sensitive", date=date)
    else:
        turn.say("survey", date=date, title=ticket.title)
    turn.say("survey_solved")
    return turn.listen(
        Phase.SOLVED, patience=LONG_PATIENCE, expect=("解决了", "没有解决", *YES, *NO)
    )


def solved_said(turn: Turn, said: Understanding) -> Decision | None:
    """An answer to "is it solved?"."""
    text = said.normalised
    if any(word in text for word in _NOT):
        return solved(turn, yes=False)
    yes = read_yes_no(turn, said)
    if yes is None and any(word in text for word in _DONE):
        yes = True
    if yes is not None:
        return solved(turn, yes=yes)
    if (score := read_rating(said)) is not None:
        turn.set(grade=score)
        if score >= GOOD:
            return solved(turn, yes=True)
        turn.say("survey_solved")
        return turn.yes_or_no(Phase.SOLVED)
    if read_unsure(said):
        return decline(turn, refused=True)
    return None


def solved(turn: Turn, *, yes: bool) -> Decision:
    """Solved: ask how they find it; not solved: ask what is not."""
    if yes and turn.state.grade:
        return satisfied(turn, turn.state.grade)
    if yes:
        turn.say("survey_satisfied")
        return turn.listen(Phase.SATISFIED, expect=SCORES)
    turn.say("survey_unsolved")
    return turn.listen(Phase.UNSOLVED, patience=LONG_PATIENCE)


def satisfied_said(turn: Turn, said: Understanding) -> Decision | None:
    """An answer to "how do you find it?"."""
    score = read_rating(said)
    if score is None:
        return satisfied(turn, None) if read_unsure(said) else None
    return satisfied(turn, score)


def satisfied(turn: Turn, score: int | None) -> Decision:
    """The survey is over: it is solved."""
    _take(turn, solved=True, satisfied=score)
    turn.say("survey_thanks")
    return turn.hang_up("surveyed")


def unsolved_said(turn: Turn, said: Understanding) -> Decision | None:
    """What is not solved, in the citizen's words."""
    return unsolved(turn, said.text) if said.text.strip() else None


def unsolved(turn: Turn, words: str) -> Decision:
    """The survey is over: it is not solved, and goes back to who is responsible."""
    _take(turn, solved=False, satisfied=turn.state.grade or None, words=words)
    turn.say("survey_reopened")
    return turn.hang_up("surveyed")


def decline(turn: Turn, *, refused: bool) -> Decision:
    """They do not say; they are asked another time, unless they do not want to be."""
    leave(turn, refused=refused)
    turn.say("survey_declined")
    return turn.hang_up("declined")


def leave(turn: Turn, *, refused: bool = False) -> None:
    """Note that a survey which has begun came to nothing."""
    if turn.state.survey is not None:
        turn.note(TakeSurvey(turn.state.survey.number, refused=refused))
        turn.set(survey=None)


def _take(turn: Turn, *, solved: bool, satisfied: int | None = None, words: str = "") -> None:
    if turn.state.survey is not None:
        turn.note(TakeSurvey(turn.state.survey.number, solved, satisfied, words))
        turn.set(survey=None)
