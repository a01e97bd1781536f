"""A trainee practises over a real telephone with a synthetic citizen, from begin to score."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from running_line import RunningLine, eventually

from bot.agents.queue import AgentQueue
from bot.agents.types import EntryState
from bot.app import load_line_pack
from bot.casework.tickets import TicketStore
from bot.database import open_database
from bot.practice import PREFIX
from bot.speech.audio import read_wav
from bot.telephony.phone import Phone
from bot.training.choosing import label_of
from bot.training.records import Practice, TrainingRecords
from bot.training.scoring import expected_of
from bot.training.types import Field
from bot.web.accounts import Accounts, Role

pytestmark = pytest.mark.call

SAYINGS = Path(__file__).parents[1] / "fixtures" / "trainee"
SCENARIO = "neighbourhood.night_site"


@contextmanager
def trainee_browser(line: RunningLine) -> Iterator[httpx.Client]:
    """A browser in which the trainee ``lin`` of extension 8003 is signed in."""
    accounts = Accounts(open_database(line.settings))
    once, password = accounts.add("lin", Role.AGENT, "8003"), "一个自己记得住的长口令"
    accounts.change_password("lin", once, password)
    address = f"http://127.0.0.1:{line.settings.http_port}"
    with httpx.Client(base_url=address, timeout=40.0) as browser:
        key = re.search(r'name="key" value="([^"]+)"', browser.get("/login").text)
        assert key
        browser.post("/login", data={"name": "lin", "password": password, "key": key[1]})
        csrf = re.search(r'name="csrf" content="([^"]+)"', browser.get("/training").text)
        assert csrf
        browser.headers["X-CSRF-Token"] = csrf[1]
        yield browser


def says(phone: Phone, name: str) -> None:
    """The trainee says something, and hears the citizen out."""
    phone.speak(read_wav(SAYINGS / f"{name}.wav"))
    spoken = phone.wait_spoken(15.0)
    phone.wait_sound(15.0, spoken.end)
    phone.wait_quiet(1.2, 30.0)


def practised(line: RunningLine) -> Practice | None:
    done = TrainingRecords(open_database(line.settings)).of_trainee("lin")
    return done[0] if done else None


def test_an_angry_citizen_calls_a_trainee_who_calms_asks_files_and_is_scored(
    line: RunningLine,
) -> None:
    pack = load_line_pack(line.settings)
    scenario = next(one for one in pack.scenarios if one.id == SCENARIO)
    best = expected_of(scenario, pack)
    queue = AgentQueue(line.settings.redis_address, prefix=PREFIX)
    with trainee_browser(line) as browser, line.agent("8003", answer_after=0.2) as phone:
        begun = browser.post("/training/practice", data={"scenario": SCENARIO})
        at = begun.headers["location"]
        (entry,) = eventually(lambda: queue.list(EntryState.WAITING), 15.0)
        assert not line.queue.live()  # the real queue knows nothing of it
        assert browser.post(f"{at}/claim").text == "已接通。"

        says(phone, "greeting")
        says(phone, "calm")
        says(phone, "read_back")
        filed = browser.post(
            f"{at}/ticket",
            data={
                "intent": label_of(pack.intent(best.intent)),  # type: ignore[arg-type]
                "unit": best.unit,
                "urgency": best.urgency,
                "handling": best.handling,
                "place": best.place,
                "time": best.time,
                "phone": "13800010000",
            },
        )
        assert filed.status_code == 200, filed.text
        phone.speak(read_wav(SAYINGS / "farewell.wav"))
        phone.wait_ended(30.0)
        practice = eventually(lambda: practised(line), 15.0)
        page = browser.get(f"/training/result/{practice.id}").text

    lost = {mark.field for mark in practice.marks if not mark.full}
    assert lost == {Field.PHONE}, practice
    assert practice.passed
    assert "号码要逐位念给市民核对" in page
    turns = [one.text for one in practice.said if one.who == "citizen"]
    assert turns[0] == scenario.opening
    assert scenario.says["place"] in turns[1]
    assert turns[-1] == scenario.goodbye
    assert any(entry.id == one.id for one in queue.list(EntryState.DONE))
    assert not any(one.caller == scenario.caller for one in line.queue.list())
    assert not TicketStore(open_database(line.settings)).of_caller(scenario.caller)
