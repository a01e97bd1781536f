"""What callers said, kept as sound: found again, for a while, and never in a call's way."""

from __future__ import annotations

import datetime as dt
import stat
import threading
import wave
from pathlib import Path

import pytest

from bot.speech import archive
from bot.speech.archive import SoundArchive

CALL = "7f3c0d7e-1b7a-4c55-9a5e-1f0f5d6a9b10"
CALLER = "13800138000"
SOUND = bytes(range(256)) * 20


class Today:
    def __init__(self) -> None:
        self.day = dt.date(2026, 11, 30)

    def __call__(self) -> dt.date:
        return self.day


@pytest.fixture
def today() -> Today:
    return Today()


@pytest.fixture
def sounds(tmp_path: Path, today: Today) -> SoundArchive:
    return SoundArchive(tmp_path / "sounds", 30, today)


def test_an_utterance_is_found_by_its_call_and_number_with_its_own_sample_rate(
    sounds: SoundArchive,
) -> None:
    assert sounds.keep(CALLER, CALL, 1, SOUND, 8000)
    assert sounds.keep(CALLER, CALL, 2, SOUND * 2, 16000)
    sounds.close()
    path = sounds.find(CALLER, CALL, 2)
    assert path is not None
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2)
        assert file.readframes(file.getnframes()) == SOUND * 2
    assert sounds.find(CALLER, CALL, 3) is None


def test_no_folder_is_named_by_a_number_and_only_this_account_can_look_into_them(
    sounds: SoundArchive, tmp_path: Path
) -> None:
    sounds.keep(CALLER, CALL, 1, SOUND, 8000)
    sounds.close()
    assert not [path for path in tmp_path.rglob("*") if CALLER in path.name]
    assert stat.S_IMODE((tmp_path / "sounds").stat().st_mode) == 0o700


def test_sounds_are_gone_after_the_days_they_are_kept_for(
    sounds: SoundArchive, today: Today
) -> None:
    sounds.keep(CALLER, CALL, 1, SOUND, 8000)
    sounds.close()
    today.day += dt.timedelta(days=30)
    assert sounds.sweep() == 0
    assert sounds.find(CALLER, CALL, 1) is not None
    today.day += dt.timedelta(days=1)
    assert sounds.sweep() == 1
    today.day -= dt.timedelta(days=1)
    assert sounds.find(CALLER, CALL, 1) is None


def test_a_sweep_leaves_what_is_not_its_own(sounds: SoundArchive, tmp_path: Path) -> None:
    sounds.keep(CALLER, CALL, 1, SOUND, 8000)
    sounds.close()
    (tmp_path / "sounds" / "notes").mkdir()
    assert sounds.sweep() == 0
    assert (tmp_path / "sounds" / "notes").is_dir()


def test_whoever_wants_to_be_forgotten_is_and_nobody_else(
    sounds: SoundArchive, today: Today
) -> None:
    sounds.keep(CALLER, "call-1", 1, SOUND, 8000)
    sounds.keep("13900139000", "call-2", 1, SOUND, 8000)
    sounds.keep("", "call-3", 1, SOUND, 8000)
    today.day += dt.timedelta(days=1)
    sounds.keep(CALLER, "call-4", 1, SOUND, 8000)
    sounds.close()
    assert sounds.erase(CALLER) == 2
    assert sounds.find(CALLER, "call-1", 1) is None
    assert sounds.find(CALLER, "call-4", 1) is None
    assert sounds.find("13900139000", "call-2", 1) is not None
    assert sounds.erase("") == 0
    assert sounds.erase("", "../..") == 0
    assert sounds.find("", "call-3", 1) is not None
    assert sounds.erase("", "call-3") == 1
    assert sounds.find("", "call-3", 1) is None


def test_a_line_that_keeps_nothing_writes_nothing(tmp_path: Path) -> None:
    sounds = SoundArchive(tmp_path / "sounds", 0)
    assert not sounds.keep(CALLER, CALL, 1, SOUND, 8000)
    sounds.close()
    assert not (tmp_path / "sounds").exists()


@pytest.mark.parametrize("call_id", ["../../etc", "a/b", "", "x" * 65, ".."])
def test_an_id_that_is_no_name_of_a_call_leads_nowhere(sounds: SoundArchive, call_id: str) -> None:
    assert not sounds.keep(CALLER, call_id, 1, SOUND, 8000)
    assert sounds.find(CALLER, call_id, 1) is None


def test_a_disk_that_takes_nothing_costs_the_sound_and_nothing_else(
    tmp_path: Path, today: Today
) -> None:
    (tmp_path / "sounds").write_text("a file where the folder should be")
    sounds = SoundArchive(tmp_path / "sounds", 30, today)
    assert sounds.keep(CALLER, CALL, 1, SOUND, 8000)
    sounds.close()
    assert sounds.find(CALLER, CALL, 1) is None
    assert sounds.sweep() == 0


def test_a_disk_that_hangs_holds_nobody_up(
    sounds: SoundArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = threading.Event()
    monkeypatch.setattr(archive, "write_wav", lambda *_: disk.wait(60))
    kept = [sounds.keep(CALLER, CALL, mark, SOUND, 8000) for mark in range(1, 80)]
    assert kept == [True] * archive.MOST_WAITING + [False] * (79 - archive.MOST_WAITING)
    disk.set()
    sounds.close()
