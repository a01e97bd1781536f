"""Taking a ticket: what, where, since when, whom to call; read back, corrected, filed.

Only what is missing is asked for, each fact once; "I don't know" is an answer. A ticket with
a gap is better than none, so silence files what there is. Leaves to others: storing it
(``casework``) and what the words mean.
"""

from __future__ import annotations

from dataclasses import replace

from bot.dialogue import keypad
from bot.dialogue.ending import anything_else
from bot.dialogue.placing import in_full
from bot.dialogue.reading import (
    command_of,
    read_phone,
    read_this_number,
    read_unsure,
    read_yes_no,
    said_since,
)
from bot.dialogue.state import Draft, Errand, Phase
from bot.dialogue.turn import LONG_PATIENCE, PATIENCE, Decision, Turn
from bot.dialogue.types import FileTicket, Remember, SendText
from bot.dialogue.wording import masked_tail, spoken_since
from bot.understanding.schema import Category
from bot.understanding.types import IntentKind, Understanding

#: Confidence from which a category, named while correcting, replaces the first.
OTHER_CATEGORY = 0.5
QUESTIONS = {"place": "ask_place", "time": "ask_since", "phone": "ask_phone"}
DIGITS = tuple("零一二三四五六七八九")
SINCE = ("今天早上", "昨天晚上", "前天", "上个星期", "三天了", "一直都是")
#: Characters up to which "the place is wrong" only names a fact and says no new one.
NAMED_FACT = 8
WRONG = ("地点", "时间", "电话", "事情")


def ask_what(turn: Turn) -> Decision:
    """The caller wants to report something and has not said what."""
    turn.set(draft=Draft(), choices=())
    turn.say("ask_what")
    return turn.listen(Phase.WHAT, patience=LONG_PATIENCE)


def begin(turn: Turn, category: Category, said: Understanding | None, story: str) -> Decision:
    """The caller reports something of this category; ``said`` may hold more facts of it."""
    slots = dict(said.slots) if said else {}
    old = turn.state.draft
    candidates = said.candidates if said else ()
    sure = next((one.confidence for one in candidates if one.intent == category.id), 1.0)
    draft = Draft(
        category=category.id,
        story="。".join(part for part in dict.fromkeys((old.story, story)) if part),
        place=slots.get("place") or old.place,
        since=said_since(slots) or old.since,
        phone=slots.get("phone", ""),
        confidence=sure,
    )
    turn.set(draft=draft, choices=(), pending="", misses=0)
    turn.say_text(category.opening, category.id)
    return next_question(turn)


def next_question(turn: Turn) -> Decision:
    """Ask for the next missing fact; when none is missing, read the ticket back."""
    draft = turn.state.draft
    for slot in _wanted(turn, draft):
        if slot not in draft.asked:
            return _ask(turn, slot)
    if not turn.policy.read_back and not draft.changed and _clear(draft):
        return file(turn)
    return read_back(turn)


def _wanted(turn: Turn, draft: Draft) -> list[str]:
    category = turn.book.intent(draft.category)
    assert isinstance(category, Category)
    filled = {"place": draft.place, "time": draft.since, "phone": draft.phone or turn.state.caller}
    # A time can't be keyed in.
    unasked = ("phone", "time") if turn.state.keypad else ("phone",)
    wanted = [slot for slot in category.slots if slot not in unasked]
    # Whoever reports something has to hear what became of it.
    return [slot for slot in (*wanted, "phone") if not filled[slot]]


def _clear(draft: Draft) -> bool:
    return bool(draft.place) and draft.confidence >= 0.9


def _ask(turn: Turn, slot: str) -> Decision:
    draft = turn.state.draft
    turn.set(draft=replace(draft, asking=slot, asked=(*draft.asked, slot)), keyed="")
    if slot == "place" and turn.state.keypad:
        return keypad.districts(turn)
    turn.say(QUESTIONS[slot])
    return _listen_for(turn, slot)


def _listen_for(turn: Turn, slot: str) -> Decision:
    if slot == "phone":
        return turn.listen(Phase.SLOT, patience=LONG_PATIENCE, expect=DIGITS)
    if slot == "time":
        return turn.listen(Phase.SLOT, patience=PATIENCE, expect=SINCE)
    districts = (place.name for place in turn.book.places if place.kind == "district")
    return turn.listen(Phase.SLOT, patience=LONG_PATIENCE, expect=districts)


def what_said(turn: Turn, said: Understanding) -> Decision | None:
    """What the ticket is about: kept as said; the category is found by ``policy.py``."""
    if said.text.strip() and turn.state.draft.story == "":
        turn.set(draft=replace(turn.state.draft, story=said.text))
    return None


def slot_said(turn: Turn, said: Understanding) -> Decision | None:
    """An answer to the question for a fact."""
    draft, slots = turn.state.draft, said.slots
    if not said.text.strip() or _only_polite(turn, said):
        return None
    slot = draft.asking
    declined = read_unsure(said) or read_yes_no(turn, said) is False
    # More than was asked for is welcome.
    draft = replace(
        draft,
        place=draft.place or slots.get("place", ""),
        since=draft.since or said_since(dict(slots)),
        phone=draft.phone or slots.get("phone", ""),
    )
    if slot == "place" and not declined:
        if not draft.place and slots.get("phone"):
            turn.set(draft=draft)
            return _ask(turn, "place")
        # A place can be called anything: any words will do.
        draft = replace(draft, place=in_full(draft.place, said.text))
    elif slot == "time" and not draft.since and not declined:
        draft = replace(draft, since=said.text)
    elif slot == "phone" and not draft.phone and not declined:
        phone = read_phone(said)
        if not phone:
            if draft.asked.count("phone") < 2:
                turn.set(draft=replace(draft, asked=(*draft.asked, "phone")), keyed="")
                turn.say("ask_phone_again")
                return _listen_for(turn, "phone")
            phone = ""
        draft = replace(draft, phone=phone)
    turn.set(draft=draft)
    return next_question(turn)


def _only_polite(turn: Turn, said: Understanding) -> bool:
    """Whether it is mere politeness, or a yes where none was asked for."""
    best = said.best
    if best is None or said.slots or best.confidence < turn.book.thresholds.accept:
        return False
    return best.kind is IntentKind.SMALL_TALK or command_of(turn, said) == "yes"


def skip(turn: Turn) -> Decision:
    """The fact asked for is not known."""
    return next_question(turn)


def phone_keyed(turn: Turn, digits: str) -> Decision:
    """The number to call back was keyed in."""
    turn.set(draft=replace(turn.state.draft, phone=digits), keyed="")
    return next_question(turn)


def place_picked(turn: Turn, name: str) -> Decision:
    """The district was chosen by key."""
    turn.set(draft=replace(turn.state.draft, place=name), menu=None)
    return next_question(turn)


def read_back(turn: Turn) -> Decision:
    """Read the ticket back briefly."""
    draft = turn.state.draft
    parts = [turn.text("summary_title", title=turn.book.intent(draft.category).title)]
    if draft.place:
        parts.append(turn.text("summary_place", place=draft.place))
    if draft.since:
        since = spoken_since(draft.since, turn.state.now)
        parts.append(turn.text("summary_since", since=since))
    if draft.phone and draft.phone != turn.state.caller:
        parts.append(turn.text("summary_phone", phone=draft.phone))
    elif turn.state.caller:
        parts.append(turn.text("summary_caller", phone=masked_tail(turn.state.caller)))
    turn.say("read_back", summary="，".join(parts))
    return turn.yes_or_no(Phase.READ_BACK)


def read_back_answered(turn: Turn, said: Understanding) -> Decision | None:
    """An answer to "is this right?": yes, no, or what is wrong with it."""
    changed = corrected(turn, said)
    if changed is not None:
        return changed
    right = read_yes_no(turn, said)
    if right is None:
        return None
    if right:
        return file(turn)
    turn.say("ask_correction")
    return turn.listen(Phase.CORRECT, patience=LONG_PATIENCE, expect=WRONG)


def corrected(turn: Turn, said: Understanding) -> Decision | None:
    """A new value for a fact, or another category, said while correcting; None if neither."""
    draft, slots = turn.state.draft, said.slots
    new = replace(
        draft,
        place=slots.get("place") or draft.place,
        since=said_since(dict(slots)) or draft.since,
        phone=slots.get("phone") or draft.phone,
    )
    if new == draft:
        best = next((c for c in said.candidates if c.kind is IntentKind.CATEGORY), None)
        if best is None or best.intent == draft.category or best.confidence < OTHER_CATEGORY:
            return None
        new = replace(draft, category=best.intent, confidence=best.confidence)
        new = replace(new, story=f"{draft.story}。{said.text}")
    turn.set(draft=replace(new, changed=True))
    return next_question(turn)


def correction_said(turn: Turn, said: Understanding) -> Decision | None:
    """An answer to "what is wrong with it?"."""
    text = said.normalised
    named = len(text) <= NAMED_FACT and not said.slots
    changed = None if named and any(word in text for word in WRONG) else corrected(turn, said)
    if changed is not None:
        return changed
    for words, slot in (
        (("地", "位置", "哪里"), "place"),
        (("时间", "日期", "什么时候"), "time"),
        (("电话", "号码", "手机"), "phone"),
    ):
        if any(word in text for word in words):
            return _anew(turn, slot)
    if any(word in text for word in ("事", "内容", "问题", "类")):
        turn.set(draft=replace(turn.state.draft, story="", category=""))
        turn.say("ask_what")
        return turn.listen(Phase.WHAT, patience=LONG_PATIENCE)
    if read_this_number(said):
        turn.set(draft=replace(turn.state.draft, phone="", changed=True))
        return next_question(turn)
    if read_yes_no(turn, said) or read_unsure(said):
        return read_back(turn)
    return None


def _anew(turn: Turn, slot: str) -> Decision:
    draft = replace(turn.state.draft, changed=True)
    match slot:
        case "place":
            draft = replace(draft, place="")
        case "time":
            draft = replace(draft, since="")
        case "phone":
            draft = replace(draft, phone="")
    turn.set(draft=draft)
    return _ask(turn, slot)


def file(turn: Turn) -> Decision:
    """Have the ticket stored."""
    draft = turn.state.draft
    category = turn.book.intent(draft.category)
    assert isinstance(category, Category)
    return turn.request(
        FileTicket(
            category=category.id,
            title=category.title,
            text=draft.story or category.title,
            place=draft.place,
            unit=turn.book.unit_name(category.unit),
            urgency=category.urgency,
            since=draft.since,
            phone=draft.phone,
            confidence=draft.confidence,
        )
    )


def filed(turn: Turn, number: str, news: str = "") -> Decision:
    """The ticket is stored: say its number, twice, and what is known of the matter already.

    A caller is asked, once, whether the line may remember them.
    """
    state = turn.state
    turn.set(draft=Draft(), served=True, filed=(*state.filed, number), ticket=None)
    turn.set(errand=Errand.STATUS)
    turn.say("ticket_filed", number=number)
    turn.say("ticket_again", number=number)
    turn.say_text(news, "incident")
    phone = state.draft.phone or state.caller
    if phone:
        turn.note(SendText(phone, turn.text("ticket_text", number=number)))
    unasked = state.profile.consent is None and not state.consent_asked
    if unasked and state.caller and turn.policy.ask_consent:
        turn.set(consent_asked=True)
        turn.say("ask_consent")
        return turn.yes_or_no(Phase.CONSENT)
    return anything_else(turn)


def consent_said(turn: Turn, said: Understanding) -> Decision | None:
    """An answer to "may we remember you?"."""
    given = read_yes_no(turn, said)
    if given is None:
        return None
    return consent(turn, given=given)


def consent(turn: Turn, *, given: bool) -> Decision:
    """Note the answer, and go on."""
    turn.note(Remember(consent=given))
    turn.set(profile=replace(turn.state.profile, consent=given))
    turn.say("consent_given" if given else "consent_refused")
    return anything_else(turn)
