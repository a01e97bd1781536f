"""A small line, and a caller to play through it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from bot.dialogue.policy import State, decide, start
from bot.dialogue.types import (
    Action,
    CallStarted,
    Event,
    Filed,
    FileTicket,
    HangUp,
    Heard,
    Listen,
    Pressed,
    Say,
    Silent,
    Transfer,
)
from bot.understanding.pack import REQUIRED_PROMPTS, Pack
from bot.understanding.schema import (
    Category,
    Command,
    Emergency,
    Faq,
    Line,
    Meta,
    Place,
    SmallTalk,
    Thresholds,
    Unit,
)
from bot.understanding.types import Candidate, Care, Mood, Understanding

PROMPTS = {name: f"<{name}>" for name in REQUIRED_PROMPTS} | {
    "confirm_category": "您是要反映{title}吗？",
    "clarify": "您是想问{first}，还是{second}？",
    "confirm_intent": "您是想问{title}，对吗？",
    "ticket_filed": "工单号{number}。",
    "sorry": "给您添麻烦了。",
    "calm": "您别着急。",
}
ANGRY = Mood("anger", Care.OFFER, ("气死",), "情绪激动：听到“气死”", "sorry")
HASTY = Mood("urgency", Care.PRIORITY, ("快点",), "着急：听到“快点”")
DESPERATE = Mood("self_harm", Care.PERSON, ("不想活",), "有轻生风险：听到“不想活”", "calm")


def small_line() -> Pack:
    return Pack(
        folder=Path(),
        meta=Meta(
            schema_version=1,
            name="small",
            title="小热线",
            lines=(Line(did="12345", title="热线"),),
            thresholds=Thresholds(accept=0.75, clarify=0.4, margin=0.1),
        ),
        intents=(
            Faq(
                id="fund.withdraw",
                title="公积金提取",
                phrases=("公积金怎么提取",),
                answer="可以在网上办。",
                detail="带身份证。",
                source="x",
                reviewed=dt.date(2026, 1, 1),
            ),
            Faq(
                id="fund.query",
                title="公积金查询",
                phrases=("公积金怎么查",),
                answer="可以打 12329。",
                source="x",
                reviewed=dt.date(2026, 1, 1),
            ),
            Category(
                id="water.outage",
                title="停水",
                phrases=("停水了",),
                unit="water",
                opening="停水的事我来登记。",
                urgency="high",
            ),
            Category(
                id="app.fault",
                title="网站故障",
                phrases=("网站坏了",),
                unit="water",
                opening="我来登记。",
                slots=(),
            ),
            Emergency(
                id="fire", title="火警", words=("着火",), number="119", prompt="emergency_119"
            ),
            *(
                Command(id=f"command.{name}", title=name, words=(name,))
                for name in ("agent", "yes", "no", "repeat", "goodbye", "help", "menu")
            ),
            SmallTalk(id="thanks", title="谢谢", words=("谢谢",), prompt="thanks_reply"),
        ),
        groups=(),
        units=(Unit(id="water", name="水务局"),),
        places=(Place(name="朝阳区"), Place(name="海淀区")),
        synonyms={},
        domain_words=(),
        prompts=PROMPTS,
    )


class Caller:
    """Plays events through the policy and remembers what it did."""

    def __init__(self, book: Pack) -> None:
        self.book = book
        self.state: State = start(book)
        self.actions: tuple[Action, ...] = ()
        self.happens(CallStarted("13800138000", "12345"))

    def happens(self, event: Event) -> Caller:
        decision = decide(self.state, event, self.book)
        self.state, self.actions = decision.state, decision.actions
        return self

    def says(
        self,
        *meant: tuple[str, float],
        text: str = "话",
        place: str = "",
        moods: tuple[Mood, ...] = (),
    ) -> Caller:
        """Says something that is understood as these (intent, confidence), best first."""
        candidates = tuple(
            Candidate(intent, self.book.kind(intent), self.book.intent(intent).title, confidence)
            for intent, confidence in meant
        )
        sure = self.book.thresholds.accept
        emergency = next(
            (i for i, c in meant if self.book.kind(i).value == "emergency" and c >= sure), None
        )
        return self.happens(
            Heard(
                Understanding(
                    text,
                    text,
                    candidates,
                    {"place": place} if place else {},
                    emergency,
                    moods=moods,
                )
            )
        )

    def mumbles(self) -> Caller:
        return self.happens(Heard(Understanding("", "")))

    def presses(self, digit: str) -> Caller:
        return self.happens(Pressed(digit))

    def is_silent(self) -> Caller:
        return self.happens(Silent())

    def is_filed(self, number: str = "261124000017") -> Caller:
        return self.happens(Filed(number))

    @property
    def hears(self) -> list[str]:
        return [action.text for action in self.actions if isinstance(action, Say)]

    @property
    def ticket(self) -> FileTicket:
        assert isinstance(self.actions[-1], FileTicket)
        return self.actions[-1]

    @property
    def transfer(self) -> Transfer:
        assert isinstance(self.actions[-1], Transfer)
        return self.actions[-1]

    @property
    def hung_up(self) -> HangUp:
        assert isinstance(self.actions[-1], HangUp)
        return self.actions[-1]

    @property
    def listens(self) -> Listen:
        assert isinstance(self.actions[-1], Listen)
        return self.actions[-1]
