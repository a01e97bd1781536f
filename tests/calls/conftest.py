"""One running line for all real-call tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from running_line import RunningLine, free_ports, start_line, stop_line

from bot.config import Settings


def packs_that_call_at_any_hour(folder: Path) -> Path:
    """The line's packs, but with no night in which nobody is called back."""
    shutil.copytree(Settings().grammars, folder)
    rules = folder / "beijing12345" / "dispatch.yaml"
    text = rules.read_text("utf-8")
    assert "from_hour: 9, to_hour: 20" in text
    rules.write_text(text.replace("from_hour: 9, to_hour: 20", "from_hour: 0, to_hour: 24"))
    return folder


@pytest.fixture(scope="session")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLine]:
    folder = tmp_path_factory.mktemp("line")
    (trunk,) = free_ports(1)
    running = start_line(
        folder / "state",
        HOTLINE_GRAMMARS=str(packs_that_call_at_any_hour(folder / "grammars")),
        HOTLINE_TRUNK=f"sip:127.0.0.1:{trunk}",
        HOTLINE_SURVEY_SECONDS="1",
    )
    yield running
    processes = [running.child(name) for name in ("redis", "bot", "asterisk")]
    assert stop_line(running) == 0, running.log.read_text()
    assert not [process for process in processes if process.is_running()]
