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
    Note,
    People,
    PeopleAre,
    Pressed,
    Profile,
    Request,
    Say,
    SeekPerson,
    Silent,
    TicketView,
    Transfer,
)
from bot.understanding.pack import REQUIRED_PROMPTS, Pack
from bot.understanding.schema import (
    Category,
    Command,
    Emergency,
    Faq,
    Group,
    Line,
    Meta,
    Place,
    Policy,
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
    "ticket_again": "{number}。",
    "offer_two": "是{first}还是{second}？",
    "offer_ticket": "登记{title}？",
    "read_back": "核对：{summary}。",
    "summary_title": "{title}",
    "summary_place": "在{place}",
    "summary_since": "{since}",
    "summary_phone": "打{phone}",
    "summary_caller": "打尾号{phone}",
    "ticket_text": "工单号{number}。",
    "pick_of_two": "{first}，{second}？",
    "pick_of_three": "{first}，{second}，{third}？",
    "ticket_status": "{date}{title}：{next}。",
    "ticket_due": "{unit}，{due}。",
    "ask_append": "补充{title}？",
    "confirm_withdraw": "撤销{title}？",
    "returning": "{title}？",
    "survey": "{date}{title}办好了。",
    "check_callback": "{when}打{phone}？",
    "callback_booked": "{when}回电。",
    "keypad_item": "{title}按{number}",
    "keypad_items": "{items}",
    "keypad_more": "{items}，更多按9",
    "sorry": "给您添麻烦了。",
    "calm": "您别着急。",
}
ANGRY = Mood("anger", Care.OFFER, ("气死",), "情绪激动：听到“气死”", "sorry")
HASTY = Mood("urgency", Care.PRIORITY, ("快点",), "着急：听到“快点”")
DESPERATE = Mood("self_harm", Care.PERSON, ("不想活",), "有轻生风险：听到“不想活”", "calm")


COMMANDS = (
    *("agent", "yes", "no", "repeat", "slower", "louder", "goodbye", "help", "menu", "back"),
    *("lookup", "urge", "append", "withdraw", "callback", "forget", "elder", "keypad", "details"),
    *("new_ticket", "wrong"),
)
MORNING = dt.datetime(2026, 11, 25, 10, 0)
OLD = TicketView(
    number="261120000015",
    title="停水",
    category="water.outage",
    unit="水务局",
    next_step="承办单位正在处理",
    filed_on=dt.date(2026, 11, 20),
    due_on=dt.date(2026, 11, 27),
)
OTHER = TicketView("261121000013", "噪声", "street.noise", next_step="已派单")
PRIVATE = TicketView("261121000021", "家事", "family.violence", next_step="已派单")


def small_line(*policies: Policy) -> Pack:
    return Pack(
        folder=Path(),
        meta=Meta(
            schema_version=1,
            name="small",
            title="小热线",
            lines=(Line(did="12345", title="热线"),),
            thresholds=Thresholds(accept=0.75, clarify=0.4, margin=0.1),
            policies=policies or (Policy(),),
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
                category="app.fault",
                source="x",
                reviewed=dt.date(2026, 1, 1),
            ),
            Faq(
                id="ticket.progress",
                title="工单进度",
                phrases=("工单办得怎么样了",),
                answer="请说查工单。",
                does="lookup",
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
                id="street.noise",
                title="噪声",
                phrases=("太吵了",),
                unit="water",
                opening="噪声的事我来登记。",
                slots=("place", "time"),
            ),
            Category(
                id="family.violence",
                title="家事",
                phrases=("家里的事",),
                unit="water",
                opening="我来登记。",
                slots=(),
                sensitive=True,
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
            *(Command(id=f"command.{name}", title=name, words=(name,)) for name in COMMANDS),
            SmallTalk(id="thanks", title="谢谢", words=("谢谢",), prompt="thanks_reply"),
        ),
        groups=(Group(id="other", title="其他"),),
        units=(Unit(id="water", name="水务局"),),
        places=(Place(name="朝阳区"), Place(name="海淀区")),
        synonyms={},
        domain_words=(),
        prompts=PROMPTS,
    )


class Caller:
    """Plays events through the policy and remembers what it did."""

    def __init__(
        self,
        book: Pack,
        number: str = "13800138000",
        *,
        profile: Profile = Profile(consent=False),
        tickets: tuple[TicketView, ...] = (),
        people: People = People.THERE,
        lot: float = 0.0,
        survey: TicketView | None = None,
    ) -> None:
        self.book = book
        self.people = people
        self.state: State = start(book)
        self.actions: tuple[Action, ...] = ()
        self.happens(CallStarted(number, "12345", MORNING, lot, profile, tickets, survey=survey))

    def happens(self, event: Event) -> Caller:
        decision = decide(self.state, event, self.book)
        self.state, self.actions = decision.state, decision.actions
        if isinstance(self.actions[-1], SeekPerson):
            before = self.actions[:-1]
            self.happens(PeopleAre(self.people))
            self.actions = (*before, *self.actions)
        return self

    def says(
        self,
        *meant: tuple[str, float],
        text: str = "话",
        place: str = "",
        moods: tuple[Mood, ...] = (),
        barged_in: bool = False,
        **slots: str,
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
        found = {"place": place, **slots} if place else slots
        said = Understanding(text, text, candidates, found, emergency, moods=moods)
        return self.happens(Heard(said, barged_in))

    def agrees(self) -> Caller:
        return self.says(("command.yes", 0.95), text="对")

    def refuses(self) -> Caller:
        return self.says(("command.no", 0.95), text="不是")

    def mumbles(self, *, barged_in: bool = False) -> Caller:
        return self.happens(Heard(Understanding("", ""), barged_in))

    def presses(self, keys: str) -> Caller:
        for key in keys:
            self.happens(Pressed(key))
        return self

    def is_silent(self) -> Caller:
        return self.happens(Silent())

    def is_filed(self, number: str = "261124000017") -> Caller:
        return self.happens(Filed(number))

    @property
    def hears(self) -> list[str]:
        return [action.text for action in self.actions if isinstance(action, Say)]

    @property
    def notes(self) -> list[Note]:
        return [action for action in self.actions if isinstance(action, Note)]

    @property
    def asks_for(self) -> Request:
        assert isinstance(self.actions[-1], Request)
        return self.actions[-1]

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
