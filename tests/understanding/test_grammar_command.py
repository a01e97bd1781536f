from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result
from understanding.worlds import write_world

from bot.commands.ask import ask
from bot.commands.grammar import app
from bot.config import CHECKOUT
from bot.understanding.schema import PackFile

WORLD = """
groups: [{id: water, title: 水}, {id: empty, title: 空}]
units: [{id: works, name: 公用}]
categories:
  - id: water.outage
    title: 停水
    group: water
    unit: works
    urgency: high
    opening: 好。
    phrases: ["[我]家停水了", 水管没水]
    tests: [我们家今天停水了呀]
intents:
  - id: fund.withdraw
    title: 公积金提取
    group: nowhere
    answer: 网上办。
    source: x
    reviewed: 2020-01-01
    phrases: [公积金怎么提取]
    tests: [家里水管没有水]
    follow_ups:
      - {title: 材料, phrases: ["要(带|拿)什么材料"], answer: 带身份证。}
emergencies:
  - id: emergency.119
    title: 火警
    number: "119"
    prompt: emergency_119
    words: [燃气…泄漏, 打119]
"""

_asking = typer.Typer()
_asking.command()(ask)


def test_the_shipped_pack_has_no_problems() -> None:
    result = CliRunner().invoke(app, ["check"])
    assert result.exit_code == 0
    assert "no problems" in result.output


def test_a_broken_pack_is_told_by_file_and_line(tmp_path: Path) -> None:
    file = write_world(tmp_path, "categories:\n  - {id: A.B}\n")
    result = CliRunner().invoke(app, ["check", str(tmp_path)])
    assert result.exit_code == 1
    assert f"{file}:2:10: “id”: “A.B” must be small letters" in result.output


def test_phrases_lists_what_an_intent_can_say() -> None:
    result = CliRunner().invoke(app, ["phrases", "--intent", "water.outage"])
    assert "我家停水了" in result.output.splitlines()


def test_an_unknown_intent_is_told_with_its_neighbours() -> None:
    result = CliRunner().invoke(app, ["phrases", "--intent", "water.outtage"])
    assert result.exit_code == 1
    assert "water.outage" in result.output


def test_stats_counts_the_intents() -> None:
    result = CliRunner().invoke(app, ["stats"])
    assert result.exit_code == 0
    assert "category" in result.output


def test_asking_shows_intent_reasons_and_answer() -> None:
    result = CliRunner().invoke(_asking, ["公积金怎么提取"])
    assert result.exit_code == 0
    assert "verdict: housing_fund.withdraw" in result.output
    assert "12329" not in result.output.split("answer:")[0]


def test_asking_in_json_is_the_whole_understanding() -> None:
    result = CliRunner().invoke(_asking, ["我家停水了", "--json"])
    shown = json.loads(result.output)
    assert shown["candidates"][0]["intent"] == "water.outage"
    assert shown["emergency"] is None


@pytest.fixture
def world(tmp_path: Path) -> Path:
    write_world(tmp_path, WORLD)
    return tmp_path


def grammar(*args: str | Path) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args])


def test_warnings_are_told_by_file_and_line_and_only_strictly_an_error(world: Path) -> None:
    result = grammar("check", world)
    told = result.output
    assert result.exit_code == 0
    file = world / "world.yaml"
    assert f"{file}:21:13: warning: “家里水管没有水” comes out as “water.outage”" in told
    assert f"{file}:19:15: warning: “fund.withdraw” was due for review on 2020-06-29" in told
    assert f"{file}:16:12: warning: “fund.withdraw” is in no known group" in told
    assert f"{file}:2:38: warning: nothing is in the group “empty”" in told
    assert "2 intents" not in told
    assert "4 warnings" in told
    assert grammar("check", "--strict", world).exit_code == 1


def test_a_pack_s_tests_are_shown_in_a_table(world: Path) -> None:
    result = grammar("test", world)
    assert result.exit_code == 1
    assert "2 tests: 1 right" in result.output
    assert "water.outage (1)" in result.output
    right = grammar("test", "--all", world)
    assert right.output.count("water.outage") > result.output.count("water.outage")


def test_stats_count_groups_follow_ups_tests_and_overdue_reviews(world: Path) -> None:
    counted = grammar("stats", world).output
    for row in ("2  groups", "1  follow-up questions", "2  tests", "1  answers overdue"):
        assert row in counted


def test_the_schema_describes_every_section_to_an_editor() -> None:
    schema = json.loads(grammar("schema").output)
    assert set(schema["properties"]) == set(PackFile.model_fields)
    faq = schema["$defs"]["Faq"]
    assert faq["description"] == "A question with its answer."
    assert "somebody last checked" in faq["properties"]["reviewed"]["description"]


def test_a_new_pack_is_valid_and_never_overwrites(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(CHECKOUT / "grammars" / "beijing12345", tmp_path / "beijing12345")
    monkeypatch.setenv("HOTLINE_GRAMMARS", str(tmp_path))
    made = grammar("new", "springfield")
    assert made.exit_code == 0, made.output
    assert grammar("check", "--strict", "springfield").exit_code == 0
    assert "北京" not in (tmp_path / "springfield" / "prompts.yaml").read_text(encoding="utf-8")
    (tmp_path / "springfield" / "pack.yaml").write_text("mine", encoding="utf-8")
    again = grammar("new", "springfield")
    assert again.exit_code == 1
    assert "there already" in again.output
    assert (tmp_path / "springfield" / "pack.yaml").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", ["", "../away", "Big", ".hidden", "a b"])
def test_a_name_that_is_none_makes_no_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shutil.copytree(CHECKOUT / "grammars" / "beijing12345", tmp_path / "beijing12345")
    monkeypatch.setenv("HOTLINE_GRAMMARS", str(tmp_path))
    assert grammar("new", name).exit_code == 1
    assert [file.name for file in tmp_path.iterdir()] == ["beijing12345"]


def test_the_vosk_list_stands_in_words_and_spells_digits(world: Path) -> None:
    phrases = grammar("vosk", world).output.splitlines()
    assert "我家 停水 了" in phrases
    assert {"打 一 一 九", "打 幺 幺 九"} <= set(phrases)
    assert "燃气 泄漏" in phrases
    assert "要 带 什么 材料" in phrases
    assert len(phrases) == len(set(phrases))
    assert json.loads(grammar("vosk", "--json", world).output) == [*phrases, "[unk]"]


def test_a_line_that_is_not_running_can_not_reload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOTLINE_STATE", str(tmp_path))
    monkeypatch.setenv("HOTLINE_HTTP_PORT", "1")
    result = grammar("reload")
    assert result.exit_code == 1
    assert "热线没有在运行" in result.output


def batch(world: Path, content: bytes, name: str = "asked.jsonl") -> Result:
    file = world / name
    file.write_bytes(content)
    return CliRunner().invoke(_asking, ["--batch", str(file), "--pack", str(world)])


def test_a_batch_answers_each_line_with_one_object(world: Path) -> None:
    lines = '{"text": "我家停水了", "intent": "kept apart"}\n\n{"text": ""}\n'
    result = batch(world, lines.encode())
    first, second = [json.loads(line) for line in result.stdout.splitlines()]
    assert (first["line"], first["intent"], first["kind"]) == (1, "water.outage", "category")
    assert first["candidates"][0]["reasons"]
    assert first["milliseconds"] >= 0
    assert {"slots", "moods", "emergency", "confidence"} <= set(first)
    assert (second["line"], second["intent"], second["candidates"]) == (3, None, [])


def test_a_batch_may_be_plain_text(world: Path) -> None:
    result = batch(world, "我家停水了\r\n燃气在泄漏\n".encode("utf-8-sig"), "asked.txt")
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [one["intent"] for one in answers] == ["water.outage", "emergency.119"]
    assert answers[1]["emergency"] == "emergency.119"


def test_a_batch_may_come_from_standard_input(world: Path) -> None:
    lines = '{"text": "我加听谁乐", "alternatives": ["我家停水了"]}\n我家停水了\n'
    result = CliRunner().invoke(_asking, ["--batch", "-", "--pack", str(world)], input=lines)
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [one["intent"] for one in answers] == ["water.outage", "water.outage"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"\xff\xfe", "is not UTF-8 text (byte 1)"),
        (b'{"text": "a"', "is not JSON"),
        (b'{"said": "a"}', "“text”: Field required"),
        (b'{"text": 5}', "“text”: Input should be a valid string"),
        (b'{"text": "\\ud800"}', "is not JSON: unexpected end of hex escape at character 17"),
        (b'"a"', "“the line”"),
        (b"[" * 100_000, "is not"),
        (b'{"text": "a", "speech_confidence": 2}', "“speech_confidence”"),
        (b"x" * 1_000_001, "is longer than 1000000 bytes"),
    ],
)
def test_a_bad_line_is_told_with_its_number_and_the_others_are_answered(
    world: Path, line: bytes, why: str
) -> None:
    good = '{"text": "我家停水了"}\n'.encode()
    result = batch(world, good + line + b"\n" + good)
    assert result.exit_code == 1
    assert [json.loads(one)["line"] for one in result.stdout.splitlines()] == [1, 3]
    assert f"asked.jsonl:2: {why}" in result.stderr
    assert "1 line could not be asked" in result.stderr


def test_a_batch_that_is_not_there_is_told(world: Path) -> None:
    result = CliRunner().invoke(_asking, ["--batch", "nowhere.jsonl", "--pack", str(world)])
    assert result.exit_code == 1
    assert "nowhere.jsonl: cannot be read" in result.output


def test_either_a_sentence_or_a_batch_is_wanted() -> None:
    assert CliRunner().invoke(_asking, []).exit_code == 2
    assert CliRunner().invoke(_asking, ["a", "--batch", "-"]).exit_code == 2
