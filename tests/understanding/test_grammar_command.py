from __future__ import annotations

import json
from pathlib import Path

import typer
from typer.testing import CliRunner
from understanding.worlds import write_world

from bot.commands.ask import ask
from bot.commands.grammar import app

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
