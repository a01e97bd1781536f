"""What tests of several rooms share: databases of both kinds, a citizen's voice, ears to check."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.app import load_ears, load_line_pack, load_voice
from bot.config import Settings
from bot.node.postgres import PrivatePostgres
from bot.speech.voice import Voice


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
