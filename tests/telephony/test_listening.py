"""What a recording tells: where there is sound, how fast it came, how fast it stopped."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.telephony.listening import (
    CLICK,
    PAUSE,
    RATE,
    answer_latency,
    is_quiet,
    speech_bounds,
    speech_segments,
    stop_time,
)


def silence(seconds: float) -> bytes:
    return bytes(round(seconds * RATE) * 2)


def tone(seconds: float, level: float = 8000.0) -> bytes:
    time = np.arange(round(seconds * RATE)) / RATE
    return bytes((level * np.sin(2 * np.pi * 440 * time)).astype("<i2").tobytes())


def noise(seconds: float, level: float) -> bytes:
    random = np.random.default_rng(7).standard_normal(round(seconds * RATE))
    return bytes((level * random).astype("<i2").tobytes())


def mixed(one: bytes, other: bytes) -> bytes:
    total = np.frombuffer(one, "<i2").astype(int) + np.frombuffer(other, "<i2")
    return bytes(np.clip(total, -32768, 32767).astype("<i2").tobytes())


def test_silence_has_no_segments() -> None:
    assert speech_segments(silence(1.0)) == []
    assert speech_segments(b"") == []


def test_each_stretch_of_sound_is_found_where_it_is() -> None:
    pcm = silence(0.5) + tone(1.0) + silence(0.7) + tone(0.25) + silence(0.3)
    assert speech_segments(pcm) == [(0.5, 1.5), (2.2, 2.45)]


def test_a_short_pause_belongs_to_the_speech_around_it() -> None:
    assert speech_segments(tone(0.4) + silence(0.2) + tone(0.4)) == [(0.0, 1.0)]


def test_a_click_is_no_speech() -> None:
    assert speech_segments(silence(0.5) + tone(0.02) + silence(0.5)) == []


def test_line_noise_is_silence() -> None:
    assert speech_segments(noise(1.0, 60.0)) == []


@given(
    st.lists(
        st.tuples(st.integers(round(PAUSE * 100) + 1, 90), st.integers(round(CLICK * 100) + 1, 90)),
        max_size=6,
    )
)
def test_whatever_was_put_in_comes_out_in_order(pieces: list[tuple[int, int]]) -> None:
    pcm, wanted, place = b"", [], 0
    for pause, sound in pieces:
        pcm += silence(pause / 100) + tone(sound / 100)
        wanted.append(((place + pause) / 100, (place + pause + sound) / 100))
        place += pause + sound
    found = speech_segments(pcm)
    assert [pytest.approx(segment) for segment in wanted] == found


def test_the_end_of_noisy_speech_is_the_end_of_the_speech() -> None:
    speech = silence(0.4) + tone(1.0) + silence(0.6)
    assert speech_bounds(mixed(speech, noise(2.0, 600.0))) == pytest.approx((0.4, 1.4), abs=0.02)


def test_a_steady_tone_is_not_taken_for_noise() -> None:
    assert speech_bounds(tone(1.0)) == (0.0, 1.0)


def test_silence_has_no_speech_in_it() -> None:
    assert speech_bounds(silence(1.0)) is None
    assert speech_bounds(b"") is None


def test_latency_is_from_the_end_of_speech_to_the_first_sound_after_it() -> None:
    heard = tone(1.0) + silence(1.5) + tone(1.0)
    assert answer_latency(heard, spoken_end=1.75) == 0.75


def test_there_is_no_latency_without_an_answer() -> None:
    assert answer_latency(tone(1.0) + silence(2.0), spoken_end=1.5) is None


def test_stop_time_is_how_long_the_bot_spoke_on() -> None:
    assert stop_time(tone(1.2) + silence(1.0), barge_at=1.0) == 0.2


def test_a_bot_that_is_silent_has_stopped() -> None:
    assert stop_time(tone(1.0) + silence(1.0), barge_at=1.5) == 0.0


def test_quiet_needs_as_much_recording_as_it_asks_for() -> None:
    assert not is_quiet(silence(0.4), 0.5)
    assert is_quiet(tone(0.2) + silence(0.5), 0.5)
    assert not is_quiet(tone(0.2) + silence(0.4), 0.5)
