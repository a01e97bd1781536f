"""How calls went is told from their records, each policy and each line by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from bot.cli import app
from bot.insight.calls import by, figures, quantile, turns_to_ticket


def call(outcome: str, *who: str, policy: str = "standard", **more: Any) -> dict[str, Any]:
    """A record: "c" is the caller, "t" the bot that tells a ticket's number, "b" the bot."""
    turns = [
        {"who": "caller", "answer_latency": 0.5}
        if one == "c"
        else {"who": "bot", "prompt": "ticket_filed" if one == "t" else "greeting"}
        for one in who
    ]
    return {"outcome": outcome, "policy": policy, "did": "12345", "turns": turns, **more}


def test_two_policies_are_told_apart() -> None:
    records = [
        call("filed", *"bcbcbct", ticket="1", rating=5),
        call("filed", *"bct", ticket="2", policy="brief"),
        call("transferred", *"bc", policy="brief"),
    ]
    groups = by(records, "policy")
    assert groups[("standard",)].turns_to_ticket == 3
    assert groups[("brief",)].turns_to_ticket == 1
    assert groups[("standard",)].containment == 1.0
    assert groups[("brief",)].containment == 0.5
    assert groups[("brief",)].outcomes == {"filed": 1, "transferred": 1}


def test_lines_are_told_apart() -> None:
    records = [call("answered"), call("answered", did="12315")]
    assert set(by(records, "did", "policy")) == {("12345", "standard"), ("12315", "standard")}


def test_a_callback_needs_a_person_and_a_hang_up_does_not() -> None:
    found = figures([call("callback"), call("caller_gone")])
    assert found is not None
    assert found.containment == 0.5


def test_a_call_that_goes_on_is_not_counted() -> None:
    assert figures([call("")]) is None
    assert by([call("")], "policy") == {}


def test_only_given_scores_and_answers_count() -> None:
    found = figures([call("answered", rating=2), call("answered", "b", rating=0)])
    assert found is not None
    assert (found.rating, found.ratings) == (2.0, 1)
    assert found.latency_p50 is None


def test_a_call_without_a_ticket_has_no_turns_to_one() -> None:
    assert turns_to_ticket(call("answered", *"bcb")) is None


@given(st.lists(st.floats(0, 60), min_size=1), st.floats(0.01, 1))
def test_a_quantile_is_a_value_that_enough_others_do_not_exceed(
    values: list[float], share: float
) -> None:
    found = quantile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    records = [call("filed", *"bct", ticket="1"), call("transferred", "c", policy="brief")]
    for number, record in enumerate(records):
        (tmp_path / f"{number}.json").write_text(json.dumps(record), "utf-8")
    (tmp_path / "broken.json").write_text("{", "utf-8")
    return tmp_path


def test_the_command_prints_both_policies(folder: Path) -> None:
    printed = CliRunner().invoke(app, ["calls", "report", "--folder", str(folder)])
    assert printed.exit_code == 0
    assert "standard" in printed.stdout
    assert "brief" in printed.stdout


def test_the_command_gives_json_to_programs(folder: Path) -> None:
    printed = CliRunner().invoke(app, ["calls", "report", "--folder", str(folder), "--json"])
    rows = json.loads(printed.stdout)
    assert [(row["policy"], row["calls"]) for row in rows] == [("brief", 1), ("standard", 1)]


def test_without_calls_the_command_says_where_it_looked(tmp_path: Path) -> None:
    printed = CliRunner().invoke(app, ["calls", "report", "--folder", str(tmp_path)])
    assert printed.exit_code == 0
    assert str(tmp_path) in printed.stdout.replace("\n", "")
