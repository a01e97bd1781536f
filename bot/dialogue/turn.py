"""One decision in the making: what is said, noted and waited for, and the state after it.

Holds what all kinds of conversation share: saying a prompt, listening, not understanding,
silence, and finding a person. Leaves to others: what the caller wants (``policy.py`` and the
rooms beside it).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from bot.dialogue.book import Book
from bot.dialogue.state import Phase, State, Wanted
from bot.dialogue.types import (
    Action,
    HangUp,
    Last,
    Listen,
    Note,
    Request,
    Say,
    SeekPerson,
    TakeSurvey,
    Transfer,
    TransferReason,
)
from bot.understanding.schema import Policy
from bot.understanding.types import Care, IntentKind, Understanding

#: Seconds of patience: for an open question, and for one that needs thought ("where?").
PATIENCE, LONG_PATIENCE = 6.0, 8.0
#: Misunderstandings in a row after which a person takes over: of someone upset, of an elder.
MISSES_IF_UPSET, MISSES_IF_ELDER = 1, 2
#: Silences in a row after which a person takes over.
SILENCES = 4
#: Confidence from which a candidate is worth naming to someone who was not understood.
NAMEABLE = 0.05
#: Speed of speech for an elder and of prompts marked slow (rendered ahead at that speed), and
#: the slowest; the loudest, as a factor.
ELDER_SPEED, SLOWEST, LOUDEST = 0.8, 0.65, 2.0
#: Priority in the agents' queue.
URGENT, VULNERABLE, NORMAL = 0, 2, 5
BY_CARE = {Care.NONE: NORMAL, Care.PRIORITY: 4, Care.OFFER: 3, Care.PERSON: URGENT}

YES = ("是", "是的", "对", "对的", "好的", "可以", "要")
NO = ("不是", "不对", "没有", "没有了", "不用了", "不要", "不用")
SCORES = ("一分", "两分", "三分", "四分", "五分", "非常满意", "满意", "一般", "不满意")


@dataclass(frozen=True, slots=True)
class Decision:
    """The state after an event, and what to do, in order."""

    state: State
    actions: tuple[Action, ...]


class Turn:
    """Collects what one event leads to."""

    def __init__(self, state: State, book: Book) -> None:
        self.state = state
        self.book = book
        self.missed = False
        """The caller was not understood in this turn (or asked to hear it again)."""
        self._before: list[Say | Note] = []

    @property
    def policy(self) -> Policy:
        """The way this call is led."""
        named = (one for one in self.book.policies if one.name == self.state.policy)
        return next(named, self.book.policies[0])

    def set(self, **changes: Any) -> None:
        """Change the state."""
        self.state = replace(self.state, **changes)

    # --- speaking ------------------------------------------------------------------------

    def text(self, prompt: str, **values: str) -> str:
        """Return a prompt's sentence; the short one, where the pack has one for elders."""
        name = f"{prompt}_elder"
        if not (self.state.profile.elder and self.book.has_prompt(name)):
            name = prompt
        return self.book.prompt(name, variant=self.state.turns, **values)

    def say(self, prompt: str, **values: str) -> None:
        """Say a prompt."""
        slow = ELDER_SPEED if self.book.slow(prompt) else 1.0
        must_hear = self.book.must_hear(prompt)
        self.say_text(self.text(prompt, **values), prompt, must_hear=must_hear, speed=slow)

    def say_text(
        self, text: str, name: str, *, must_hear: bool = False, speed: float = 1.0
    ) -> None:
        """Say a text; ``name`` is its intent or prompt; never faster than ``speed``."""
        speed = min(speed, self.state.speed)
        if text:
            self._before.append(Say(text, name, must_hear, speed, self.state.gain))

    def note(self, note: Note) -> None:
        """Have something noted beside the conversation."""
        self._before.append(note)

    def first(self, prompt: str, decision: Decision) -> Decision:
        """Say a prompt before all that a decision says."""
        text = self.text(prompt)
        return replace(
            decision,
            actions=(
                Say(text, prompt, speed=self.state.speed, gain=self.state.gain),
                *decision.actions,
            ),
        )

    # --- ways to end a turn ---------------------------------------------------------------

    def listen(
        self,
        phase: Phase,
        *,
        patience: float = PATIENCE,
        expect: Iterable[str] = (),
        about: str = "",
    ) -> Decision:
        """Listen for what ``phase`` waits for."""
        said = tuple((one.text, one.prompt) for one in self._before if isinstance(one, Say))
        listen = Listen(patience, tuple(expect), about)
        self.set(phase=phase, last_listen=listen, last_said=said or self.state.last_said)
        return self._end(listen)

    def yes_or_no(self, phase: Phase, *, about: str = "") -> Decision:
        """Listen for a yes or a no."""
        return self.listen(phase, expect=YES + NO, about=about)

    def request(self, request: Request) -> Decision:
        """Ask another room for something."""
        self.set(phase=Phase.PORT)
        return self._end(request)

    def hang_up(self, outcome: str) -> Decision:
        """End the call."""
        self.set(phase=Phase.OVER)
        return self._end(HangUp(outcome))

    def transfer(self, reason: TransferReason, priority: int) -> Decision:
        """Send the caller to a person; what was said of a ticket goes along."""
        if draft := self.state.unfinished:
            self.note(draft)
        if self.state.survey is not None:
            self.note(TakeSurvey(self.state.survey.number))
        self.set(phase=Phase.OVER, survey=None)
        return self._end(Transfer(reason, min(priority, BY_CARE[self.state.care])))

    def _end(self, last: Last) -> Decision:
        return Decision(self.state, (*self._before, last))

    # --- what may happen in every conversation ----------------------------------------------

    def person(self, reason: TransferReason, prompt: str, priority: int = NORMAL) -> Decision:
        """Find a person; what is said depends on whether there is one (``callback.py``)."""
        if self.state.profile.elder:
            priority = min(priority, VULNERABLE)
        self.set(wanted=Wanted(reason, prompt, priority))
        return self.request(SeekPerson())

    def again(self) -> Decision:
        """Say the last sentences once more, and listen as before."""
        self.missed = True
        if not self.state.last_said:
            self.say("repeat_nothing")
        for text, name in self.state.last_said:
            self.say_text(text, name)
        last = self.state.last_listen
        return self.listen(
            self.state.phase, patience=last.patience, expect=last.expect, about=last.about
        )

    def question_again(self, *prompts: str) -> Decision:
        """Say these, then the last question once more, and listen as before."""
        for prompt in prompts:
            self.say(prompt)
        for text, name in self.state.last_said[-1:]:
            self.say_text(text, name)
        last, said = self.state.last_listen, self.state.last_said
        decision = self.listen(
            self.state.phase, patience=last.patience, expect=last.expect, about=last.about
        )
        # What is repeated next time is the question, not the excuse.
        return replace(decision, state=replace(decision.state, last_said=said[-1:]))

    def miss(self, said: Understanding | None = None, *, barged_in: bool = False) -> Decision:
        """Not understood: ask again, then offer what is likeliest, then a person."""
        state = self.state
        self.missed = True
        noise = said is not None and not said.text.strip()
        if barged_in and noise and not state.resumed and state.last_said:
            # A cough or a slammed door cut us short; that is not the caller's fault.
            self.set(resumed=True)
            return self.again()
        misses = state.misses + 1
        self.set(misses=misses)
        if misses >= self.misses_allowed:
            return self.person(TransferReason.NOT_UNDERSTOOD, "not_understood_transfer")
        if state.phase not in (Phase.OPEN, Phase.CONFIRM, Phase.CLARIFY):
            return self.question_again("not_heard")
        likely = self._nameable(said)
        if misses > 1 and len(likely) == 2:
            self.set(choices=likely, pending=said.text if said else "")
            first, second = (self.book.intent(one).title for one in likely)
            self.say("offer_two", first=first, second=second)
            return self.listen(Phase.CLARIFY, expect=(first, second, "第一个", "第二个", "都不是"))
        self.set(choices=())
        self.say("ask_again" if misses == 1 else "ask_again_second")
        return self.listen(Phase.OPEN, about=state.topic)

    @property
    def misses_allowed(self) -> int:
        """Misunderstandings in a row after which a person takes over."""
        if self.state.care >= Care.OFFER:
            return MISSES_IF_UPSET
        usual = self.policy.misses
        return min(usual, MISSES_IF_ELDER) if self.state.profile.elder else usual

    def _nameable(self, said: Understanding | None) -> tuple[str, ...]:
        if said is None:
            return ()
        return tuple(
            one.intent
            for one in said.candidates
            if one.kind in (IntentKind.FAQ, IntentKind.CATEGORY) and one.confidence >= NAMEABLE
        )[:2]
