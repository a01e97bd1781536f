"""Real calls that end with a person: queue, holding, joining, hang-ups, and lost processes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import pytest
from running_line import RunningLine, eventually, saying

from bot.agents.types import EntryState, QueueEntry
from bot.speech.citizen import telephone
from bot.speech.types import LINE_RATE
from bot.speech.voice import Voice
from bot.telephony.listening import speech_segments
from bot.telephony.phone import Phone

pytestmark = pytest.mark.call


def entry_of(line: RunningLine, phone: Phone, *states: EntryState) -> QueueEntry | None:
    """The phone's place in the queue, once it is in one of these states."""
    from bot.app import calls_folder
    from bot.telephony.journal import find_call

    record = find_call(calls_folder(line.settings), phone.call_id)
    entries = line.queue.list()
    for state in EntryState:
        entries = [*entries, *line.queue.list(state)]
    for entry in entries:
        if record and entry.id == record["id"] and (not states or entry.state in states):
            return entry
    return None


def greeted(phone: Phone) -> None:
    phone.call("12345")
    phone.wait_answered()
    phone.wait_sound(5.0, 0.0)


def held(phone: Phone) -> None:
    """Wait until the music plays: it has no pauses as long as those of speech."""
    eventually(lambda: phone.state != "ended" and phone.heard_level(1.0) > 100, 20.0)


def pressed_zero(phone: Phone) -> None:
    greeted(phone)
    phone.press("0")


def test_the_zero_key_puts_the_caller_into_the_queue_within_a_second(line: RunningLine) -> None:
    with line.citizen() as phone:
        greeted(phone)
        began = time.monotonic()
        phone.press("0")
        entry = eventually(lambda: line.queue.list(EntryState.WAITING), 3.0)[0]
        took = time.monotonic() - began
        assert took < 1.0
        assert entry.reason == "asked"
        assert entry.caller == "13800138000"
        listing = line.hotline("queue", "list")
        assert listing.returncode == 0
        assert "138****8000" in listing.stdout
        assert "13800138000" not in listing.stdout


def test_asking_for_a_person_brings_what_was_said_along(line: RunningLine) -> None:
    with line.citizen() as phone:
        greeted(phone)
        phone.wait_quiet(0.6)
        phone.speak(saying("agent"))
        entry = eventually(lambda: line.queue.list(EntryState.WAITING), 10.0)[0]
    assert entry.reason in ("asked", "not_understood")
    assert {turn.who for turn in entry.transcript} == {"bot", "caller"}


def test_the_last_sentence_is_whole_and_then_there_is_music(
    line: RunningLine, recognise: Callable[[bytes], str]
) -> None:
    with line.citizen() as phone:
        greeted(phone)
        phone.wait_quiet(0.6)
        begun = phone.now
        phone.press("0")
        phone.wait_until(begun + 12.0)
        heard = phone.heard()[int(begun * LINE_RATE) * 2 :]
        segments = speech_segments(heard)
        # Never silent for longer than a second and a half until somebody answers.
        gaps = [after[0] - before[1] for before, after in itertools.pairwise(segments)]
        assert max(gaps, default=0.0) < 1.5
        assert segments[-1][1] > 11.0
        assert "稍" in recognise(heard[: int(5.0 * LINE_RATE) * 2]) or "等" in recognise(
            heard[: int(5.0 * LINE_RATE) * 2]
        )


def test_a_claim_joins_caller_and_agent_who_hear_each_other(
    line: RunningLine, citizen_voice: Voice, recognise: Callable[[bytes], str]
) -> None:
    with line.agent("8001", answer_after=0.3) as agent, line.citizen() as phone:
        pressed_zero(phone)
        entry = eventually(lambda: line.queue.list(EntryState.WAITING), 5.0)[0]
        claimed = line.hotline("queue", "claim", "--agent", "8001")
        assert claimed.returncode == 0, claimed.stdout + claimed.stderr
        assert agent.state == "answered"
        eventually(lambda: line.queue.list(EntryState.JOINED), 20.0)
        time.sleep(0.5)
        before_caller, before_agent = len(phone.heard()), len(agent.heard())
        agent.speak(
            telephone(citizen_voice.render("您好，我是人工坐席，请问有什么可以帮您"), LINE_RATE)
        )
        agent.wait_spoken(15.0)
        phone.speak(telephone(citizen_voice.render("我家停水了，请帮我登记一下"), LINE_RATE))
        phone.wait_spoken(15.0)
        time.sleep(0.5)
        heard_by_caller = recognise(phone.heard()[before_caller:])
        heard_by_agent = recognise(agent.heard()[before_agent:])
        assert "人工" in heard_by_caller or "帮" in heard_by_caller, heard_by_caller
        assert "水" in heard_by_agent or "登记" in heard_by_agent, heard_by_agent
        agent.hangup()
        done = eventually(lambda: closed(line, entry.id), 5.0)
        assert done.state is EntryState.DONE
        assert phone.wait_ended(10.0) == 200


def closed(line: RunningLine, entry_id: str) -> QueueEntry | None:
    entry = line.queue.get(entry_id)
    return entry if entry and entry.state in (EntryState.DONE, EntryState.ABANDONED) else None


def test_a_caller_who_hangs_up_first_is_abandoned_at_once(line: RunningLine) -> None:
    with line.citizen() as phone:
        pressed_zero(phone)
        entry = eventually(lambda: line.queue.list(EntryState.WAITING), 5.0)[0]
        phone.wait_until(phone.now + 6.0)
        began = time.monotonic()
        phone.hangup()
        gone = eventually(lambda: closed(line, entry.id), 5.0)
        assert gone.state is EntryState.ABANDONED
        assert time.monotonic() - began < 1.0


def test_an_agent_who_does_not_answer_gives_the_caller_back_to_their_place(
    line: RunningLine,
) -> None:
    with line.agent("8002", answer_after=None) as agent, line.citizen() as phone:
        pressed_zero(phone)
        entry = eventually(lambda: line.queue.list(EntryState.WAITING), 5.0)[0]
        import threading

        claiming = threading.Thread(
            target=line.hotline, args=("queue", "claim", "--agent", "8002"), daemon=True
        )
        claiming.start()
        agent.wait_incoming(10.0)
        agent.reject()
        claiming.join(30)
        back = eventually(lambda: line.queue.list(EntryState.WAITING), 10.0)[0]
        assert (back.id, back.queued_at) == (entry.id, entry.queued_at)
        held(phone)


def test_an_agent_without_a_phone_is_told_so(line: RunningLine) -> None:
    with line.citizen() as phone:
        pressed_zero(phone)
        eventually(lambda: line.queue.list(EntryState.WAITING), 5.0)
        claimed = line.hotline("queue", "claim", "--agent", "8004")
        assert claimed.returncode != 0
        assert "8004" in claimed.stdout + claimed.stderr
        assert eventually(lambda: line.queue.list(EntryState.WAITING), 5.0)


def test_a_killed_bot_costs_the_caller_an_apology_and_nobody_their_place(
    line: RunningLine, recognise: Callable[[bytes], str]
) -> None:
    with line.citizen("13800138001") as waiting, line.citizen("13800138002") as talking:
        pressed_zero(waiting)
        before = eventually(lambda: line.queue.list(EntryState.WAITING), 5.0)[0]
        waiting.wait_until(waiting.now + 5.0)
        greeted(talking)
        bot = line.child("bot")
        killed_at = talking.now
        bot.kill()
        talking.wait_until(killed_at + 9.0)
        heard = recognise(talking.heard()[int(killed_at * LINE_RATE) * 2 :][: 9 * 16000])
        assert any(word in heard for word in ("抱歉", "人工", "问题", "挂机")), heard

        def both_waiting() -> Any:
            entries = line.queue.list(EntryState.WAITING)
            return (
                entries
                if {entry.caller for entry in entries}
                >= {
                    "13800138001",
                    "13800138002",
                }
                else None
            )

        entries = eventually(both_waiting, 60.0)
        assert before.id in {entry.id for entry in entries}
        lost = next(entry for entry in entries if entry.caller == "13800138002")
        assert lost.reason == "bot_lost"
        eventually(lambda: line.child("bot").pid != bot.pid and line.health()["asterisk"], 60.0)
    eventually(lambda: not line.queue.list(EntryState.WAITING), 10.0)


def test_without_redis_calls_are_answered_and_escalations_wait_in_asterisk(
    line: RunningLine,
) -> None:
    redis = line.child("redis")
    redis.suspend()
    try:
        with line.citizen() as phone:
            greeted(phone)
            phone.press("0")
            phone.wait_until(phone.now + 10.0)
            held(phone)
            redis.resume()
            entry = eventually(lambda: line.queue.list(EntryState.WAITING), 20.0)[0]
            assert entry.caller == "13800138000"
            assert entry.reason == "asked"
    finally:
        redis.resume()
    eventually(lambda: not line.queue.list(EntryState.WAITING), 10.0)
