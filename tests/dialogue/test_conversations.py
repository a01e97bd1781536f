"""Whole conversations of the shipped packs, as text: each script goes as it is written."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from bot.commands.rehearse import rehearse_files
from bot.config import Settings
from bot.rehearsal import Report

SCRIPTS = Path(__file__).parent.parent / "conversations"
FILES = sorted(SCRIPTS.rglob("*.yaml"))
#: Turns in which a complete ticket has to be filed: the median, and the worst of all.
MEDIAN_TURNS, MOST_TURNS = 5, 9


@pytest.fixture(scope="module")
def reports() -> dict[Path, Report]:
    """Every script, played once."""
    return dict(zip(FILES, rehearse_files(Settings(), FILES), strict=True))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_conversation_goes_as_it_is_written(reports: dict[Path, Report], file: Path) -> None:
    report = reports[file]
    assert not report.problems, "\n".join([*report.problems, *report.lines])


def test_a_complete_ticket_takes_few_turns(reports: dict[Path, Report]) -> None:
    took = {one.title: one.turns_to_ticket for one in reports.values() if one.turns_to_ticket}
    assert statistics.median(took.values()) <= MEDIAN_TURNS
    assert max(took.values()) <= MOST_TURNS, took


def test_there_are_at_least_sixty_conversations_and_fifteen_calls() -> None:
    assert len(FILES) >= 60
    assert sum("call: true" in file.read_text("utf-8").splitlines() for file in FILES) >= 15
