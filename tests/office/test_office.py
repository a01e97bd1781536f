"""The office: what a dialogue asks for is done in casework, by whom and for whom it should be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.app import open_office
from bot.casework.citizens import Profile as Known
from bot.casework.texts import Texts
from bot.config import CHECKOUT
from bot.dialogue.types import (
    BookCallback,
    Booked,
    Change,
    Changed,
    ChangeTicket,
    Filed,
    FileTicket,
    Found,
    KeepDraft,
    LookUp,
    People,
    PeopleAre,
    Rate,
    Remember,
    SeekPerson,
    SendText,
)
from bot.office import Contact, Office, lot
from bot.understanding.pack import Pack, load_pack
from bot.understanding.schema import OpeningHours

CALLER = "13800138000"
REQUEST = FileTicket("water.outage", "停水", "我家停水了", "朝阳区幸福小区", since="2026-11-24")


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(CHECKOUT / "grammars" / "beijing12345")


@pytest.fixture
def office(pack: Pack, tmp_path: Path) -> Iterator[Office]:
    made = open_office(f"sqlite:///{tmp_path}/office.db", lambda _: pack)
    yield made
    made.close()


def contact(call: str = "c1", caller: str = CALLER) -> Contact:
    return Contact(call, caller, "12345", "beijing12345")


def filed(office: Office, call: str = "c1") -> str:
    event = office.carry_out(contact(call), REQUEST)
    assert isinstance(event, Filed)
    return event.number


def test_a_ticket_holds_what_was_said_and_who_said_it(office: Office) -> None:
    ticket = office.tickets.get(filed(office))
    assert ticket is not None
    assert (ticket.caller, ticket.place, ticket.since) == (CALLER, "朝阳区幸福小区", "2026-11-24")
    assert (ticket.channel, ticket.pack) == ("phone", "beijing12345")


def test_the_same_request_of_a_call_is_one_ticket(office: Office) -> None:
    assert filed(office) == filed(office)


def test_a_caller_finds_their_own_tickets_and_no_others(office: Office) -> None:
    number = filed(office)
    found = office.carry_out(contact("c2"), LookUp())
    assert isinstance(found, Found)
    assert [ticket.number for ticket in found.tickets] == [number]
    assert office.carry_out(contact("c3", "13900139000"), LookUp()) == Found()


def test_a_number_that_is_withheld_finds_nothing(office: Office) -> None:
    filed(office)
    assert office.carry_out(contact("c2", ""), LookUp()) == Found()


def test_a_ticket_is_found_by_its_number(office: Office) -> None:
    number = filed(office)
    found = office.carry_out(contact("c2", ""), LookUp(number))
    assert isinstance(found, Found)
    assert found.tickets[0].title == "停水"
    assert found.tickets[0].next_step


@pytest.mark.parametrize("change", list(Change))
def test_citizens_may_urge_add_to_and_withdraw_their_tickets(
    office: Office, change: Change
) -> None:
    request = ChangeTicket(filed(office), change, "今天还是没水")
    assert office.carry_out(contact("c2"), request) == Changed()


def test_what_is_over_can_not_be_changed(office: Office) -> None:
    number = filed(office)
    office.carry_out(contact("c2"), ChangeTicket(number, Change.WITHDRAW))
    again = office.carry_out(contact("c3"), ChangeTicket(number, Change.URGE))
    assert again == Changed(done=False)


def test_a_callback_is_booked_once_for_a_call(office: Office) -> None:
    at = dt.datetime(2026, 11, 26, 9, 0).astimezone()
    wish = BookCallback(at, CALLER, "停水")
    assert office.carry_out(contact(), wish) == Booked(at)
    office.carry_out(contact(), wish)
    assert len(office.callbacks.open_for(CALLER)) == 1


def test_who_agreed_is_known_the_next_time_with_their_open_tickets(office: Office) -> None:
    number = filed(office)
    assert office.opening(contact("c2")).tickets == ()
    office.note(contact(), Remember(consent=True))
    known = office.opening(contact("c2"))
    assert known.profile.consent is True
    assert [ticket.number for ticket in known.tickets] == [number]


def test_who_asked_to_be_forgotten_is(office: Office) -> None:
    office.note(contact(), Remember(consent=True, elder=True))
    office.note(contact(), Remember(forget=True))
    assert office.opening(contact("c2")).profile.consent is None


def test_the_pack_used_last_answers_who_agreed_where_there_is_a_choice(office: Office) -> None:
    names = ("other", "beijing12345")
    assert office.usual_pack(CALLER, names) == "other"
    office.note(contact(), Remember(consent=True))
    assert office.usual_pack(CALLER, names) == "beijing12345"
    assert office.usual_pack("13900139000", names) == "other"


def test_a_rating_a_draft_and_a_profile_outlive_the_call(office: Office) -> None:
    office.note(contact(), Rate(1, "", "standard"))
    office.note(contact(), KeepDraft("water.outage", "", "停水了"))
    office.note(contact(), Remember(elder=True))
    assert [one.score for one in office.ratings.low()] == [1]
    assert len(office.tickets.drafts.open()) == 1
    known = office.citizens.profile(CALLER)
    assert isinstance(known, Known)
    assert known.elder


def test_nobody_is_there_outside_the_hours_of_the_dialled_line(office: Office, pack: Pack) -> None:
    night = dt.datetime(2026, 11, 25, 23, 0).astimezone()
    hours = (OpeningHours(opens=dt.time(9), closes=dt.time(18)),)
    line = pack.meta.lines[0].model_copy(update={"hours": hours})
    closed = replace(pack, meta=pack.meta.model_copy(update={"lines": (line,)}))
    at_night = replace(office, pack=lambda _: closed, clock=lambda: night)
    assert at_night.carry_out(contact(), SeekPerson()) == PeopleAre(People.NIGHT)


def test_a_full_queue_takes_nobody_more(office: Office) -> None:
    full = replace(office, queue_full=lambda _: True)
    assert full.carry_out(contact(), SeekPerson()) == PeopleAre(People.FULL)
    assert office.carry_out(contact(), SeekPerson()) == PeopleAre(People.THERE)


def test_a_call_always_draws_the_same_lot() -> None:
    assert lot("c1") == lot("c1")
    assert 0 <= lot("c1") < 1
    assert len({lot(str(n)) < 0.5 for n in range(20)}) == 2


def test_a_text_of_a_call_is_handed_over_once_however_often_it_is_noted(
    pack: Pack, tmp_path: Path
) -> None:
    made = open_office(f"sqlite:///{tmp_path}/office.db", lambda _: pack, texting=True)
    for _ in range(2):
        made.note(contact(), SendText(CALLER, "您的诉求已登记，工单号261124000017。"))
    made.note(contact("c2"), SendText(CALLER, "您的诉求已登记，工单号261124000025。"))
    sent = Texts(made.tickets.ledger).newest()
    assert [(one.phone, one.kind) for one in sent] == [(CALLER, "number")] * 2
    made.close()
