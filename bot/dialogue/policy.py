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
from bot.dialogue.placing import in_full
from bot.dialogue.reading import (
    COMMAND,
    command_of,
    read_choice,
    read_negated,
    read_unsure,
    read_yes_no,
    said_since,
)
from bot.dialogue.state import Draft, Errand, Phase, State
from bot.dialogue.turn import (
    ELDER_SPEED,
    LOUDEST,
    SILENCES,
    SLOWEST,
    URGENT,
    Decision,
    Turn,
)
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
    Remember,
    Silent,
    TransferReason,
)
from bot.understanding.schema import Category, Emergency, Faq, Policy, SmallTalk
from bot.understanding.types import Candidate, Care, IntentKind, Mood, Understanding

__all__ = ["MAX_TURNS", "Decision", "Phase", "State", "decide", "start"]

#: Events after which a call goes to a person: nobody needs more, and none may be endless.
MAX_TURNS = 300
#: Digits of a telephone number that is complete, and least digits of one that may be.
FULL_PHONE, LEAST_PHONE = 11, 7
#: Phases in which keys are digits of a number, and how many it has.
NUMBER_OF = {
    Phase.WHICH_TICKET: lookup.NUMBER,
    Phase.VERIFY: lookup.TAIL,
    Phase.CALLBACK_PHONE: FULL_PHONE,
}
#: Phases in which any words are the answer, so that only few words to the bot count.
FREE_TEXT = frozenset({Phase.WHAT, Phase.APPEND, Phase.UNSOLVED})
#: Phases of a call that the line has made.
SURVEY = frozenset({Phase.SOLVED, Phase.SATISFIED, Phase.UNSOLVED})
#: Phases in which "no" and "nothing" answer a question rather than end the call.
STORY_PHASES = frozenset({Phase.SLOT, Phase.READ_BACK, Phase.CORRECT})

#: The wish for a person.
AGENT = COMMAND + "agent"
#: A plain yes and a plain no.
YES, NO = COMMAND + "yes", COMMAND + "no"
#: Phases that asked for something in particular.
ASKING = STORY_PHASES | NUMBER_OF.keys() | {Phase.CALLBACK_TIME, Phase.CALLBACK_CHECK}

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
    if risk and said.emergency and _for_police(turn, said.emergency):
        # Who wants to die is not told to report a crime.
        return comfort(turn, risk)
    if said.emergency:
        return emergency(turn, said.emergency)
    if best and best.kind is IntentKind.EMERGENCY and _sure(turn, best):
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
        if any(one.intent == AGENT and _sure(turn, one) for one in said.candidates):
            # The person they ask for can find out about the danger.
            return turn.person(TransferReason.ASKED, "transfer", URGENT)
        if any(one.intent in (YES, NO) and _sure(turn, one) for one in said.candidates):
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
    if state.phase in FREE_TEXT:
        return None
    if state.phase in ASKING and (read_unsure(said) or not (said.best and _sure(turn, said.best))):
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


def request(turn: Turn, said: Understanding, command: str, *, barged_in: bool = False) -> Decision:
    """Whatever the caller may want, said at any time."""
    best, thresholds, state = said.best, turn.book.thresholds, turn.state
    if state.phase is Phase.OPEN:
        yes = read_yes_no(turn, said)
        if yes is False and state.served:
            return ending.finish(turn)
        if yes and state.served:
            turn.say("go_ahead")
            return turn.listen(Phase.OPEN)
    if (decision := answering.follow_up(turn, said)) is not None:
        return decision
    if command in ("help", "menu"):
        turn.say(command)
        return turn.listen(Phase.OPEN)
    if command == "wrong" and state.topic:
        return not_that(turn)
    if best is None or best.confidence < thresholds.clarify or command:
        return turn.miss(said, barged_in=barged_in)
    if best.kind is IntentKind.SMALL_TALK:
        return small_talk(turn, best.intent)
    rivals = [one for one in said.candidates[1:] if _can_be_asked(one)]
    close = bool(rivals) and best.confidence - rivals[0].confidence < thresholds.margin
    if _sure(turn, best) and not close:
        return serve(turn, best.intent, said, said.text)
    if state.phase not in (
        Phase.OPEN,
        Phase.WHAT,
        Phase.CONFIRM,
        Phase.CLARIFY,
        Phase.DETAILS,
        Phase.RETURNING,
    ) and not _sure(turn, best):
        # Half heard, and no answer to what was asked: more likely a poor answer than news.
        return turn.miss(said, barged_in=barged_in)
    turn.set(pending=said.text, draft=_with_facts(state.draft, said))
    if close and rivals[0].confidence >= thresholds.clarify:
        first, second = best, rivals[0]
        turn.set(choices=(first.intent, second.intent))
        turn.say("clarify", first=first.title, second=second.title)
        expect = (first.title, second.title, "第一个", "第二个", "都不是")
        return turn.listen(Phase.CLARIFY, expect=expect)
    turn.set(choices=(best.intent,))
    kind = "confirm_category" if best.kind is IntentKind.CATEGORY else "confirm_intent"
    turn.say(kind, title=best.title)
    return turn.yes_or_no(Phase.CONFIRM)


def chosen(turn: Turn, said: Understanding, command: str, *, barged_in: bool = False) -> Decision:
    """An answer to "did you mean …?"."""
    state, best = turn.state, said.best
    yes = read_yes_no(turn, said)
    if state.phase is Phase.DANGER:
        return danger(turn, said, command, yes)
    choice = read_choice(said)
    if state.phase is Phase.CLARIFY and choice in (1, 2):
        return serve(turn, state.choices[choice - 1], None, state.pending)
    if best and best.intent in state.choices:
        return serve(turn, best.intent, said, state.pending or said.text)
    if yes and state.phase is Phase.CONFIRM:
        return serve(turn, state.choices[0], None, state.pending)
    if yes:
        # A yes to "this or that?" is no answer.
        return again_which(turn)
    if yes is False or command == "wrong" or choice == 0:
        return neither(turn)
    category = turn.book.intent(state.choices[0]) if len(state.choices) == 1 else None
    if isinstance(category, Category) and _only_facts(turn, said):
        # Who goes on to say where or since when takes it for granted that it was meant.
        place = said.slots.get("place", "")
        slots = {**said.slots, "place": in_full(place, said.text)} if place else said.slots
        return taking.begin(turn, category, replace(said, slots=slots), state.pending)
    # Not an answer, but perhaps what they meant, said anew.
    turn.set(phase=Phase.OPEN, choices=())
    return request(turn, said, command, barged_in=barged_in)


def again_which(turn: Turn) -> Decision:
    """Ask once more which of two was meant; then a person."""
    misses = turn.state.misses + 1
    turn.missed = True
    turn.set(misses=misses)
    if misses >= turn.misses_allowed:
        return turn.person(TransferReason.NOT_UNDERSTOOD, "not_understood_transfer")
    return turn.question_again()


def neither(turn: Turn) -> Decision:
    """None of what was named: let them say it in other words; then a person."""
    misses = turn.state.misses + 1
    turn.missed = True
    turn.set(misses=misses, choices=(), pending="")
    if misses >= turn.misses_allowed:
        return turn.person(TransferReason.NOT_UNDERSTOOD, "not_understood_transfer")
    turn.say("rephrase")
    return turn.listen(Phase.OPEN)


def danger(turn: Turn, said: Understanding, command: str, yes: bool | None) -> Decision:
    """An answer to "is somebody in danger?". Whatever is not a clear no is a yes."""
    doubted = turn.state.choices[0] if turn.state.choices else ""
    if yes is False:
        turn.set(denied=(*turn.state.denied, doubted), choices=(), phase=Phase.OPEN)
        rest = tuple(one for one in said.candidates if one.kind is not IntentKind.COMMAND)
        if not rest:
            turn.say("go_ahead")
            return turn.listen(Phase.OPEN)
        return request(turn, replace(said, candidates=rest), "")
    if yes or read_unsure(said):
        return emergency(turn, doubted)
    turn.set(denied=(*turn.state.denied, doubted), choices=(), phase=Phase.OPEN)
    return request(turn, said, command)


def not_that(turn: Turn) -> Decision:
    """The last answer was to another question: offer a ticket, or ask anew."""
    faq = turn.book.intent(turn.state.topic)
    if isinstance(faq, Faq) and faq.category:
        turn.set(choices=(faq.category,), topic="")
        turn.say("offer_ticket", title=turn.book.intent(faq.category).title)
        return turn.yes_or_no(Phase.CONFIRM)
    turn.set(topic="")
    return neither(turn)


def serve(turn: Turn, intent_id: str, said: Understanding | None, story: str) -> Decision:
    """Answer the question, or begin the ticket, that this intent stands for."""
    intent = turn.book.intent(intent_id)
    if isinstance(intent, Emergency):
        return emergency(turn, intent_id)
    if isinstance(intent, Faq):
        match intent.does:
            case "lookup":
                return lookup.begin(turn, Errand.STATUS, said)
            case "callback":
                return callback.begin(turn, story)
        return answering.answer(turn, intent)
    if isinstance(intent, Category):
        return taking.begin(turn, intent, said, story)
    return turn.miss()


def small_talk(turn: Turn, intent_id: str) -> Decision:
    """Politeness is answered with politeness; what was asked is asked again."""
    intent = turn.book.intent(intent_id)
    prompt = intent.prompt if isinstance(intent, SmallTalk) else "hello_reply"
    turn.missed = True
    if turn.state.phase is Phase.OPEN:
        turn.say(prompt)
        return turn.listen(Phase.OPEN, about=turn.state.topic)
    return turn.question_again(prompt)


def emergency(turn: Turn, intent_id: str) -> Decision:
    """Say which number to dial, and bring a person before everybody else who waits."""
    try:
        intent = turn.book.intent(intent_id)
    except KeyError:
        intent = None
    prompt = intent.prompt if isinstance(intent, Emergency) else "transfer_emergency"
    turn.say_text(turn.text(prompt), prompt, must_hear=True)
    return turn.transfer(TransferReason.EMERGENCY, URGENT)


def comfort(turn: Turn, mood: Mood) -> Decision:
    """A risk to a life: a person at once, before everybody else."""
    text = _mood_prompt(turn, mood) or turn.text("transfer_emergency")
    turn.set(care=mood.care)
    turn.say_text(text, mood.prompt, must_hear=True)
    return turn.transfer(TransferReason.EMERGENCY, URGENT)


def soothed(turn: Turn, moods: tuple[Mood, ...], decision: Decision) -> Decision:
    """Say first that the mood was heard, once for each, if the dialogue goes on."""
    if decision.state.phase in (Phase.OVER, Phase.PORT):
        return decision
    new = [mood for mood in moods if mood.name not in turn.state.answered_moods]
    heard_mood = next((mood for mood in new if _mood_prompt(turn, mood)), None)
    if heard_mood is None:
        return decision
    names = tuple(mood.name for mood in new)
    answered = (*decision.state.answered_moods, *names)
    decision = replace(decision, state=replace(decision.state, answered_moods=answered))
    return turn.first(heard_mood.prompt, decision)


# --- keys and silence ----------------------------------------------------------------------------


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
    if digit == "#":
        if state.phase is Phase.SLOT:
            return taking.skip(turn)
        return keypad.top(turn)
    decision = key_of_phase(turn, int(digit))
    if decision is not None:
        return decision
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
            return danger(turn, Understanding("", ""), "", yes)
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


def _sure(turn: Turn, candidate: Candidate) -> bool:
    return candidate.confidence >= turn.book.thresholds.accept


def _maybe_emergency(turn: Turn, best: Candidate) -> bool:
    """Whether to ask about danger first; not twice, and not when a place was asked for."""
    return (
        best.kind is IntentKind.EMERGENCY
        and best.confidence >= turn.book.thresholds.clarify
        and best.intent not in turn.state.denied
        and turn.state.phase not in (Phase.SLOT, Phase.DANGER, Phase.CALLBACK_TIME)
    )


def _only_facts(turn: Turn, said: Understanding) -> bool:
    """Whether it says where, when or how to call back, and nothing else that is understood."""
    facts = any(said.slots.get(name) for name in ("place", "time", "duration", "phone"))
    unsure = said.best is None or said.best.confidence < turn.book.thresholds.clarify
    return facts and unsure


def _for_police(turn: Turn, intent_id: str) -> bool:
    try:
        intent = turn.book.intent(intent_id)
    except KeyError:
        return False
    return isinstance(intent, Emergency) and intent.number == "110"


def _can_be_asked(candidate: Candidate) -> bool:
    return candidate.kind in (IntentKind.FAQ, IntentKind.CATEGORY)


def _with_facts(draft: Draft, said: Understanding) -> Draft:
    """Keep what was said of a ticket while it is found out which."""
    from_slots = said.slots.get("place", ""), said_since(dict(said.slots))
    return replace(draft, place=from_slots[0] or draft.place, since=from_slots[1] or draft.since)


def _tellable(turn: Turn, category_id: str) -> bool:
    try:
        category = turn.book.intent(category_id)
    except KeyError:
        return True
    return not (isinstance(category, Category) and category.sensitive)


def _mood_prompt(turn: Turn, mood: Mood) -> str:
    try:
        return turn.text(mood.prompt) if mood.prompt else ""
    except KeyError:
        return ""
