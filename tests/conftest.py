"""What tests of several rooms share: databases of both kinds, a citizen's voice, ears to check.

And how they share the processors, where several workers run them (``make test``).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

from bot.app import load_ears, load_line_pack, load_voice
from bot.config import Settings
from bot.node.postgres import PrivatePostgres
from bot.speech.voice import Voice

#: Where the tests are that place real calls.
CALLS = ("tests/calls/", "tests/browser/")
#: How much the other tests step back while calls are under way.
NICENESS = 10


class CallsTogether(LoadScopeScheduling):
    """Real calls all by one worker, since their lines carry one load; the others file by file."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "calls" if file.startswith(CALLS) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> CallsTogether:
    return CallsTogether(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real calls first: they take the longest."""
    items.sort(key=lambda item: not _calls(item))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Beside a call in another worker, let it have the processor first: it runs in real time."""
    if "PYTEST_XDIST_WORKER" in os.environ and not _calls(item) and os.nice(0) < NICENESS:
        os.nice(NICENESS - os.nice(0))


def _calls(item: pytest.Item) -> bool:
    return item.nodeid.startswith(CALLS)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PrivatePostgres]:
    with PrivatePostgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new, empty database: each test that takes this runs on both kinds."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'hotline.db'}"
    server: PrivatePostgres = request.getfixturevalue("postgres")
    return server.database()


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

        # In a thread, since Playwright has an event loop in this one already.
        with ThreadPoolExecutor(1) as aside:
            return aside.submit(asyncio.run, hear()).result()

    return words
