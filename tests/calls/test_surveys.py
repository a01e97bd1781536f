"""回访 over SIP: the line calls the citizen, asks, and closes or reopens the ticket."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import pytest
from running_line import RunningLine, alike, eventually, saying
from sqlalchemy import update

from bot.app import load_line_pack
from bot.casework.handling import Handling
from bot.casework.ledger import case_of, event_of
from bot.casework.lifecycle import TicketState, fold
from bot.casework.models import Survey
from bot.casework.rates import read
from bot.casework.tickets import TicketStore
from bot.casework.whistles import Whistles
from bot.database import open_database
from bot.rules import rule_book
from bot.telephony.phone import Phone
from bot.telephony.phone_script import run_script

pytestmark = [pytest.mark.call, pytest.mark.engine]
CITIZEN = "13700137000"


@pytest.fixture
def store(line: RunningLine) -> Iterator[TicketStore]:
    pack = load_line_pack(line.settings)
    made = TicketStore(open_database(line.settings), rules=rule_book(lambda: [pack]))
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
    handling, actor = Handling(store.ledger), unit_of(store, number)
    handling.accept(number, actor)
    handling.resolve(number, actor, "水管已修好")
    call_now(store)
    return number


def hear_out(phone: Phone) -> None:
    """Wait until the line has said something, and has finished."""
    phone.wait_sound(20.0, since=phone.now)
    phone.wait_quiet(1.2)


def say(phone: Phone, name: str) -> None:
    """Speak when the line has finished."""
    hear_out(phone)
    speak(phone, name)


def speak(phone: Phone, name: str) -> None:
    phone.speak(saying(name))
    phone.wait_spoken(20.0)


def unit_of(store: TicketStore, number: str) -> str:
    """Who is responsible, as an actor."""
    summary = store.summary(number)
    assert summary is not None
    return f"unit:{summary.unit}"


def state_of(store: TicketStore, number: str) -> TicketState:
    summary = store.summary(number)
    assert summary is not None
    return summary.state


def filed_by_voice(line: RunningLine) -> str:
    """A ticket that a citizen filed in a call of their own."""
    clips = [saying(name) for name in ("water_off", "place", "right")]
    with line.citizen(CITIZEN) as phone:
        phone.call("12345")
        run_script(phone, clips)
        number: str = line.record(phone)["ticket"]
    assert number
    return number


def call_now(store: TicketStore) -> None:
    """Let the hour that the line waits after resolving be over."""
    with store.engine.begin() as connection:
        due = update(Survey).where(Survey.state == "due")
        connection.execute(due.values(next_at=dt.datetime.now(dt.UTC)))


def test_a_ticket_walks_from_the_citizens_voice_to_their_five_points(
    line: RunningLine,
    store: TicketStore,
    citizen: Phone,
    recognise: Callable[[bytes], str],
) -> None:
    number = filed_by_voice(line)
    handling, whistles = Handling(store.ledger), Whistles(store.ledger)
    first = unit_of(store, number)
    handling.return_(number, first, "二次供水不归我们管")
    handling.approve_return(number, "dispatcher:李", "望京街道办事处", "物业管理属地负责")
    street = unit_of(store, number)
    assert street != first
    handling.accept(number, street)
    whistle = whistles.blow(
        number,
        street,
        reason="需要物业和水务一起到场",
        departments=["区水务局", "区住建委"],
        be_there_by=dt.datetime.now(dt.UTC) + dt.timedelta(hours=1),
    )
    for department in ("区水务局", "区住建委"):
        whistles.check_in(whistle, department)
    assert whistles.close(whistle, street, "水泵已更换").late == ()
    handling.resolve(number, street, "水泵已更换")
    call_now(store)

    citizen.wait_incoming(30.0)
    citizen.wait_answered(10.0)
    hear_out(citizen)
    heard = recognise(citizen.heard())
    assert alike(heard, "您今天反映的停水，承办单位说已经办好了，请问解决了吗") >= 60
    speak(citizen, "not_solved")
    say(citizen, "still_no_water")
    citizen.wait_ended(30.0)
    eventually(lambda: state_of(store, number) is TicketState.REOPENED)

    handling.accept(number, street)
    handling.resolve(number, street, "管道已更换")
    call_now(store)
    eventually(lambda: citizen.state != "ended", 30.0)
    citizen.wait_answered(10.0)
    say(citizen, "right")
    hear_out(citizen)
    citizen.press("5")
    citizen.wait_ended(30.0)
    eventually(lambda: state_of(store, number) is TicketState.CLOSED)

    assert [event.kind for event in store.events(number)] == [
        *("received", "dispatched", "returned", "return_approved", "accepted"),
        *("whistled", "checked_in", "checked_in", "whistle_closed", "resolved"),
        *("survey_tried", "surveyed", "reopened", "accepted", "resolved"),
        *("survey_tried", "surveyed", "closed"),
    ]
    ticket = store.get(number)
    assert ticket is not None
    assert case_of(ticket) == fold(event_of(row) for row in store.events(number))
    today = dt.datetime.now(dt.UTC)
    rates = read(store.ledger, today - dt.timedelta(days=1), today + dt.timedelta(days=1))
    water, responsible = (
        next(one for one in rates if one.unit == actor.removeprefix("unit:"))
        for actor in (first, street)
    )
    assert (water.returned, responsible.solved, responsible.surveyed) == (1, 1, 2)


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
