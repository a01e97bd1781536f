"""One running line for all real-call tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from running_line import (
    RunningLine,
    free_ports,
    packs_that_call_at_any_hour,
    start_line,
    stop_line,
)


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
