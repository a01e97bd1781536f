"""Whatever the caller may want, said at any time: found out, told apart, and served.

Leaves to others: each kind of service (``answering``, ``taking``, ``lookup``, ``callback``).
"""

from __future__ import annotations

from dataclasses import replace

from bot.dialogue import answering, callback, ending, lookup, taking
from bot.dialogue.danger import emergency, sure
from bot.dialogue.placing import in_full
from bot.dialogue.reading import read_choice, read_unsure, read_yes_no, said_since
from bot.dialogue.state import Draft, Errand, Phase
from bot.dialogue.turn import Decision, Turn
from bot.dialogue.types import TransferReason
from bot.understanding.schema import Category, Emergency, Faq, SmallTalk
from bot.understanding.types import Candidate, IntentKind, Understanding


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
    if sure(turn, best) and not close:
        return serve(turn, best.intent, said, said.text)
    if state.phase not in (
        Phase.OPEN,
        Phase.WHAT,
        Phase.CONFIRM,
        Phase.CLARIFY,
        Phase.DETAILS,
        Phase.RETURNING,
    ) and not sure(turn, best):
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
        return danger_answered(turn, said, command, yes)
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


def danger_answered(turn: Turn, said: Understanding, command: str, yes: bool | None) -> Decision:
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


def _can_be_asked(candidate: Candidate) -> bool:
    return candidate.kind in (IntentKind.FAQ, IntentKind.CATEGORY)


def _with_facts(draft: Draft, said: Understanding) -> Draft:
    """Keep what was said of a ticket while it is found out which."""
    from_slots = said.slots.get("place", ""), said_since(dict(said.slots))
    return replace(draft, place=from_slots[0] or draft.place, since=from_slots[1] or draft.since)


def _only_facts(turn: Turn, said: Understanding) -> bool:
    """Whether it says where, when or how to call back, and nothing else that is understood."""
    facts = any(said.slots.get(name) for name in ("place", "time", "duration", "phone"))
    unsure = said.best is None or said.best.confidence < turn.book.thresholds.clarify
    return facts and unsure
