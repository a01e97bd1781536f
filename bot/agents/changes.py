"""News of the queue as it happens, for pages that are pushed rather than polled.

Redis tells of every change by pub/sub; what it told while nobody listened is gone, so after
each new connection the news is ``Change()``, empty: look at everything again.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import redis

from bot.agents.rules import QueueUnavailable, Rules

#: Seconds between two looks at whether to stop, and between attempts to connect.
LOOK = 1.0
#: ``Change.state`` of a change that is none of the queue: there is more in a transcript.
SAID = "said"


@dataclass(frozen=True, slots=True)
class Change:
    """One change: of an entry, or of an agent when ``id`` is ""; all "" means: of anything."""

    id: str = ""
    state: str = ""
    """The new ``EntryState`` or ``AgentState``; SAID when more was said in a conversation."""
    agent: str = ""


def watch(rules: Rules, stop: threading.Event) -> Iterator[Change]:
    """Yield every change until ``stop`` is set; outlives an absent Redis. Blocks."""
    while not stop.is_set():
        pubsub = None
        try:
            pubsub = rules.ask(lambda client: client.pubsub())  # type: ignore[no-untyped-call]
            pubsub.subscribe(f"{rules.prefix}changes")
            while not stop.is_set():
                message = pubsub.get_message(timeout=LOOK)
                if message is None:
                    continue
                if message["type"] == "subscribe":
                    yield Change()
                elif message["type"] == "message":
                    yield Change(**json.loads(message["data"]))
        except (redis.RedisError, OSError, QueueUnavailable):
            stop.wait(LOOK)
        finally:
            if pubsub is not None:
                pubsub.close()


async def watch_async(rules: Rules) -> AsyncIterator[Change]:
    """Yield every change until the iterator is closed. Holds one thread meanwhile."""
    stop = threading.Event()
    loop = asyncio.get_running_loop()
    news: asyncio.Queue[Change] = asyncio.Queue()

    def listen() -> None:
        for change in watch(rules, stop):
            if loop.is_closed():
                return
            loop.call_soon_threadsafe(news.put_nowait, change)

    threading.Thread(target=listen, name="queue-changes", daemon=True).start()
    try:
        while True:
            yield await news.get()
    finally:
        stop.set()
