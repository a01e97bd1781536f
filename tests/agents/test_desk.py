from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from queue_world import Clock, FakeSwitchboard, RedisServer, an_entry
from structlog.testing import capture_logs

from bot.agents.desk import Desk
from bot.agents.presence import AgentState
from bot.agents.queue import AgentBusy, AgentQueue, QueueUnavailable
from bot.agents.types import (
    EntryState,
    HeldCaller,
    JoinResult,
    QueueEntry,
    SwitchboardError,
)


def escalated(desk: Desk, switchboard: FakeSwitchboard, name: str = "") -> QueueEntry:
    """A caller who asked for a person and is on the line."""
    entry = an_entry(name)
    switchboard.channels.add(entry.channel)
    desk.escalate(entry)
    return entry


def state(queue: AgentQueue, entry: QueueEntry) -> EntryState | None:
    found = queue.get(entry.id)
    return found.state if found else None


def hung_up(desk: Desk, queue: AgentQueue, entry: QueueEntry, dropped: bool = False) -> None:
    """The agent's leg of a joined caller ends."""
    found = queue.get(entry.id)
    assert found is not None
    desk.agent_gone(entry.id, found.leg, dropped=dropped)


def held(entry: QueueEntry, reason: str = "bot_lost", seconds: int = 60) -> HeldCaller:
    return HeldCaller(entry.id, entry.channel, entry.caller, entry.did, seconds, reason)


# --- claiming --------------------------------------------------------------------------


def test_a_claim_rings_the_agent_and_joins_the_two(
    desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    entry = escalated(desk, switchboard)
    claim = desk.claim("8001")
    assert claim is not None
    assert (claim.result, claim.entry.id) == (JoinResult.JOINED, entry.id)
    assert claim.entry.state is EntryState.JOINED
    assert claim.entry.transcript == entry.transcript
    assert switchboard.rung == [(entry.id, "8001", 20.0)]
    assert state(queue, entry) is EntryState.JOINED


def test_a_claim_of_nobody_rings_nobody(desk: Desk, switchboard: FakeSwitchboard) -> None:
    assert desk.claim("8001") is None
    assert switchboard.rung == []


@pytest.mark.parametrize(
    "answer", [JoinResult.NO_ANSWER, JoinResult.AGENT_BUSY, JoinResult.AGENT_UNREACHABLE]
)
def test_a_caller_whose_agent_does_not_come_is_back_at_their_place(
    desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard, answer: JoinResult
) -> None:
    first = escalated(desk, switchboard)
    escalated(desk, switchboard)
    switchboard.answer = answer
    claim = desk.claim("8001")
    assert claim is not None
    assert (claim.result, claim.entry.state) == (answer, EntryState.WAITING)
    assert queue.position(first.id) == 1


def test_a_caller_who_left_while_the_phone_rang_is_abandoned(
    desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    entry = escalated(desk, switchboard)
    switchboard.while_ringing = lambda ringing: desk.caller_gone(ringing.id)
    switchboard.answer = JoinResult.NO_ANSWER
    claim = desk.claim("8001")
    assert claim is not None
    assert (claim.result, claim.entry.state) == (JoinResult.CALLER_GONE, EntryState.ABANDONED)
    assert state(queue, entry) is EntryState.ABANDONED
    assert desk.claim("8001") is None


def test_a_switch_that_fails_gives_the_caller_back(
    desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    entry = escalated(desk, switchboard)
    for failure in (SwitchboardError("down"), RuntimeError("a bug")):
        switchboard.answer = failure
        with pytest.raises(type(failure)):
            desk.claim("8001")
        assert state(queue, entry) is EntryState.WAITING


def test_an_agent_who_hangs_up_ends_the_conversation(
    desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    entry = escalated(desk, switchboard)
    desk.claim("8001")
    hung_up(desk, queue, entry)
    found = queue.get(entry.id)
    assert found is not None
    assert (found.state, found.extra["outcome"]) == (EntryState.DONE, "agent_left")


def test_an_agent_who_hangs_up_before_the_join_is_written_down_is_free_too(
    desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    entry = escalated(desk, switchboard)
    switchboard.while_ringing = lambda ringing: desk.agent_gone(
        ringing.id, ringing.leg, dropped=False
    )
    claim = desk.claim("8001")
    assert claim is not None
    assert claim.entry.state is EntryState.DONE
    assert state(queue, entry) is EntryState.DONE
    escalated(desk, switchboard)
    switchboard.while_ringing = lambda ringing: None
    second = desk.claim("8001")
    assert second is not None
    assert second.entry.state is EntryState.JOINED


def test_twenty_agents_at_once_never_share_a_caller(
    desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    for _ in range(100):
        escalated(desk, switchboard)
    switchboard.answer = JoinResult.JOINED
    start = threading.Barrier(20)

    def work(agent: str) -> int:
        start.wait()
        served = 0
        while (claim := desk.claim(agent)) is not None:
            desk.agent_gone(claim.entry.id, claim.entry.leg, dropped=False)
            served += 1
        return served

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(work, [f"80{n:02}" for n in range(20)])) == 100
    assert len({entry_id for entry_id, _, _ in switchboard.rung}) == 100
    assert len(queue.list(EntryState.DONE)) == 100


def test_a_caller_whose_agents_line_drops_is_next_after_emergencies(
    desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    dropped = escalated(desk, switchboard)
    desk.claim("8001")
    escalated(desk, switchboard)
    hung_up(desk, queue, dropped, dropped=True)
    assert queue.position(dropped.id) == 1
    claim = desk.claim("8001")
    assert claim is not None
    assert claim.entry.id == dropped.id


def test_an_agent_whose_line_drops_before_the_join_is_written_down_loses_nobody(
    desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    entry = escalated(desk, switchboard)
    switchboard.while_ringing = lambda ringing: desk.agent_gone(
        ringing.id, ringing.leg, dropped=True
    )
    desk.claim("8001")
    assert state(queue, entry) is EntryState.WAITING


def test_a_callback_rings_nobody_and_keeps_the_agent_until_it_is_done(
    desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    entry = escalated(desk, switchboard)
    assert desk.book_callback(entry.id)
    assert switchboard.moves == [("send", entry.channel, "callback")]
    desk.caller_gone(entry.id)
    switchboard.channels.clear()
    desk.reconcile()
    claim = desk.claim("8001")
    assert claim is not None
    assert (claim.result, claim.entry.phone) == (JoinResult.TO_CALL, entry.caller)
    desk.reconcile()
    assert state(queue, entry) is EntryState.JOINED
    assert switchboard.rung == []


def test_a_caller_with_a_withheld_number_cannot_be_called_back(
    desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    entry = an_entry(caller="")
    desk.escalate(entry)
    assert not desk.book_callback(entry.id)
    assert state(queue, entry) is EntryState.WAITING


def test_only_who_just_waits_hears_an_announcement(
    desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    entry = escalated(desk, switchboard)
    assert desk.announce(entry.id)
    heard: list[bool] = []
    switchboard.while_ringing = lambda ringing: heard.append(desk.announce(ringing.id))
    desk.claim("8001")
    assert heard == [False]
    assert not desk.announce(entry.id)
    assert switchboard.moves == [("send", entry.channel, "announce")]


# --- callers who leave -----------------------------------------------------------------


def test_a_caller_who_hangs_up_is_abandoned_at_once(
    desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    entry = escalated(desk, switchboard)
    desk.caller_gone(entry.id)
    desk.caller_gone(entry.id)
    assert state(queue, entry) is EntryState.ABANDONED


def test_a_caller_who_hangs_up_on_the_agent_ends_the_conversation(
    desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    entry = escalated(desk, switchboard)
    desk.claim("8001")
    desk.caller_gone(entry.id)
    found = queue.get(entry.id)
    assert found is not None
    assert (found.state, found.extra["outcome"]) == (EntryState.DONE, "caller_left")


def test_a_stranger_who_hangs_up_does_not_matter(desk: Desk, queue: AgentQueue) -> None:
    desk.caller_gone("nobody")
    desk.agent_gone("nobody", "join-1", dropped=True)
    assert queue.list() == []


# --- Redis goes away -------------------------------------------------------------------


def test_what_happens_while_redis_is_away_is_written_when_it_is_back(
    own_redis: RedisServer, switchboard: FakeSwitchboard, clock: Clock
) -> None:
    queue = AgentQueue(own_redis.url, clock)
    desk = Desk(queue, switchboard, 20.0, clock)
    talking = escalated(desk, switchboard)
    claimed = desk.claim("8001")
    assert claimed is not None
    own_redis.kill()
    stays = escalated(desk, switchboard)
    leaves = escalated(desk, switchboard)
    desk.caller_gone(leaves.id)
    desk.agent_gone(talking.id, claimed.entry.leg, dropped=False)
    with pytest.raises(QueueUnavailable):
        desk.claim("8002")
    own_redis.start()
    desk.reconcile()
    assert state(queue, stays) is EntryState.WAITING
    assert state(queue, leaves) is EntryState.ABANDONED
    assert state(queue, talking) is EntryState.DONE
    claim = desk.claim("8002")
    assert claim is not None
    assert claim.entry.id == stays.id


def test_what_is_owed_is_written_in_the_order_it_happened(
    own_redis: RedisServer, switchboard: FakeSwitchboard
) -> None:
    queue = AgentQueue(own_redis.url)
    desk = Desk(queue, switchboard, 20.0)
    own_redis.kill()
    entry = escalated(desk, switchboard)
    own_redis.start()
    # Redis is back, but nobody has looked yet; leaving must not overtake entering.
    desk.caller_gone(entry.id)
    desk.reconcile()
    assert state(queue, entry) is EntryState.ABANDONED


def test_a_join_that_redis_missed_is_not_undone(
    own_redis: RedisServer, switchboard: FakeSwitchboard, clock: Clock
) -> None:
    queue = AgentQueue(own_redis.url, clock)
    desk = Desk(queue, switchboard, 20.0, clock)
    entry = escalated(desk, switchboard)
    switchboard.while_ringing = lambda _: own_redis.kill()
    claim = desk.claim("8001")
    assert claim is not None
    assert claim.result is JoinResult.JOINED
    clock.tick(300)
    own_redis.start()
    desk.reconcile()
    assert state(queue, entry) is EntryState.JOINED


def test_an_absent_redis_is_logged_once_and_its_return_too(
    own_redis: RedisServer, switchboard: FakeSwitchboard
) -> None:
    desk = Desk(AgentQueue(own_redis.url), switchboard, 20.0)
    own_redis.kill()
    with capture_logs() as logs:
        for _ in range(3):
            desk.reconcile()
        own_redis.start()
        desk.reconcile()
        desk.reconcile()
    assert [line["event"] for line in logs] == ["desk.in_trouble", "desk.recovered"]
    assert "REDIS_URL" in logs[0]["error"]


def test_an_absent_asterisk_changes_nothing_and_is_logged_once(
    desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    entry = escalated(desk, switchboard)
    switchboard.channels.clear()
    switchboard.down = True
    with capture_logs() as logs:
        desk.reconcile()
        desk.reconcile()
    assert [line["event"] for line in logs] == ["desk.in_trouble"]
    assert state(queue, entry) is EntryState.WAITING


# --- reconciling -----------------------------------------------------------------------


def test_a_held_caller_without_an_entry_gets_one_with_what_is_still_known(
    desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard, clock: Clock
) -> None:
    lost = an_entry("lost", reason="asked", queued_at=0.0)
    switchboard.held = [held(lost, reason="bot_lost", seconds=90)]
    switchboard.channels = {lost.channel}
    desk.reconcile({"lost": lost}.get)
    found = queue.get("lost")
    assert found is not None
    assert found.transcript == lost.transcript
    assert (found.reason, found.state) == ("bot_lost", EntryState.WAITING)
    assert found.queued_at == clock.now - 90


def test_a_held_caller_of_whom_nothing_is_known_is_entered_all_the_same(
    desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    def damaged(entry_id: str) -> QueueEntry | None:
        raise KeyError(entry_id)

    one, two = an_entry("one"), an_entry("two")
    switchboard.held = [held(one), held(two, reason="emergency")]
    switchboard.channels = {one.channel, two.channel}
    desk.reconcile(damaged)
    assert [(entry.id, entry.priority) for entry in queue.live()] == [("two", 0), ("one", 3)]
    assert queue.live()[0].caller == "13812345678"


def test_reconciling_twice_enters_nobody_twice(
    desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    entry = escalated(desk, switchboard)
    switchboard.held = [held(entry)]
    desk.reconcile()
    desk.reconcile()
    assert queue.waiting_count() == 1
    found = queue.get(entry.id)
    assert found is not None
    assert found.reason == "asked"


def test_entries_without_a_channel_are_finished(
    desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    talks = escalated(desk, switchboard)
    desk.claim("8001")
    waits = escalated(desk, switchboard)
    stays = escalated(desk, switchboard)
    rings = escalated(desk, switchboard)
    queue.claim("8002", rings.id)
    switchboard.channels = {stays.channel}
    desk.reconcile()
    assert state(queue, talks) is EntryState.DONE
    assert state(queue, waits) is EntryState.ABANDONED
    assert state(queue, rings) is EntryState.ABANDONED
    assert state(queue, stays) is EntryState.WAITING


def test_a_claim_of_a_bot_that_crashed_is_released_when_the_ringing_is_over(
    desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard, clock: Clock
) -> None:
    entry = escalated(desk, switchboard)
    queue.claim("8001")
    clock.tick(30)
    desk.reconcile()
    assert state(queue, entry) is EntryState.CLAIMED
    clock.tick(1)
    desk.reconcile()
    assert state(queue, entry) is EntryState.WAITING


def test_a_join_that_a_crashed_bot_did_not_write_down_is_found(
    desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard, clock: Clock
) -> None:
    entry = escalated(desk, switchboard)
    claimed = queue.claim("8001")
    assert claimed is not None
    switchboard.leg[claimed.leg] = True
    clock.tick(6)
    desk.reconcile()
    assert state(queue, entry) is EntryState.JOINED


def test_a_phone_that_rings_for_a_crashed_bot_is_silenced_before_the_release(
    desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard, clock: Clock
) -> None:
    entry = escalated(desk, switchboard)
    claimed = queue.claim("8001")
    assert claimed is not None
    switchboard.leg[claimed.leg] = False
    clock.tick(31)
    desk.reconcile()
    assert switchboard.moves == [("hang_up", claimed.leg)]
    assert state(queue, entry) is EntryState.WAITING


def test_a_line_that_dropped_while_no_bot_looked_brings_the_caller_back(
    desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard, clock: Clock
) -> None:
    entry = escalated(desk, switchboard)
    desk.claim("8001")
    switchboard.leg.clear()
    clock.tick(6)
    desk.reconcile()
    assert state(queue, entry) is EntryState.JOINED
    switchboard.held = [held(entry, reason="asked")]
    desk.reconcile()
    assert state(queue, entry) is EntryState.WAITING
    assert queue.position(entry.id) == 1


def test_a_registered_telephone_is_an_agents_heartbeat(
    desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard, clock: Clock
) -> None:
    for agent in ("8001", "8002"):
        queue.presence.choose(agent, AgentState.ON_DUTY)
    switchboard.phones = {"8001", "citizen"}
    clock.tick(31)
    desk.reconcile()
    assert [(one.extension, one.state) for one in queue.presence.all()] == [
        ("8001", AgentState.ON_DUTY),
        ("8002", AgentState.GONE),
    ]


def test_a_claim_that_is_still_being_joined_is_left_alone(
    desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard, clock: Clock
) -> None:
    entry = escalated(desk, switchboard)
    seen: list[EntryState | None] = []

    def slow(_: QueueEntry) -> None:
        clock.tick(300)
        desk.reconcile()
        seen.append(state(queue, entry))

    switchboard.while_ringing = slow
    desk.claim("8001")
    assert seen == [EntryState.CLAIMED]
    assert state(queue, entry) is EntryState.JOINED


def test_a_new_bot_goes_on_with_the_queue_of_the_old_one(
    desk: Desk, queue: AgentQueue, redis_server: RedisServer, switchboard: FakeSwitchboard
) -> None:
    waits = escalated(desk, switchboard)
    talks = escalated(desk, switchboard)
    desk.claim("8001", talks.id)
    again = Desk(AgentQueue(redis_server.url), switchboard, 20.0)
    again.reconcile()
    assert (state(queue, waits), state(queue, talks)) == (EntryState.WAITING, EntryState.JOINED)
    with pytest.raises(AgentBusy):
        again.claim("8001")
    hung_up(again, queue, talks)
    assert again.claim("8001") is not None


def test_an_escalated_caller_without_a_time_is_queued_now(
    desk: Desk, queue: AgentQueue, clock: Clock
) -> None:
    desk.escalate(replace(an_entry("now"), queued_at=0.0))
    found = queue.get("now")
    assert found is not None
    assert found.queued_at == clock.now


# --- several nodes on one queue --------------------------------------------------------


def test_a_node_leaves_the_callers_of_another_alone(
    redis_server: RedisServer, clock: Clock
) -> None:
    queue = AgentQueue(redis_server.url, clock)
    here, there = FakeSwitchboard(), FakeSwitchboard()
    ours = Desk(queue, here, 20.0, clock, node="a")
    theirs = Desk(queue, there, 20.0, clock, node="b")
    entry = escalated(ours, here)
    theirs.reconcile()
    assert state(queue, entry) is EntryState.WAITING
    assert theirs.claim("8001") is None
    with pytest.raises(SwitchboardError, match="node a"):
        theirs.claim("8001", entry.id)
    assert queue.position(entry.id) == 1
    mine = escalated(theirs, there)
    claim = theirs.claim("8002")
    assert claim is not None
    assert claim.entry.id == mine.id
    assert ours.claim("8001") is not None
    assert [name for name, _, _ in there.rung] == [mine.id]
