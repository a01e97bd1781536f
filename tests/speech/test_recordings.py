"""A city's own recordings: found by name, levelled, and given up when the words change."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from bot.speech import audio
from bot.speech.audio import samples
from bot.speech.recordings import MANIFEST, Cue, load, remember
from bot.speech.types import WIDE_RATE
from bot.speech.voice import PAUSE

CUES = (
    Cue("greeting", 0, "您好。"),
    Cue("greeting", 1, "您好，请讲。"),
    Cue("ticket.filed", 0, "工单号是{number}。", fixed=False),
    Cue("bye", 0, "再见。"),
)


def record(
    path: Path,
    *,
    rate: int = 44100,
    channels: int = 2,
    loudness: float = 0.1,
    hertz: int = 300,
    silence: float = 1.0,
    seconds: float = 1.0,
) -> Path:
    """Somebody humming, with silence before and after."""
    path.parent.mkdir(exist_ok=True)
    quiet = np.zeros(int(silence * rate))
    hum = loudness * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)
    sound = (np.concatenate([quiet, hum, quiet]) * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat(sound, channels).tobytes())
    return path


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (16000, 1), (44100, 2), (48000, 2)])
def test_any_sample_rate_mono_or_stereo_becomes_line_audio(
    tmp_path: Path, rate: int, channels: int
) -> None:
    record(tmp_path / "bye.wav", rate=rate, channels=channels)
    found = load(tmp_path, CUES)
    assert found.problems == found.stale == ()
    # The silence at its ends is cut to 80 ms.
    assert audio.seconds(found.sounds["再见。"], WIDE_RATE) == pytest.approx(1.16 + PAUSE, abs=0.02)


@pytest.mark.parametrize("loudness", [0.03, 0.3, 0.9])
def test_every_recording_is_as_loud_as_the_voice(tmp_path: Path, loudness: float) -> None:
    record(tmp_path / "bye.wav", loudness=loudness, silence=0.0)
    sound = samples(load(tmp_path, CUES).sounds["再见。"])[: -int(PAUSE * WIDE_RATE)] / 32768
    assert 20 * np.log10(np.sqrt(np.mean(sound**2))) == pytest.approx(-20, abs=1.0)


def test_a_variant_is_recorded_by_its_number_and_the_first_needs_none(tmp_path: Path) -> None:
    record(tmp_path / "greeting.wav")
    record(tmp_path / "greeting.2.wav")
    assert set(load(tmp_path, CUES).sounds) == {"您好。", "您好，请讲。"}


def test_a_folder_that_is_not_there_holds_no_recordings(tmp_path: Path) -> None:
    assert load(tmp_path / "nowhere", CUES).sounds == {}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("ticket.filed.wav", "filled in during the call"),
        ("gretting.wav", "there is no prompt “gretting”"),
        ("greeting.3.wav", "there is no prompt “greeting.3”"),
    ],
)
def test_a_recording_of_what_cannot_be_recorded_is_told(
    tmp_path: Path, name: str, why: str
) -> None:
    record(tmp_path / name)
    found = load(tmp_path, CUES)
    assert found.sounds == {}
    (problem,) = found.problems
    assert name in problem
    assert why in problem


def test_two_recordings_of_one_prompt_are_one_too_many(tmp_path: Path) -> None:
    record(tmp_path / "greeting.wav")
    record(tmp_path / "greeting.1.wav")
    found = load(tmp_path, CUES)
    assert len(found.sounds) == 1
    assert "already" in found.problems[0]


def test_silence_and_what_is_no_sound_are_told_and_the_others_are_used(tmp_path: Path) -> None:
    record(tmp_path / "greeting.wav", loudness=0.0)
    (tmp_path / "greeting.2.wav").write_bytes(b"not sound")
    record(tmp_path / "bye.wav")
    found = load(tmp_path, CUES)
    assert set(found.sounds) == {"再见。"}
    assert [("nobody speaks" in one, "cannot be read" in one) for one in found.problems] == [
        (False, True),
        (True, False),
    ]


def reworded(text: str) -> tuple[Cue, ...]:
    return (*CUES[:3], Cue("bye", 0, text))


def test_a_recording_is_given_up_when_its_prompt_is_reworded(tmp_path: Path) -> None:
    record(tmp_path / "bye.wav")
    assert remember(tmp_path, load(tmp_path, CUES))
    found = load(tmp_path, reworded("下次再见。"))
    assert found.sounds == {}
    assert found.problems == ()
    assert "再见。" in found.stale[0]
    assert "下次再见。" in found.stale[0]


def test_building_again_does_not_make_a_stale_recording_fresh(tmp_path: Path) -> None:
    record(tmp_path / "bye.wav")
    remember(tmp_path, load(tmp_path, CUES))
    assert not remember(tmp_path, load(tmp_path, reworded("下次再见。")))
    assert load(tmp_path, reworded("下次再见。")).stale
    assert load(tmp_path, CUES).stale == ()


def test_recording_it_anew_makes_it_fresh(tmp_path: Path) -> None:
    record(tmp_path / "bye.wav")
    remember(tmp_path, load(tmp_path, CUES))
    record(tmp_path / "bye.wav", hertz=500)
    found = load(tmp_path, reworded("下次再见。"))
    assert set(found.sounds) == {"下次再见。"}
    assert remember(tmp_path, found)
    assert not remember(tmp_path, found)


def test_the_manifest_forgets_files_that_are_gone(tmp_path: Path) -> None:
    file = record(tmp_path / "bye.wav")
    remember(tmp_path, load(tmp_path, CUES))
    file.unlink()
    assert remember(tmp_path, load(tmp_path, CUES))
    assert "bye" not in (tmp_path / MANIFEST).read_text("utf-8")


def test_a_damaged_manifest_is_told_with_what_to_do(tmp_path: Path) -> None:
    record(tmp_path / "bye.wav")
    (tmp_path / MANIFEST).write_text("{", "utf-8")
    assert "delete it" in load(tmp_path, CUES).problems[0]
