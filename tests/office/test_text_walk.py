"""The whole way of texts, over real HTTP both ways: only the city's gateway is a stand-in."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from receiver import FakeReceiver

from bot.app import open_office, open_text_line
from bot.casework.handling import Handling
from bot.casework.models import Survey
from bot.config import CHECKOUT, Settings
from bot.rounds import sending
from bot.texting import kind_of
from bot.understanding.live import Knowledge
from bot.understanding.pack import load_pack
from bot.web.survey_pages import survey_pages
from bot.web.text_gate import text_gate
from bot.web.webhooks import HEADER, sign

PHONE, SECRET, PUBLIC = "13800138000", "s3cret", "https://12345.example"


@pytest.fixture
def gateway() -> Iterator[FakeReceiver]:
    one = FakeReceiver()
    yield one
    one.close()


def test_a_ticket_by_text_is_resolved_and_rated_on_its_page(
    tmp_path: Path, gateway: FakeReceiver
) -> None:
    pack = load_pack(CHECKOUT / "grammars" / "beijing12345")
    surveys = pack.office.surveys.model_copy(
        update={"by": "text", "first_after": 0, "from_hour": 0, "to_hour": 24}
    )
    pack = replace(pack, office=pack.office.model_copy(update={"surveys": surveys}))
    knowledge = Knowledge.of(pack)
    office = open_office(
        f"sqlite:///{tmp_path}/walk.db", lambda _: pack, names=(pack.name,), texting=True
    )
    settings = Settings(sms_url=gateway.url, sms_secret=SECRET, public_url=PUBLIC)
    line = open_text_line(settings, office, lambda _: knowledge)
    app = FastAPI()
    app.include_router(text_gate(line.inbox, SECRET))
    app.include_router(survey_pages(office.surveys, lambda one: kind_of(pack, one)))
    phone, send = TestClient(app), sending("texts", line.texts)

    def writes(number: int, text: str) -> str:
        body = {"id": f"m{number}", "from": PHONE, "to": "12345", "text": text}
        raw = json.dumps(body).encode()
        signed = {HEADER: sign(SECRET, raw, int(time.time()))}
        assert phone.post("/api/sms", content=raw, headers=signed).status_code == 202
        line.correspondence.look()
        send()
        return str(gateway.bodies[-1]["text"])

    for number, text in enumerate(("我们这里停水了", "朝阳区望京西园三区", "今天早上", "对")):
        reply = writes(number, text)
        assert reply.startswith("【12345热线】")
    [ticket] = office.tickets.newest()
    assert ticket.number in reply

    handling = Handling(office.tickets.ledger)
    handling.accept(ticket.number, f"unit:{ticket.unit}")
    handling.resolve(ticket.number, f"unit:{ticket.unit}", "水管已修好")
    line.texter.look()
    send()
    asked = gateway.bodies[-1]
    assert (asked["to"], asked["kind"]) == (PHONE, "survey")
    path = asked["text"].partition(PUBLIC)[2]
    assert ticket.number in phone.get(path).text
    phone.post(path, data={"solved": "yes", "satisfied": "5"})
    closed = office.tickets.get(ticket.number)
    assert closed
    assert closed.state == "closed"
    with office.tickets.ledger.transaction() as session:
        assert session.query(Survey).one().state == "answered"
    office.close()
