from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# The queue's own tests have the world it lives in; importlib mode knows no neighbours.
sys.path.insert(0, str(Path(__file__).parent.parent / "agents"))
sys.path.insert(0, str(Path(__file__).parent))

from queue_world import RedisServer

from bot.config import CHECKOUT
from bot.training.citizen import Citizen
from bot.understanding.pack import Pack, load_pack
from bot.understanding.scenarios import Coaching, Scenario


@pytest.fixture(scope="session")
def pack() -> Pack:
    return load_pack(CHECKOUT / "grammars" / "beijing12345")


@pytest.fixture(scope="session")
def coaching(pack: Pack) -> Coaching:
    assert pack.coaching is not None
    return pack.coaching


@pytest.fixture(scope="session")
def scenarios(pack: Pack) -> dict[str, Scenario]:
    return {one.id: one for one in pack.scenarios}


@pytest.fixture(scope="session")
def no_water(scenarios: dict[str, Scenario]) -> Scenario:
    return scenarios["utilities.no_water"]


@pytest.fixture(scope="session")
def angry(pack: Pack, coaching: Coaching, scenarios: dict[str, Scenario]) -> Citizen:
    return Citizen(scenarios["neighbourhood.night_site"], coaching, pack.gazetteer)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server.url
    server.kill()
