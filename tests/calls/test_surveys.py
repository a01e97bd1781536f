"""回访 over SIP: the line calls the citizen, asks, and closes or reopens the ticket."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import pytest
from running_line import RunningLine, alike, eventually
from sqlalchemy import update

from bot.app import load_line_pack
from bot.casework.handling import Handling
from bot.casework.lifecycle import TicketState
from bot.casework.models import Survey
from bot.casework.tickets import TicketStore
from bot.rules import rules_of
from bot.speech.citizen import telephone
from bot.speech.types import LINE_RATE
from bot.speech.voice import Voice
from bot.telephony.phone import Phone

pytestmark = [pytest.mark.call, pytest.mark.engine]
CITIZEN = "13700137000"


@pytest.fixture
def store(line: RunningLine) -> Iterator[TicketStore]:
    pack = load_line_pack(line.settings)
    made = TicketStore(line.settings.database_address, rules=rules_of(lambda: pack))
    yield made
    made.engine.dispose()


@pytest.fixture
def citizen(line: RunningLine) -> Iterator[Phone]:
    """The telephone at the other end of the trunk."""
    port = int(line.environment["HOTLINE_TRUNK"].rpartition(":")[2])
    with Phone(server=line.server, local_port=port, answer_after=0.2) as phone:
        yield phone


def resolved(store: TicketStore) -> str:
    """A ticket that its unit says is solved, whose citizen may be called now."""
    number = store.file(
        call_id=f"survey-{dt.datetime.now().timestamp()}",
        category="water.outage",
        title="停水",
        text="我家停水了",
        place="朝阳区幸福小区",
        caller=CITIZEN,
    )
    unit = store.summary(number)
    assert unit is not None
    handling = Handling(store.ledger)
    actor = f"unit:{unit.unit}"
    handling.accept(number, actor)
    handling.resolve(number, actor, "水管已修好")
    with store.engine.begin() as connection:
        connection.execute(update(Survey).values(next_at=dt.datetime.now(dt.UTC)))
    return number


def hear_out(phone: Phone) -> None:
    """Wait until the line has said something, and has finished."""
    phone.wait_sound(20.0, since=phone.now)
    phone.wait_quiet(1.2)


def say(phone: Phone, voice: Voice, text: str) -> None:
    """Speak when the line has finished."""
    hear_out(phone)
    phone.speak(telephone(voice.render(text), LINE_RATE))
    phone.wait_spoken(20.0)


def state_of(store: TicketStore, number: str) -> TicketState:
    summary = store.summary(number)
    assert summary is not None
    return summary.state


def test_a_citizen_says_that_it_is_solved_and_how_they_find_it(
    store: TicketStore, citizen: Phone, citizen_voice: Voice, recognise: Callable[[bytes], str]
) -> None:
    number = resolved(store)
    citizen.wait_incoming(30.0)
    citizen.wait_answered(10.0)
    say(citizen, citizen_voice, "已经解决了")
    hear_out(citizen)
    heard = recognise(citizen.heard())
    citizen.press("5")
    citizen.wait_ended(30.0)
    assert alike(heard, "承办单位说已经办好了。请问解决了吗") >= 60
    eventually(lambda: state_of(store, number) is TicketState.CLOSED)
    surveyed = [event for event in store.events(number) if event.kind == "surveyed"]
    assert surveyed[0].data["satisfied"] == 5


def test_a_citizen_says_that_it_is_not_solved_and_the_ticket_is_opened_again(
    store: TicketStore, citizen: Phone, citizen_voice: Voice
) -> None:
    number = resolved(store)
    citizen.wait_incoming(30.0)
    citizen.wait_answered(10.0)
    say(citizen, citizen_voice, "没有解决")
    say(citizen, citizen_voice, "晚上还是没有水")
    citizen.wait_ended(30.0)
    eventually(lambda: state_of(store, number) is TicketState.REOPENED)


def test_a_citizen_who_does_not_answer_is_called_another_time(
    line: RunningLine, store: TicketStore
) -> None:
    port = int(line.environment["HOTLINE_TRUNK"].rpartition(":")[2])
    with Phone(server=line.server, local_port=port, busy=True):
        number = resolved(store)
        eventually(
            lambda: [one for one in store.events(number) if one.kind == "survey_tried"], 30.0
        )
    assert state_of(store, number) is TicketState.CALLBACK
