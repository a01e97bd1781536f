"""Who is woken by what: all pages by the queue, by words only who follows the conversation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.agents.changes import SAID, Change
from bot.web.feed import Feed


@pytest.fixture
def news() -> asyncio.Queue[Change]:
    return asyncio.Queue()


@pytest.fixture
def feed(news: asyncio.Queue[Change]) -> Feed:
    async def changes() -> AsyncIterator[Change]:
        while True:
            yield await news.get()

    return Feed(changes)


async def quiet(page: asyncio.Task[bool]) -> bool:
    """Whether a page is still asleep when all that can happen has happened."""
    done, _ = await asyncio.wait([page], timeout=0.2)
    return not done


def waiting(pages: AsyncIterator[bool]) -> asyncio.Task[bool]:
    return asyncio.ensure_future(anext(pages))  # type: ignore[arg-type]


async def test_words_wake_only_the_page_that_follows_them_and_say_so(
    feed: Feed, news: asyncio.Queue[Change]
) -> None:
    mine, other = feed.news(60, lambda: "call-1"), feed.news(60, lambda: "call-2")
    assert await anext(mine)
    assert await anext(other)
    first, second = waiting(mine), waiting(other)
    await asyncio.sleep(0)
    news.put_nowait(Change("call-1", SAID, "8001"))
    assert await asyncio.wait_for(first, 5) is False
    assert await quiet(second)
    news.put_nowait(Change("call-3", "waiting"))
    assert await asyncio.wait_for(second, 5) is True
    # What came while nobody asked is sent with the next.
    assert await asyncio.wait_for(anext(mine), 5) is True


async def test_a_page_shows_itself_when_nothing_happens(feed: Feed) -> None:
    page = feed.news(0.01)
    assert [await anext(page), await anext(page)] == [True, True]


async def test_a_thread_can_wake_the_pages(feed: Feed) -> None:
    page = feed.news(60)
    await anext(page)
    asleep = waiting(page)
    await asyncio.sleep(0)
    await asyncio.to_thread(feed.wake)
    assert await asyncio.wait_for(asleep, 5) is True


async def test_a_page_that_is_closed_is_forgotten(feed: Feed) -> None:
    page = feed.news(60)
    await anext(page)
    await page.aclose()  # type: ignore[attr-defined]
    assert not feed._pages
