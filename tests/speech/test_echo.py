"""Our own sound coming back, told from somebody else's; and a hum told from a word."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bot.speech.audio import to_pcm
from bot.speech.citizen import background
from bot.speech.echo import MEMORY, MOSTLY, STRETCH, Echo, is_hum

Sound = NDArray[np.float64]


def chatter(seconds: float, seed: int) -> Sound:
    """Something with the spectrum and rhythm of many voices, like nothing else."""
    return 0.1 * background("babble", int(seconds * 8000), seed)


def played(sound: Sound) -> Echo:
    echo = Echo()
    for start in range(0, len(sound), 160):
        echo.played(to_pcm(sound[start : start + 160]))
    return echo


@given(st.floats(0.02, 0.7), st.floats(0.05, 0.8), st.integers(1, 1000))
def test_our_own_sound_is_known_however_late_and_soft(delay: float, gain: float, seed: int) -> None:
    ours = chatter(1.5, seed)
    end = len(ours) - int(delay * 8000)
    back = gain * ours[end - 1024 : end]
    assert played(ours).share(to_pcm(back)) > 0.9


@given(st.integers(1, 1000))
def test_somebody_else_is_not_us(seed: int) -> None:
    assert played(chatter(1.5, seed)).share(to_pcm(chatter(STRETCH, seed + 5000))) < MOSTLY


def test_a_caller_louder_than_the_echo_is_heard_through_it() -> None:
    ours, caller = chatter(1.5, 1), chatter(0.128, 2)
    mixed = 0.1 * ours[4000:5024] + caller
    assert played(ours).share(to_pcm(mixed)) < 0.5


def test_an_echo_smeared_by_the_phone_is_still_ours() -> None:
    ours = chatter(1.5, 1)
    room = np.zeros(24)
    room[[0, 7, 15, 23]] = (0.1, 0.05, -0.03, 0.02)
    back = np.convolve(ours, room)[5000:6024]
    assert played(ours).share(to_pcm(back)) > 0.8


@pytest.mark.parametrize("pcm", [b"", b"\x01", bytes(64), bytes(2048)])
def test_nothing_heard_is_no_echo(pcm: bytes) -> None:
    assert played(chatter(1.0, 1)).share(pcm) == 0.0


def test_with_nothing_played_or_long_after_it_there_is_no_echo() -> None:
    heard = to_pcm(chatter(0.128, 3))
    assert Echo().share(heard) == 0.0
    echo = played(chatter(1.0, 3))
    for _ in range(int(MEMORY / 0.02) + 1):
        echo.played(bytes(320))
    assert echo.share(heard) == 0.0


def hum(seconds: float, glide: float = 0.0) -> bytes:
    t = np.arange(int(seconds * 8000)) / 8000
    phase = 2 * np.pi * (220 * t + glide * t**2)
    return to_pcm(sum(0.2 / n**3 * np.sin(n * phase) for n in range(1, 12)))


def test_a_steady_low_sound_is_a_hum() -> None:
    assert is_hum(hum(0.128))
    assert is_hum(hum(0.4, glide=20.0))


def test_hiss_a_word_and_nothing_are_no_hum() -> None:
    hiss = to_pcm(0.1 * background("white", 1024, 1))
    assert not is_hum(hiss)
    assert not is_hum(hum(0.08) + hiss)
    assert not is_hum(bytes(2048))
    assert not is_hum(to_pcm(np.full(2048, 0.3)))
    assert not is_hum(b"")
