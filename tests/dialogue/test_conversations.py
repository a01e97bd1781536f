"""Whole conversations of the shipped packs, as text: each script goes as it is written."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.app import load_packs, open_office
from bot.config import Settings
from bot.rehearsal import Report, rehearse
from bot.understanding.live import Knowledge

SCRIPTS = Path(__file__).parent.parent / "conversations"
FILES = sorted(SCRIPTS.rglob("*.yaml"))
#: Turns in which a complete ticket has to be filed: the median, and the worst of all.
MEDIAN_TURNS, MOST_TURNS = 5, 9

Play = Callable[[Path], Report]


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Play:
    """Plays a script in an office of its own, once for all tests."""
    settings = Settings()
    known = {pack.name: Knowledge.of(pack) for pack in load_packs(settings)}
    folder = tmp_path_factory.mktemp("offices")
    reports: dict[Path, Report] = {}

    def knowledge(did: str) -> Knowledge:
        return known[settings.pack_of(did)]

    def played(file: Path) -> Report:
        if file not in reports:
            database = f"sqlite:///{folder}/{len(reports)}.db"
            office = open_office(database, lambda did: knowledge(did).pack)
            reports[file] = rehearse(file, knowledge, office)
            office.close()
        return reports[file]

    return played


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SCRIPTS).stem))
def test_a_conversation_goes_as_it_is_written(play: Play, file: Path) -> None:
    report = play(file)
    assert not report.problems, "\n".join([*report.problems, *report.lines])


def test_a_complete_ticket_takes_few_turns(play: Play) -> None:
    reports = [play(file) for file in FILES]
    took = {one.title: one.turns_to_ticket for one in reports if one.turns_to_ticket}
    assert statistics.median(took.values()) <= MEDIAN_TURNS
    assert max(took.values()) <= MOST_TURNS, max(took, key=lambda title: took[title] or 0)


def test_there_are_many_conversations() -> None:
    assert len(FILES) >= 60
