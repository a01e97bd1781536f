"""``hotline training`` as a supervisor types it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.cli import app


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("DATABASE_URL", raising=False)


def hotline(*args: str, typed: str = "", well: bool = True) -> Result:
    result = CliRunner().invoke(app, ["training", *args], input=typed)
    assert (result.exit_code == 0) is well, result.output
    return result


def test_the_list_gives_no_answer_away_unless_asked() -> None:
    assert "供水管漏水" not in hotline("list").output
    assert "供水管漏水" in hotline("list", "--answers").output


def test_a_drill_is_scored_explained_and_kept_under_a_name() -> None:
    typed = "停水\n登记工单\n市排水\n较急\n朝阳区望京街道花家地北里12号楼\n"
    shown = hotline("drill", "utilities.no_water", "--trainee", "lin", typed=typed).output
    assert "一滴水都没有" in shown
    assert "由市自来水集团承办" in shown
    assert "83.3分，通过" in shown
    assert "lin" in hotline("scores").output
    assert "需加强：承办单位 0%" in hotline("scores", "lin").output


def test_part_of_a_name_is_enough_when_only_one_has_it() -> None:
    typed = "没有这种\n噪\n广场舞\n登记\n属地\n普通\n西城区广安门外街道红莲南里\n"
    shown = hotline("drill", "neighbourhood.square_dance", typed=typed).output
    assert "没有这个分类" in shown
    assert "请写全名称" in shown
    assert "100.0分" in shown
    assert "not practised" in hotline("scores", "lin", well=False).output


def test_an_unknown_scenario_is_told_with_where_to_look() -> None:
    assert "hotline training list" in hotline("drill", "none", well=False).output
