from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.agents.desk import Desk
from bot.agents.queue import AgentQueue

# The queue's own tests have the world it lives in; importlib mode knows no neighbours.
sys.path.insert(0, str(Path(__file__).parent.parent / "agents"))
sys.path.insert(0, str(Path(__file__).parent))

from queue_world import FakeSwitchboard, RedisServer
from site_world import Site, make_site

from bot.config import CHECKOUT
from bot.understanding.pack import Pack, load_pack


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A running Redis that the test may kill."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def queue(own_redis: RedisServer) -> AgentQueue:
    return AgentQueue(own_redis.url)


@pytest.fixture
def switchboard() -> FakeSwitchboard:
    return FakeSwitchboard()


@pytest.fixture
def desk(queue: AgentQueue, switchboard: FakeSwitchboard) -> Desk:
    return Desk(queue, switchboard, ring_seconds=20.0)


@pytest.fixture(scope="session")
def city_pack() -> Pack:
    return load_pack(CHECKOUT / "grammars" / "beijing12345")


@pytest.fixture
def site(tmp_path: Path, queue: AgentQueue, switchboard: FakeSwitchboard, city_pack: Pack) -> Site:
    return make_site(tmp_path, queue, switchboard, city_pack)
