"""A synthetic citizen's side of a conversation: a pure function from what was heard to a reply.

They tell what they are asked for, confirm what is read back, grumble until they are calmed,
say so when the agent is silent, and hang up when the agent says good-bye. Leaves to others:
voice and ears (``bot/practice.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.training.manner import shows, spoken, syllables
from bot.understanding.normalise import clean
from bot.understanding.places import Gazetteer
from bot.understanding.scenarios import Coaching, QuestionName, Scenario, Temper
from bot.understanding.slots import find_slots

#: Syllables of an "嗯，好的", and of what is no more than that: they go on waiting.
NOD = 4


@dataclass(frozen=True, slots=True)
class Mind:
    """Where a citizen stands in the conversation."""

    opened: bool = False
    """They have said why they call."""
    told: frozenset[QuestionName] = frozenset()
    calm: bool = False
    """They have been calmed, or did not need it."""
    vague: int = 0
    """Things said that were no answer."""
    silent: int = 0
    """Times in a row that they were met with silence."""
    over: bool = False
    """They have hung up."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a citizen says next."""

    text: str
    hang_up: bool = False
    """Afterwards."""


@dataclass(frozen=True)
class Citizen:
    """One scenario, ready to be talked with. Immutable."""

    scenario: Scenario
    coaching: Coaching
    gazetteer: Gazetteer

    @property
    def temper(self) -> Temper:
        """How they speak."""
        wanted = self.scenario.temper
        return next(one for one in self.coaching.tempers if one.id == wanted)

    @property
    def lines(self) -> tuple[str, ...]:
        """Everything they may say, in about the order in which they will."""
        scenario, temper = self.scenario, self.temper
        return (
            scenario.opening,
            *temper.grumbles,
            temper.calmed,
            *scenario.says.values(),
            scenario.confirms,
            *temper.vague,
            *temper.waiting,
            scenario.goodbye,
            scenario.wrong_read_back,
        )

    def begin(self) -> Mind:
        """Return the mind with which they call."""
        return Mind(calm=not self.temper.needs_calm)

    def hear(self, mind: Mind, text: str) -> tuple[Mind, Reply]:
        """Return what they say to an utterance of the agent's; nothing once they hung up."""
        mind = replace(mind, silent=0)
        if mind.over:
            return mind, Reply("")
        if not mind.opened:
            return replace(mind, opened=True), Reply(self.scenario.opening)
        if self._says("farewell", text):
            return replace(mind, over=True), Reply(self.scenario.goodbye, hang_up=True)
        before, mind = mind.calm, self._calmed(mind, text)
        calmed = self.temper.calmed if mind.calm and not before else ""
        if not mind.calm:
            return self._filler(mind, self.temper.grumbles or self.temper.vague)
        if (confirmed := self._read_back(text)) is not None:
            return mind, Reply(calmed + confirmed)
        asked = self._asked(text)
        answers = [self.scenario.says[name] for name in asked if name in self.scenario.says]
        if answers:
            told = mind.told | set(asked)
            return replace(mind, told=told), Reply(calmed + "".join(answers))
        if calmed:
            return mind, Reply(calmed)
        if len(syllables(text)) <= NOD or (self._says("greeting", text) and not mind.told):
            return mind, Reply("")
        return self._filler(mind, self.temper.vague)

    def wait(self, mind: Mind) -> tuple[Mind, Reply]:
        """Return what they say when the agent is silent for longer than their patience."""
        if mind.over:
            return mind, Reply("")
        if not mind.opened:
            return replace(mind, opened=True), Reply(self.scenario.opening)
        waiting = self.temper.waiting
        if mind.silent >= len(waiting):
            return replace(mind, over=True), Reply("", hang_up=True)
        return replace(mind, silent=mind.silent + 1), Reply(waiting[mind.silent])

    def _says(self, manner: str, text: str) -> bool:
        known = {str(name): one for name, one in self.coaching.manners.items()}
        return manner in known and shows(known[manner], text)

    def _calmed(self, mind: Mind, text: str) -> Mind:
        if mind.calm or not self._says("calming", text):
            return mind
        return replace(mind, calm=True)

    def _read_back(self, text: str) -> str | None:
        """What they say to what was read back; None when nothing was."""
        expect = self.scenario.expect
        read = self._says("read_back", text)
        wanted = find_slots(expect.place, self.gazetteer) if expect.place else {}
        named = find_slots(text, self.gazetteer)
        wrong = [
            part
            for part in ("district", "street", "community", "road", "number")
            if part in wanted
            and part in named
            and syllables(clean(named[part])) != syllables(clean(wanted[part]))
        ]
        # A recogniser's mistake must not look like the agent's: one part alone proves nothing.
        if read and len(wrong) > 1:
            return f"{self.scenario.wrong_read_back}{self.scenario.says.get('place', '')}"
        # 电话是…对吗 names a fact, and so asks for none.
        return self.scenario.confirms if read and (named or not self._asked(text)) else None

    def _asked(self, text: str) -> list[QuestionName]:
        return [name for name, phrases in self.coaching.questions.items() if spoken(phrases, text)]

    def _filler(self, mind: Mind, texts: tuple[str, ...]) -> tuple[Mind, Reply]:
        return replace(mind, vague=mind.vague + 1), Reply(texts[mind.vague % len(texts)])
