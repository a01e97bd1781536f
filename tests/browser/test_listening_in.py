"""A supervisor listens to a real conversation, and nobody hears the supervisor."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest
from running_line import RunningLine, alike, eventually

from bot.agents.types import EntryState
from bot.casework.tickets import TicketStore
from bot.database import open_database
from bot.speech.citizen import telephone
from bot.speech.types import LINE_RATE
from bot.speech.voice import Voice
from bot.web.audit import Audit

pytestmark = pytest.mark.call

PASSWORD = "十个字以上自己记得住的话"


def signed_in(line: RunningLine, name: str, once: str) -> httpx.Client:
    """A client in which somebody is signed in, with their token for changes."""
    client = httpx.Client(base_url=f"http://127.0.0.1:{line.settings.http_port}", timeout=30)

    def token(path: str, field: str) -> str:
        found = re.search(rf'name="{field}" (?:value|content)="([^"]+)"', client.get(path).text)
        assert found
        return found[1]

    def enter(password: str) -> None:
        key = token("/login", "key")
        client.post("/login", data={"name": name, "password": password, "key": key})

    enter(once)
    form = {"old": once, "new": PASSWORD, "again": PASSWORD, "csrf": token("/password", "csrf")}
    assert client.post("/password", data=form).status_code == 303
    enter(PASSWORD)
    client.headers["X-CSRF-Token"] = token("/wallboard", "csrf")
    return client


def test_a_supervisor_hears_both_sides_of_a_conversation(
    line: RunningLine, citizen_voice: Voice, recognise: Callable[[bytes], str]
) -> None:
    made = line.hotline("account", "add", "ban", "--role", "supervisor", "--extension", "8004")
    found = re.search(r"one-time password (\S+)", made.stdout)
    assert found, made.stdout + made.stderr
    web = signed_in(line, "ban", found[1])

    def says(text: str) -> bytes:
        return telephone(citizen_voice.render(text), LINE_RATE)

    with (
        line.agent("8002", answer_after=0.3) as agent,
        line.agent("8004", answer_after=0.3) as supervisor,
        line.citizen("13900139000") as caller,
    ):
        caller.call("12345")
        caller.wait_answered()
        caller.wait_sound(5.0, 0.0)
        caller.press("0")
        entry = eventually(lambda: line.queue.list(EntryState.WAITING), 10.0)[0]
        assert line.hotline("queue", "claim", "--agent", "8002").returncode == 0
        eventually(lambda: line.queue.list(EntryState.JOINED), 25.0)
        answer = web.post(f"/wallboard/{entry.id}/listen")
        assert answer.status_code == 200, answer.text
        eventually(lambda: supervisor.state == "answered", 15.0)
        before, others = len(supervisor.heard()), len(caller.heard())
        caller.speak(says("我家停水了，请帮我登记一下"))
        caller.wait_spoken(15.0)
        agent.speak(says("好的，请您告诉我具体的地址"))
        agent.wait_spoken(15.0)
        supervisor.speak(says("这句话谁也不应该听见"))
        supervisor.wait_spoken(15.0)
        heard = recognise(supervisor.heard()[before:])
        assert alike(heard, "我家停水了，请帮我登记一下") > 60, heard
        assert alike(heard, "请您告诉我具体的地址") > 60, heard
        assert alike(recognise(caller.heard()[others:]), "谁也不应该听见") < 60
        agent.hangup()
        supervisor.wait_ended(10.0)
    log = Audit(TicketStore(open_database(line.settings)).engine).newest(action="listened")
    assert [(row.actor, row.subject) for row in log] == [("ban", entry.id)]
