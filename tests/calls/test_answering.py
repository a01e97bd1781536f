"""Real calls over SIP: questions are understood and answered aloud."""

from __future__ import annotations

import itertools
import time
import wave
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from running_line import RunningLine, alike, eventually, saying

from bot.speech.audio import read_wav, resample, samples
from bot.speech.citizen import telephone
from bot.speech.types import LINE_RATE, WIDE_RATE
from bot.speech.voice import Voice
from bot.telephony.listening import stop_time
from bot.telephony.phone_script import CallReport, run_script

pytestmark = pytest.mark.call
FIXTURES = Path(__file__).parent.parent / "fixtures"


#: Calls that are placed at once: more would wait for each other on two cores.
TOGETHER = 4
#: Similarity in sound (0 to 100) at which a caller has understood what was said.
UNDERSTOOD = 60
#: Citizens who may have to ask once more.
MISSED = 1
#: Fixtures of callers who want different things.
TOLD_APART = ("water_outage", "housing_fund_withdraw", "heating", "garbage", "social_card")


Words = Callable[[bytes], str]


def asked_in_calls() -> list[str]:
    """Fixtures whose sidecar wants them asked over SIP."""
    sidecars = sorted(FIXTURES.glob("*.yaml"))
    return [one.stem for one in sidecars if yaml.safe_load(one.read_text("utf-8")).get("call")]


def expected_of(name: str) -> dict[str, Any]:
    expected: dict[str, Any] = yaml.safe_load((FIXTURES / f"{name}.yaml").read_text("utf-8"))
    return expected["expect"]


def place_call(
    line: RunningLine, clips: list[bytes], **options: Any
) -> tuple[CallReport, dict[str, Any]]:
    with line.citizen() as phone:
        phone.call("12345")
        report = run_script(phone, clips, **options)
        return report, line.record(phone)


def intents_of(record: dict[str, Any]) -> list[str]:
    return [turn["intent"] for turn in record["turns"] if "intent" in turn]


def heard_and_said(report: CallReport, record: dict[str, Any], recognise: Words) -> tuple[str, str]:
    """What a citizen made of the answer, and what the bot's record says that it was."""
    turn = report.turns[0]
    if turn.heard is None:
        return "", ""
    start, end = (int(moment * LINE_RATE) * 2 for moment in turn.heard)
    turns = record["turns"]
    at = next((number for number, one in enumerate(turns) if one["who"] == "caller"), len(turns))
    said = "".join(one["text"] for one in turns[at + 1 :] if one["who"] == "bot")
    return recognise(report.heard[start:end]), said


def understood(report: CallReport, record: dict[str, Any], recognise: Words) -> bool:
    """Whether the citizen heard the answer that was said."""
    heard, said = heard_and_said(report, record, recognise)
    return bool(said) and alike(heard, said) >= UNDERSTOOD


@pytest.fixture(scope="module")
def asked(line: RunningLine, recognise: Words) -> dict[str, tuple[CallReport, dict[str, Any]]]:
    """Every such fixture asked in a call of its own: what was heard, and the bot's record."""
    names = asked_in_calls()

    def ask(name: str) -> tuple[CallReport, dict[str, Any]]:
        return place_call(line, [read_wav(FIXTURES / f"{name}.wav")], patience=30)

    with ThreadPoolExecutor(TOGETHER) as pool:
        calls = dict(zip(names, pool.map(ask, names), strict=True))
    # Synthetic speech is never made twice alike: who heard no answer asks once more.
    missed = [name for name in names if not understood(*calls[name], recognise)]
    assert len(missed) <= MISSED, missed
    return calls | {name: ask(name) for name in missed}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", asked_in_calls())
def test_a_recorded_question_is_answered_aloud(
    asked: dict[str, tuple[CallReport, dict[str, Any]]],
    recognise: Words,
    name: str,
) -> None:
    report, record = asked[name]
    assert intents_of(record)[:1] == expected_of(name)["intents"][:1]
    heard, said = heard_and_said(report, record, recognise)
    assert alike(heard, said) >= UNDERSTOOD, f"heard {heard!r} of {said!r}"
    assert alike(heard, said) > alike(heard, record["turns"][0]["text"])


def test_the_greeting_begins_at_once_and_says_what_this_is(
    line: RunningLine, recognise: Words
) -> None:
    with line.citizen() as phone:
        phone.call("12345")
        phone.wait_answered()
        begins = phone.wait_sound(3.0, 0.0)
        phone.wait_quiet(0.6)
        greeting = recognise(phone.heard())
    assert begins < 1.0
    assert alike(greeting, "您好，这里是12345市民服务热线") >= UNDERSTOOD


@pytest.mark.parametrize(("codecs", "wide"), [(["PCMA", "G722"], True), (["PCMA"], False)])
def test_a_wideband_phone_is_heard_and_spoken_to_with_all_of_a_voice(
    line: RunningLine, recognise: Words, codecs: list[str], *, wide: bool
) -> None:
    clip = resample(read_wav(FIXTURES / "social_card.wav"), LINE_RATE, WIDE_RATE)
    with line.citizen(codecs=codecs, rate=WIDE_RATE) as phone:
        phone.call("12345")
        phone.wait_answered()
        phone.wait_sound(5.0, 0.0)
        phone.wait_quiet(0.6)
        phone.speak(clip)
        mark = phone.wait_spoken(10.0)
        begins = phone.wait_sound(10.0, mark.end)
        phone.wait_until(begins + 2.0)
        answer = phone.heard()[int(begins * WIDE_RATE) * 2 :]
        phone.hangup()
        record = line.record(phone)
    assert intents_of(record)[:1] == expected_of("social_card")["intents"][:1]
    power = np.abs(np.fft.rfft(samples(answer).astype(float))) ** 2
    assert (10 * np.log10(power[len(power) // 2 :].sum() / power.sum()) > -40.0) == wide
    assert alike(recognise(resample(answer, WIDE_RATE, LINE_RATE)), record["turns"][-1]["text"]) > 0
    (kept,) = (line.settings.state / "sounds").rglob(f"{record['id']}/1.wav")
    with wave.open(str(kept)) as file:
        assert file.getframerate() == (WIDE_RATE if wide else LINE_RATE)


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


def test_a_request_becomes_a_ticket_whose_number_is_told(line: RunningLine) -> None:
    clips = [saying(name) for name in ("water_off", "place", "right")]
    _, record = place_call(line, clips)
    assert record["ticket"]
    assert any(record["ticket"][:6] in turn["text"] for turn in record["turns"])


def test_ten_callers_at_once_each_get_their_own_answer(line: RunningLine) -> None:
    names = [name for _, name in zip(range(10), itertools.cycle(TOLD_APART), strict=False)]

    def call(number: int) -> list[str]:
        time.sleep(number * 0.05)
        clip = read_wav(FIXTURES / f"{names[number]}.wav")
        return intents_of(place_call(line, [clip], patience=60)[1])

    with ThreadPoolExecutor(10) as pool:
        understood = list(pool.map(call, range(10)))
    assert understood == [expected_of(name)["intents"] for name in names]
    eventually(line.admits, 30.0)


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
