"""The back offices' API and the webhooks that tell them of events."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from uuid import uuid4

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from receiver import FakeReceiver
from sqlalchemy.orm import Session

from bot.casework.api_keys import ApiKeys
from bot.casework.encryption import Keyring
from bot.casework.handling import Handling
from bot.casework.lifecycle import CITIZEN, EventKind
from bot.casework.models import AuditEntry
from bot.casework.outbox import Outbox
from bot.casework.posting import LEASE, PAUSES
from bot.casework.storage import open_engine
from bot.casework.tickets import TicketStore
from bot.web.backoffice import backoffice_app
from bot.web.webhooks import HEADER, Sender, sign, verify

UNIT, OTHER = "望京街道办事处", "市自来水集团"


def nowhere(_: Request, __: Exception) -> JSONResponse:
    return JSONResponse({"code": "http_error", "message": "没有这个地址。"}, 404)


class Office:
    """A unit with a key, and tickets."""

    def __init__(self, url: str) -> None:
        engine = open_engine(url, Keyring({"k1": b"1" * 32}))
        self.now = dt.datetime.now(dt.UTC)
        self.store = TicketStore(engine, clock=lambda: self.now)
        self.store.create_schema()
        self.keys = ApiKeys(engine)
        self.outbox = Outbox(engine, clock=lambda: self.now)
        self.key = self.keys.make("unit", UNIT)
        # As in the line, what is outside the mounted app answers in the same form.
        self.app = FastAPI(exception_handlers={404: nowhere})
        self.app.mount("/api/v1", backoffice_app(self.store, self.keys))
        headers = {"Authorization": f"Bearer {self.key}"}
        self.client = TestClient(self.app, base_url="http://line/api/v1/", headers=headers)

    def proposed(self, unit: str = UNIT) -> str:
        """A ticket for which the unit is only proposed."""
        return self.store.file(
            call_id=str(uuid4()),
            category="water.outage",
            title="停水",
            text="停水了，电话13800138000",
            place="望京西园",
            caller="13900139000",
            unit=unit,
        )

    def dispatched(self, unit: str = UNIT) -> str:
        number = self.proposed(unit)
        Handling(self.store.ledger).dispatch(number, "dispatcher:1", unit)
        return number


@pytest.fixture
def office(database_url: str) -> Office:
    return Office(database_url)


def test_a_unit_takes_a_ticket_reports_and_resolves_it(office: Office) -> None:
    number = office.dispatched()
    page = office.client.get("tickets", params={"state": "dispatched"}).json()
    assert [one["number"] for one in page["tickets"]] == [number]
    version = page["tickets"][0]["version"]
    for step, body, state in (
        ("accept", {"version": version}, "accepted"),
        ("contact", {"outcome": "reached"}, "accepted"),
        ("progress", {"note": "已派人"}, "in_progress"),
        ("resolve", {"result": "已恢复供水"}, "resolved"),
    ):
        answer = office.client.post(f"tickets/{number}/{step}", json=body)
        assert (answer.status_code, answer.json()["state"]) == (200, state), answer.text
    detail = office.client.get(f"tickets/{number}").json()
    assert [one["kind"] for one in detail["events"]][-4:] == [
        "accepted",
        "contacted",
        "progressed",
        "resolved",
    ]
    assert detail["events"][-1]["actor"] == f"unit:{UNIT}"


def test_a_unit_returns_what_is_not_its_own_with_a_reason(office: Office) -> None:
    number = office.dispatched()
    assert office.client.post(f"tickets/{number}/return", json={}).status_code == 422
    answer = office.client.post(f"tickets/{number}/return", json={"reason": "属自来水集团"})
    assert answer.json()["state"] == "returned"


def test_a_decision_on_an_old_version_is_refused(office: Office) -> None:
    number = office.dispatched()
    version = office.client.get(f"tickets/{number}").json()["version"]
    office.store.urge(number, "citizen")
    answer = office.client.post(f"tickets/{number}/accept", json={"version": version})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


def test_what_the_state_does_not_allow_is_refused(office: Office) -> None:
    number = office.dispatched()
    answer = office.client.post(f"tickets/{number}/resolve", json={"result": "好了"})
    assert (answer.status_code, answer.json()["code"]) == (409, "illegal_transition")


def test_a_ticket_that_is_only_proposed_to_a_unit_is_not_its_own_yet(office: Office) -> None:
    number = office.proposed()
    assert office.client.get("tickets").json()["tickets"] == []
    assert office.client.get(f"tickets/{number}").status_code == 404
    wish = {"reason": "好奇"}
    assert office.client.post(f"tickets/{number}/reveal", json=wish).status_code == 404


def test_other_units_tickets_do_not_exist_for_a_unit(office: Office) -> None:
    number = office.dispatched(OTHER)
    assert office.client.get("tickets").json() == {"tickets": [], "next": None}
    assert office.client.get(f"tickets/{number}").status_code == 404
    assert office.client.post(f"tickets/{number}/accept", json={}).status_code == 404


@pytest.mark.parametrize("key", ["", "Bearer wrong", "Basic eDp5"])
def test_without_a_key_nothing_is_told(office: Office, key: str) -> None:
    answer = office.client.get("tickets", headers={"Authorization": key})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorised")


def test_an_open311_key_or_a_revoked_one_opens_nothing(office: Office) -> None:
    other = office.keys.make("open311", UNIT)
    answer = office.client.get("tickets", headers={"Authorization": f"Bearer {other}"})
    assert answer.status_code == 401
    office.keys.revoke(office.keys.all()[0].id)
    assert office.client.get("tickets").status_code == 401


def test_numbers_are_hidden_until_revealed_and_that_is_recorded(office: Office) -> None:
    number = office.dispatched()
    shown = office.client.get(f"tickets/{number}").text
    assert "13800138000" not in shown
    assert "13900139000" not in shown
    answer = office.client.post(f"tickets/{number}/reveal", json={"reason": "联系市民"})
    assert answer.json()["caller"] == "13900139000"
    with Session(office.store.engine) as session:
        (entry,) = session.query(AuditEntry).all()
    assert (entry.actor, entry.subject, entry.reason) == (
        f"unit:{UNIT}",
        f"ticket {number}",
        "联系市民",
    )


def test_pages_follow_each_other(office: Office) -> None:
    numbers = [office.dispatched() for _ in range(5)]
    seen, params = [], {"limit": 2}
    while True:
        page = office.client.get("tickets", params=params).json()
        seen += [one["number"] for one in page["tickets"]]
        if page["next"] is None:
            break
        params["before"] = page["next"]
    assert seen == numbers[::-1]


# --- webhooks ---------------------------------------------------------------------------------


@pytest.fixture
def receiver() -> Iterator[FakeReceiver]:
    one = FakeReceiver()
    yield one
    one.close()


@pytest.fixture
def sender(office: Office) -> Iterator[Sender]:
    one = Sender(office.outbox, now=lambda: office.now.timestamp())
    yield one
    one.close()


def test_every_event_of_its_tickets_is_told_signed_and_without_personal_data(
    office: Office, receiver: FakeReceiver, sender: Sender
) -> None:
    _, secret = office.outbox.add(receiver.url, UNIT)
    number = office.dispatched()
    office.dispatched(OTHER)
    office.store.urge(number, "citizen", "快点，13800138000")
    assert sender.round().failed == 0
    kinds = [event.kind for event in office.store.events(number)]
    assert sorted(kinds) == ["dispatched", "received", "urged"]
    told = []
    for headers, body in receiver.got:
        assert verify(secret, body, headers[HEADER], office.now.timestamp())
        assert b"1380013" not in body
        assert b"1390013" not in body
        told.append(json.loads(body))
    assert [one["event"] for one in told] == [f"ticket.{kind}" for kind in kinds]
    assert {one["ticket"]["number"] for one in told} == {number}
    assert sender.round().delivered == 0
    assert office.outbox.count() == {"delivered": 3}


def test_a_receiver_that_is_down_is_tried_again_until_the_delivery_is_dead(
    office: Office, receiver: FakeReceiver, sender: Sender
) -> None:
    office.outbox.add(receiver.url)
    receiver.status = 500
    office.store.file(call_id="c", category="x", title="x", text="x")
    for pause in PAUSES:
        assert sender.round().failed == 1
        assert sender.round().failed == 0  # not before its time
        office.now += pause
    assert sender.round().failed == 1
    assert [one.error for one in office.outbox.dead()] == ["HTTP 500"]
    assert len(receiver.got) == len(PAUSES) + 1
    office.now += dt.timedelta(days=9)
    assert sender.round().failed == 0
    receiver.status = 204
    assert office.outbox.revive() == 1
    assert sender.round().delivered == 1


def test_a_sender_that_died_half_way_loses_nothing(
    office: Office, receiver: FakeReceiver, sender: Sender
) -> None:
    office.outbox.add(receiver.url)
    office.store.file(call_id="c", category="x", title="x", text="x")
    assert len(office.outbox.take()) == 1  # and here it dies
    assert sender.round().delivered == 0
    office.now += LEASE
    assert sender.round().delivered == 1


def test_an_event_that_was_rolled_back_is_told_to_nobody(
    office: Office, receiver: FakeReceiver
) -> None:
    office.outbox.add(receiver.url)
    number = office.dispatched()
    before = office.outbox.count()
    with Session(office.store.engine) as session:
        ticket = office.store.ledger.take(session, number)
        office.store.ledger.write(session, ticket, EventKind.URGED, CITIZEN)
        session.rollback()
    assert office.outbox.count() == before


def test_a_changed_body_an_old_time_or_another_secret_does_not_verify() -> None:
    header = sign("secret", b"body", 1000)
    assert verify("secret", b"body", header, 1000)
    assert not verify("secret", b"other", header, 1000)
    assert not verify("secret", b"body", header, 2000)
    assert not verify("other", b"body", header, 1000)
    assert not verify("secret", b"body", "nonsense", 1000)
