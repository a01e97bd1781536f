"""Opening Redis from one URL: a single server, Sentinels with their master, or a Cluster.

    redis://[user:password@]host:6379/0                          one server (rediss:// with TLS)
    unix:///path/to/redis.sock                                   one server, by its socket
    redis+sentinel://[user:password@]host:26379,host2/name[/0]   the master that Sentinels name
    redis+cluster://[user:password@]host:7000,host2:7001         a Cluster, by any of its nodes

``rediss+sentinel`` and ``rediss+cluster`` use TLS. Leaves to others: what is stored.
"""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.retry import Retry
from redis.sentinel import Sentinel

#: Seconds to wait for Redis before it counts as dead; a caller is on the line meanwhile.
PATIENCE = 1.0
SENTINEL_PORT, CLUSTER_PORT = 26379, 6379


def open_redis(url: str, patience: float = PATIENCE) -> redis.Redis:
    """Return a client for a URL of the kinds above; connects only to a Cluster yet.

    A Cluster's client does all that is asked of one server here, so it passes for one.
    ``patience``: seconds until a server that does not answer counts as dead.

    Raises:
        ValueError: the URL cannot be understood.
        redis.RedisError: no node of the Cluster answers.
    """
    scheme = urlsplit(url).scheme
    common: dict[str, Any] = {
        "decode_responses": True,
        "socket_timeout": patience,
        "socket_connect_timeout": patience,
    }
    if not scheme.endswith(("+sentinel", "+cluster")):
        return redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0), **common)
    base, kind = scheme.split("+")
    if base not in ("redis", "rediss"):
        raise ValueError(f"{scheme} is no kind of Redis")
    common |= {"ssl": True} if base == "rediss" else {}
    user, password, hosts, path = _parts(url, SENTINEL_PORT if kind == "sentinel" else CLUSTER_PORT)
    common |= {"username": user or None, "password": password or None}
    if kind == "cluster":
        nodes = [ClusterNode(host, port) for host, port in hosts]  # type: ignore[no-untyped-call]
        # One more try follows a slot that has moved or a master that was replaced.
        return cast("redis.Redis", RedisCluster(startup_nodes=nodes, **common))
    if not path or len(path) > 2 or not all(part.isdigit() for part in path[1:]):
        raise ValueError("the name of the Sentinels' master is missing")
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        hosts,
        sentinel_kwargs={"socket_timeout": patience, "socket_connect_timeout": patience},
        retry=Retry(NoBackoff(), 0),
        db=int(path[1]) if len(path) == 2 else 0,
        **common,
    )
    return cast("redis.Redis", sentinel.master_for(path[0]))  # type: ignore[no-untyped-call]


def public_address(url: str) -> str:
    """Return a Redis URL fit to be shown: hosts, ports and path, without user and password."""
    try:
        parts = urlsplit(url)
        hosts = parts.netloc.rpartition("@")[2]
        if "+" not in parts.scheme:
            _ = parts.port  # what urlsplit cannot read is not shown
    except ValueError:
        return "an unreadable address"
    return f"{hosts}{parts.path}" if hosts else parts.path or "?"


def _parts(url: str, default: int) -> tuple[str, str, list[tuple[str, int]], list[str]]:
    """User, password, (host, port) of each server, and the pieces of the path."""
    split = urlsplit(url)
    login, _, places = split.netloc.rpartition("@")
    user, _, password = login.partition(":")
    hosts = []
    for place in places.split(","):
        host, _, port = place.rpartition(":") if ":" in place else (place, "", "")
        if not host or (port and not port.isdigit()):
            raise ValueError("a server is written as host:port")
        hosts.append((host, int(port) if port else default))
    return unquote(user), unquote(password), hosts, [p for p in split.path.split("/") if p]
