"""What to do next: a pure function from (state, event) to (state, actions).

The rules, in the order in which they win: an emergency, a risk that needs a person, a
doubtful emergency, a wish for a person, other words to the bot itself, the answer to what
was asked, then whatever the caller says. A mood changes none of them: it brings a person
sooner, and earlier in the queue. Misunderstanding and silence are counted, and each has an
end: a person. Every turn's last action is a ``Last``, and only the last.

Leaves to others: each kind of conversation (``answering``, ``taking``, ``lookup``,
``callback``, ``ending``, ``keypad``), what words mean (``understanding``), what is said
exactly (the pack), and doing any of it (``telephony/conversation.py``, ``bot/office.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bot.dialogue import answering, callback, ending, keypad, lookup, survey, taking
from bot.dialogue.book import Book
from bot.dialogue.controls import to_the_bot
from bot.dialogue.danger import comfort, emergency, for_police, soothed, sure
from bot.dialogue.keys import number_done, pressed
from bot.dialogue.reading import COMMAND, command_of
from bot.dialogue.requests import chosen, request
from bot.dialogue.state import Phase, State
from bot.dialogue.turn import ELDER_SPEED, SILENCES, URGENT, Decision, Turn
from bot.dialogue.types import (
    Booked,
    CallStarted,
    Changed,
    Event,
    Failed,
    Filed,
    Found,
    Heard,
    HungUp,
    People,
    PeopleAre,
    Port,
    Pressed,
    Silent,
    TransferReason,
)
from bot.understanding.schema import Category, Policy
from bot.understanding.types import Candidate, Care, IntentKind, Understanding

__all__ = ["MAX_TURNS", "Decision", "Phase", "State", "decide", "start"]

#: Events after which a call goes to a person: nobody needs more, and none may be endless.
MAX_TURNS = 300

#: The wish for a person.
AGENT = COMMAND + "agent"
#: A plain yes and a plain no.
YES, NO = COMMAND + "yes", COMMAND + "no"

Handler = Callable[[Turn, Understanding], Decision | None]
#: What reads an answer in each phase; None from it means "this is no answer".
HANDLERS: dict[Phase, Handler] = {
    Phase.DETAILS: answering.details,
    Phase.WHAT: taking.what_said,
    Phase.SLOT: taking.slot_said,
    Phase.READ_BACK: taking.read_back_answered,
    Phase.CORRECT: taking.correction_said,
    Phase.CONSENT: taking.consent_said,
    Phase.WHICH_TICKET: lookup.number_said,
    Phase.PICK_TICKET: lookup.picked,
    Phase.VERIFY: lookup.verified,
    Phase.TICKET: lookup.options,
    Phase.APPEND: lookup.appended,
    Phase.WITHDRAW: lookup.withdrawal,
    Phase.RETURNING: lookup.returning,
    Phase.OFFER_CALLBACK: callback.offered,
    Phase.CALLBACK_TIME: callback.time_said,
    Phase.CALLBACK_PHONE: callback.phone_said,
    Phase.CALLBACK_CHECK: callback.checked,
    Phase.RATE: ending.rating,
    Phase.UNHAPPY: ending.unhappy,
    Phase.SOLVED: survey.solved_said,
    Phase.SATISFIED: survey.satisfied_said,
    Phase.UNSOLVED: survey.unsolved_said,
}


def start(book: Book) -> State:
    """Return the state of a call in which nothing has happened yet."""
    return State(policy=book.policies[0].name)


def decide(state: State, event: Event, book: Book) -> Decision:
    """Return what follows from an event. Pure; never raises for any event in any state."""
    turn = Turn(replace(state, turns=state.turns + 1), book)
    if isinstance(event, HungUp):
        return hung_up(turn)
    if turn.state.turns > MAX_TURNS:
        turn.say("not_understood_transfer")
        return turn.transfer(TransferReason.NOT_UNDERSTOOD, 5)
    match event:
        case CallStarted():
            return started(turn, event)
        case Heard():
            return heard(turn, event)
        case Pressed():
            turn.set(silences=0)
            return pressed(turn, event.digit)
        case Silent():
            return silent(turn)
        case Filed():
            return taking.filed(turn, event.number, event.news)
        case Found():
            return lookup.found(turn, event.tickets)
        case Changed():
            return lookup.changed(turn, done=event.done)
        case PeopleAre():
            return callback.people_are(turn, event.people)
        case Booked():
            return callback.booked(turn, event.at)
        case Failed():
            return failed(turn, event.port)


# --- the beginning and the end ---------------------------------------------------------------


def started(turn: Turn, event: CallStarted) -> Decision:
    """Greet; a returning caller who agreed to it hears of an open ticket first."""
    turn.set(
        caller=event.caller,
        did=event.did,
        now=event.now,
        profile=event.profile,
        policy=by_lot(turn.book.policies, event.lot).name,
        speed=ELDER_SPEED if event.profile.elder else 1.0,
    )
    if event.rating:
        turn.set(served=True)
        return ending.ask_rating(turn)
    if event.survey is not None:
        private = not _tellable(turn, event.survey.category)
        return survey.begin(turn, event.survey, sensitive=private)
    turn.say(turn.book.line(event.did).greeting)
    if event.tickets and event.profile.consent:
        turn.set(tickets=event.tickets)
        if _tellable(turn, event.tickets[0].category):
            turn.say("returning", title=event.tickets[0].title)
        else:
            turn.say("returning_sensitive")
        return turn.yes_or_no(Phase.RETURNING)
    return turn.listen(Phase.OPEN)


def by_lot(policies: tuple[Policy, ...], lot: float) -> Policy:
    """Return the policy that a call with this lot (0 to 1) gets, by the policies' shares."""
    mark = lot * sum(policy.share for policy in policies)
    for policy in policies:
        mark -= policy.share
        if mark < 0:
            return policy
    return policies[0]


def hung_up(turn: Turn) -> Decision:
    """The caller is gone: keep what they had said of a ticket."""
    survey.leave(turn)
    if turn.state.phase is not Phase.OVER and (draft := turn.state.unfinished):
        turn.note(draft)
    return turn.hang_up("caller_gone")


def failed(turn: Turn, port: Port) -> Decision:
    """Another room could not do its part: a person can."""
    if port is Port.PEOPLE:
        # Whether somebody is there is not known: the caller waits in the holding place.
        return callback.people_are(turn, People.THERE)
    prompt = "filing_failed_transfer" if port is Port.TICKET else "failed_transfer"
    turn.say(prompt)
    return turn.transfer(TransferReason.FAILURE, 5)


# --- speech ------------------------------------------------------------------------------------


def heard(turn: Turn, event: Heard) -> Decision:
    """The caller said something."""
    said, best = event.understanding, event.understanding.best
    turn.set(silences=0, keyed="")
    risk = next((mood for mood in said.moods if mood.care is Care.PERSON), None)
    if risk and said.emergency and for_police(turn, said.emergency):
        # Who wants to die is not told to report a crime.
        return comfort(turn, risk)
    if said.emergency:
        return emergency(turn, said.emergency)
    if best and best.kind is IntentKind.EMERGENCY and sure(turn, best):
        return emergency(turn, best.intent)
    if risk:
        return comfort(turn, risk)
    turn.set(care=max(turn.state.care, said.care))
    decision = understood(turn, said, barged_in=event.barged_in)
    if not turn.missed:
        decision = replace(decision, state=replace(decision.state, misses=0, resumed=False))
    return soothed(turn, said.moods, decision)


def understood(turn: Turn, said: Understanding, *, barged_in: bool = False) -> Decision:
    """What follows from the words, whatever the mood."""
    state = turn.state
    if said.best and _maybe_emergency(turn, said.best):
        if any(one.intent == AGENT and sure(turn, one) for one in said.candidates):
            # The person they ask for can find out about the danger.
            return turn.person(TransferReason.ASKED, "transfer", URGENT)
        if any(one.intent in (YES, NO) and sure(turn, one) for one in said.candidates):
            # Nobody cries for help with a plain yes; what only sounds like one is dropped.
            rest = (one for one in said.candidates if one.kind is not IntentKind.EMERGENCY)
            return understood(turn, replace(said, candidates=tuple(rest)), barged_in=barged_in)
        turn.set(choices=(said.best.intent,), pending=said.text)
        turn.say("confirm_emergency")
        return turn.yes_or_no(Phase.DANGER)
    command = command_of(turn, said)
    if (decision := to_the_bot(turn, said, command)) is not None:
        return decision
    if state.phase in (Phase.CONFIRM, Phase.CLARIFY, Phase.DANGER):
        return chosen(turn, said, command, barged_in=barged_in)
    handler = HANDLERS.get(state.phase)
    decision = handler(turn, said) if handler else None
    if decision is not None:
        return decision
    if not said.text.strip():
        return turn.miss(said, barged_in=barged_in)
    return request(turn, said, command, barged_in=barged_in)


# --- keys and silence ----------------------------------------------------------------------------


def silent(turn: Turn) -> Decision:
    """The caller said nothing: once more, then keys, then a person; or what there is, is taken."""
    state = turn.state
    silences = state.silences + 1
    turn.set(silences=silences)
    if state.keyed:
        decision = number_done(turn, state.keyed)
        if decision is not None:
            return decision
    match state.phase:
        case Phase.OVER | Phase.PORT:
            return turn.hang_up("no_input")
        case Phase.OPEN | Phase.DETAILS | Phase.TICKET if state.served:
            # They have what they called for, and have nothing more to say.
            return ending.finish(turn)
        case Phase.RATE | Phase.UNHAPPY | Phase.CONSENT:
            return ending.goodbye(turn)
        case Phase.SOLVED if silences >= 2:
            return survey.decline(turn, refused=False)
        case Phase.SATISFIED:
            return survey.satisfied(turn, None)
        case Phase.UNSOLVED:
            return survey.unsolved(turn, "")
        case Phase.SLOT if silences >= 2:
            return taking.skip(turn)
        case Phase.READ_BACK | Phase.CORRECT if silences >= 2:
            # What was said must not be lost because somebody was called away.
            return taking.file(turn)
        case Phase.CALLBACK_TIME if silences >= 2:
            return callback.soon(turn)
        case Phase.CALLBACK_CHECK if silences >= 2:
            return callback.book(turn)
        case Phase.OFFER_CALLBACK if silences >= 2:
            if state.people is People.FULL:
                return callback.refused(turn)
            turn.say("no_input_goodbye")
            return turn.hang_up("no_input")
        case Phase.DANGER if silences >= 2:
            # Silence after "are you in danger?" is no "no".
            return emergency(turn, state.choices[0] if state.choices else "")
    if silences >= SILENCES:
        return turn.person(TransferReason.NO_INPUT, "no_input_transfer")
    if silences == SILENCES - 1 and state.phase in (Phase.OPEN, Phase.CONFIRM, Phase.CLARIFY):
        return keypad.top(turn)
    prompt = "no_input" if silences == 1 else "no_input_keys"
    if state.phase is Phase.OPEN:
        turn.say(prompt)
        return turn.listen(Phase.OPEN, about=state.topic)
    return turn.question_again("still_there" if silences == 1 else prompt)


# --- judgements ------------------------------------------------------------------------


def _maybe_emergency(turn: Turn, best: Candidate) -> bool:
    """Whether to ask about danger first; not twice, and not when a place was asked for."""
    return (
        best.kind is IntentKind.EMERGENCY
        and best.confidence >= turn.book.thresholds.clarify
        and best.intent not in turn.state.denied
        and turn.state.phase not in (Phase.SLOT, Phase.DANGER, Phase.CALLBACK_TIME)
    )


def _tellable(turn: Turn, category_id: str) -> bool:
    try:
        category = turn.book.intent(category_id)
    except KeyError:
        return True
    return not (isinstance(category, Category) and category.sensitive)
