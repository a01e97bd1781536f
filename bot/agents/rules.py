"""Runs the rules of ``queue.lua`` in Redis, and says in words when Redis cannot be used.

Leaves to others: what is asked (``queue.py``, ``presence.py``) and the connection itself
(``bot/redis_client.py``).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any, cast

import redis
from redis.exceptions import RedisClusterException

from bot.agents.keys import prefix_of
from bot.redis_client import PATIENCE, open_redis, public_address

Answer = list[Any]


class QueueUnavailable(Exception):  # noqa: N818
    """Redis does not answer or refuses; the message says where it is and what to do."""


class Rules:
    """The rules on one Redis. Thread-safe; connects when first asked."""

    def __init__(
        self, redis_url: str, clock: Callable[[], float] = time.time, line: str = "hotline"
    ):
        """``clock`` gives Unix time; ``line`` names the keys.

        Raises:
            QueueUnavailable: the URL cannot be understood.
        """
        self.clock = clock
        self.prefix = prefix_of(line)
        self._url = redis_url
        self._lock = threading.Lock()
        self._client: redis.Redis | None = None
        self._script: Any = None
        if not redis_url.partition("://")[0].endswith("+cluster"):
            # A Cluster is asked for its slots at once, and may be away now.
            try:
                self._open()
            except (ValueError, redis.RedisError) as error:
                raise self._unavailable(error) from error

    def run(self, operation: str, *arguments: str) -> Answer:
        """Run one operation of the rules.

        Raises:
            QueueUnavailable: Redis does not answer or refuses.
        """
        head = [self.prefix, repr(self.clock()), operation]

        def ask(client: redis.Redis) -> Answer:
            keys = [f"{self.prefix}waiting"]
            return cast("Answer", self._script(keys=keys, args=[*head, *arguments], client=client))

        return cast("Answer", self.ask(ask))

    def ask(self, question: Callable[[redis.Redis], Any]) -> Any:
        """Ask Redis itself.

        Raises:
            QueueUnavailable: Redis does not answer or refuses.
        """
        try:
            return question(self._open())
        except (redis.RedisError, RedisClusterException, OSError, ValueError) as error:
            raise self._unavailable(error) from error

    def _open(self) -> redis.Redis:
        with self._lock:
            if self._client is None:
                client = open_redis(self._url)
                text = files("bot.agents").joinpath("queue.lua").read_text("utf-8")
                self._script = client.register_script(text)
                self._client = client
            return self._client

    def _unavailable(self, error: Exception) -> QueueUnavailable:
        return QueueUnavailable(
            f"The agent queue's Redis at {public_address(self._url)} cannot be used "
            f"({_why(error)}). "
            "Start the line with `hotline run`, or check REDIS_URL and that its server is up."
        )


def _why(error: Exception) -> str:
    """Say what Redis's client complained of; its messages may repeat the whole URL."""
    if isinstance(error, redis.AuthenticationError):
        return "it refuses the password"
    if isinstance(error, redis.TimeoutError):
        return f"no answer in {PATIENCE:g} s"
    if isinstance(error, redis.ResponseError):
        return str(error)
    if isinstance(error, redis.RedisError | RedisClusterException | OSError):
        return "no connection"
    return "the address is not a Redis URL, such as redis://host:6379/0"


def flat(fields: dict[str, str]) -> list[str]:
    """Write names and values in turn, as scripts take them."""
    return [text for pair in fields.items() for text in pair]


def pairs(flat_fields: Sequence[str]) -> dict[str, str]:
    """Read what HGETALL gives inside a script: names and values in turn."""
    return dict(zip(flat_fields[::2], flat_fields[1::2], strict=True))
