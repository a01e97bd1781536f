"""The voice of all calls: its cache, its order, its joints; with an engine that hums."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bot.speech.voice as voice_module
from bot.speech.audio import samples, seconds
from bot.speech.types import LINE_RATE, WIDE_RATE, SpeechError, SpokenAudio
from bot.speech.voice import (
    GROUP_PAUSE,
    NUMBER_SPEED,
    PAUSE,
    SILENT,
    Voice,
    faded,
    sentences,
    without_lead,
)


class Hummer:
    """Hums for a tenth of a second a character, and remembers what it was asked."""

    name = "hummer"

    def __init__(self, voice: str = "one", loudness: float = 0.3) -> None:
        self.voice = voice
        self.loudness = loudness
        self.asked: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def speak(self, text: str, speed: float = 1.0, pitch: float = 1.0) -> SpokenAudio:
        self.asked.append(text)
        self.gate.wait(5)
        if "不能说" in text:
            raise SpeechError("cannot say it")
        t = np.arange(int(0.1 * len(text) / speed * 16000)) / 16000
        sound = self.loudness * np.cos(2 * np.pi * 200 * pitch * t)
        return SpokenAudio((sound * 32767).astype("<i2").tobytes(), 16000)


async def played(voice: Voice, text: str, **how: Any) -> list[bytes]:
    return [piece async for piece in voice.stream(text, **how)]


def test_a_sentence_is_made_once_whoever_asks_and_whenever(tmp_path: Path) -> None:
    engine = Hummer()
    first = Voice(engine, tmp_path)
    sound = first.sentence("您好。")
    assert first.sentence("您好。") == sound
    assert Voice(engine, tmp_path).sentence("您好。") == sound
    assert engine.asked == ["您好。"]


def test_other_speed_pitch_voice_or_words_are_other_sounds(tmp_path: Path) -> None:
    engine = Hummer()
    voice = Voice(engine, tmp_path)
    sounds = [
        voice.sentence("您好。"),
        voice.sentence("您好。", 0.8),
        voice.sentence("您好。", 1.0, 1.2),
        voice.sentence("再见。"),
        Voice(Hummer("two"), tmp_path).sentence("您好。"),
    ]
    assert len(engine.asked) == 4
    assert seconds(sounds[1]) > seconds(sounds[0])
    assert sounds[2] != sounds[0]


async def test_sentences_come_in_order_the_first_before_the_second_is_made(tmp_path: Path) -> None:
    engine = Hummer()
    voice = Voice(engine, tmp_path)
    stream = voice.stream("您好。请说您的问题。再见。")
    first = await anext(stream)
    engine.gate.clear()
    rest = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.05)
    assert first == voice.sentence("您好。")
    engine.gate.set()
    assert await rest == voice.sentence("请说您的问题。")
    assert await anext(stream) == voice.sentence("再见。")
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    assert engine.asked == ["您好。", "请说您的问题。", "再见。"]


async def test_what_is_streamed_is_what_is_rendered(tmp_path: Path) -> None:
    voice = Voice(Hummer(), tmp_path)
    text = "您好！这里是热线；请讲。"
    assert b"".join(await played(voice, text, speed=0.9)) == voice.render(text, 0.9)
    assert await played(voice, "") == []


async def test_a_caller_who_cuts_in_leaves_nothing_to_be_made(tmp_path: Path) -> None:
    engine = Hummer()
    voice = Voice(engine, tmp_path)
    engine.gate.clear()
    task = asyncio.ensure_future(played(voice, "一。二。三。四。五。"))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    engine.gate.set()
    await asyncio.to_thread(voice.sentence, "六。")
    assert set(engine.asked) <= {"一。", "二。", "六。"}


async def test_a_sentence_that_cannot_be_said_is_an_error_and_the_next_text_is_said(
    tmp_path: Path,
) -> None:
    voice = Voice(Hummer(), tmp_path)
    with pytest.raises(SpeechError, match="cannot say it"):
        await played(voice, "您好。不能说。")
    assert await played(voice, "您好。")


def test_a_full_disk_costs_the_cache_not_the_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> tuple[int, str]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(voice_module.tempfile, "mkstemp", full)
    engine = Hummer()
    voice = Voice(engine, tmp_path)
    assert voice.sentence("您好。") == voice.sentence("您好。")
    assert engine.asked == ["您好。"]
    assert not list(tmp_path.rglob("*.slin"))


def test_what_is_for_one_caller_only_is_never_written_to_disk(tmp_path: Path) -> None:
    voice = Voice(Hummer(), tmp_path)
    for text in ("工单号是20261124000123。", "您的电话是138-1234-5678。", "我们在3号楼。"):
        voice.sentence(text)
    assert len(list(tmp_path.rglob("*.slin"))) == 1


def test_the_oldest_sound_on_disk_goes_when_there_is_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = Voice(Hummer(), tmp_path)
    sizes = [len(voice.sentence(text, rate=WIDE_RATE)) for text in ("一。", "二。", "三。", "四。")]
    for age, path in enumerate(sorted(tmp_path.rglob("*.slin"), key=lambda p: p.stat().st_mtime)):
        import os

        os.utime(path, (1000 + age, 1000 + age))
    kept = sorted(tmp_path.rglob("*.slin"), key=lambda p: p.stat().st_mtime)[2:]
    monkeypatch.setattr(voice_module, "DISK", sum(sizes[2:]))
    voice.tidy()
    assert sorted(tmp_path.rglob("*.slin")) == sorted(kept)


def test_memory_holds_the_latest_and_no_more_than_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Hummer()
    voice = Voice(engine, tmp_path)
    size = len(voice.sentence("一号。"))
    monkeypatch.setattr(voice_module, "MEMORY", 3 * size)
    for text in ("二号。", "三号。", "四号。", "一号。", "五号。"):
        voice.sentence(text)
    assert voice._held <= 3 * size
    assert len(voice._memory) == 3
    assert len(engine.asked) == 5  # the first one came back from disk


def test_building_makes_what_is_missing_and_says_how_far_it_is(tmp_path: Path) -> None:
    engine = Hummer()
    voice = Voice(engine, tmp_path)
    voice.sentence("您好。")
    told: list[str] = []
    assert voice.build(["您好。请讲。", "请讲。再见。"], told.append) == 2
    assert engine.asked == ["您好。", "请讲。", "再见。"]
    assert "2 of 2" in told[-1]
    assert voice.build(["您好。请讲。再见。"], told.append) == 0


def test_a_set_at_another_speed_is_built_beside_the_usual_one(tmp_path: Path) -> None:
    voice = Voice(Hummer(), tmp_path)
    voice.build(["您好。请讲。"], str)
    assert voice.missing(["您好。请讲。"], 0.8) == ["您好。", "请讲。"]
    assert not voice.is_made("您好。", 0.8)
    assert voice.build(["您好。请讲。"], str, speed=0.8) == 2
    assert voice.is_made("您好。请讲。", 0.8)
    assert seconds(voice.sentence("您好。", 0.8)) > seconds(voice.sentence("您好。"))


def test_fixed_texts_are_built_once_even_with_numbers_in_them(tmp_path: Path) -> None:
    voice = Voice(Hummer(), tmp_path)
    text = "咨询请打010-12345678。"
    assert voice.build([text], str) == 1
    assert voice.missing([text]) == []
    assert Voice(Hummer(), tmp_path).build([text], str) == 0


async def test_what_is_said_in_a_call_only_is_never_written_to_disk(tmp_path: Path) -> None:
    voice = Voice(Hummer(), tmp_path)
    await played(voice, "地点是望京街道幸福小区。")
    assert not list(tmp_path.rglob("*.slin"))


def test_a_long_number_is_said_slowly_in_groups_with_time_to_write(tmp_path: Path) -> None:
    engine = Hummer()
    paces: list[float] = []
    speak = engine.speak

    def heard(text: str, speed: float = 1.0, pitch: float = 1.0) -> SpokenAudio:
        paces.append(speed)
        return speak(text, speed, pitch)

    engine.speak = heard  # type: ignore[method-assign]
    voice = Voice(engine, tmp_path)
    sound = voice.sentence("工单号是261124000017，请记好。")
    assert engine.asked == ["工单号是", "二六幺幺", "二四零零", "零零幺七", "，请记好。"]
    assert paces == [1.0, *[NUMBER_SPEED] * 3, 1.0]
    spoken = sum(0.1 * len(text) / pace for text, pace in zip(engine.asked, paces, strict=True))
    assert seconds(sound) == pytest.approx(spoken + 4 * GROUP_PAUSE + PAUSE, abs=0.01)
    paces.clear()
    voice.sentence("工单号是261124000017，请记好。", 0.8)
    assert paces == [0.8] * 5  # slow enough


def test_a_recording_is_heard_instead_of_the_voice_for_its_very_text(tmp_path: Path) -> None:
    engine = Hummer()
    voice = Voice(engine, tmp_path)
    voice.use({"您好。请讲。": b"\1\0" * 4000})
    assert voice.render("您好。请讲。", rate=WIDE_RATE) == b"\1\0" * 4000
    assert voice.is_recorded("您好。请讲。")
    assert voice.missing(["您好。请讲。"]) == []
    assert engine.asked == []
    voice.render("您好。")
    assert engine.asked == ["您好。"]
    assert not voice.is_recorded("您好。")


def test_each_pack_keeps_its_recordings_until_it_gets_others(tmp_path: Path) -> None:
    voice = Voice(Hummer(), tmp_path)
    voice.use({"您好。": b"\1\0"}, pack="one")
    voice.use({"再见。": b"\2\0"}, pack="two")
    assert voice.render("您好。再见。", rate=WIDE_RATE) == b"\1\0\2\0"
    voice.use({}, pack="one")
    assert not voice.is_recorded("您好。")
    assert voice.is_recorded("再见。")


async def test_a_recording_is_heard_within_a_longer_text_too(tmp_path: Path) -> None:
    engine = Hummer()
    voice = Voice(engine, tmp_path)
    voice.use({"您好。请讲。": b"\1\0" * 4000})
    heard = await played(voice, "不好意思。您好。请讲。再见。", rate=WIDE_RATE)
    assert heard[1] == b"\1\0" * 4000
    assert engine.asked == ["不好意思。", "再见。"]


def test_a_recording_is_stretched_for_who_wants_it_slower_and_stays_as_high(
    tmp_path: Path,
) -> None:
    voice = Voice(Hummer(), tmp_path)
    hum = (np.cos(2 * np.pi * 300 / 16000 * np.arange(32000)) * 9000).astype("<i2").tobytes()
    voice.use({"您好。": hum})
    slow = voice.sentence("您好。", 0.8)
    assert seconds(slow) == pytest.approx(2.5, rel=0.02)
    spectrum = np.abs(np.fft.rfft(samples(slow).astype(float)))
    assert np.argmax(spectrum) * 8000 / len(samples(slow)) == pytest.approx(300, rel=0.01)
    assert voice.sentence("您好。", 0.8) == slow


def test_a_voice_of_another_pitch_is_another_person_and_has_no_recordings(tmp_path: Path) -> None:
    engine = Hummer()
    voice = Voice(engine, tmp_path)
    voice.use({"您好。": b"\1\0" * 4000})
    voice.render("您好。", 1.0, 1.2)
    assert engine.asked == ["您好。"]


def steps(pcm: bytes) -> float:
    """The largest jump from one sample to the next, of full scale."""
    return float(np.abs(np.diff(samples(pcm).astype(float))).max()) / 32768


@pytest.mark.parametrize("loudness", [0.05, 0.3, 0.9])
def test_nothing_clicks_within_or_between_sentences(tmp_path: Path, loudness: float) -> None:
    voice = Voice(Hummer(loudness=loudness), tmp_path)
    sound = bytes(320) + voice.render("您好。请讲。再见。") + bytes(320)
    # A 200 Hz hum at this level moves by at most this much a sample; a click is a jump.
    hum = 2 * np.pi * 200 / 8000 * np.abs(samples(sound).astype(float)).max() / 32768
    assert steps(sound) <= 1.2 * hum


@pytest.mark.parametrize("loudness", [0.05, 0.3, 0.9])
def test_every_sentence_is_as_loud_as_the_others(tmp_path: Path, loudness: float) -> None:
    sound = samples(Voice(Hummer(loudness=loudness), tmp_path).sentence("您好您好您好。"))
    voiced = sound[: -int(PAUSE * 8000)].astype(float) / 32768
    assert 20 * np.log10(np.sqrt(np.mean(voiced**2))) == pytest.approx(-20, abs=1.0)


@given(st.binary(max_size=400))
def test_fading_keeps_the_length_and_ends_in_nothing(pcm: bytes) -> None:
    pcm = pcm[: len(pcm) // 2 * 2]
    soft = samples(faded(pcm, LINE_RATE))
    assert len(soft) == len(pcm) // 2
    if len(soft) > 2:
        assert soft[0] == soft[-1] == 0


@given(st.text("您好，。！？；\n请讲 ", max_size=60))
def test_cutting_into_sentences_loses_nothing_but_space(text: str) -> None:
    cut = sentences(text)
    assert "".join("".join(cut).split()) == "".join(text.split())
    assert all(cut)


def above_four_kilohertz(pcm: bytes) -> float:
    """Share of the energy of sound at 16 kHz."""
    power = np.abs(np.fft.rfft(samples(pcm).astype(float))) ** 2
    return float(power[len(power) // 2 :].sum() / power.sum())


async def test_a_wideband_caller_hears_what_a_telephone_leaves_out(tmp_path: Path) -> None:
    engine = Hummer()
    # A hum of 6 kHz beside the one of 200 Hz.
    low = engine.speak
    t = np.arange(16000) / 16000

    def hissing(text: str, speed: float = 1.0, pitch: float = 1.0) -> SpokenAudio:
        hum = samples(low(text, speed, pitch).pcm).astype(float)
        hiss = 9000 * np.sin(2 * np.pi * 6000 * t[: len(hum)])
        return SpokenAudio((hum + hiss).clip(-32768, 32767).astype("<i2").tobytes(), 16000)

    engine.speak = hissing  # type: ignore[method-assign]
    voice = Voice(engine, tmp_path)
    (wide,) = await played(voice, "您好。", rate=WIDE_RATE)
    (narrow,) = await played(voice, "您好。")
    assert above_four_kilohertz(wide) > 0.3
    assert seconds(wide, WIDE_RATE) == pytest.approx(seconds(narrow), abs=0.001)
    # Both are made of the one sound that is kept.
    voice.build(["您好。"], str)
    Voice(engine, tmp_path).render("您好。", rate=WIDE_RATE)
    assert Voice(engine, tmp_path).render("您好。") == Voice(engine, tmp_path).sentence("您好。")


async def test_an_answer_begins_with_its_first_sound_and_keeps_the_pauses_within(
    tmp_path: Path,
) -> None:
    engine = Hummer()
    hum = engine.speak

    def slow_to_begin(text: str, speed: float = 1.0, pitch: float = 1.0) -> SpokenAudio:
        return SpokenAudio(bytes(2 * 1600) + hum(text, speed, pitch).pcm, 16000)

    engine.speak = slow_to_begin  # type: ignore[method-assign]
    voice = Voice(engine, tmp_path)
    first, second = await played(voice, "您好。请讲。")
    assert seconds(first) == pytest.approx(0.3 + PAUSE, abs=0.02)
    assert seconds(second) == pytest.approx(0.1 + 0.3 + PAUSE, abs=0.02)


@given(st.binary(max_size=400))
def test_what_is_cut_before_the_first_sound_is_silence(pcm: bytes) -> None:
    pcm = pcm[: len(pcm) // 2 * 2]
    rest = without_lead(pcm, LINE_RATE)
    assert pcm.endswith(rest)
    cut = samples(pcm[: len(pcm) - len(rest)]).astype(int)
    assert not cut.size or np.abs(cut).max() <= SILENT * 32768
