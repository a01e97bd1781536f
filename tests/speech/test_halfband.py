"""From 16 kHz to 8 and back, piece by piece."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.speech.audio import samples
from bot.speech.halfband import Doubler, Narrower


def tone(hertz: float, rate: int, count: int = 8000) -> bytes:
    sound = 8000 * np.sin(2 * np.pi * hertz * np.arange(count) / rate)
    return sound.astype("<i2").tobytes()


def loudness(pcm: bytes) -> float:
    return float(np.sqrt(np.mean(samples(pcm)[50:].astype(float) ** 2)))


@pytest.mark.parametrize("hertz", [200, 1000, 3000])
def test_what_a_telephone_carries_stays_as_loud_on_the_way_down(hertz: int) -> None:
    wide = tone(hertz, 16000)
    assert loudness(Narrower(16000).narrow(wide)) == pytest.approx(loudness(wide), rel=0.02)


@pytest.mark.parametrize("hertz", [5000, 6000, 7500])
def test_what_a_telephone_cannot_carry_is_not_folded_into_what_it_can(hertz: int) -> None:
    wide = tone(hertz, 16000)
    assert loudness(Narrower(16000).narrow(wide)) < 0.01 * loudness(wide)


def test_sound_that_is_narrow_already_is_left_alone() -> None:
    assert Narrower(8000).narrow(b"\1\2\3\4") == b"\1\2\3\4"


@given(st.lists(st.integers(1, 400), min_size=1, max_size=20))
def test_pieces_join_without_a_seam(sizes: list[int]) -> None:
    wide = tone(440, 16000, 2 * sum(sizes))
    narrower, whole, at, joined = Narrower(16000), Narrower(16000).narrow(wide), 0, b""
    for size in sizes:
        joined += narrower.narrow(wide[at : at + 4 * size])
        at += 4 * size
    assert joined == whole


def test_doubling_keeps_a_tone_and_adds_no_other() -> None:
    doubled = Doubler().double(tone(1000, 8000))
    spectrum = np.abs(np.fft.rfft(doubled))
    assert np.argmax(spectrum) == 1000
    assert spectrum[4000:].max() < 0.01 * spectrum.max()
