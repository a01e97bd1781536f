"""Real calls in which agents do more than answer: hold, transfer, ask, drop, hand back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from running_line import (
    UNIT,
    RunningLine,
    eventually,
    free_ports,
    packs_that_call_at_any_hour,
    start_line,
    stop_line,
)

from bot.agents.presence import AgentState
from bot.agents.types import EntryKind, EntryState, QueueEntry
from bot.speech.citizen import telephone
from bot.speech.types import LINE_RATE
from bot.speech.voice import Voice
from bot.telephony.phone import Phone
from bot.telephony.switchboard import AmiSwitchboard

pytestmark = pytest.mark.call

#: Seconds between announcements on this line.
EVERY = 6
#: Root mean square below which a phone heard nothing.
SILENCE = 40


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLine]:
    folder = tmp_path_factory.mktemp("joining")
    (trunk,) = free_ports(1)
    running = start_line(
        folder / "state",
        HOTLINE_ANNOUNCE_SECONDS=str(EVERY),
        HOTLINE_RING_SECONDS="8",
        HOTLINE_GRAMMARS=str(packs_that_call_at_any_hour(folder / "grammars")),
        HOTLINE_TRUNK=f"sip:127.0.0.1:{trunk}",
    )
    yield running
    assert stop_line(running) == 0, running.log.read_text()


class Watching:
    """A listener who notes when callers begin and cease to hear music."""

    def __init__(self) -> None:
        self.holding: list[tuple[str, bool]] = []

    def caller_gone(self, entry_id: str) -> None: ...

    def agent_gone(self, entry_id: str, leg: str, *, dropped: bool) -> None: ...

    def consulted_gone(self, entry_id: str, leg: str) -> None: ...

    def key_pressed(self, entry_id: str, digit: str) -> None: ...

    def caller_moved(self, entry_id: str, *, holding: bool) -> None:
        self.holding.append((entry_id, holding))


@pytest.fixture(scope="module")
def watching() -> Watching:
    return Watching()


@pytest.fixture(scope="module")
def switchboard(line: RunningLine, watching: Watching) -> Iterator[AmiSwitchboard]:
    """A second pair of eyes on the line's Asterisk."""
    looking = AmiSwitchboard(line.settings.ami_port, line.secrets.ami_password, lambda: watching)
    looking.start()
    eventually(lambda: looking.connected)
    yield looking
    looking.stop()


@pytest.fixture(autouse=True)
def empty(line: RunningLine, switchboard: AmiSwitchboard) -> Iterator[None]:
    """Nobody is left over from one test to the next."""
    yield
    for entry in line.queue.live():
        if entry.kind is EntryKind.CALLBACK:
            line.queue.abandon(entry.id)
    eventually(lambda: not line.queue.live(), 15.0)
    # No leg of anybody's, nor one that listened to them, goes on by itself.
    eventually(lambda: not switchboard.live_channels(), 15.0)


@pytest.fixture(scope="module")
def hello(citizen_voice: Voice) -> bytes:
    return telephone(citizen_voice.render("您好，请问有什么可以帮您，请您慢慢说"), LINE_RATE)


@pytest.fixture
def outside(line: RunningLine) -> Iterator[Phone]:
    """The telephone at the other end of the trunk."""
    port = int(line.environment["HOTLINE_TRUNK"].rpartition(":")[2])
    with Phone(server=line.server, local_port=port, answer_after=2.0) as phone:
        yield phone


def ask(line: RunningLine, path: str, **body: object) -> dict[str, Any]:
    reply = httpx.post(
        f"http://127.0.0.1:{line.settings.http_port}/api/queue/{path}",
        json=body,
        headers={"Authorization": f"Bearer {line.secrets.api_token}"},
        timeout=40,
    )
    assert reply.status_code == 200, reply.text
    answer: dict[str, Any] = reply.json()
    return answer


def waits(line: RunningLine, phone: Phone) -> QueueEntry:
    """The caller asked for a person and hears the music."""
    phone.call("12345")
    phone.wait_answered()
    phone.wait_sound(5.0, 0.0)
    phone.press("0")
    eventually(lambda: line.queue.list(EntryState.WAITING), 5.0)
    phone.wait_quiet(0.6)
    eventually(lambda: phone.heard_level(0.5) > 100, 15.0)
    return line.queue.list(EntryState.WAITING)[-1]


def joined(line: RunningLine, phone: Phone, agent: str = "8001") -> QueueEntry:
    entry = waits(line, phone)
    assert ask(line, "claim", agent=agent, entry=entry.id)["result"] == "joined"
    return entry


def hears(one: Phone, other: Phone, sound: bytes) -> bool:
    """Whether the one hears what the other says."""
    eventually(lambda: one.heard_level(0.4) < SILENCE, 8.0)
    other.speak(sound)
    try:
        eventually(lambda: one.heard_level(0.4) > 100, 4.0)
    except AssertionError:
        return False
    finally:
        other.stop_speaking()
    return True


def state(line: RunningLine, entry: QueueEntry) -> str:
    found = line.queue.get(entry.id)
    return f"{found.state} {found.agent}".strip() if found else "unknown"


def test_a_caller_on_hold_hears_music_and_then_the_agent_again(
    line: RunningLine, hello: bytes, watching: Watching
) -> None:
    with line.agent("8001", answer_after=0.2) as agent, line.citizen() as phone:
        entry = joined(line, phone)
        assert hears(phone, agent, hello)
        ask(line, f"{entry.id}/hold")
        eventually(lambda: phone.heard_level(0.5) > 100, 5.0)
        time.sleep(1.5)
        assert phone.heard_level(1.0) > 100
        assert agent.heard_level(1.0) < SILENCE
        ask(line, f"{entry.id}/resume")
        assert hears(phone, agent, hello)
        assert hears(agent, phone, hello)
        assert state(line, entry) == "joined 8001"
        agent.hangup()
        assert phone.wait_ended(5.0) == 200
        eventually(lambda: state(line, entry) == "done 8001", 3.0)
        # The transcript has a gap where the caller was alone.
        moves = [holding for one, holding in watching.holding if one == entry.id]
        assert moves[-3:] == [False, True, False]


def test_a_muted_agent_hears_and_is_not_heard(line: RunningLine, hello: bytes) -> None:
    with line.agent("8001", answer_after=0.2) as agent, line.citizen() as phone:
        entry = joined(line, phone)
        ask(line, f"{entry.id}/mute", on=True)
        time.sleep(0.5)
        assert not hears(phone, agent, hello)
        assert hears(agent, phone, hello)
        ask(line, f"{entry.id}/mute", on=False)
        assert hears(phone, agent, hello)


def test_a_caller_is_transferred_to_another_agent(line: RunningLine, hello: bytes) -> None:
    with (
        line.agent("8001", answer_after=0.2) as first,
        line.agent("8002", answer_after=0.2) as second,
        line.citizen() as phone,
    ):
        entry = joined(line, phone)
        assert ask(line, f"{entry.id}/transfer", to="8002")["result"] == "joined"
        assert first.wait_ended(5.0)
        assert hears(phone, second, hello)
        assert state(line, entry) == "joined 8002"
        second.hangup()
        assert phone.wait_ended(5.0) == 200


def test_a_transfer_that_nobody_answers_leaves_the_caller_waiting(line: RunningLine) -> None:
    with line.agent("8001", answer_after=0.2), line.citizen() as phone:
        entry = joined(line, phone)
        assert ask(line, f"{entry.id}/transfer", to="8003")["result"] == "agent_unreachable"
        assert state(line, entry) == "waiting"
        eventually(lambda: phone.heard_level(0.5) > 100, 5.0)
        assert phone.state == "answered"


def test_a_caller_given_back_waits_and_is_claimed_again(line: RunningLine, hello: bytes) -> None:
    with line.agent("8001", answer_after=0.2) as agent, line.citizen() as phone:
        entry = joined(line, phone)
        ask(line, f"{entry.id}/transfer")
        agent.wait_ended(5.0)
        back = line.queue.get(entry.id)
        assert back is not None
        assert (back.state, back.queued_at) == (EntryState.WAITING, entry.queued_at)
        assert ask(line, "claim", agent="8001")["result"] == "joined"
        assert hears(phone, agent, hello)


def test_a_caller_whose_agents_phone_dies_is_told_and_is_next(
    line: RunningLine, hello: bytes, recognise: Callable[[bytes], str]
) -> None:
    with (
        line.agent("8001", answer_after=0.2) as agent,
        line.agent("8002", answer_after=0.2) as other,
        line.citizen("13800138001") as phone,
        line.citizen("13800138002") as second,
    ):
        entry = joined(line, phone)
        waits(line, second)
        began = phone.now
        assert agent._process is not None
        agent._process.kill()
        eventually(lambda: state(line, entry) == "waiting", 25.0)
        assert line.queue.position(entry.id) == 1
        phone.wait_until(phone.now + 7.0)
        heard = recognise(phone.heard()[int(began * LINE_RATE) * 2 :])
        assert any(word in heard for word in ("抱歉", "线路", "断", "坐席")), heard
        assert ask(line, "claim", agent="8002")["entry"]["id"] == entry.id
        assert hears(phone, other, hello)


def test_a_department_is_consulted_and_left_with_the_caller(
    line: RunningLine, hello: bytes
) -> None:
    with (
        line.agent("8001", answer_after=0.2) as agent,
        line.agent("8004", answer_after=0.2) as department,
        line.citizen() as phone,
    ):
        entry = joined(line, phone)
        assert ask(line, f"{entry.id}/consult", number="8004")["result"] == "joined"
        assert hears(agent, department, hello)
        assert hears(department, agent, hello)
        assert phone.heard_level(1.0) > 100
        ask(line, f"{entry.id}/conference")
        time.sleep(1.0)
        assert hears(phone, department, hello)
        assert hears(agent, phone, hello)
        agent.hangup()
        eventually(lambda: state(line, entry) == "done 8001", 5.0)
        assert hears(phone, department, hello)
        assert hears(department, phone, hello)
        department.hangup()
        assert phone.wait_ended(5.0) == 200


def test_a_colleague_who_was_asked_takes_the_caller_over(line: RunningLine, hello: bytes) -> None:
    with (
        line.agent("8001", answer_after=0.2) as agent,
        line.agent("8002", answer_after=0.2) as colleague,
        line.citizen() as phone,
    ):
        entry = joined(line, phone)
        assert ask(line, f"{entry.id}/consult", number="8002")["result"] == "joined"
        ask(line, f"{entry.id}/complete")
        assert agent.wait_ended(5.0)
        assert hears(phone, colleague, hello)
        assert state(line, entry) == "joined 8002"
        # Theirs in every way: also when it comes to holding the caller, and to the end.
        ask(line, f"{entry.id}/hold")
        eventually(lambda: phone.heard_level(0.5) > 100, 5.0)
        ask(line, f"{entry.id}/resume")
        assert hears(colleague, phone, hello)
        colleague.hangup()
        assert phone.wait_ended(5.0) == 200
        eventually(lambda: state(line, entry) == "done 8002", 5.0)


def test_a_caller_is_transferred_to_a_unit_through_the_trunk_while_the_agent_hears_it_ring(
    line: RunningLine, hello: bytes, outside: Phone
) -> None:
    with line.agent("8001", answer_after=0.2) as agent, line.citizen() as phone:
        entry = joined(line, phone)
        results: list[dict[str, Any]] = []
        transfer = threading.Thread(
            target=lambda: results.append(ask(line, f"{entry.id}/transfer", to=UNIT))
        )
        transfer.start()
        eventually(lambda: agent.heard_level(0.5) > 100, 5.0)
        transfer.join(20)
        assert results[0]["result"] == "joined"
        assert agent.wait_ended(5.0)
        assert hears(phone, outside, hello)
        assert hears(outside, phone, hello)
        assert state(line, entry) == "done 8001"
        phone.hangup()
        assert outside.wait_ended(5.0)


def test_an_agent_who_hangs_up_while_asking_leaves_the_caller_next_in_line(
    line: RunningLine, hello: bytes
) -> None:
    with (
        line.agent("8001", answer_after=0.2) as agent,
        line.agent("8004", answer_after=0.2) as department,
        line.citizen() as phone,
    ):
        entry = joined(line, phone)
        ask(line, f"{entry.id}/consult", number="8004")
        agent.hangup()
        assert department.wait_ended(5.0)
        eventually(lambda: state(line, entry) == "waiting", 5.0)
        assert ask(line, "claim", agent="8004", entry=entry.id)["result"] == "joined"
        assert hears(phone, department, hello)


def test_a_caller_who_hangs_up_on_hold_leaves_no_agent_in_silence(line: RunningLine) -> None:
    with line.agent("8001", answer_after=0.2) as agent, line.citizen() as phone:
        entry = joined(line, phone)
        ask(line, f"{entry.id}/hold")
        phone.hangup()
        assert agent.wait_ended(5.0)
        eventually(lambda: state(line, entry) == "done 8001", 5.0)


def test_a_consultation_that_ends_brings_the_caller_back(line: RunningLine, hello: bytes) -> None:
    with (
        line.agent("8001", answer_after=0.2) as agent,
        line.agent("8004", answer_after=0.2) as department,
        line.citizen() as phone,
    ):
        entry = joined(line, phone)
        ask(line, f"{entry.id}/consult", number="8004")
        ask(line, f"{entry.id}/end_consult")
        assert department.wait_ended(5.0)
        assert hears(phone, agent, hello)


def test_the_bot_takes_over_for_the_rating(line: RunningLine) -> None:
    with line.agent("8001", answer_after=0.2) as agent, line.citizen() as phone:
        entry = joined(line, phone)
        ask(line, f"{entry.id}/rate")
        agent.wait_ended(5.0)
        assert state(line, entry) == "done 8001"
        phone.wait_sound(8.0)
        assert phone.state == "answered"


def test_a_waiting_caller_books_a_callback_with_a_key_and_is_called_back(
    line: RunningLine, recognise: Callable[[bytes], str], hello: bytes, outside: Phone
) -> None:
    with line.citizen() as phone:
        entry = waits(line, phone)
        began = phone.now
        phone.wait_until(began + EVERY + 8.0)
        heard = recognise(phone.heard()[int(began * LINE_RATE) * 2 :])
        assert any(word in heard for word in ("空闲", "接听", "下一位", "挂机", "回电")), heard
        phone.press("1")
        eventually(lambda: (e := line.queue.get(entry.id)) and e.kind is EntryKind.CALLBACK, 3.0)
        assert phone.wait_ended(20.0) == 200
    booked = line.queue.get(entry.id)
    assert booked is not None
    assert (booked.state, booked.phone) == (EntryState.WAITING, "13800138000")
    with line.agent("8001", answer_after=0.2) as agent:
        # Claimed in a terminal. The agent hears the citizen's telephone ring, then the citizen.
        claims: list[Any] = []
        claimer = threading.Thread(
            target=lambda: claims.append(line.hotline("queue", "claim", "--agent", "8001"))
        )
        claimer.start()
        outside.wait_incoming(30.0)
        eventually(lambda: agent.heard_level(0.5) > 100, 5.0)
        claimer.join(30)
        assert claims[0].returncode == 0, claims[0].stdout + claims[0].stderr
        assert hears(outside, agent, hello)
        assert hears(agent, outside, hello)
        # From here on it is a call like any other.
        ask(line, f"{entry.id}/hold")
        eventually(lambda: outside.heard_level(0.5) > 100, 5.0)
        ask(line, f"{entry.id}/resume")
        assert hears(outside, agent, hello)
        outside.hangup()
        eventually(lambda: state(line, entry) == "done 8001", 5.0)
        assert agent.wait_ended(5.0)


def test_a_citizen_who_is_busy_is_called_back_another_time(line: RunningLine) -> None:
    port = int(line.environment["HOTLINE_TRUNK"].rpartition(":")[2])
    back = QueueEntry("busy", "", "", "", "callback", kind=EntryKind.CALLBACK, phone="13800138009")
    with (
        Phone(server=line.server, local_port=port, busy=True),
        line.agent("8001", answer_after=0.2) as agent,
    ):
        line.queue.enqueue(back)
        assert ask(line, "claim", agent="8001")["result"] == "citizen_busy"
        assert agent.wait_ended(5.0)
    later = line.queue.get("busy")
    assert later is not None
    assert (later.state, later.tries) == (EntryState.SCHEDULED, 1)


def test_an_agent_who_answers_cuts_an_announcement_short(line: RunningLine, hello: bytes) -> None:
    with line.agent("8001", answer_after=0.1) as agent, line.citizen() as phone:
        entry = waits(line, phone)
        claims: list[dict[str, Any]] = []
        spoken = eventually(
            lambda: list((line.settings.state / "asterisk" / "sounds" / "waiting").glob("*")), 20.0
        )
        assert spoken
        claimer = threading.Thread(
            target=lambda: claims.append(ask(line, "claim", agent="8001", entry=entry.id))
        )
        claimer.start()
        claimer.join(20)
        assert claims[0]["result"] == "joined"
        assert hears(phone, agent, hello)


def test_an_agent_who_hangs_up_on_a_caller_on_hold_ends_the_call(line: RunningLine) -> None:
    with line.agent("8001", answer_after=0.2) as agent, line.citizen() as phone:
        entry = joined(line, phone)
        ask(line, f"{entry.id}/hold")
        time.sleep(1.0)
        agent.hangup()
        assert phone.wait_ended(5.0) == 200
        eventually(lambda: state(line, entry) == "done 8001", 3.0)


def test_without_a_bot_a_conversation_goes_on_and_a_dropped_caller_waits(
    line: RunningLine, hello: bytes
) -> None:
    with (
        line.agent("8001", answer_after=0.2) as first,
        line.agent("8002", answer_after=0.2) as second,
        line.citizen("13800138001") as one,
        line.citizen("13800138002") as two,
    ):
        stays = joined(line, one, "8001")
        drops = joined(line, two, "8002")
        bot = line.child("bot")
        bot.kill()
        assert hears(one, first, hello)
        assert second._process is not None
        second._process.kill()
        eventually(lambda: line.child("bot").pid != bot.pid and line.health()["asterisk"], 90.0)
        eventually(lambda: state(line, drops) == "waiting", 30.0)
        assert state(line, stays) == "joined 8001"
        assert hears(one, first, hello)
        assert ask(line, "claim", agent="8003", entry=drops.id)["result"] == "agent_unreachable"
        first.hangup()
        assert one.wait_ended(5.0) == 200
        eventually(lambda: state(line, stays) == "done 8001", 5.0)


def test_an_agent_added_to_a_running_line_registers_and_is_on_duty(
    line: RunningLine, hello: bytes
) -> None:
    added = line.hotline("agent", "add", "8009")
    assert added.returncode == 0, added.stdout + added.stderr
    password = added.stdout.strip().rpartition("密码：")[2]
    new = Phone("8009", password, line.server, register=True, answer_after=0.2)
    with new as agent, line.citizen() as phone:
        assert line.hotline("agent", "on", "8009").returncode == 0
        entry = waits(line, phone)
        claimed = line.hotline("queue", "claim", "--agent", "8009", entry.id)
        assert claimed.returncode == 0, claimed.stdout + claimed.stderr
        assert hears(phone, agent, hello)
        assert "通话中" in line.hotline("agent", "list").stdout
        agent.hangup()
        assert phone.wait_ended(5.0) == 200
        eventually(lambda: "整理中" in line.hotline("agent", "list").stdout, 10.0)


def test_a_registered_phone_keeps_its_agent_on_duty(line: RunningLine) -> None:
    with line.agent("8003"):
        line.queue.presence.choose("8003", AgentState.ON_DUTY)
        chosen = line.queue.presence.get("8003")
        assert chosen is not None
        eventually(
            lambda: (now := line.queue.presence.get("8003")) and now.beat > chosen.beat, 10.0
        )
