"""Keys pressed: 0 a person, * once more, # the menu or on, digits as answers and as numbers.

Leaves to others: the menu (``keypad.py``), and what follows from a choice.
"""

from __future__ import annotations

from bot.dialogue import answering, callback, ending, keypad, lookup, survey, taking
from bot.dialogue.controls import forget
from bot.dialogue.requests import danger_answered, neither, serve
from bot.dialogue.state import SURVEY, Errand, Phase
from bot.dialogue.turn import Decision, Turn
from bot.dialogue.types import TransferReason
from bot.understanding.types import Understanding

#: Digits of a telephone number that is complete, and least digits of one that may be.
FULL_PHONE, LEAST_PHONE = 11, 7
#: Phases in which keys are digits of a number, and how many it has.
NUMBER_OF = {
    Phase.WHICH_TICKET: lookup.NUMBER,
    Phase.VERIFY: lookup.TAIL,
    Phase.CALLBACK_PHONE: FULL_PHONE,
}


def pressed(turn: Turn, digit: str) -> Decision:
    """The caller pressed a key."""
    state = turn.state
    if state.phase in (Phase.OVER, Phase.PORT):
        return turn.listen(Phase.OPEN)
    digits_wanted = NUMBER_OF.get(state.phase)
    if state.phase is Phase.SLOT and state.draft.asking == "phone":
        digits_wanted = FULL_PHONE
    keyed = number_key(turn, digit, digits_wanted) if digits_wanted and digit != "*" else None
    if keyed is not None:
        return keyed
    if digit == "0":
        return turn.person(TransferReason.ASKED, "transfer")
    if digit == "*":
        return turn.again()
    if state.phase is Phase.MENU and state.menu is not None:
        return menu_key(turn, digit)
    if digit == "#" and state.phase not in SURVEY:
        return taking.skip(turn) if state.phase is Phase.SLOT else keypad.top(turn)
    decision = key_of_phase(turn, int(digit)) if digit != "#" else None
    if decision is not None:
        return decision
    if state.phase in SURVEY:
        return turn.question_again()
    turn.set(keypad=True)
    return keypad.top(turn)


def number_key(turn: Turn, digit: str, wanted: int) -> Decision | None:
    """A digit of a number; # ends it. None: 0 alone asks for a person."""
    state = turn.state
    if digit == "0" and not state.keyed and state.phase is not Phase.VERIFY:
        return None
    if digit == "#":
        return number_done(turn, state.keyed)
    keyed = state.keyed + digit
    if len(keyed) >= wanted:
        return number_done(turn, keyed)
    turn.set(keyed=keyed)
    last = state.last_listen
    return turn.listen(state.phase, patience=last.patience, expect=last.expect)


def number_done(turn: Turn, digits: str) -> Decision | None:
    """A number was keyed in."""
    phase = turn.state.phase
    if phase is Phase.VERIFY:
        if digits in ("", "0"):
            return turn.person(TransferReason.ASKED, "transfer")
        return lookup.tail_known(turn, digits)
    if phase is Phase.WHICH_TICKET and digits:
        return lookup.number_keyed(turn, digits)
    if phase in (Phase.SLOT, Phase.CALLBACK_PHONE) and len(digits) >= LEAST_PHONE:
        known = taking.phone_keyed if phase is Phase.SLOT else callback.phone_known
        return known(turn, digits)
    if digits:
        turn.set(keyed="")
        return turn.question_again("key_number_again")
    return None


def menu_key(turn: Turn, digit: str) -> Decision:
    """A key of the menu."""
    menu = turn.state.menu
    assert menu is not None
    turn.set(keypad=True)
    if digit == "#":
        return taking.skip(turn) if menu.name == "district" else keypad.top(turn)
    if menu.name == "top":
        match digit:
            case "1":
                return lookup.begin(turn, Errand.STATUS)
            case "2":
                return keypad.fields(turn, "report")
            case "3":
                return keypad.fields(turn, "ask")
        return keypad.top(turn)
    if digit == keypad.MORE:
        return keypad.page(turn, menu, 1)
    item = keypad.chosen(menu, digit)
    if not item:
        return keypad.page(turn, menu)
    match menu.name:
        case "report":
            return keypad.items_of(turn, "category", item)
        case "ask":
            return keypad.items_of(turn, "question", item)
        case "district":
            return taking.place_picked(turn, item)
    turn.set(menu=None)
    return serve(turn, item, None, "")


def key_of_phase(turn: Turn, key: int) -> Decision | None:
    """A key as the answer to a question: 1 yes, 2 no; a choice; a score. None for no such key."""
    phase, yes = turn.state.phase, key == 1
    match phase:
        case Phase.CLARIFY if key in (1, 2):
            return serve(turn, turn.state.choices[key - 1], None, turn.state.pending)
        case Phase.PICK_TICKET:
            return lookup.pick(turn, key)
        case Phase.TICKET:
            return lookup.option(turn, key)
        case Phase.RATE if 1 <= key <= 5:
            return ending.rated(turn, key)
        case Phase.UNHAPPY if key == 1:
            return turn.person(TransferReason.DISSATISFIED, "transfer", priority=3)
        case Phase.UNHAPPY if key == 2:
            return callback.begin(turn)
        case Phase.SATISFIED if 1 <= key <= 5:
            return survey.satisfied(turn, key)
    if key not in (1, 2):
        return None
    match phase:
        case Phase.CONFIRM:
            if yes:
                return serve(turn, turn.state.choices[0], None, turn.state.pending)
            return neither(turn)
        case Phase.DANGER:
            return danger_answered(turn, Understanding("", ""), "", yes)
        case Phase.DETAILS:
            return answering.more(turn) if yes else ending.anything_else(turn)
        case Phase.READ_BACK:
            if yes:
                return taking.file(turn)
            turn.say("ask_correction")
            return turn.listen(Phase.CORRECT)
        case Phase.CONSENT:
            return taking.consent(turn, given=yes)
        case Phase.SOLVED:
            return survey.solved(turn, yes=yes)
        case Phase.FORGET:
            return forget(turn, yes=yes)
        case Phase.WITHDRAW:
            return lookup.withdraw(turn, yes=yes)
        case Phase.RETURNING:
            if yes and turn.state.tickets:
                turn.set(errand=Errand.STATUS)
                return lookup.serve(turn, turn.state.tickets[0])
            turn.say("go_ahead")
            return turn.listen(Phase.OPEN)
        case Phase.OFFER_CALLBACK:
            return callback.begin(turn) if yes else callback.refused(turn)
        case Phase.CALLBACK_TIME:
            return callback.soon(turn)
        case Phase.CALLBACK_CHECK:
            return callback.book(turn) if yes else callback.begin(turn)
    return None
