"""The gateway's door: signed texts get in, all else stays outside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from casework.world import World, make_world
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.casework.talks import Inbox
from bot.web.text_gate import SIZE, text_gate
from bot.web.webhooks import HEADER, sign

SECRET, NOW = "s3cret", 1_795_000_000
GOOD = {"id": "m1", "from": "13800138000", "to": "12345", "text": "我家停水了"}


class Door:
    def __init__(self, city: World, secret: str = SECRET) -> None:
        self.inbox = Inbox(city.store.engine, city.store.ledger.now)
        app = FastAPI()
        app.include_router(text_gate(self.inbox, secret, lambda: NOW))
        self.client = TestClient(app)

    def bring(self, body: Any, secret: str = SECRET, at: int = NOW) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post("/api/sms", content=raw, headers={HEADER: sign(secret, raw, at)})


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(make_world(f"sqlite:///{tmp_path}/door.db"))


def test_a_signed_text_is_kept_and_said_again_is_not_new(door: Door) -> None:
    first, second = door.bring(GOOD), door.bring(GOOD)
    assert (first.status_code, first.json()) == (202, {"id": "m1", "new": True})
    assert second.json() == {"id": "m1", "new": False}
    [received] = door.inbox.take()
    assert (received.phone, received.line, received.text) == ("13800138000", "12345", "我家停水了")


def test_the_country_is_no_part_of_a_number(door: Door) -> None:
    door.bring(GOOD | {"from": "+8613800138000"})
    assert door.inbox.take()[0].phone == "13800138000"


def test_what_is_not_signed_or_not_lately_is_refused(door: Door) -> None:
    for answer in (
        door.client.post("/api/sms", json=GOOD),
        door.bring(GOOD, secret="another"),
        door.bring(GOOD, at=NOW - 3600),
    ):
        assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")
    assert door.inbox.take() == []


def test_a_line_without_a_secret_lets_nobody_in(tmp_path: Path) -> None:
    door = Door(make_world(f"sqlite:///{tmp_path}/door.db"), secret="")
    assert door.bring(GOOD, secret="").status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [b"", b"[]", b"{", {}, GOOD | {"from": "Bank"}, GOOD | {"id": ""}, GOOD | {"text": 5}],
)
def test_what_is_no_text_is_refused_with_what_is_wrong(door: Door, wrong: Any) -> None:
    answer = door.bring(wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_a_body_without_end_is_refused(door: Door) -> None:
    assert door.bring(b"x" * (SIZE + 1)).status_code == 413


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.text(max_size=60).map(lambda text: GOOD | {"text": text}))
def test_nothing_that_is_brought_makes_an_error_of_ours(door: Door, body: Any) -> None:
    assert door.bring(body).status_code in (202, 422)
