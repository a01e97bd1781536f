"""The private Redis keeps what it acknowledged, even when it is killed."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from bot.config import Settings
from bot.node.redis_server import redis_command, redis_ready


@contextmanager
def running(settings: Settings, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], redis.Redis]]:
    with log.open("ab") as output:
        server = subprocess.Popen(redis_command(settings), stdout=output, stderr=output)
    client = redis.Redis.from_url(settings.redis_address, socket_timeout=2)
    try:
        deadline = time.monotonic() + 20
        while not redis_ready(settings):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        yield server, client
    finally:
        client.close()
        server.kill()
        server.wait()


def test_what_was_acknowledged_survives_a_kill(settings: Settings, tmp_path: Path) -> None:
    with running(settings, tmp_path / "log") as (server, client):
        for number in range(100):
            client.rpush("queue", number)
        server.kill()
        server.wait()
    with running(settings, tmp_path / "log") as (_, client):
        assert [int(entry) for entry in client.lrange("queue", 0, -1)] == list(range(100))


def test_it_listens_on_this_machine_only_and_syncs_every_write(
    settings: Settings, tmp_path: Path
) -> None:
    with running(settings, tmp_path / "log") as (_, client):
        config = client.config_get("bind", "appendonly", "appendfsync", "save", "dir", "unixsocket")
    assert config["bind"] == "127.0.0.1"
    assert config["appendonly"] == "yes"
    assert config["appendfsync"] == "always"
    assert config["dir"] == str(settings.state / "redis")
    assert not config.get("unixsocket")


def test_it_is_not_called_ready_before_it_answers(settings: Settings, tmp_path: Path) -> None:
    assert not redis_ready(settings)
    with running(settings, tmp_path / "log"):
        assert redis_ready(settings)
    assert not redis_ready(settings)
