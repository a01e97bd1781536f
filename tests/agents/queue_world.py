"""What the queue's tests stand on: a real Redis server of their own, and a fake switchboard."""

from __future__ import annotations

import contextlib
import itertools
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import redis

from bot.agents.directory import Directory
from bot.agents.types import (
    EntryKind,
    HeldCaller,
    JoinResult,
    QueueEntry,
    Stop,
    SwitchboardError,
    Turn,
)
from bot.config import Settings
from bot.node.redis_server import redis_command

_numbers = itertools.count(1)


def free_port() -> int:
    """Return a TCP port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class RedisServer:
    """A real Redis with the line's own settings (every write on disk before the answer)."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(state=folder, redis_port=free_port(), redis_url="")
        self.url = self.settings.redis_address
        self.client = redis.Redis.from_url(self.url, decode_responses=True)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            redis_command(self.settings), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 15
        while True:
            try:
                self.client.ping()
                return
            except redis.RedisError:
                assert time.monotonic() < deadline, "Redis did not start"
                time.sleep(0.02)

    def kill(self) -> None:
        """As ``kill -9`` does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        with contextlib.suppress(redis.RedisError):
            self.client.connection_pool.disconnect()


class Clock:
    """Time that passes only when told to."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def tick(self, seconds: float) -> None:
        self.now += seconds


def an_entry(entry_id: str = "", **more: object) -> QueueEntry:
    """A caller with a story; any field can be given."""
    number = next(_numbers)
    entry_id = entry_id or f"call-{number}"
    fields: dict[str, object] = {
        # Nobody is on the line of a callback.
        "channel": "" if more.get("kind") is EntryKind.CALLBACK else f"PJSIP/citizen-{entry_id}",
        "caller": "13812345678",
        "did": "12345",
        "reason": "asked",
        "queued_at": 1_800_000_000.0 + number,
        "transcript": (Turn("bot", "您好，请讲。", 0.5), Turn("caller", "我家停水了", 3.25)),
        "candidates": (("water_outage", "停水报修", 0.62), ("water_bill", "水费查询", 0.2)),
    }
    return QueueEntry(id=entry_id, **{**fields, **more})  # type: ignore[arg-type]


#: Whom agents may ring in these tests.
WATER = "96116"
DIRECTORY = Directory(lambda: ["8001", "8002", "8003", "8004"], lambda: {WATER: "市自来水集团"})


class FakeSwitchboard:
    """A switch that is told who is on the line and how agents answer (Asterisk is tested
    in tests/calls, with real phones)."""

    def __init__(self) -> None:
        self.channels: set[str] = set()
        self.held: list[HeldCaller] = []
        self.leg: dict[str, bool] = {}
        self.phones: set[str] = set()
        self.answer: JoinResult | Exception = JoinResult.JOINED
        self.while_ringing: Callable[[QueueEntry], None] = lambda entry: None
        self.down = False
        self.rung: list[tuple[str, str, float]] = []
        self.moves: list[tuple[str, ...]] = []
        self._lock = threading.Lock()

    def join(self, entry: QueueEntry, agent: str, timeout: float) -> JoinResult:
        with self._lock:
            self.rung.append((entry.id, agent, timeout))
        self.while_ringing(entry)
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is JoinResult.JOINED:
            self.leg[entry.leg] = True
        return self.answer

    def consult(
        self, entry: QueueEntry, number: str, leg: str, timeout: float, *, outside: bool = False
    ) -> JoinResult:
        self._do("consult", entry.leg, number, leg, *(["outside"] if outside else []))
        return self.join(entry, number, timeout)

    def conference(self, entry: QueueEntry) -> None:
        self._do("conference", entry.channel, entry.leg, entry.consult)

    def pass_on(self, entry: QueueEntry, *, to_agent: bool) -> None:
        self._do("pass_on", entry.channel, entry.consult, "agent" if to_agent else "unit")

    def send(self, leg: str, stop: Stop, other: str = "", other_stop: Stop | None = None) -> None:
        self._do("send", leg, stop, *((other, other_stop or "") if other else ()))

    def mute(self, leg: str, on: bool) -> None:
        self._do("mute", leg, str(on))

    def hang_up(self, leg: str) -> None:
        self._do("hang_up", leg)
        self.leg.pop(leg, None)

    def held_callers(self) -> list[HeldCaller]:
        self._check()
        return list(self.held)

    def live_channels(self) -> set[str]:
        self._check()
        return set(self.channels)

    def legs(self) -> dict[str, bool]:
        self._check()
        return dict(self.leg)

    def registered(self) -> set[str]:
        self._check()
        return set(self.phones)

    def _do(self, *move: str) -> None:
        self._check()
        self.moves.append(move)

    def _check(self) -> None:
        if self.down:
            raise SwitchboardError("Asterisk does not answer on port 5038; is it running?")
