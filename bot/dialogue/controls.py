"""Words to the bot itself, which hold in every phase: slower, back, forget me, look up …

Leaves to others: which words they are (the pack's commands), and what they set going.
"""

from __future__ import annotations

from dataclasses import replace

from bot.dialogue import answering, callback, ending, keypad, lookup, survey, taking
from bot.dialogue.danger import sure
from bot.dialogue.reading import read_negated, read_unsure, read_yes_no
from bot.dialogue.requests import request
from bot.dialogue.state import FREE_TEXT, STORY_PHASES, SURVEY, Draft, Errand, Phase
from bot.dialogue.turn import ELDER_SPEED, LOUDEST, SLOWEST, Decision, Turn
from bot.dialogue.types import Remember, TransferReason
from bot.understanding.types import IntentKind, Understanding

#: Phases that asked for something in particular.
ASKING = STORY_PHASES | {
    Phase.WHICH_TICKET,
    Phase.VERIFY,
    Phase.CALLBACK_PHONE,
    Phase.CALLBACK_TIME,
    Phase.CALLBACK_CHECK,
}


def to_the_bot(turn: Turn, said: Understanding, command: str) -> Decision | None:
    """Words to the bot itself that hold in every phase; None if there were none."""
    state = turn.state
    match command:
        case "agent":
            return turn.person(TransferReason.ASKED, "transfer")
        case "repeat":
            return turn.again()
        case "slower":
            return slower(turn)
        case "louder":
            turn.set(gain=min(LOUDEST, state.gain * 1.5))
            turn.say("louder_ok")
            return turn.question_again()
        case "goodbye" if state.phase in SURVEY:
            return survey.decline(turn, refused=False)
        case "goodbye":
            return ending.goodbye(turn) if state.phase is Phase.RATE else ending.finish(turn)
    if state.phase in FREE_TEXT or state.phase in SURVEY:
        return None
    if state.phase in ASKING and (read_unsure(said) or not (said.best and sure(turn, said.best))):
        # "I don't remember" answers what was asked; only clear words change the subject.
        command = ""
    match command:
        case "elder":
            return elder(turn)
        case "keypad":
            turn.set(keypad=True)
            return keypad.top(turn)
        case "back":
            return back(turn)
        case "callback":
            return callback.begin(turn, said.text)
        case "forget" if state.phase is not Phase.FORGET:
            turn.say("confirm_forget")
            return turn.yes_or_no(Phase.FORGET)
        case "lookup":
            return lookup.begin(turn, Errand.STATUS, said)
        case "urge":
            return lookup.begin(turn, Errand.URGE, said)
        case "append":
            return lookup.begin(turn, Errand.APPEND, said)
        case "withdraw" if state.phase in STORY_PHASES:
            return dropped(turn)
        case "withdraw" if state.phase is not Phase.WITHDRAW:
            return lookup.begin(turn, Errand.WITHDRAW, said)
        case "details" if state.details:
            return answering.more(turn)
        case "new_ticket" if state.phase not in STORY_PHASES:
            return new_ticket(turn, said)
    if state.phase is Phase.FORGET:
        wanted = not read_negated(said) if command == "forget" else read_yes_no(turn, said)
        return forget(turn, yes=wanted) if wanted is not None else None
    return None


def slower(turn: Turn) -> Decision:
    """Speak slower from here on."""
    turn.set(speed=ELDER_SPEED if turn.state.speed > ELDER_SPEED else SLOWEST)
    turn.say("slower_ok")
    return turn.question_again()


def elder(turn: Turn) -> Decision:
    """Slower and shorter from here on, a person sooner, and so the next time too."""
    turn.set(profile=replace(turn.state.profile, elder=True), speed=ELDER_SPEED)
    turn.note(Remember(elder=True))
    turn.say("elder_on")
    return turn.listen(Phase.OPEN)


def new_ticket(turn: Turn, said: Understanding) -> Decision:
    """The caller wants to report something, and may have said already what."""
    rest = tuple(one for one in said.candidates if one.kind is not IntentKind.COMMAND)
    about = rest[0] if rest and rest[0].kind is IntentKind.CATEGORY else None
    if about is None or about.confidence < turn.book.thresholds.clarify:
        return taking.ask_what(turn)
    return request(turn, replace(said, candidates=rest), "")


def dropped(turn: Turn) -> Decision:
    """The caller does not want to report it after all."""
    turn.set(draft=Draft(), choices=(), pending="", menu=None)
    turn.say("ticket_dropped")
    return ending.anything_else(turn)


def back(turn: Turn) -> Decision:
    """Leave what was begun, and start anew."""
    turn.set(draft=Draft(), choices=(), pending="", menu=None, ticket=None)
    turn.say("back_ok")
    return turn.listen(Phase.OPEN)


def forget(turn: Turn, *, yes: bool) -> Decision:
    """Erase what is remembered of the caller, or leave it."""
    if yes:
        turn.note(Remember(forget=True))
        turn.set(profile=replace(turn.state.profile, consent=False))
    turn.say("forgotten" if yes else "not_forgotten")
    return ending.anything_else(turn)
