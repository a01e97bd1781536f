from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from queue_world import Clock, RedisServer, an_entry, free_port

from bot.agents.changes import SAID, Change
from bot.agents.queue import (
    AgentBusy,
    AgentQueue,
    IllegalTransition,
    QueueUnavailable,
    UnknownEntry,
)
from bot.agents.types import EntryState, Turn


def test_an_entry_comes_back_as_it_went_in(queue: AgentQueue, clock: Clock) -> None:
    entry = an_entry(
        priority=0, queued_at=1_800_000_000.123456, ticket="20261124-7", extra={"place": "朝阳"}
    )
    queue.enqueue(entry)
    assert queue.get(entry.id) == replace(entry, changed_at=clock.now, rank=0)


def test_callers_are_served_by_priority_and_then_by_time(queue: AgentQueue) -> None:
    began = 1_800_000_000.0
    for name, priority, at in [("c", 5, 10.0), ("d", 5, 20.0), ("a", 0, 30.0), ("b", 3, 25.0)]:
        queue.enqueue(an_entry(name, priority=priority, queued_at=began + at))
    claimed = [queue.claim(f"800{number}") for number in range(5)]
    assert [entry.id if entry else None for entry in claimed] == ["a", "b", "c", "d", None]


def test_a_microsecond_decides_who_was_first(queue: AgentQueue) -> None:
    queue.enqueue(an_entry("a-later", queued_at=1_800_000_000.000002))
    queue.enqueue(an_entry("b-earlier", queued_at=1_800_000_000.000001))
    assert [entry.id for entry in queue.live()] == ["b-earlier", "a-later"]
    first = queue.claim("8001")
    assert first is not None
    assert first.id == "b-earlier"


def test_an_agent_can_take_a_certain_caller(queue: AgentQueue) -> None:
    queue.enqueue(an_entry("first"))
    queue.enqueue(an_entry("second"))
    taken = queue.claim("8001", "second")
    assert taken is not None
    assert (taken.id, taken.state, taken.agent) == ("second", EntryState.CLAIMED, "8001")
    assert queue.claim("8002", "second") is None


def test_an_agent_with_a_caller_cannot_take_another(queue: AgentQueue) -> None:
    queue.enqueue(an_entry("first"))
    queue.enqueue(an_entry("second"))
    queue.claim("8001")
    with pytest.raises(AgentBusy) as refusal:
        queue.claim("8001")
    assert refusal.value.entry_id == "first"
    queue.join("first")
    with pytest.raises(AgentBusy):
        queue.claim("8001", "second")
    assert queue.waiting_count() == 1


def test_entering_twice_changes_nothing(queue: AgentQueue) -> None:
    assert queue.enqueue(an_entry("once", reason="asked"))
    assert not queue.enqueue(an_entry("once", reason="bot_lost"))
    entry = queue.get("once")
    assert entry is not None
    assert entry.reason == "asked"
    assert queue.waiting_count() == 1


def test_a_finished_caller_is_never_brought_back(queue: AgentQueue) -> None:
    entry = an_entry()
    queue.enqueue(entry)
    queue.abandon(entry.id)
    assert not queue.enqueue(entry)
    assert queue.live() == []


def test_a_released_caller_is_at_their_old_place(queue: AgentQueue) -> None:
    for name in ("first", "second", "third"):
        queue.enqueue(an_entry(name))
    queue.claim("8001", "second")
    assert queue.position("third") == 2
    assert queue.release("second")
    assert [queue.position(name) for name in ("first", "second", "third")] == [1, 2, 3]
    entry = queue.get("second")
    assert entry is not None
    assert (entry.state, entry.agent) == (EntryState.WAITING, "")


def test_positions_are_known_only_of_those_who_wait(queue: AgentQueue) -> None:
    queue.enqueue(an_entry("one"))
    queue.claim("8001")
    assert queue.position("one") is None
    assert queue.position("nobody") is None


def test_an_agent_is_free_after_every_way_of_parting(queue: AgentQueue) -> None:
    for part in ("release", "abandon", "close"):
        queue.enqueue(an_entry(part))
        queue.claim("8001", part)
        if part == "close":
            queue.join(part)
            queue.close(part, "agent_left")
        else:
            getattr(queue, part)(part)
        queue.enqueue(an_entry(f"after {part}", priority=0))
        assert queue.claim("8001", f"after {part}") is not None
        queue.abandon(f"after {part}")


def test_a_repeated_move_does_no_harm(queue: AgentQueue) -> None:
    queue.enqueue(an_entry("one"))
    queue.claim("8001")
    assert [queue.join("one"), queue.join("one")] == [True, False]
    assert [queue.close("one", "done"), queue.close("one", "other")] == [True, False]
    entry = queue.get("one")
    assert entry is not None
    assert entry.extra == {"outcome": "done"}


WAY_TO = {
    EntryState.WAITING: (),
    EntryState.CLAIMED: ("claim",),
    EntryState.JOINED: ("claim", "join"),
    EntryState.DONE: ("claim", "join", "close"),
    EntryState.ABANDONED: ("abandon",),
}
LEADS_TO = {
    "release": EntryState.WAITING,
    "join": EntryState.JOINED,
    "close": EntryState.DONE,
    "abandon": EntryState.ABANDONED,
}
ALLOWED = {
    (EntryState.CLAIMED, "release"),
    (EntryState.CLAIMED, "join"),
    (EntryState.CLAIMED, "abandon"),
    (EntryState.WAITING, "abandon"),
    (EntryState.JOINED, "close"),
}


def make(queue: AgentQueue, move: str) -> bool:
    """Do one move of the entry "one"."""
    if move == "claim":
        return queue.claim("8001", "one") is not None
    if move == "close":
        return queue.close("one", "agent_left")
    return bool(getattr(queue, move)("one"))


@pytest.mark.parametrize("move", LEADS_TO)
@pytest.mark.parametrize("state", WAY_TO)
def test_only_legal_moves_are_made(queue: AgentQueue, state: EntryState, move: str) -> None:
    queue.enqueue(an_entry("one"))
    for step in WAY_TO[state]:
        make(queue, step)
    after = state
    if (state, move) in ALLOWED:
        assert make(queue, move) is True
        after = LEADS_TO[move]
    elif LEADS_TO[move] is state:
        assert make(queue, move) is False
    else:
        with pytest.raises(IllegalTransition, match=f"is {state} and cannot become"):
            make(queue, move)
    assert [entry.state for entry in queue.list()] == [after]


def test_an_entry_that_nobody_knows_cannot_be_moved(queue: AgentQueue) -> None:
    for move in LEADS_TO:
        with pytest.raises(UnknownEntry):
            make(queue, move)
    assert queue.list() == []


def test_what_was_said_later_is_added_to_the_entry(queue: AgentQueue) -> None:
    entry = an_entry("one")
    queue.enqueue(entry)
    turns = (*entry.transcript, Turn("caller", "快点", 9.0))
    assert queue.update("one", transcript=turns, ticket="7")
    assert not queue.update("nobody", ticket="8")
    changed = queue.get("one")
    assert changed is not None
    assert (changed.transcript, changed.ticket) == (turns, "7")
    assert changed.candidates == entry.candidates


def test_entries_can_be_listed_by_state(queue: AgentQueue) -> None:
    for name in ("waits", "rings", "talks", "over", "left"):
        queue.enqueue(an_entry(name))
    queue.claim("8001", "rings")
    for name, agent in (("talks", "8002"), ("over", "8003")):
        queue.claim(agent, name)
        queue.join(name)
    queue.close("over", "agent_left")
    queue.abandon("left")
    by_state = {state: [entry.id for entry in queue.list(state)] for state in EntryState}
    assert by_state == {
        EntryState.SCHEDULED: [],
        EntryState.WAITING: ["waits"],
        EntryState.CLAIMED: ["rings"],
        EntryState.JOINED: ["talks"],
        EntryState.DONE: ["over"],
        EntryState.ABANDONED: ["left"],
    }
    assert [entry.id for entry in queue.live()] == ["waits", "rings", "talks"]
    assert len(queue.list()) == 5


def test_finished_entries_are_kept_for_seven_days(queue: AgentQueue, clock: Clock) -> None:
    queue.enqueue(an_entry("old"))
    queue.abandon("old")
    clock.tick(7 * 24 * 3600)
    queue.enqueue(an_entry("new"))
    queue.abandon("new")
    assert queue.trim() == 0
    clock.tick(1)
    assert queue.trim() == 1
    assert [entry.id for entry in queue.list()] == ["new"]
    assert queue.get("old") is None


def test_what_caller_and_agent_say_is_kept_in_order_and_as_long_as_the_entry(
    queue: AgentQueue, clock: Clock, redis_server: RedisServer
) -> None:
    hello, trouble = Turn("agent", "您好", 31.5), Turn("caller", "我家停水了\n<b>", 33.25, 7)
    queue.enqueue(an_entry("one"))
    assert queue.say("one", hello)
    assert queue.say("one", trouble)
    assert queue.said("one") == (hello, trouble)
    queue.update("one", heard=(("water_outage", "停水报修", 0.9),))
    found = queue.get("one")
    assert found is not None
    assert found.heard == (("water_outage", "停水报修", 0.9),)
    assert found.candidates == an_entry().candidates
    queue.abandon("one")
    assert queue.said("one") == (hello, trouble)
    clock.tick(8 * 24 * 3600)
    queue.trim()
    assert queue.said("one") == ()
    assert not queue.say("one", hello)
    assert redis_server.client.keys() == ["{hotline}:events"]


def test_that_more_was_said_is_told_as_no_change_of_the_queue(queue: AgentQueue) -> None:
    queue.enqueue(an_entry("one"))
    stop = threading.Event()
    changes = queue.changes(stop)
    assert next(changes) == Change()
    queue.say("one", Turn("agent", "您好", 31.5))
    assert next(changes) == Change("one", SAID, "")
    stop.set()


def test_every_change_is_in_the_stream_of_events(
    queue: AgentQueue, redis_server: RedisServer
) -> None:
    queue.enqueue(an_entry("one"))
    queue.claim("8001")
    queue.release("one")
    queue.claim("8002")
    queue.join("one")
    queue.close("one", "agent_left")
    events = [fields for _, fields in redis_server.client.xrange("{hotline}:events")]
    assert [(event["state"], event["agent"]) for event in events] == [
        ("waiting", ""),
        ("claimed", "8001"),
        ("waiting", "8001"),
        ("claimed", "8002"),
        ("joined", "8002"),
        ("done", "8002"),
    ]
    assert events[-1]["outcome"] == "agent_left"


def test_all_keys_share_a_hash_tag_and_nothing_is_left_behind(
    queue: AgentQueue, redis_server: RedisServer, clock: Clock
) -> None:
    queue.enqueue(an_entry("one"))
    queue.claim("8001")
    assert all(key.startswith("{hotline}:") for key in redis_server.client.scan_iter())
    queue.abandon("one")
    clock.tick(8 * 24 * 3600)
    queue.trim()
    assert redis_server.client.keys() == ["{hotline}:events"]


def test_two_hundred_callers_and_twenty_agents_at_once(redis_server: RedisServer) -> None:
    queue = AgentQueue(redis_server.url)
    for number in range(200):
        queue.enqueue(
            an_entry(
                f"{number:03}", priority=(5, 0)[number % 2], queued_at=time.time() + number / 1000
            )
        )
    order: list[tuple[int, str]] = []
    start = threading.Barrier(20)

    def work(agent: str) -> list[tuple[int, float]]:
        mine = []
        start.wait()
        while (entry := queue.claim(agent)) is not None:
            mine.append((entry.priority, entry.queued_at))
            order.append((entry.priority, entry.id))
            queue.join(entry.id)
            queue.close(entry.id, "done")
        return mine

    with ThreadPoolExecutor(20) as pool:
        served = list(pool.map(work, [f"80{number:02}" for number in range(20)]))
    assert all(mine == sorted(mine) for mine in served)
    assert max(Counter(order).values()) == 1
    assert len(order) == 200
    events = [fields for _, fields in redis_server.client.xrange("{hotline}:events")]
    claimed = [event["id"] for event in events if event["state"] == "claimed"]
    assert claimed == sorted(claimed, key=lambda one: (-(int(one) % 2), one))


def test_nothing_is_lost_when_redis_is_killed(own_redis: RedisServer) -> None:
    queue = AgentQueue(own_redis.url)
    entries = [an_entry() for _ in range(100)]
    for entry in entries:
        queue.enqueue(entry)
    queue.claim("8001", entries[0].id)
    queue.claim("8002", entries[1].id)
    queue.join(entries[1].id)
    before = queue.list()
    own_redis.kill()
    own_redis.start()
    assert queue.list() == before
    with pytest.raises(AgentBusy):
        queue.claim("8001")
    assert queue.close(entries[1].id, "agent_left")


def test_a_dead_redis_is_noticed_at_once_and_named_without_its_password() -> None:
    port = free_port()
    queue = AgentQueue(f"redis://:geheim@127.0.0.1:{port}/0")
    began = time.monotonic()
    with pytest.raises(QueueUnavailable) as failure:
        queue.claim("8001")
    assert time.monotonic() - began < 5.0
    assert f"127.0.0.1:{port}/0" in str(failure.value)
    assert "REDIS_URL" in str(failure.value)
    assert "geheim" not in str(failure.value)
    assert not queue.reachable()


def test_a_redis_that_hangs_is_given_up_after_a_second() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        queue = AgentQueue(f"redis://127.0.0.1:{deaf.getsockname()[1]}/0")
        began = time.monotonic()
        with pytest.raises(QueueUnavailable, match="no answer in 1 s"):
            queue.waiting_count()
        assert time.monotonic() - began < 8.0


@pytest.mark.parametrize("url", ["http://user:geheim@host/0", "redis://:geheim@host:port/0", ""])
def test_an_address_that_is_none_is_refused_with_advice(url: str) -> None:
    with pytest.raises(QueueUnavailable, match="not a Redis URL") as failure:
        AgentQueue(url)
    assert "geheim" not in str(failure.value)


def test_a_redis_that_refuses_the_password_says_so(own_redis: RedisServer) -> None:
    own_redis.client.config_set("requirepass", "right")
    queue = AgentQueue(own_redis.url.replace("redis://", "redis://:wrong@"))
    with pytest.raises(QueueUnavailable, match="refuses the password"):
        queue.waiting_count()


def test_an_impossible_priority_is_refused(queue: AgentQueue) -> None:
    with pytest.raises(ValueError, match="priority"):
        queue.enqueue(an_entry(priority=-1))
    assert queue.waiting_count() == 0


def test_the_rules_are_shipped_with_the_package() -> None:
    import bot.agents

    assert (Path(bot.agents.__file__).parent / "queue.lua").is_file()
