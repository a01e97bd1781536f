from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.agents.desk import Desk
from bot.agents.queue import AgentQueue

# Pytest's importlib mode puts no folder of tests on the path.
sys.path.insert(0, str(Path(__file__).parent))

from queue_world import Clock, FakeSwitchboard, RedisServer


@pytest.fixture(scope="session")
def _shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def redis_server(_shared_redis: RedisServer) -> Iterator[RedisServer]:
    """A running, empty Redis that tests share."""
    _shared_redis.client.flushall()
    return _shared_redis


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A running Redis that the test may kill."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(redis_server: RedisServer, clock: Clock) -> AgentQueue:
    return AgentQueue(redis_server.url, clock)


@pytest.fixture
def switchboard() -> FakeSwitchboard:
    return FakeSwitchboard()


@pytest.fixture
def desk(queue: AgentQueue, switchboard: FakeSwitchboard, clock: Clock) -> Desk:
    return Desk(queue, switchboard, ring_seconds=20.0, clock=clock)
