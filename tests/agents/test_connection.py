"""The queue on one Redis, behind Sentinels and on a Cluster, all of them real servers."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from queue_world import an_entry, free_port

from bot.agents.presence import AgentState
from bot.agents.queue import AgentQueue, QueueUnavailable
from bot.config import Settings
from bot.node.doctor import examine
from bot.node.redis_server import redis_program
from bot.redis_client import open_redis, public_address


class Servers:
    """Redis servers with options of their own, on free ports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, *options: str, config: str | None = None, mode: str = "") -> int:
        # A Cluster's bus is 10,000 ports above; a free port may lie too high for that.
        port = next(port for port in iter(free_port, 0) if port < 50000)
        folder = self.folder / str(port)
        folder.mkdir()
        command = [str(redis_program())]
        if config is not None:
            (folder / "redis.conf").write_text(config)
            command += [str(folder / "redis.conf")]
        command += ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), *options]
        command += [mode] if mode else []
        self.running[port] = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(lambda: self.client(port).ping())
        return port

    def client(self, port: int) -> redis.Redis:
        return redis.Redis(port=port, decode_responses=True, socket_timeout=2)

    def kill(self, port: int) -> None:
        process = self.running.pop(port)
        process.kill()
        process.wait()


def until(look: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(redis.RedisError, QueueUnavailable):
            if look():
                return
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    servers = Servers(tmp_path)
    yield servers
    for port in list(servers.running):
        servers.kill(port)


def whole_story(queue: AgentQueue) -> None:
    """Everything the queue can do, once."""
    for agent in ("8001", "8002"):
        queue.presence.choose(agent, AgentState.ON_DUTY)
    queue.presence.teach("8002", ["field:tax"])
    queue.enqueue(an_entry("water", skills=frozenset({"field:water"})))
    queue.enqueue(an_entry("tax", skills=frozenset({"field:tax"})))
    first = queue.claim("8002")
    assert first is not None
    assert first.id == "tax"
    queue.join("tax")
    assert queue.part("tax", first.leg, dropped=True)
    assert [entry.id for entry in queue.live()] == ["tax", "water"]
    assert queue.position("water") == 2
    queue.book("water", "13812345678")
    for name in ("tax", "water"):
        queue.claim("8001", name)
        queue.join(name)
        queue.close(name, "done")
    assert sorted(entry.id for entry in queue.list()) == ["tax", "water"]
    assert queue.expected_wait(1) is not None
    assert queue.trim() == 0
    assert queue.reachable()


def test_the_queue_works_on_a_cluster_of_three_masters(servers: Servers) -> None:
    ports = [servers.start("--cluster-enabled", "yes") for _ in range(3)]
    starts = (0, 5461, 10923, 16384)
    for port, first, after in zip(ports, starts, starts[1:], strict=False):
        servers.client(port).execute_command("CLUSTER ADDSLOTSRANGE", first, after - 1)
        servers.client(port).execute_command("CLUSTER MEET", "127.0.0.1", ports[0])
    for port in ports:
        until(lambda port=port: servers.client(port).cluster("info")["cluster_state"] == "ok")
    queue = AgentQueue(f"redis+cluster://127.0.0.1:{ports[0]},127.0.0.1:{ports[1]}")
    whole_story(queue)
    holding = [port for port in ports if servers.client(port).dbsize()]
    assert len(holding) == 1
    stop = threading.Event()
    news = queue.changes(stop)
    assert next(news).id == ""
    queue.enqueue(an_entry("new"))
    assert next(news).id == "new"
    stop.set()


def test_a_cluster_that_is_away_is_found_when_it_comes(servers: Servers) -> None:
    port = servers.start("--cluster-enabled", "yes")
    away = free_port()
    queue = AgentQueue(f"redis+cluster://127.0.0.1:{away}")
    with pytest.raises(QueueUnavailable, match=str(away)):
        queue.waiting_count()
    servers.client(port).execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
    until(lambda: servers.client(port).cluster("info")["cluster_state"] == "ok")
    whole_story(AgentQueue(f"redis+cluster://127.0.0.1:{port}"))


def test_the_doctor_sees_whether_a_cluster_keeps_the_queue(
    servers: Servers, tmp_path: Path
) -> None:
    port = servers.start("--cluster-enabled", "yes", "--appendonly", "yes")
    servers.client(port).execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
    until(lambda: servers.client(port).cluster("info")["cluster_state"] == "ok")
    settings = Settings(state=tmp_path, redis_url=f"redis+cluster://127.0.0.1:{port}")
    findings = {finding.part: finding for finding in examine(settings)}
    assert findings["Redis"].state == "ok", findings["Redis"]


def test_sentinels_lead_to_the_new_master_when_the_old_one_dies(servers: Servers) -> None:
    master = servers.start()
    replica = servers.start("--replicaof", "127.0.0.1", str(master))
    until(lambda: servers.client(replica).info("replication")["master_link_status"] == "up")
    sentinel = servers.start(
        config=f"sentinel monitor line 127.0.0.1 {master} 1\n"
        "sentinel down-after-milliseconds line 300\n"
        "sentinel failover-timeout line 3000\n",
        mode="--sentinel",
    )
    until(lambda: servers.client(sentinel).sentinel_slaves("line"))
    queue = AgentQueue(f"redis+sentinel://127.0.0.1:{sentinel}/line/0")
    whole_story(queue)
    queue.enqueue(an_entry("waits"))
    servers.client(master).wait(1, 2000)
    servers.kill(master)
    until(lambda: queue.claim("8001", "waits") is not None)
    assert servers.client(replica).role()[0] == "master"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://user:geheim@host:6380/1", "host:6380/1"),
        ("redis+cluster://user:geheim@a:7000,b:7001", "a:7000,b:7001"),
        ("redis+sentinel://:geheim@a,b:26380/line/0", "a,b:26380/line/0"),
        ("unix:///run/redis.sock", "/run/redis.sock"),
        ("redis://user:geheim@host:port", "an unreadable address"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    assert public_address(url) == shown


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://host",
        "redis+sentinel://host/line/zero",
        "redis+cluster://host:port",
        "http+cluster://host",
    ],
)
def test_an_address_of_servers_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"written as|missing|no kind"):
        open_redis(url)
