"""News for open pages, pushed as server-sent events (WHATWG HTML, 9.2).

One listener for all pages of this node: a change of the queue wakes everybody, what is said in
a conversation only the pages that follow it, and whatever came while a page was being sent is
sent with the next one. Leaves to others: what is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from bot.agents.changes import SAID, Change

#: Seconds in which further changes are sent together with the first.
GATHER = 0.05


@dataclass(eq=False)
class _Page:
    follows: Callable[[], str]
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    everything: bool = True


class Feed:
    """Wakes pages when the queue changes. Belongs to one event loop."""

    def __init__(self, changes: Callable[[], AsyncIterator[Change]]) -> None:
        self._changes = changes
        self._pages: set[_Page] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listener: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Something has changed that the queue does not tell. Thread-safe."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake, Change())

    async def news(
        self, every: float, follows: Callable[[], str] = lambda: ""
    ) -> AsyncIterator[bool]:
        """Yield at once, after every change, and at least every so many seconds.

        True when anything may have changed; False when there is only more that was said in
        the conversation that the page ``follows``, by its id.
        """
        self._loop = asyncio.get_running_loop()
        if self._listener is None or self._listener.done():
            self._listener = asyncio.create_task(self._listen())
        page = _Page(follows)
        self._pages.add(page)
        try:
            while True:
                everything, page.everything = page.everything, False
                page.woken.clear()
                yield everything
                try:
                    await asyncio.wait_for(page.woken.wait(), every)
                except TimeoutError:
                    page.everything = True
                    continue
                await asyncio.sleep(GATHER)
        finally:
            self._pages.discard(page)

    def _wake(self, change: Change) -> None:
        for page in self._pages:
            if change.state != SAID:
                page.everything = True
            elif page.follows() != change.id:
                continue
            page.woken.set()

    async def _listen(self) -> None:
        async for change in self._changes():
            self._wake(change)


def event(name: str, data: str) -> str:
    """Return one server-sent event."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines() or [""])
    return f"event: {name}\n{lines}\n"
