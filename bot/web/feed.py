"""News for open pages, pushed as server-sent events (WHATWG HTML, 9.2).

One listener for all pages of this node: a change of the queue wakes everybody, and whatever
came while a page was being sent is sent with the next one. Leaves to others: what is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from bot.agents.changes import Change

#: Seconds in which further changes are sent together with the first.
GATHER = 0.05


class Feed:
    """Wakes pages when the queue changes. Belongs to one event loop."""

    def __init__(self, changes: Callable[[], AsyncIterator[Change]]) -> None:
        self._changes = changes
        self._number = 0
        self._woken = asyncio.Event()
        self._listener: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Something has changed that the queue does not tell."""
        self._number += 1
        self._woken.set()
        self._woken = asyncio.Event()

    async def news(self, every: float) -> AsyncIterator[int]:
        """Yield at once, after every change, and at least every so many seconds."""
        if self._listener is None or self._listener.done():
            self._listener = asyncio.create_task(self._listen())
        while True:
            seen, woken = self._number, self._woken
            yield seen
            if seen == self._number:
                try:
                    await asyncio.wait_for(woken.wait(), every)
                except TimeoutError:
                    continue
                await asyncio.sleep(GATHER)

    async def _listen(self) -> None:
        async for _ in self._changes():
            self.wake()


def event(name: str, data: str) -> str:
    """Return one server-sent event."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines() or [""])
    return f"event: {name}\n{lines}\n"
