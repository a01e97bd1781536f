"""Promised callbacks: in the agents' queue when due, whatever died, and ticked off when made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from agents.queue_world import RedisServer

from bot.agents.queue import AgentQueue
from bot.agents.types import EntryKind, EntryState
from bot.casework.callbacks import Callbacks
from bot.casework.tickets import TicketStore
from bot.promises import Promises

CALLER = "13800138000"


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def queue(redis: RedisServer) -> AgentQueue:
    redis.client.flushall()
    return AgentQueue(redis.url)


@pytest.fixture
def callbacks(tmp_path: Path) -> Iterator[Callbacks]:
    store = TicketStore(f"sqlite:///{tmp_path}/promises.db")
    store.create_schema()
    yield Callbacks(store.engine)
    store.engine.dispose()


def promised(callbacks: Callbacks, **later: float) -> None:
    at = dt.datetime.now(dt.UTC) + dt.timedelta(**later)
    callbacks.book(CALLER, at, "asked", "我家停水了", "c1")


def test_a_callback_is_entered_when_it_is_due_and_not_before(
    callbacks: Callbacks, queue: AgentQueue
) -> None:
    promises = Promises(callbacks, queue, lambda _: None)
    promised(callbacks, hours=1)
    promises.look()
    assert queue.live() == []


def test_an_agent_sees_whom_to_call_and_why(callbacks: Callbacks, queue: AgentQueue) -> None:
    promised(callbacks, minutes=-1)
    Promises(callbacks, queue, lambda _: None).look()
    (entry,) = queue.live()
    assert (entry.kind, entry.phone) == (EntryKind.CALLBACK, CALLER)
    assert (entry.state, entry.extra["text"]) == (EntryState.WAITING, "我家停水了")


def test_looking_twice_enters_it_once(callbacks: Callbacks, queue: AgentQueue) -> None:
    promises = Promises(callbacks, queue, lambda _: None)
    promised(callbacks, minutes=-1)
    promises.look()
    promises.look()
    assert len(queue.live()) == 1


def test_an_entry_that_was_lost_with_redis_is_entered_again(
    callbacks: Callbacks, queue: AgentQueue, redis: RedisServer
) -> None:
    promises = Promises(callbacks, queue, lambda _: None)
    promised(callbacks, minutes=-1)
    promises.look()
    redis.client.flushall()
    promises.look()
    assert len(queue.live()) == 1


def test_a_callback_that_was_made_is_kept_as_made(callbacks: Callbacks, queue: AgentQueue) -> None:
    promises = Promises(callbacks, queue, lambda _: None)
    promised(callbacks, minutes=-1)
    promises.look()
    entry = queue.claim("8001")
    assert entry is not None
    queue.join(entry.id)
    queue.close(entry.id, "agent_done")
    promises.look()
    assert callbacks.open_for(CALLER) == []
    assert queue.live() == []
