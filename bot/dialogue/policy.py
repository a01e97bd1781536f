"""What to do next: a pure function from (state, event) to (state, actions).

The rules, in the order in which they win: an emergency, a risk that needs a person, a wish
for a person, then what the bot asked for, then whatever the caller says. A mood changes none
of them: it brings a person sooner, and earlier in the queue. Misunderstanding and silence
are counted, and each has an end: a person. Every turn's last action is one of Listen,
FileTicket, Transfer and HangUp, and only the last.

Leaves to others: what words mean (``understanding``), what is said exactly (the pack), and
doing any of it (``telephony/conversation.py``).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from bot.dialogue.book import Book
from bot.dialogue.types import (
    Action,
    CallStarted,
    Event,
    Filed,
    FileTicket,
    FilingFailed,
    HangUp,
    Heard,
    HungUp,
    Listen,
    Pressed,
    Say,
    Silent,
    Transfer,
    TransferReason,
)
from bot.understanding.schema import Category, Emergency, Faq, SmallTalk
from bot.understanding.types import Candidate, Care, IntentKind, Mood, Understanding

#: Misunderstandings in a row after which a person takes over.
MISSES = 2
#: Silences in a row after which a person takes over.
SILENCES = 3
#: The same once a person was offered for the caller's mood.
MISSES_IF_UPSET = 1
#: Seconds of patience: for an open question, and for one that needs thought ("where?").
PATIENCE = 6.0
LONG_PATIENCE = 8.0
#: What the names of a pack's commands begin with.
COMMAND = "command."
#: Priority in the agents' queue.
URGENT, NORMAL = 0, 5
BY_CARE = {Care.NONE: NORMAL, Care.PRIORITY: 4, Care.OFFER: 3, Care.PERSON: URGENT}

YES = ("是", "是的", "对", "对的", "好的")
NO = ("不是", "不对", "没有", "没有了", "不用了")


class Phase(StrEnum):
    """What the bot is waiting for."""

    OPEN = "open"
    """Anything: what is it about?"""
    CONFIRM = "confirm"
    """Yes or no to one candidate."""
    CLARIFY = "clarify"
    """The first or the second of two candidates."""
    PLACE = "place"
    """Where the ticket's problem is."""
    FILING = "filing"
    """The ticket's number, from casework."""
    OVER = "over"
    """Nothing: the dialogue has ended."""


@dataclass(frozen=True, slots=True)
class State:
    """All that the policy remembers of a call."""

    phase: Phase = Phase.OPEN
    misses: int = 0
    """Misunderstandings in a row."""
    silences: int = 0
    """Silences in a row."""
    choices: tuple[str, ...] = ()
    """Intents asked about in CONFIRM and CLARIFY."""
    category: str = ""
    """Intent of the ticket being taken."""
    story: str = ""
    """What the caller said of it."""
    place: str = ""
    served: bool = False
    """Something was answered or filed, so "no" to "anything else?" ends the call well."""
    filed: bool = False
    last_said: tuple[str, ...] = ()
    """The last sentences, for "say that again"."""
    care: Care = Care.NONE
    """The most that any mood of this call asked for. Never falls."""
    answered_moods: tuple[str, ...] = ()
    """Moods whose sentence was said: once is enough."""

    def to_json(self) -> str:
        """Return the state as JSON, for the log and for replay."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> State:
        """Read back what ``to_json`` wrote (ValueError or TypeError if it is not that)."""
        fields = json.loads(text)
        for name in ("choices", "last_said", "answered_moods"):
            fields[name] = tuple(fields.get(name, ()))
        care = Care(fields.get("care", Care.NONE))
        return cls(**{**fields, "phase": Phase(fields["phase"]), "care": care})


@dataclass(frozen=True, slots=True)
class Decision:
    """The state after an event, and what to do, in order."""

    state: State
    actions: tuple[Action, ...]


def start(book: Book) -> State:  # noqa: ARG001 - a pack may set how a call starts
    """Return the state of a call in which nothing has happened yet."""
    return State()


def decide(state: State, event: Event, book: Book) -> Decision:
    """Return what follows from an event. Pure; never raises for any event in any state."""
    turn = _Turn(state, book)
    match event:
        case CallStarted():
            return turn.ask((book.greeting(event.did), "greeting"))
        case HungUp():
            return turn.hang_up("caller_gone")
        case Heard():
            return turn.heard(event.understanding)
        case Pressed():
            return turn.pressed(event.digit)
        case Silent():
            return turn.silent()
        case Filed():
            return turn.filed(event.number)
        case FilingFailed():
            return turn.transfer(TransferReason.FAILURE, "filing_failed_transfer")


class _Turn:
    """One decision in the making. Lives for one call of ``decide``."""

    def __init__(self, state: State, book: Book) -> None:
        self._state = state
        self._book = book

    # --- events ------------------------------------------------------------------------

    def heard(self, said: Understanding) -> Decision:
        """The caller said something."""
        best = said.best
        if said.emergency:
            return self._emergency(said.emergency)
        if best and best.kind is IntentKind.EMERGENCY and self._sure(best):
            return self._emergency(best.intent)
        for mood in said.moods:
            if mood.care is Care.PERSON:
                return self._comfort(mood)
        self._state = replace(self._state, care=max(self._state.care, said.care))
        return self._soothed(said.moods, self._understood(said))

    def _understood(self, said: Understanding) -> Decision:
        """What follows from the words, whatever the mood."""
        if said.best and self._maybe_emergency(said.best):
            return self._say_and_listen(
                replace(self._state, phase=Phase.CONFIRM, choices=(said.best.intent,), silences=0),
                (self._book.prompt("confirm_emergency"), "confirm_emergency"),
                expect=YES + NO,
            )
        command = self._command(said.best)
        if command == "agent":
            return self.transfer(TransferReason.ASKED, "transfer")
        if command in ("repeat", "slower", "louder"):
            return self._repeat()
        if command == "goodbye":
            return self._goodbye()
        match self._state.phase:
            case Phase.CONFIRM | Phase.CLARIFY:
                return self._chosen(said, command)
            case Phase.PLACE:
                return self._place(said, command)
            case _:
                return self._open(said, command)

    def pressed(self, digit: str) -> Decision:
        """The caller pressed a key: 0 a person, * once more, # skips, 1 and 2 choose."""
        state = self._state
        if digit == "0":
            return self.transfer(TransferReason.ASKED, "transfer")
        if digit == "*":
            return self._repeat()
        if digit in ("1", "2") and state.phase is Phase.CLARIFY:
            return self._serve(state.choices[int(digit) - 1], state.story, state.place)
        if digit == "1" and state.phase is Phase.CONFIRM:
            return self._serve(state.choices[0], state.story, state.place)
        if digit == "2" and state.phase is Phase.CONFIRM:
            return self._miss("rephrase")
        if digit == "#" and state.phase is Phase.PLACE:
            return self._file()
        return self.ask((self._book.prompt("menu"), "menu"))

    def silent(self) -> Decision:
        """The caller said nothing."""
        silences = self._state.silences + 1
        if self._state.phase is Phase.PLACE and silences >= 2:
            return self._file()
        if silences >= SILENCES:
            return self.transfer(TransferReason.NO_INPUT, "not_understood_transfer")
        if self._state.served and self._state.phase is Phase.OPEN:
            # They have what they called for, and have nothing more to say.
            return self._goodbye()
        prompt = "no_input" if silences == 1 else "no_input_keys"
        return self._say_and_listen(
            replace(self._state, silences=silences), (self._book.prompt(prompt), prompt)
        )

    def filed(self, number: str) -> Decision:
        """The ticket is stored."""
        state = replace(
            self._state, phase=Phase.OPEN, category="", story="", place="", served=True, filed=True
        )
        return self._say_and_listen(
            state,
            (self._book.prompt("ticket_filed", number=number), "ticket_filed"),
            (self._book.prompt("anything_else"), "anything_else"),
        )

    # --- what the caller may mean ------------------------------------------------------

    def _sure(self, candidate: Candidate) -> bool:
        return candidate.confidence >= self._book.thresholds.accept

    def _maybe_emergency(self, best: Candidate) -> bool:
        """Whether to ask about danger first; not twice, and not when a place was asked for."""
        return (
            best.kind is IntentKind.EMERGENCY
            and best.confidence >= self._book.thresholds.clarify
            and best.intent not in self._state.choices
            and self._state.phase is not Phase.PLACE
        )

    def _command(self, best: Candidate | None) -> str:
        """The command said, with enough certainty, else ""."""
        if best and best.kind is IntentKind.COMMAND:
            sure = best.confidence >= self._book.thresholds.clarify
            return best.intent.removeprefix(COMMAND) if sure else ""
        return ""

    def _emergency(self, intent: str) -> Decision:
        try:
            emergency = self._book.intent(intent)
        except KeyError:
            return self.transfer(TransferReason.EMERGENCY, "transfer_emergency", URGENT)
        prompt = emergency.prompt if isinstance(emergency, Emergency) else "transfer_emergency"
        said = self._book.prompt(prompt)
        return Decision(
            replace(self._state, phase=Phase.OVER, last_said=(said,)),
            (
                Say(said, prompt, must_hear=True),
                Transfer(TransferReason.EMERGENCY, URGENT),
            ),
        )

    def _comfort(self, mood: Mood) -> Decision:
        """A risk to a life: a person at once, before everybody else."""
        said = self._mood_prompt(mood) or self._book.prompt("transfer_emergency")
        return Decision(
            replace(self._state, phase=Phase.OVER, last_said=(said,), care=mood.care),
            (Say(said, mood.prompt, must_hear=True), Transfer(TransferReason.EMERGENCY, URGENT)),
        )

    def _soothed(self, moods: tuple[Mood, ...], decision: Decision) -> Decision:
        """Say first that the mood was heard, once for each, if the dialogue goes on."""
        new = [mood for mood in moods if mood.name not in self._state.answered_moods]
        heard = next((mood for mood in new if self._mood_prompt(mood)), None)
        if heard is None or not isinstance(decision.actions[-1], Listen):
            return decision
        names = tuple(mood.name for mood in new)
        state = replace(decision.state, answered_moods=(*decision.state.answered_moods, *names))
        first = Say(self._mood_prompt(heard), heard.prompt)
        return Decision(state, (first, *decision.actions))

    def _mood_prompt(self, mood: Mood) -> str:
        try:
            return self._book.prompt(mood.prompt) if mood.prompt else ""
        except KeyError:
            return ""

    def _open(self, said: Understanding, command: str) -> Decision:
        best, thresholds = said.best, self._book.thresholds
        if command == "no" and self._state.served:
            return self._goodbye()
        if command in ("help", "menu", "back"):
            return self.ask((self._book.prompt("menu"), "menu"))
        if command == "yes" and self._state.served:
            return self.ask((self._book.prompt("help"), "help"))
        if best is None or best.confidence < thresholds.clarify or command:
            return self._miss()
        if best.kind is IntentKind.SMALL_TALK:
            return self._small_talk(best.intent)
        rivals = [one for one in said.candidates[1:] if self._can_be_asked(one)]
        close = bool(rivals) and best.confidence - rivals[0].confidence < thresholds.margin
        place = said.slots.get("place", "")
        if self._sure(best) and not close:
            return self._serve(best.intent, said.text, place)
        state = replace(self._state, story=said.text, place=place, silences=0)
        if close and rivals[0].confidence >= thresholds.clarify:
            first, second = best, rivals[0]
            return self._say_and_listen(
                replace(state, phase=Phase.CLARIFY, choices=(first.intent, second.intent)),
                (
                    self._book.prompt("clarify", first=first.title, second=second.title),
                    "clarify",
                ),
                expect=(first.title, second.title, "第一个", "第二个"),
            )
        prompt = "confirm_category" if best.kind is IntentKind.CATEGORY else "confirm_intent"
        return self._say_and_listen(
            replace(state, phase=Phase.CONFIRM, choices=(best.intent,)),
            (self._book.prompt(prompt, title=best.title), prompt),
            expect=YES + NO,
        )

    def _can_be_asked(self, candidate: Candidate) -> bool:
        return candidate.kind in (IntentKind.FAQ, IntentKind.CATEGORY)

    def _chosen(self, said: Understanding, command: str) -> Decision:
        """An answer to "did you mean …?"."""
        state, best = self._state, said.best
        if command == "yes":
            return self._serve(state.choices[0], state.story, state.place)
        if state.phase is Phase.CLARIFY:
            for words, choice in ((("第一", "前一", "前面"), 0), (("第二", "后一", "后面"), 1)):
                if any(word in said.normalised for word in words):
                    return self._serve(state.choices[choice], state.story, state.place)
        if best and best.intent in state.choices:
            return self._serve(best.intent, state.story, state.place)
        if command == "no":
            return self._miss("rephrase")
        # Not an answer, but perhaps what they meant, said anew.
        self._state = replace(state, phase=Phase.OPEN, choices=())
        return self._open(said, command)

    def _place(self, said: Understanding, command: str) -> Decision:
        """An answer to "where?": any words will do, since a place can be called anything."""
        if command == "no":
            return self._file()
        if not said.text.strip():
            return self._miss()
        place = said.slots.get("place") or said.text
        self._state = replace(self._state, place=place)
        return self._file()

    # --- what the bot does -------------------------------------------------------------

    def _serve(self, intent_id: str, story: str, place: str) -> Decision:
        """Answer the question, or begin the ticket, that this intent stands for."""
        intent = self._book.intent(intent_id)
        if isinstance(intent, Emergency):
            return self._emergency(intent_id)
        state = replace(
            self._state, phase=Phase.OPEN, choices=(), misses=0, silences=0, story="", place=""
        )
        if isinstance(intent, Faq):
            sentences = [intent.answer, intent.detail.strip()]
            return self._say_and_listen(
                replace(state, served=True),
                *((sentence, intent.id) for sentence in sentences if sentence),
                (self._book.prompt("anything_else"), "anything_else"),
            )
        if not isinstance(intent, Category):
            return self._miss()
        state = replace(state, category=intent.id, story=story, place=place)
        opening = (intent.opening, intent.id)
        if "place" in intent.slots and not place:
            return self._say_and_listen(
                replace(state, phase=Phase.PLACE),
                opening,
                (self._book.prompt("ask_place"), "ask_place"),
                patience=LONG_PATIENCE,
                expect=tuple(p.name for p in self._book.places if p.kind == "district"),
            )
        self._state = state
        return self._file(opening)

    def _file(self, *spoken: tuple[str, str]) -> Decision:
        state = self._state
        category = self._book.intent(state.category)
        assert isinstance(category, Category)
        request = FileTicket(
            category=category.id,
            title=category.title,
            text=state.story,
            place=state.place,
            unit=self._book.unit_name(category.unit),
            urgency=category.urgency,
        )
        return Decision(
            replace(state, phase=Phase.FILING, misses=0, silences=0),
            (*(Say(text, name) for text, name in spoken), request),
        )

    def _small_talk(self, intent_id: str) -> Decision:
        intent = self._book.intent(intent_id)
        prompt = intent.prompt if isinstance(intent, SmallTalk) else "hello_reply"
        return self.ask((self._book.prompt(prompt), prompt))

    def _repeat(self) -> Decision:
        if not self._state.last_said:
            return self.ask((self._book.prompt("repeat_nothing"), "repeat_nothing"))
        return self._say_and_listen(
            replace(self._state, silences=0), *((text, "repeat") for text in self._state.last_said)
        )

    def _miss(self, prompt: str = "ask_again") -> Decision:
        """Not understood: ask again, differently; then a person."""
        misses = self._state.misses + 1
        if misses >= (MISSES_IF_UPSET if self._state.care >= Care.OFFER else MISSES):
            return self.transfer(TransferReason.NOT_UNDERSTOOD, "not_understood_transfer")
        phase = self._state.phase if self._state.phase is Phase.PLACE else Phase.OPEN
        if phase is Phase.PLACE:
            prompt = "ask_place_again"
        return self._say_and_listen(
            replace(self._state, phase=phase, choices=(), misses=misses, silences=0),
            (self._book.prompt(prompt), prompt),
        )

    def _goodbye(self) -> Decision:
        outcome = "filed" if self._state.filed else "answered" if self._state.served else "left"
        said = self._book.prompt("goodbye")
        return Decision(
            replace(self._state, phase=Phase.OVER, last_said=(said,)),
            (Say(said, "goodbye"), HangUp(outcome)),
        )

    def transfer(self, reason: TransferReason, prompt: str, priority: int = NORMAL) -> Decision:
        """Send the caller to a person, and say so first."""
        said = self._book.prompt(prompt)
        return Decision(
            replace(self._state, phase=Phase.OVER, last_said=(said,)),
            (Say(said, prompt), Transfer(reason, min(priority, BY_CARE[self._state.care]))),
        )

    def hang_up(self, outcome: str) -> Decision:
        """End without a word."""
        return Decision(replace(self._state, phase=Phase.OVER), (HangUp(outcome),))

    def ask(self, *spoken: tuple[str, str]) -> Decision:
        """Say something and listen, keeping the phase."""
        return self._say_and_listen(replace(self._state, silences=0), *spoken)

    def _say_and_listen(
        self,
        state: State,
        *spoken: tuple[str, str],
        patience: float = PATIENCE,
        expect: tuple[str, ...] = (),
    ) -> Decision:
        said = tuple(text for text, _ in spoken)
        return Decision(
            replace(state, last_said=said),
            (*(Say(text, name) for text, name in spoken), Listen(patience, expect)),
        )
