"""Sound as bytes: files in any shape, rates, loudness, the phone's codec."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.speech.audio import (
    frames,
    level,
    read_wav,
    resample,
    samples,
    seconds,
    through_mulaw,
    write_wav,
)
from bot.speech.citizen import NOISES, background, telephone
from bot.speech.types import FRAME_BYTES, SpeechError


def tone(hertz: float, length: float, rate: int = 8000, loudness: float = 0.3) -> bytes:
    t = np.arange(int(length * rate)) / rate
    return (np.sin(2 * np.pi * hertz * t) * loudness * 32767).astype("<i2").tobytes()


def pitch_of(pcm: bytes, rate: int = 8000) -> float:
    spectrum = np.abs(np.fft.rfft(samples(pcm)))
    return float(np.fft.rfftfreq(len(pcm) // 2, 1 / rate)[spectrum.argmax()])


@pytest.mark.parametrize(
    ("rate", "channels", "width"),
    [(8000, 1, 2), (44100, 2, 2), (48000, 1, 2), (16000, 2, 4), (11025, 1, 1)],
)
def test_a_wav_of_any_usual_shape_becomes_line_audio(
    tmp_path: Path, rate: int, channels: int, width: int
) -> None:
    sound = samples(tone(440, 1.0, rate)).astype(np.int64)
    scaled = {1: sound // 256 + 128, 2: sound, 4: sound << 16}[width]
    kind = {1: "u1", 2: "<i2", 4: "<i4"}[width]
    data = np.repeat(scaled, channels).astype(kind).tobytes()
    path = tmp_path / "x.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(data)
    line = read_wav(path)
    assert seconds(line) == pytest.approx(1.0, abs=0.03)
    assert pitch_of(line) == pytest.approx(440, abs=3)


def test_what_is_written_is_read_back_unchanged(tmp_path: Path) -> None:
    sound = tone(300, 0.5)
    write_wav(tmp_path / "x.wav", sound)
    assert read_wav(tmp_path / "x.wav") == sound


@pytest.mark.parametrize("content", [b"", b"RIFF", b"not a wav at all" * 50, bytes(1000)])
def test_a_file_that_is_not_sound_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.wav"
    path.write_bytes(content)
    with pytest.raises(SpeechError, match=r"bad\.wav"):
        read_wav(path)


def test_a_wav_without_sound_is_refused(tmp_path: Path) -> None:
    write_wav(tmp_path / "empty.wav", b"")
    with pytest.raises(SpeechError, match=r"empty\.wav"):
        read_wav(tmp_path / "empty.wav")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match="no such file"):
        read_wav(tmp_path / "nowhere.wav")


@given(st.binary(max_size=5000))
def test_frames_hold_all_the_sound_and_are_all_of_one_size(pcm: bytes) -> None:
    cut = list(frames(pcm))
    assert all(len(frame) == FRAME_BYTES for frame in cut)
    assert b"".join(cut)[: len(pcm)] == pcm


@pytest.mark.parametrize("target", [8000, 16000, 24000])
def test_resampling_keeps_length_and_pitch(target: int) -> None:
    sound = resample(tone(500, 1.0, 16000), 16000, target)
    assert seconds(sound, target) == pytest.approx(1.0, abs=0.01)
    assert pitch_of(sound, target) == pytest.approx(500, abs=3)


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=300))
def test_mulaw_is_never_off_by_more_than_its_step(values: list[int]) -> None:
    before = np.array(values, dtype="<i2")
    after = samples(through_mulaw(before.tobytes())).astype(int)
    # A segment's step is at most 1/16 of its values; the half of it is lost, clipping apart.
    error = np.abs(after - before.astype(int))
    assert (error <= np.abs(before.astype(int)) / 16 + 20).all() or np.abs(before).max() > 32000


@given(st.floats(0.001, 0.99))
def test_levelling_brings_any_speech_to_one_loudness_without_clipping(loudness: float) -> None:
    levelled = samples(level(tone(300, 0.5, loudness=loudness))).astype(float) / 32768
    if loudness > 0.02:
        assert 0.08 < np.sqrt(np.mean(levelled**2)) < 0.13
    assert np.abs(levelled).max() < 1.0


def test_silence_stays_silence() -> None:
    assert level(bytes(3200)) == bytes(3200)


@pytest.mark.parametrize("noise", NOISES)
def test_noise_has_the_loudness_that_was_asked_for(noise: str) -> None:
    clean = samples(telephone(tone(800, 4.0), 8000)).astype(float)
    noisy = samples(telephone(tone(800, 4.0), 8000, snr_db=10, noise=noise)).astype(float)
    ratio = 10 * np.log10(np.mean(clean**2) / np.mean((noisy - clean) ** 2))
    # Part of the noise lies outside the telephone's band and is lost: at least 10 dB remain.
    assert 9 < ratio < 30


def test_the_same_seed_makes_the_same_caller() -> None:
    one, two, other = (telephone(tone(500, 1.0), 8000, snr_db=5, seed=s) for s in (1, 1, 2))
    assert one == two != other


def test_an_unknown_noise_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown noise"):
        background("rain", 100, 1)
