"""Tickets filed before: tell how they stand, urge, add to, or withdraw one.

Leaves to others: what may be done to a ticket in which state (``casework``).
"""

from __future__ import annotations

from bot.dialogue.ending import anything_else
from bot.dialogue.reading import (
    command_of,
    read_choice,
    read_negated,
    read_ticket,
    read_unsure,
    read_yes_no,
)
from bot.dialogue.state import Errand, Phase
from bot.dialogue.turn import LONG_PATIENCE, NO, Decision, Turn
from bot.dialogue.types import Change, ChangeTicket, LookUp, TicketView
from bot.dialogue.wording import spoken_date
from bot.understanding.schema import Category
from bot.understanding.types import Understanding

#: Tickets that are named when a caller has several; more are not remembered.
NAMED = 3
DIGITS = tuple("零一二三四五六七八九")
#: Digits of a ticket number, and how many of its last ones show that it is known.
NUMBER, TAIL = 12, 4


def begin(turn: Turn, errand: Errand, said: Understanding | None = None) -> Decision:
    """The caller speaks of a ticket they filed."""
    state = turn.state
    turn.set(errand=errand, choices=(), misses=0)
    number = read_ticket(said) if said else ""
    if number:
        turn.set(verified=True)
        return turn.request(LookUp(number))
    if state.ticket is not None:
        return serve(turn, state.ticket)
    if state.filed:
        # Just filed in this call: it is theirs, and it is the one they mean.
        turn.set(verified=True)
        return turn.request(LookUp(state.filed[-1]))
    return turn.request(LookUp()) if state.caller else ask_number(turn, "ask_ticket_number")


def ask_number(turn: Turn, *prompts: str) -> Decision:
    """Ask for a ticket's number, spoken or keyed."""
    turn.set(keyed="")
    for prompt in prompts:
        turn.say(prompt)
    return turn.listen(Phase.WHICH_TICKET, patience=LONG_PATIENCE, expect=DIGITS)


def number_said(turn: Turn, said: Understanding) -> Decision | None:
    """An answer to "what is its number?"."""
    number = read_ticket(said)
    if number:
        turn.set(verified=True)
        return turn.request(LookUp(number))
    if read_unsure(said) or read_yes_no(turn, said) is False:
        turn.say("no_number")
        return anything_else(turn)
    return None


def number_keyed(turn: Turn, digits: str) -> Decision:
    """A number was keyed in; it may be wrong, and is looked up all the same."""
    turn.set(verified=True, keyed="")
    return turn.request(LookUp(digits))


def found(turn: Turn, tickets: tuple[TicketView, ...]) -> Decision:
    """The look-up is over."""
    if not tickets:
        if turn.state.verified:
            turn.set(verified=False)
            return _not_found(turn)
        return ask_number(turn, "no_ticket_of_yours", "ask_ticket_number")
    turn.set(tickets=tickets)
    if len(tickets) == 1:
        return serve(turn, tickets[0])
    names = [ticket.title for ticket in tickets[:NAMED]]
    if len(names) == 2:
        turn.say("pick_of_two", first=names[0], second=names[1])
    else:
        turn.say("pick_of_three", first=names[0], second=names[1], third=names[2])
    choices = ("第一个", "第二个", "第三个")[: len(names)]
    return turn.listen(Phase.PICK_TICKET, expect=(*choices, *names))


def _not_found(turn: Turn) -> Decision:
    misses = turn.state.misses + 1
    turn.missed = True
    turn.set(misses=misses)
    if misses >= turn.misses_allowed:
        turn.set(misses=0)
        turn.say("number_not_found_end")
        return anything_else(turn)
    return ask_number(turn, "number_not_found")


def picked(turn: Turn, said: Understanding) -> Decision | None:
    """An answer to "which of them?"."""
    choice = read_choice(said)
    if choice is not None:
        return pick(turn, choice)
    for ticket in turn.state.tickets[:NAMED]:
        if ticket.title and ticket.title in said.normalised:
            return serve(turn, ticket)
    best = said.best
    if best is not None and best.confidence >= turn.book.thresholds.clarify:
        for ticket in turn.state.tickets[:NAMED]:
            if ticket.category == best.intent:
                return serve(turn, ticket)
    if read_yes_no(turn, said) is False:
        return ask_number(turn, "ask_ticket_number")
    return None


def pick(turn: Turn, choice: int) -> Decision | None:
    """Take the ticket that was named first, second, third."""
    if 1 <= choice <= min(len(turn.state.tickets), NAMED):
        return serve(turn, turn.state.tickets[choice - 1])
    return None


def serve(turn: Turn, ticket: TicketView) -> Decision:
    """Do with this ticket what the caller wants of it; a sensitive one only to its owner."""
    turn.set(ticket=ticket)
    if _sensitive(turn, ticket) and not turn.state.verified:
        turn.set(keyed="")
        turn.say("verify")
        return turn.listen(Phase.VERIFY, patience=LONG_PATIENCE, expect=DIGITS)
    match turn.state.errand:
        case Errand.STATUS:
            return _tell(turn, ticket)
        case Errand.URGE:
            return turn.request(ChangeTicket(ticket.number, Change.URGE))
        case Errand.APPEND:
            turn.say("ask_append", title=ticket.title)
            return turn.listen(Phase.APPEND, patience=LONG_PATIENCE)
        case Errand.WITHDRAW:
            turn.say("confirm_withdraw", title=ticket.title)
            return turn.yes_or_no(Phase.WITHDRAW)


def _sensitive(turn: Turn, ticket: TicketView) -> bool:
    try:
        category = turn.book.intent(ticket.category)
    except KeyError:
        return False
    return isinstance(category, Category) and category.sensitive


def _tell(turn: Turn, ticket: TicketView) -> Decision:
    today = turn.state.now.date() if turn.state.now else ticket.filed_on
    date = spoken_date(ticket.filed_on, today) if ticket.filed_on and today else ""
    turn.say("ticket_status", date=date, title=ticket.title, next=ticket.next_step)
    turn.set(served=True)
    if not ticket.open:
        return anything_else(turn)
    if ticket.unit and ticket.due_on and today:
        turn.say("ticket_due", unit=ticket.unit, due=spoken_date(ticket.due_on, today))
    turn.say("ticket_options")
    return turn.listen(Phase.TICKET, expect=("催一下", "补充", "撤销", *NO))


def verified(turn: Turn, said: Understanding) -> Decision | None:
    """An answer to "what are the last four digits of its number?"."""
    digits = read_ticket(said, TAIL) or read_ticket(said)
    if digits:
        return tail_known(turn, digits)
    if read_unsure(said) or read_yes_no(turn, said) is False:
        turn.say("not_verified")
        return anything_else(turn)
    return None


def tail_known(turn: Turn, digits: str) -> Decision:
    """Compare the digits with the ticket's; wrong ones are asked for again, then given up."""
    ticket = turn.state.ticket
    turn.set(keyed="")
    if ticket is not None and ticket.number.endswith(digits[-TAIL:]):
        turn.set(verified=True)
        return serve(turn, ticket)
    misses = turn.state.misses + 1
    turn.missed = True
    turn.set(misses=misses)
    if misses >= 2:
        turn.set(misses=0, ticket=None)
        turn.say("not_verified")
        return anything_else(turn)
    turn.say("verify_again")
    return turn.listen(Phase.VERIFY, patience=LONG_PATIENCE, expect=DIGITS)


def returning(turn: Turn, said: Understanding) -> Decision | None:
    """An answer to "do you call about your open ticket?"."""
    wanted = read_yes_no(turn, said)
    if wanted is None:
        return None
    if wanted and turn.state.tickets:
        turn.set(errand=Errand.STATUS)
        return serve(turn, turn.state.tickets[0])
    turn.say("go_ahead")
    return turn.listen(Phase.OPEN)


def options(turn: Turn, said: Understanding) -> Decision | None:
    """What to do with the ticket that was told of."""
    ticket = turn.state.ticket
    if ticket is None:
        return None
    for words, errand in (
        (("催", "快点", "快一点", "加急"), Errand.URGE),
        (("补充", "再说", "加一"), Errand.APPEND),
        (("撤", "不用办", "取消"), Errand.WITHDRAW),
    ):
        if any(word in said.normalised for word in words):
            turn.set(errand=errand)
            return serve(turn, ticket)
    choice = read_choice(said)
    if choice is not None:
        return option(turn, choice)
    wanted = read_yes_no(turn, said)
    if wanted is False:
        return anything_else(turn)
    return turn.question_again() if wanted else None


def option(turn: Turn, choice: int) -> Decision | None:
    """Key or number of an option: 1 urge, 2 add, 3 withdraw."""
    errands = {1: Errand.URGE, 2: Errand.APPEND, 3: Errand.WITHDRAW}
    if turn.state.ticket is None or choice not in errands:
        return None
    turn.set(errand=errands[choice])
    return serve(turn, turn.state.ticket)


def appended(turn: Turn, said: Understanding) -> Decision | None:
    """What to add to the ticket: any words."""
    ticket = turn.state.ticket
    if ticket is None or not said.text.strip():
        return None
    if read_yes_no(turn, said) is False:
        return anything_else(turn)
    return turn.request(ChangeTicket(ticket.number, Change.APPEND, said.text))


def withdrawal(turn: Turn, said: Understanding) -> Decision | None:
    """An answer to "withdraw it?"."""
    wanted = read_yes_no(turn, said)
    if command_of(turn, said) == "withdraw":
        wanted = not read_negated(said)
    if wanted is None:
        return None
    return withdraw(turn, yes=wanted)


def withdraw(turn: Turn, *, yes: bool) -> Decision:
    """Withdraw the ticket, or leave it."""
    ticket = turn.state.ticket
    if not yes or ticket is None:
        turn.say("not_withdrawn")
        return anything_else(turn)
    return turn.request(ChangeTicket(ticket.number, Change.WITHDRAW))


def changed(turn: Turn, *, done: bool) -> Decision:
    """The ticket was changed, or can't be any more."""
    errand = turn.state.errand
    prompts = {
        Errand.URGE: "urged",
        Errand.APPEND: "appended",
        Errand.WITHDRAW: "withdrawn",
        Errand.STATUS: "urged",
    }
    turn.say(prompts[errand] if done else "not_changeable")
    turn.set(served=True, errand=Errand.STATUS)
    if done and errand is Errand.WITHDRAW:
        turn.set(ticket=None, tickets=())
    return anything_else(turn)
