"""Real calls over SIP: questions are understood and answered aloud."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from calls.conftest import RunningLine, eventually

from bot.speech.audio import read_wav
from bot.speech.citizen import telephone
from bot.speech.types import LINE_RATE
from bot.speech.voice import Voice
from bot.telephony.listening import stop_time
from bot.telephony.phone_script import CallReport, run_script

pytestmark = pytest.mark.call
FIXTURES = Path(__file__).parent.parent / "fixtures"


def spoken_in_calls() -> list[Any]:
    """Fixtures whose sidecar says what the answer must contain."""
    found = []
    for sidecar in sorted(FIXTURES.glob("*.yaml")):
        content = yaml.safe_load(sidecar.read_text("utf-8"))
        if content.get("call"):
            found.append(pytest.param(sidecar, content, id=sidecar.stem))
    return found


def place_call(
    line: RunningLine, clips: list[bytes], **options: Any
) -> tuple[CallReport, dict[str, Any]]:
    with line.citizen() as phone:
        phone.call("12345")
        report = run_script(phone, clips, **options)
        return report, line.record(phone)


def intents_of(record: dict[str, Any]) -> list[str]:
    return [turn["intent"] for turn in record["turns"] if "intent" in turn]


@pytest.mark.parametrize(("sidecar", "content"), spoken_in_calls())
def test_a_recorded_question_is_answered_aloud(
    line: RunningLine, recognise: Callable[[bytes], str], sidecar: Path, content: dict[str, Any]
) -> None:
    report, record = place_call(line, [read_wav(sidecar.with_suffix(".wav"))])
    assert intents_of(record)[:1] == content["expect"]["intents"][:1]
    turn = report.turns[0]
    assert turn.heard is not None, "nothing was answered"
    start, end = (int(moment * LINE_RATE) * 2 for moment in turn.heard)
    heard = recognise(report.heard[start:end])
    words = content["call"]["answer_has"]
    assert any(word in heard for word in words), f"heard {heard!r}, wanted one of {words}"


def test_the_greeting_begins_at_once_and_says_what_this_is(
    line: RunningLine, recognise: Callable[[bytes], str]
) -> None:
    with line.citizen() as phone:
        phone.call("12345")
        phone.wait_answered()
        begins = phone.wait_sound(3.0, 0.0)
        phone.wait_quiet(0.6)
        greeting = recognise(phone.heard())
    assert begins < 1.0
    assert "12345" in greeting or "热线" in greeting or "您好" in greeting


def test_speech_stops_a_prompt_within_three_tenths_of_a_second(
    line: RunningLine, citizen_voice: Voice
) -> None:
    clip = telephone(citizen_voice.render("我家停水了"), LINE_RATE)
    with line.citizen() as phone:
        phone.call("12345")
        phone.wait_answered()
        begun = phone.wait_sound(5.0, 0.0)
        phone.wait_until(begun + 1.0)
        phone.speak(clip)
        mark = phone.wait_spoken(10.0)
        phone.wait_until(mark.end + 0.2)
        heard = phone.heard()
        record = eventually(
            lambda: line.record(phone) if phone.state == "ended" else phone.hangup()
        )
    # The clip begins with up to a tenth of a second of silence of its own.
    from bot.telephony.listening import speech_bounds

    bounds = speech_bounds(clip)
    assert bounds is not None
    assert 0 < stop_time(heard, mark.start + bounds[0]) <= 0.3
    assert any("cut_at" in turn for turn in record["turns"])


def test_a_request_becomes_a_ticket_whose_number_is_told(
    line: RunningLine, citizen_voice: Voice
) -> None:
    clips = [
        telephone(citizen_voice.render(text), LINE_RATE)
        for text in ("我家停水了", "朝阳区望京西园三区")
    ]
    _, record = place_call(line, clips)
    assert record["ticket"]
    assert any(record["ticket"][:6] in turn["text"] for turn in record["turns"])


def test_ten_callers_at_once_each_get_their_own_answer(
    line: RunningLine, citizen_voice: Voice
) -> None:
    questions = ["我家停水了", "公积金怎么提取", "路灯坏了", "怎么办理居住证", "小区噪音扰民"]
    clips = [telephone(citizen_voice.render(text), LINE_RATE) for text in questions]
    alone = [intents_of(place_call(line, [clip], patience=30)[1]) for clip in clips]
    assert all(alone)

    def call(number: int) -> list[str]:
        time.sleep(number * 0.05)
        return intents_of(place_call(line, [clips[number % 5]], patience=60)[1])

    with ThreadPoolExecutor(10) as pool:
        together = list(pool.map(call, range(10)))
    assert together == [alone[number % 5] for number in range(10)]


def test_a_caller_of_an_unknown_number_is_refused(line: RunningLine) -> None:
    with line.citizen() as phone:
        phone.call("10086")
        assert phone.wait_ended(5.0) == 404


def test_nobody_can_dial_an_agent_from_outside(line: RunningLine) -> None:
    with line.citizen() as phone:
        phone.call("8001")
        assert phone.wait_ended(5.0) == 404


def test_a_caller_needs_no_account(line: RunningLine) -> None:
    from bot.telephony.phone import Phone

    with Phone(server=line.server, caller="13900139000") as phone:
        phone.call("12345")
        phone.wait_answered()
        phone.wait_sound(5.0, 0.0)


def test_the_line_measures_what_it_does(line: RunningLine) -> None:
    import httpx

    text = httpx.get(f"http://127.0.0.1:{line.settings.http_port}/metrics").text
    assert "calls_total" in text
    assert line.health()["asterisk"]
