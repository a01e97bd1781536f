"""A whole site over a real Redis and a real database; only the telephone is a stand-in."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from fake_practice import FakePracticeCalls
from fastapi import FastAPI
from queue_world import DIRECTORY, FakeSwitchboard
from starlette.testclient import TestClient

from bot.agents.desk import Desk
from bot.agents.queue import AgentQueue
from bot.agents.talk import Talk
from bot.agents.types import QueueEntry
from bot.casework.citizens import Citizens
from bot.casework.surveys import Surveys
from bot.casework.talks import Inbox
from bot.casework.tickets import TicketStore
from bot.config import CHECKOUT
from bot.observe import Metrics
from bot.rules import rule_book
from bot.training.records import TrainingRecords
from bot.training.room import TrainingRoom
from bot.understanding.pack import Pack, load_pack
from bot.web.accounts import Accounts, Role
from bot.web.app import Reload, create_web
from bot.web.audit import Audit
from bot.web.feed import Feed
from bot.web.pages import House
from bot.web.records import Records
from bot.web.sessions import Sessions
from bot.web.survey_pages import survey_pages
from bot.web.text_gate import text_gate

TOKEN = "a-token"
#: As secure as the usual one for what is tested here, and quick.
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
#: The unit that people of that role work for.
UNIT = "市自来水集团"
EXTENSIONS = {Role.AGENT: "8001", Role.SUPERVISOR: "8004"}


@dataclass
class FakeFloor:
    """A floor that remembers what it was told (Asterisk is tested with real calls)."""

    done: list[tuple[str, ...]] = field(default_factory=list)

    def listen(self, entry: QueueEntry, phone: str) -> None:
        self.done.append(("listen", entry.id, phone))

    def drop(self, entry: QueueEntry) -> None:
        self.done.append(("drop", entry.id))


class Now:
    """Time that passes only when told to."""

    def __init__(self) -> None:
        self.now = dt.datetime(2026, 11, 25, 1, 0, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.now

    def tick(self, **by: float) -> None:
        self.now += dt.timedelta(**by)


@dataclass
class Site:
    """The site under test."""

    app: FastAPI
    house: House
    floor: FakeFloor
    clock: Now
    records: dict[str, dict[str, Any]]
    sounds: dict[tuple[str, str, int], Path]

    def browser(self) -> TestClient:
        """A browser that follows no redirect by itself."""
        client = TestClient(self.app, follow_redirects=False)
        client.headers["Accept"] = "text/html"
        return client

    def account(self, role: Role, name: str = "", unit: str = UNIT) -> tuple[str, str]:
        """Make an account with a password of its own; return both."""
        name = name or f"{role.value}1"
        unit = unit if role is Role.UNIT else ""
        once = self.house.accounts.add(name, role, EXTENSIONS.get(role, ""), unit=unit)
        password = f"my own password of {name}"
        self.house.accounts.change_password(name, once, password)
        return name, password

    def as_role(self, role: Role, name: str = "", unit: str = UNIT) -> TestClient:
        """A browser in which somebody of that role is signed in."""
        browser = self.browser()
        answer = sign_in(browser, *self.account(role, name, unit))
        assert answer.status_code == 303, answer.text
        browser.headers["X-CSRF-Token"] = csrf_of(browser.get("/password").text)
        return browser


def sign_in(browser: TestClient, name: str, password: str) -> Any:
    key = re.search(r'name="key" value="([^"]+)"', browser.get("/login").text)
    assert key
    return browser.post("/login", data={"name": name, "password": password, "key": key[1]})


def csrf_of(page: str) -> str:
    found = re.search(r'name="csrf" content="([^"]*)"', page)
    assert found
    return found[1]


def make_site(
    folder: Path, queue: AgentQueue, switchboard: FakeSwitchboard, pack: Pack | None = None
) -> Site:
    clock, floor = Now(), FakeFloor()
    metrics, records, sounds = Metrics(), {}, {}
    desk = Desk(queue, switchboard, ring_seconds=20.0)
    talk = Talk(desk, queue, switchboard, 20.0, DIRECTORY)
    city = pack or load_pack(CHECKOUT / "grammars" / "beijing12345")
    tickets = TicketStore(f"sqlite:///{folder / 'site.db'}", clock, rule_book(lambda: [city]))
    tickets.create_schema()
    engine = tickets.engine
    house = House(
        accounts=Accounts(engine, clock, QUICK),
        sessions=Sessions(engine, clock),
        audit=Audit(engine, clock),
        records=Records(engine, clock),
        tickets=tickets,
        citizens=Citizens(engine),
        queue=queue,
        desk=desk,
        talk=talk,
        floor=floor,
        metrics=metrics,
        feed=Feed(queue.changes_async),
        pack=lambda: city,
        record=records.get,
        sound=lambda caller, call_id, mark: sounds.get((caller, call_id, mark)),
        phone_password=lambda extension: "secret" if extension in EXTENSIONS.values() else "",
        phone_url="ws://127.0.0.1:8313/ws",
        sip_script=folder,
        training=TrainingRoom(
            TrainingRecords(engine, clock), lambda temper, text: bytes(1600), FakePracticeCalls()
        ),
    )
    citizens = [
        survey_pages(Surveys(tickets.ledger), lambda asking: asking.title),
        text_gate(Inbox(engine, clock), "the gateway's", lambda: clock().timestamp()),
    ]
    app = create_web(
        desk, queue, metrics, dict, lambda: Reload("p", "1", "1"), TOKEN, talk, house, citizens
    )
    return Site(app, house, floor, clock, records, sounds)
