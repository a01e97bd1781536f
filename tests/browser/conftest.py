"""One running line for the browser tests, a Chromium, and the ears to check what was heard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from running_line import RunningLine, start_line, stop_line

from bot.app import load_ears, load_line_pack, load_voice
from bot.config import Settings
from bot.speech.voice import Voice


@pytest.fixture(scope="session")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLine]:
    running = start_line(tmp_path_factory.mktemp("line") / "state")
    yield running
    processes = [running.child(name) for name in ("redis", "bot", "asterisk")]
    assert stop_line(running) == 0, running.log.read_text()
    assert not [process for process in processes if process.is_running()]


@pytest.fixture(scope="session")
def citizen_voice() -> Voice:
    return load_voice(Settings())[0]


@pytest.fixture(scope="session")
def recognise() -> Callable[[bytes], str]:
    """Words of a recording: what a person at that phone would have heard."""
    settings = Settings()
    ears, _ = load_ears(settings, load_line_pack(settings))

    def words(pcm: bytes) -> str:
        async def hear() -> str:
            hearing = ears.open()
            hearing.feed(pcm)
            return (await hearing.finish()).text

        # Playwright has an event loop in this thread already.
        with ThreadPoolExecutor(1) as aside:
            return aside.submit(asyncio.run, hear()).result()

    return words
