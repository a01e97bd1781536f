"""Texts: written down once, sent in good time, refused, given up; surveys by text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from casework.world import DAY, HOUR, RULES, World, make_world
from receiver import FakeReceiver
from sqlalchemy import create_engine, text

from bot.casework.encryption import Keyring
from bot.casework.errors import UnknownTicket
from bot.casework.incidents import Incidents
from bot.casework.lifecycle import TicketState
from bot.casework.posting import PAUSES
from bot.casework.retention import Policy, Retention
from bot.casework.storage import open_engine
from bot.casework.surveys import Surveys
from bot.casework.texts import Texts
from bot.web.webhooks import HEADER, Sender, verify

UNIT, MOBILE, LANDLINE = "unit:市自来水集团", "13800138000", "01065432100"
BY_TEXT = replace(RULES, surveys=replace(RULES.surveys, by="text"))


@pytest.fixture
def city(database_url: str) -> World:
    """A world whose citizens are asked by text first."""
    return make_world(database_url, BY_TEXT)


@pytest.fixture
def gateway() -> Iterator[FakeReceiver]:
    one = FakeReceiver()
    yield one
    one.close()


def resolved(city: World, **fields: str) -> tuple[str, Surveys]:
    number = city.file(**fields)
    city.handling.accept(number, UNIT)
    city.handling.resolve(number, UNIT, "水管已修好")
    return number, Surveys(city.store.ledger)


def due(surveys: Surveys, by: str) -> list[str]:
    return [one.number for one in surveys.due(by)]


# --- sending -----------------------------------------------------------------------------


def sender(city: World, gateway: FakeReceiver, secret: str = "s3cret") -> Sender:
    texts = Texts(city.store.ledger, gateway.url, secret)
    return Sender(texts, now=lambda: city.now.timestamp())


def test_a_text_reaches_the_gateway_signed_and_once(city: World, gateway: FakeReceiver) -> None:
    texts, send = Texts(city.store.ledger), sender(city, gateway)
    assert texts.send("k1", "number", MOBILE, "工单号261124000017。")
    assert not texts.send("k1", "number", MOBILE, "工单号261124000017。")
    assert (send.round().delivered, send.round().delivered) == (1, 0)
    [(headers, body)] = gateway.got
    assert verify("s3cret", body, headers[HEADER], city.now.timestamp())
    [said] = gateway.bodies
    assert (said["to"], said["text"], said["kind"]) == (MOBILE, "工单号261124000017。", "number")
    assert texts.count() == {"delivered": 1}


def test_a_gateway_that_is_down_is_tried_again_until_the_text_is_not_worth_it(
    city: World, gateway: FakeReceiver
) -> None:
    texts, send = Texts(city.store.ledger), sender(city, gateway)
    texts.send("k1", "number", MOBILE, "工单号261124000017。")
    gateway.status = 503
    assert send.round().failed == 1
    for pause in PAUSES[:5]:
        city.wait(pause)
        assert send.round().failed == 1
    city.wait(DAY)
    assert send.round().failed == 0
    assert [one.error for one in texts.dead()] == ["HTTP 503"]
    gateway.status = 200
    assert texts.revive() == 1
    assert send.round().delivered == 1


def test_a_landline_is_not_texted(city: World) -> None:
    assert not Texts(city.store.ledger).send("k1", "number", LANDLINE, "工单号。")


def test_who_refuses_texts_gets_none_not_even_what_waits(city: World) -> None:
    texts = Texts(city.store.ledger, "http://gateway", "s")
    texts.send("k1", "number", MOBILE, "工单号261124000017。")
    texts.refuse(MOBILE)
    assert texts.take() == []
    assert not texts.send("k2", "number", MOBILE, "另一个。")
    assert texts.send("k3", "reply", MOBILE, "已退订。")
    texts.allow(MOBILE)
    assert texts.send("k4", "number", MOBILE, "另一个。")


def test_a_text_that_can_wait_is_not_sent_at_night(city: World) -> None:
    number, surveys = resolved(city)
    city.wait(HOUR)
    surveys.text(number, "解决了吗？")
    texts = Texts(city.store.ledger, "http://gateway", "s")
    texts.send("k1", "number", MOBILE, "工单号261124000017。")
    city.wait(12 * HOUR)  # 22:00
    [parcel] = texts.take()
    assert parcel.body["kind"] == "number"
    texts.delivered(parcel.id)
    city.wait(11 * HOUR)
    assert [one.body["kind"] for one in texts.take()] == ["survey"]


def test_numbers_and_words_of_texts_are_encrypted(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/keys.db"
    city = make_world(open_engine(url, Keyring({"k1": b"1" * 32})), BY_TEXT)
    Texts(city.store.ledger).send("k1", "number", MOBILE, "工单号261124000017。")
    with create_engine(url).connect() as connection:
        stored = str(connection.execute(text("SELECT * FROM texts")).all())
    assert MOBILE not in stored
    assert "261124000017" not in stored


# --- surveys -----------------------------------------------------------------------------


def test_where_the_pack_says_so_a_citizen_is_asked_by_text_first(city: World) -> None:
    number, surveys = resolved(city)
    city.wait(HOUR)
    assert (due(surveys, "text"), due(surveys, "call")) == ([number], [])
    assert surveys.text(number, "解决了吗？")
    assert not surveys.text(number, "解决了吗？")
    assert (due(surveys, "text"), due(surveys, "call")) == ([], [])
    assert city.state(number) == "callback"
    [row] = Texts(city.store.ledger).newest()
    assert (row.phone, row.text, row.kind) == (MOBILE, "解决了吗？", "survey")


def test_who_does_not_answer_a_text_within_a_day_is_called(city: World) -> None:
    number, surveys = resolved(city)
    city.wait(HOUR)
    surveys.text(number, "解决了吗？")
    city.wait(DAY)
    [asking] = surveys.due("text")
    assert asking.texted
    surveys.call_instead(number)
    assert (due(surveys, "text"), due(surveys, "call")) == ([], [number])
    told = [event.data for event in city.store.events(number) if event.kind == "survey_tried"]
    assert [(one["channel"], one["outcome"]) for one in told] == [
        ("sms", "sent"),
        ("sms", "no_answer"),
    ]


@pytest.mark.parametrize("phone", [LANDLINE, "8001"])
def test_who_can_not_be_texted_is_called(city: World, phone: str) -> None:
    number, surveys = resolved(city, caller=phone)
    city.wait(HOUR)
    assert (due(surveys, "text"), due(surveys, "call")) == ([], [number])


def test_who_refused_texts_is_called_even_when_that_was_after_resolving(city: World) -> None:
    first, surveys = resolved(city)
    Texts(city.store.ledger).refuse(MOBILE)
    second, _ = resolved(city, text="又停水了")
    city.wait(HOUR)
    assert (due(surveys, "text"), due(surveys, "call")) == ([first], [second])
    assert not surveys.text(first, "解决了吗？")
    assert due(surveys, "call") == [first, second]


def test_the_link_is_good_until_the_survey_ends_and_no_longer(city: World) -> None:
    number, surveys = resolved(city)
    city.wait(HOUR)
    token = surveys.due("text")[0].token
    surveys.text(number, "解决了吗？")
    city.wait(6 * DAY)
    assert surveys.asked(token).number == number
    city.wait(DAY)
    with pytest.raises(UnknownTicket):
        surveys.asked(token)


def test_a_number_is_known_by_what_it_was_asked_last(city: World) -> None:
    first, surveys = resolved(city)
    second, _ = resolved(city, text="又停水了")
    other, _ = resolved(city, caller="13900139000")
    with pytest.raises(UnknownTicket):
        surveys.asked_by_text(MOBILE)
    city.wait(HOUR)
    for number in (first, other):
        surveys.text(number, "解决了吗？")
    city.wait(HOUR)
    surveys.text(second, "解决了吗？")
    assert surveys.asked_by_text(MOBILE).number == second
    assert surveys.answer(second, True, 5, "bot", channel="sms") is TicketState.CLOSED
    assert surveys.asked_by_text(MOBILE).number == first


# --- notices, and forgetting ---------------------------------------------------------------


def test_everybody_who_reported_an_incident_is_texted_when_it_ends(city: World) -> None:
    incidents, texts = Incidents(city.store.ledger), Texts(city.store.ledger)
    callers = (MOBILE, "13900139000", LANDLINE)
    numbers = [city.file(caller=one, text=f"停水了{one}") for one in callers]
    ids = {incidents.attach(number) for number in numbers}
    [id] = ids - {None}
    incidents.close(id, "dispatcher:李", "管网抢修完毕，已恢复供水")
    assert (texts.forward_notices(), texts.forward_notices()) == (2, 0)
    assert {one.phone for one in texts.newest()} == {MOBILE, "13900139000"}
    assert all("已恢复供水" in one.text for one in texts.newest())


def test_what_was_news_before_there_was_a_gateway_is_left_alone(city: World) -> None:
    incidents = Incidents(city.store.ledger)
    numbers = [city.file(text=f"停水了{n}") for n in range(3)]
    [id] = {incidents.attach(number) for number in numbers} - {None}
    incidents.close(id, "dispatcher:李", "已恢复供水")
    city.wait(4 * DAY)
    assert Texts(city.store.ledger).forward_notices() == 0


def test_texts_are_forgotten_after_their_time(city: World) -> None:
    texts = Texts(city.store.ledger, "http://gateway", "s")
    texts.send("k1", "number", MOBILE, "工单号261124000017。")
    [parcel] = texts.take()
    texts.delivered(parcel.id)
    city.wait(dt.timedelta(days=31))
    texts.send("k2", "number", MOBILE, "另一个。")
    Retention(city.store.ledger).run(Policy(drafts=30), "supervisor:王")
    assert [one.text for one in texts.newest()] == ["另一个。"]
