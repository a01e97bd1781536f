"""One running line for the browser tests, and a Chromium."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from running_line import RunningLine, start_line, stop_line


@pytest.fixture(scope="session")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLine]:
    running = start_line(tmp_path_factory.mktemp("line") / "state")
    yield running
    processes = [running.child(name) for name in ("redis", "bot", "asterisk")]
    assert stop_line(running) == 0, running.log.read_text()
    assert not [process for process in processes if process.is_running()]
