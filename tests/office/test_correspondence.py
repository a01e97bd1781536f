"""Citizens write to the line: the telephone's dialogue, answered by text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.app import TextLine, open_office, open_text_line
from bot.casework.handling import Handling
from bot.casework.models import Draft, Survey
from bot.casework.outside_models import TextTalk
from bot.casework.talks import LAPSE
from bot.config import CHECKOUT, Settings
from bot.office import Office
from bot.understanding.live import Knowledge
from bot.understanding.pack import Pack, load_pack

PHONE, LINE = "13800138000", "12345"


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    pack = load_pack(CHECKOUT / "grammars" / "beijing12345")
    surveys = pack.office.surveys.model_copy(update={"by": "text"})
    by_text = replace(pack, office=pack.office.model_copy(update={"surveys": surveys}))
    return Knowledge.of(by_text)


@dataclass
class Correspondent:
    """A citizen with a mobile telephone, and the line that answers."""

    office: Office
    line: TextLine
    pack: Pack
    phone: str = PHONE
    sent: int = 0

    def writes(self, text: str) -> str:
        """Send a text; return the reply, "" for none."""
        self.sent += 1
        self.line.inbox.receive(f"{self.phone}:{self.sent}", self.phone, LINE, text)
        before = len(self._replies())
        self.line.correspondence.look()
        replies = self._replies()
        return replies[0] if len(replies) > before else ""

    def _replies(self) -> list[str]:
        return [
            one.text
            for one in self.line.texts.newest(500)
            if one.kind == "reply" and one.phone == self.phone
        ]

    def goes_silent(self) -> None:
        """Write no more, for longer than a conversation lasts."""
        with self.office.tickets.ledger.transaction() as session:
            for talk in session.query(TextTalk):
                talk.last_at -= LAPSE
        self.line.correspondence.look()

    @property
    def tickets(self) -> list[str]:
        return [one.number for one in self.office.tickets.of_caller(self.phone, open_only=False)]

    def state(self, number: str) -> str:
        ticket = self.office.tickets.get(number)
        assert ticket
        return ticket.state


@pytest.fixture
def citizen(knowledge: Knowledge, tmp_path: Path) -> Iterator[Correspondent]:
    office = open_office(
        f"sqlite:///{tmp_path}/texts.db",
        lambda _: knowledge.pack,
        names=("beijing12345",),
        texting=True,
    )
    # In the daytime, when agents are there, whatever the time of the test.
    noon = dt.datetime(2026, 11, 30, 12, 0, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    office = replace(office, clock=lambda: noon)
    settings = Settings(sms_url="http://gateway.invalid", sms_secret="s")
    yield Correspondent(
        office, open_text_line(settings, office, lambda _: knowledge), knowledge.pack
    )
    office.close()


# --- a conversation ----------------------------------------------------------------------


def test_a_question_is_answered_without_a_greeting(citizen: Correspondent) -> None:
    reply = citizen.writes("社保卡丢了怎么补办")
    assert "社保卡" in reply
    assert "您好，这里是" not in reply


def test_a_ticket_is_taken_over_several_texts_and_its_number_told_once(
    citizen: Correspondent,
) -> None:
    reply = citizen.writes("我们这里停水了")
    for answer in ("朝阳区望京西园三区", "今天早上", "对", "不用", "没有了"):
        if citizen.tickets:
            break
        reply = citizen.writes(answer)
    [number] = citizen.tickets
    assert reply.count(number) == 1
    ticket = citizen.office.tickets.get(number)
    assert ticket
    assert (ticket.channel, ticket.caller, ticket.category) == ("sms", PHONE, "water.outage")
    assert "望京西园" in ticket.place
    # The reply has it: no text of its own besides.
    assert [one.kind for one in citizen.line.texts.newest() if number in one.text] == ["reply"]


def test_two_citizens_at_once_are_not_mixed_up(citizen: Correspondent) -> None:
    other = replace(citizen, phone="13900139000")
    citizen.writes("我们这里停水了")
    other.writes("社保卡丢了怎么补办")
    citizen.writes("朝阳区望京西园三区")
    assert not other.tickets
    talks = citizen.line.correspondence.talks
    mine, theirs = talks.find(PHONE), talks.find("13900139000")
    assert mine
    assert theirs
    assert mine.contact != theirs.contact
    assert "社保卡" not in mine.state


def test_who_wants_a_person_is_called_by_one(citizen: Correspondent) -> None:
    reply = citizen.writes("转人工")
    assert "回电话" in reply
    assert "请稍候" not in reply
    [promise] = citizen.office.callbacks.open_for(PHONE)
    assert (promise.reason, promise.text) == ("asked", "转人工")


def test_in_an_emergency_they_are_told_whom_to_call_and_a_person_calls(
    citizen: Correspondent,
) -> None:
    reply = citizen.writes("着火了快救命，楼上有人被困")
    assert "119" in reply
    assert "转接" not in reply
    assert citizen.office.callbacks.open_for(PHONE)


def test_what_was_said_of_a_ticket_is_kept_when_nobody_goes_on(citizen: Correspondent) -> None:
    citizen.writes("我们这里停水了")
    citizen.goes_silent()
    with citizen.office.tickets.ledger.transaction() as session:
        [draft] = session.query(Draft)
        assert draft.fields["category"] == "water.outage"
    assert citizen.line.correspondence.talks.find(PHONE) is None


def test_a_conversation_of_an_older_program_begins_anew(citizen: Correspondent) -> None:
    citizen.line.correspondence.talks.save(PHONE, "c1", LINE, "beijing12345", "{}{}")
    assert "社保卡" in citizen.writes("社保卡丢了怎么补办")


def test_a_text_that_can_not_be_answered_keeps_nobody_else_waiting(
    citizen: Correspondent, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = type(citizen.office).opening

    def opening(office: Office, contact: object) -> object:
        if contact.caller == PHONE:  # type: ignore[attr-defined]
            raise RuntimeError("a fault of ours")
        return usual(office, contact)  # type: ignore[arg-type]

    monkeypatch.setattr(type(citizen.office), "opening", opening)
    assert citizen.writes("社保卡丢了怎么补办") == ""
    assert replace(citizen, phone="13900139000").writes("社保卡丢了怎么补办")
    assert citizen.line.inbox.count() == {"pending": 1, "delivered": 1}


# --- 退订 --------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["TD", "td", " 退订 "])
def test_who_refuses_texts_is_told_so_and_gets_no_more(citizen: Correspondent, word: str) -> None:
    assert "已退订" in citizen.writes(word)
    assert not citizen.line.texts.send("k", "notice", PHONE, "进展。")
    assert "已恢复" in citizen.writes("HF")
    assert citizen.line.texts.send("k", "notice", PHONE, "进展。")


# --- 回访 --------------------------------------------------------------------------------


@pytest.fixture
def asked(citizen: Correspondent) -> tuple[Correspondent, str]:
    """A citizen who has been asked by text whether their ticket is solved."""
    store = citizen.office.tickets
    number = store.file(
        call_id="c1",
        category="water.outage",
        title="停水",
        text="我家停水了",
        place="望京西园三区",
        caller=PHONE,
        pack="beijing12345",
    )
    handling = Handling(store.ledger)
    handling.accept(number, "unit:市自来水集团")
    handling.resolve(number, "unit:市自来水集团", "已修好")
    with store.ledger.transaction() as session:
        session.query(Survey).one().by = "text"
    assert citizen.office.surveys.text(number, "解决了吗？")
    return citizen, number


Asked = tuple[Correspondent, str]


def surveyed(citizen: Correspondent, number: str) -> dict[str, object]:
    [event] = [one for one in citizen.office.tickets.events(number) if one.kind == "surveyed"]
    return dict(event.data)


@pytest.mark.parametrize(("text", "grade"), [("5", 5), ("非常满意", 5), ("4分", 4)])
def test_a_good_grade_alone_closes_the_ticket(asked: Asked, text: str, grade: int) -> None:
    citizen, number = asked
    assert "谢谢" in citizen.writes(text)
    assert citizen.state(number) == "closed"
    assert surveyed(citizen, number) == {"solved": True, "satisfied": grade, "channel": "sms"}


def test_solved_is_asked_for_its_grade(asked: Asked) -> None:
    citizen, number = asked
    assert "一分到五分" in citizen.writes("解决了")
    citizen.writes("5")
    assert surveyed(citizen, number)["satisfied"] == 5


def test_not_solved_goes_back_to_its_unit_in_the_citizens_words(asked: Asked) -> None:
    citizen, number = asked
    assert "还有什么没有解决" in citizen.writes("没有")
    assert "重新办理" in citizen.writes("晚上还是停水")
    assert citizen.state(number) == "reopened"
    assert citizen.office.tickets.events(number)[-1].note == "晚上还是停水"


def test_a_bad_grade_alone_is_asked_whether_it_is_solved(asked: Asked) -> None:
    citizen, number = asked
    assert "解决了吗" in citizen.writes("2")
    citizen.writes("解决了")
    assert surveyed(citizen, number) == {"solved": True, "satisfied": 2, "channel": "sms"}


@pytest.mark.parametrize(("text", "state"), [("解决了", "closed"), ("没有解决", "reopened")])
def test_who_does_not_go_on_has_still_said_it(asked: Asked, text: str, state: str) -> None:
    citizen, number = asked
    citizen.writes(text)
    citizen.goes_silent()
    assert citizen.state(number) == state


def test_after_the_survey_the_next_text_is_an_ordinary_one(asked: Asked) -> None:
    citizen, _ = asked
    citizen.writes("5")
    assert "社保卡" in citizen.writes("社保卡丢了怎么补办")
