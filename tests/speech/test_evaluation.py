"""Measuring a recogniser on a folder: what is found, how it is grouped, what is printed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from speech.voices import Says, silence
from typer.testing import CliRunner

import bot.commands.asr as command
from bot.cli import app
from bot.speech.audio import write_wav
from bot.speech.evaluation import Recording, evaluate, find_recordings, hear, tallies
from bot.speech.types import LINE_RATE, RecogniserStream, SpeechError, Utterance


class Hears:
    """Hears the same words in whatever is speech."""

    name = "scripted"
    streaming = False

    def __init__(self, text: str) -> None:
        self.text = text

    def open(self, expect: Sequence[str] = (), rate: int = LINE_RATE) -> RecogniserStream:
        return self

    def feed(self, pcm: bytes) -> str:
        return ""

    def finish(self) -> Utterance:
        return Utterance(self.text, 1.0, "scripted")


@pytest.fixture
def folder(tmp_path: Path, say: Says) -> Path:
    deep = tmp_path / "deep"
    deep.mkdir()
    write_wav(tmp_path / "plain.wav", say("公积金怎么提取"))
    (tmp_path / "plain.txt").write_text("公积金怎么提取。\n", "utf-8")
    write_wav(deep / "noisy.wav", say("公积金怎么提取", snr_db=10.0))
    (deep / "noisy.yaml").write_text("make: {say: [公积金怎么提取], snr_db: 10}\n", "utf-8")
    write_wav(deep / "silent.wav", silence(1.0))
    (deep / "silent.yaml").write_text("make: {silence: 1}\n", "utf-8")
    write_wav(tmp_path / "without.wav", silence(1.0))
    return tmp_path


@pytest.mark.engine
def test_recordings_with_a_transcript_are_found_with_their_noise(folder: Path) -> None:
    found = {one.path.stem: (one.text, one.noise) for one in find_recordings(folder)}
    assert found == {
        "plain": ("公积金怎么提取。", "unknown"),
        "noisy": ("公积金怎么提取", "10 dB"),
        "silent": ("", "clean"),
    }


def test_a_folder_without_recordings_says_what_belongs_there(tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match=r"NAME\.txt"):
        find_recordings(tmp_path)
    (tmp_path / "x.wav").touch()
    (tmp_path / "x.yaml").write_text("make: [", "utf-8")
    with pytest.raises(SpeechError, match=r"x\.wav"):
        find_recordings(tmp_path)


@pytest.mark.engine
def test_what_is_said_twice_is_heard_twice_and_silence_not_at_all(say: Says) -> None:
    once = say("公积金怎么提取")
    assert hear(Hears("停水"), once)[0] == "停水"
    assert hear(Hears("停水"), once + silence(1.5) + once)[0] == "停水，停水"
    assert hear(Hears("停水"), silence(2.0)) == ("", 0.0)


@pytest.mark.engine
def test_groups_go_from_clean_to_noisy_and_end_with_the_whole(folder: Path) -> None:
    results = evaluate(Hears("公积金怎么提起"), find_recordings(folder))
    groups = tallies(results, ["公积金", "提取"])
    assert list(groups) == ["clean", "10 dB", "unknown", "all"]
    assert groups["10 dB"].cer == pytest.approx(1 / 7)
    assert groups["10 dB"].recall == 0.5
    assert groups["clean"].cer == 0.0
    assert groups["all"].clips == 3


@pytest.mark.engine
def test_the_command_prints_a_table_or_data_and_draws_a_chart(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        command, "choose_recogniser", lambda *_, **__: (Hears("公积金怎么提取"), "scripted")
    )
    chart = folder / "chart.png"
    shown = CliRunner().invoke(app, ["asr", "evaluate", str(folder), "--png", str(chart)])
    assert shown.exit_code == 0, shown.output
    assert "keyword" in shown.output
    assert chart.read_bytes().startswith(b"\x89PNG")
    plain = CliRunner().invoke(app, ["asr", "evaluate", str(folder), "--json"])
    data = json.loads(plain.stdout)
    assert data["engine"] == "scripted"
    assert data["groups"]["all"]["cer"] == 0.0
    assert {one["heard"] for one in data["recordings"]} == {"公积金怎么提取", ""}


def test_a_recording_that_is_no_sound_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_text("no sound", "utf-8")
    with pytest.raises(SpeechError, match=r"x\.wav"):
        evaluate(Hears(""), [Recording(tmp_path / "x.wav", "停水")])
