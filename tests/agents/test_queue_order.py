"""Who is served when: long waits, skills, callbacks, and what a caller is told of it."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from queue_world import Clock, RedisServer, an_entry

from bot.agents.changes import Change
from bot.agents.presence import AgentState
from bot.agents.queue import AgentBusy, AgentQueue, IllegalTransition
from bot.agents.types import EntryKind, EntryState, Priority


def enter(queue: AgentQueue, clock: Clock, name: str, **more: object) -> None:
    queue.enqueue(an_entry(name, **{"queued_at": clock.now, **more}))


def claimed(queue: AgentQueue, agent: str = "8001") -> str:
    """Whom the agent is given; the agent is free again, the caller is not."""
    entry = queue.claim(agent)
    if entry is None:
        return ""
    queue.join(entry.id)
    queue.close(entry.id, "done")
    return entry.id


# --- long waits ------------------------------------------------------------------------


def test_who_waited_three_minutes_comes_before_other_ordinary_callers(
    queue: AgentQueue, clock: Clock
) -> None:
    enter(queue, clock, "ordinary", priority=6)
    clock.tick(179)
    enter(queue, clock, "newer", priority=5)
    assert queue.position("ordinary") == 2
    clock.tick(1)
    assert queue.position("ordinary") == 1
    found = queue.get("ordinary")
    assert found is not None
    assert (found.priority, found.rank) == (6, Priority.OVERDUE)


def test_who_waited_ten_minutes_comes_before_newer_vulnerable_callers(
    queue: AgentQueue, clock: Clock
) -> None:
    enter(queue, clock, "ordinary", priority=Priority.NORMAL)
    clock.tick(300)
    enter(queue, clock, "frail", priority=Priority.VULNERABLE)
    assert [entry.id for entry in queue.live()] == ["frail", "ordinary"]
    clock.tick(300)
    assert [entry.id for entry in queue.live()] == ["ordinary", "frail"]


def test_no_wait_overtakes_an_emergency(queue: AgentQueue, clock: Clock) -> None:
    enter(queue, clock, "ordinary", priority=Priority.NORMAL)
    clock.tick(3600)
    enter(queue, clock, "fire", priority=Priority.EMERGENCY)
    assert [claimed(queue), claimed(queue)] == ["fire", "ordinary"]


def test_a_stream_of_vulnerable_callers_starves_nobody(queue: AgentQueue, clock: Clock) -> None:
    enter(queue, clock, "ordinary", priority=Priority.NORMAL)
    served = ""
    for minute in range(12):
        enter(queue, clock, f"frail-{minute}a", priority=Priority.VULNERABLE)
        enter(queue, clock, f"frail-{minute}b", priority=Priority.VULNERABLE)
        clock.tick(60)
        served = claimed(queue)
        if served == "ordinary":
            break
    # The vulnerable who came before are served first, in their order; then it is their turn.
    while served != "ordinary" and (served := claimed(queue)):
        assert int(served.removeprefix("frail-")[:-1]) == 0 or served < "frail-9"
    assert served == "ordinary"


def test_a_claim_that_came_to_nothing_does_not_stop_the_clock(
    queue: AgentQueue, clock: Clock
) -> None:
    enter(queue, clock, "ordinary", priority=6)
    queue.claim("8001")
    clock.tick(180)
    enter(queue, clock, "newer", priority=5)
    queue.release("ordinary")
    assert queue.position("ordinary") == 1


# --- skills ----------------------------------------------------------------------------


def test_an_agent_with_skills_gets_only_whom_they_can_serve(
    queue: AgentQueue, clock: Clock
) -> None:
    queue.presence.teach("8001", ["lang:yue", "field:medicare"])
    enter(queue, clock, "tax", skills=frozenset({"field:tax"}))
    clock.tick(1)
    enter(queue, clock, "both", skills=frozenset({"lang:yue", "field:medicare"}))
    clock.tick(1)
    enter(queue, clock, "any")
    assert [claimed(queue) for _ in range(3)] == ["both", "any", ""]
    assert claimed(queue, "8002") == "tax"


def test_among_those_who_fit_the_priority_counts_and_then_the_wait(
    queue: AgentQueue, clock: Clock
) -> None:
    queue.presence.teach("8001", ["field:tax"])
    for name, priority, skills in [
        ("first", 5, {"field:tax"}),
        ("second", 5, set()),
        ("other", 0, {"field:water"}),
        ("urgent", 0, {"field:tax"}),
    ]:
        enter(queue, clock, name, priority=priority, skills=frozenset(skills))
        clock.tick(1)
    assert [claimed(queue) for _ in range(4)] == ["urgent", "first", "second", ""]


def test_an_agent_may_choose_a_caller_outside_their_skills(queue: AgentQueue, clock: Clock) -> None:
    queue.presence.teach("8001", ["field:tax"])
    enter(queue, clock, "water", skills=frozenset({"field:water"}))
    assert queue.claim("8001") is None
    assert queue.claim("8001", "water") is not None


def test_what_a_waiting_caller_needs_can_change(queue: AgentQueue, clock: Clock) -> None:
    queue.presence.teach("8001", ["field:tax"])
    enter(queue, clock, "one")
    queue.update("one", skills=["field:water"])
    assert queue.claim("8001") is None
    queue.update("one", skills=["field:tax"])
    assert claimed(queue) == "one"


@pytest.mark.parametrize("skill", ["", "two words", "line\nbreak"])
def test_a_malformed_skill_is_refused(queue: AgentQueue, skill: str) -> None:
    with pytest.raises(ValueError, match="one word"):
        queue.enqueue(an_entry("one", skills=frozenset({skill})))


# --- callbacks -------------------------------------------------------------------------


def test_a_callback_is_nobodys_before_its_time(queue: AgentQueue, clock: Clock) -> None:
    due = clock.now + 600
    enter(queue, clock, "later", kind=EntryKind.CALLBACK, due_at=due, phone="13812345678")
    assert [entry.state for entry in queue.live()] == [EntryState.SCHEDULED]
    assert queue.claim("8001") is None
    assert queue.claim("8001", "later") is None
    assert queue.waiting_count() == 0
    clock.tick(600)
    entry = queue.claim("8001")
    assert entry is not None
    assert (entry.id, entry.kind, entry.phone) == ("later", EntryKind.CALLBACK, "13812345678")


def test_a_caller_who_prefers_a_callback_keeps_their_place(queue: AgentQueue, clock: Clock) -> None:
    for name in ("first", "second"):
        enter(queue, clock, name)
        clock.tick(1)
    assert queue.book("first", "13812345678")
    assert not queue.leave("first")
    assert queue.position("first") == 1
    entry = queue.claim("8001")
    assert entry is not None
    assert (entry.id, entry.kind) == ("first", EntryKind.CALLBACK)


def test_a_booked_callback_for_later_leaves_the_order_until_then(
    queue: AgentQueue, clock: Clock
) -> None:
    enter(queue, clock, "first")
    queue.book("first", "13812345678", clock.now + 60)
    assert queue.position("first") is None
    assert queue.waiting_count() == 0
    clock.tick(60)
    assert queue.position("first") == 1
    assert not queue.book("first", "13812345678")


def test_whoever_is_being_answered_cannot_book_any_more(queue: AgentQueue, clock: Clock) -> None:
    enter(queue, clock, "first")
    queue.claim("8001")
    with pytest.raises(IllegalTransition):
        queue.book("first", "13812345678")


def test_a_scheduled_callback_can_be_called_off(queue: AgentQueue, clock: Clock) -> None:
    enter(queue, clock, "later", kind=EntryKind.CALLBACK, due_at=clock.now + 60)
    assert queue.abandon("later")
    clock.tick(60)
    assert queue.claim("8001") is None
    assert queue.live() == []


# --- callers whose agent is off the call -----------------------------------------------


def test_a_dropped_caller_comes_after_emergencies_only(queue: AgentQueue, clock: Clock) -> None:
    enter(queue, clock, "dropped")
    entry = queue.claim("8001")
    assert entry is not None
    queue.join("dropped")
    enter(queue, clock, "frail", priority=Priority.VULNERABLE)
    enter(queue, clock, "fire", priority=Priority.EMERGENCY)
    assert queue.part("dropped", entry.leg, dropped=True)
    assert [one.id for one in queue.live()] == ["fire", "dropped", "frail"]
    assert claimed(queue, "8001") == "fire"


def test_an_old_leg_that_ends_late_changes_nothing(queue: AgentQueue, clock: Clock) -> None:
    enter(queue, clock, "one")
    before = queue.claim("8001")
    queue.join("one")
    queue.give_back("one")
    again = queue.claim("8001")
    queue.join("one")
    assert before is not None
    assert again is not None
    assert not queue.part("one", before.leg)
    assert queue.part("one", again.leg)


def test_a_caller_given_back_keeps_their_place(queue: AgentQueue, clock: Clock) -> None:
    for name in ("first", "second"):
        enter(queue, clock, name)
        clock.tick(1)
    queue.claim("8001")
    queue.join("first")
    assert queue.give_back("first")
    assert queue.position("first") == 1
    assert queue.claim("8001") is not None


def test_a_caller_is_handed_over_in_one_step(queue: AgentQueue, clock: Clock) -> None:
    enter(queue, clock, "one")
    enter(queue, clock, "two")
    queue.claim("8001", "one")
    queue.join("one")
    queue.claim("8002", "two")
    with pytest.raises(AgentBusy):
        queue.hand("one", "8002")
    handed = queue.hand("one", "8003")
    assert (handed.state, handed.agent) == (EntryState.CLAIMED, "8003")
    enter(queue, clock, "three", priority=0)
    assert claimed(queue, "8001") == "three"
    assert queue.release("one")
    assert queue.position("one") == 1


# --- what is expected ------------------------------------------------------------------


def served_in(queue: AgentQueue, clock: Clock, seconds: float) -> None:
    enter(queue, clock, f"served {clock.now}")
    entry = queue.claim("8001")
    assert entry is not None
    queue.join(entry.id)
    clock.tick(seconds)
    queue.close(entry.id, "done")


def test_the_expected_wait_follows_the_last_conversations_and_who_is_on_duty(
    queue: AgentQueue, clock: Clock
) -> None:
    for agent in ("8001", "8002"):
        queue.presence.choose(agent, AgentState.ON_DUTY)
    assert queue.expected_wait(1) is None
    served_in(queue, clock, 100.0)
    clock.tick(40)
    queue.presence.choose("8001", AgentState.ON_DUTY)
    served_in(queue, clock, 200.0)
    # A mean of 150 s with 40 s of wrap-up; 8001 is still writing, 8002 is free.
    assert queue.expected_wait(1) == 0
    assert queue.expected_wait(3) == pytest.approx(2 * 190 / 2)
    enter(queue, clock, "waits")
    assert queue.expected_wait("waits") == 0
    assert queue.expected_wait("nobody") is None
    for agent in ("8001", "8002"):
        queue.presence.choose(agent, AgentState.BREAK)
    assert queue.expected_wait(1) is None


# --- news ------------------------------------------------------------------------------


def test_every_change_is_told_as_it_happens(redis_server: RedisServer) -> None:
    queue = AgentQueue(redis_server.url)
    stop = threading.Event()
    news = queue.changes(stop)
    assert next(news) == Change()
    queue.presence.choose("8001", AgentState.ON_DUTY)
    queue.enqueue(an_entry("one", queued_at=1_800_000_000.0))
    queue.claim("8001")
    heard = [next(news) for _ in range(4)]
    assert heard == [
        Change("", "on_duty", "8001"),
        Change("one", "waiting", ""),
        Change("", "ringing", "8001"),
        Change("one", "claimed", "8001"),
    ]
    stop.set()
    assert list(news) == []


async def test_changes_can_be_awaited(redis_server: RedisServer) -> None:
    queue = AgentQueue(redis_server.url)
    news = queue.changes_async()
    assert await anext(news) == Change()
    queue.enqueue(an_entry("one"))
    assert await anext(news) == Change("one", "waiting", "")


def test_after_an_outage_everything_is_news(own_redis: RedisServer) -> None:
    queue = AgentQueue(own_redis.url)
    stop = threading.Event()
    news = queue.changes(stop)
    assert next(news) == Change()
    own_redis.kill()
    own_redis.start()
    assert next(news) == Change()
    stop.set()


def test_an_entry_with_everything_comes_back_as_it_went_in(queue: AgentQueue, clock: Clock) -> None:
    entry = an_entry(
        "all", kind=EntryKind.CALLBACK, phone="13812345678", skills=frozenset({"b", "a"})
    )
    queue.enqueue(entry)
    assert queue.get("all") == replace(entry, changed_at=clock.now, rank=5)
