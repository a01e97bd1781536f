"""An agent claims a callback: who is called, when, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from queue_world import Clock, FakeSwitchboard, RedisServer, an_entry

from bot.agents.calling_back import CallingBack, Policy
from bot.agents.desk import ClaimResult, Desk
from bot.agents.presence import AgentState
from bot.agents.queue import AgentQueue
from bot.agents.types import (
    EntryKind,
    EntryState,
    HeldCaller,
    JoinResult,
    QueueEntry,
    SwitchboardError,
)

PHONE = "13812345678"
CITIZEN = "PJSIP/trunk-00000007"
MINUTE, HOUR = 60.0, 3600.0


@dataclass
class FakeTelephones:
    """The agent's and the citizen's; what happened to them, in order."""

    agent: JoinResult = JoinResult.JOINED
    citizen: JoinResult = JoinResult.JOINED
    done: list[tuple[str, ...]] = field(default_factory=list)
    while_ringing: Callable[[], object] = lambda: None

    def ring_agent(self, entry: QueueEntry, timeout: float) -> JoinResult:
        self.done.append(("ring", entry.agent))
        return self.agent

    def call_citizen(self, entry: QueueEntry, timeout: float) -> tuple[JoinResult, str]:
        self.done.append(("call", entry.phone))
        self.while_ringing()
        return self.citizen, CITIZEN if self.citizen is JoinResult.JOINED else ""

    def meet(self, entry: QueueEntry) -> None:
        self.done.append(("meet", entry.leg, entry.channel))

    def hang_up(self, leg: str) -> None:
        self.done.append(("hang up", leg))


@dataclass
class World:
    queue: AgentQueue
    desk: Desk
    phones: FakeTelephones
    clock: Clock
    opens_at: float = 0.0

    def promise(self, entry_id: str = "back") -> None:
        self.queue.enqueue(
            an_entry(entry_id, kind=EntryKind.CALLBACK, phone=PHONE, queued_at=self.clock.now)
        )

    def claim(self, entry_id: str | None = "back") -> ClaimResult:
        found = self.desk.claim("8001", entry_id)
        assert found is not None
        return found

    def entry(self, entry_id: str = "back") -> QueueEntry:
        found = self.queue.get(entry_id)
        assert found is not None
        return found

    def pass_time(self, seconds: float) -> None:
        """Time passes, and the queue notices."""
        self.clock.tick(seconds)
        self.queue.live()


@pytest.fixture
def world(redis_server: RedisServer, switchboard: FakeSwitchboard, clock: Clock) -> World:
    queue, phones = AgentQueue(redis_server.url, clock), FakeTelephones()
    policy = Policy(lambda at: max(at, made.opens_at), lambda: [15 * MINUTE, 4 * HOUR])
    desk = Desk(
        queue,
        switchboard,
        20.0,
        clock,
        node="n1",
        calling=CallingBack(queue, phones, 20.0, policy),
    )
    made = World(queue, desk, phones, clock)
    queue.presence.choose("8001", AgentState.ON_DUTY)
    return made


def test_the_agents_telephone_rings_before_the_citizens(world: World) -> None:
    world.promise()
    claim = world.claim()
    leg = world.entry().leg
    assert claim.result is JoinResult.JOINED
    assert world.phones.done == [("ring", "8001"), ("call", PHONE), ("meet", leg, CITIZEN)]


def test_a_citizen_who_was_called_back_is_a_caller_like_any_other(world: World) -> None:
    world.promise()
    world.claim()
    joined = world.entry()
    assert (joined.state, joined.channel, joined.node) == (EntryState.JOINED, CITIZEN, "n1")
    world.desk.agent_gone("back", joined.leg, dropped=True)
    assert (world.entry().state, world.entry().channel) == (EntryState.WAITING, CITIZEN)
    world.desk.caller_gone("back")
    assert world.entry().state is EntryState.ABANDONED


def test_no_citizen_is_called_for_an_agent_who_does_not_answer(world: World) -> None:
    world.promise()
    world.phones.agent = JoinResult.NO_ANSWER
    assert world.claim().result is JoinResult.NO_ANSWER
    assert world.phones.done == [("ring", "8001")]
    assert (world.entry().state, world.entry().tries) == (EntryState.WAITING, 0)


@pytest.mark.parametrize(
    "why",
    [JoinResult.CITIZEN_NO_ANSWER, JoinResult.CITIZEN_BUSY, JoinResult.CITIZEN_UNREACHABLE],
)
def test_who_was_not_reached_is_due_again_later_and_then_given_up(
    world: World, why: JoinResult
) -> None:
    world.promise()
    world.phones.citizen = why
    for tries, wait in ((1, 15 * MINUTE), (2, 4 * HOUR)):
        assert world.claim().result is why
        later = world.entry()
        assert (later.state, later.tries) == (EntryState.SCHEDULED, tries)
        assert (later.due_at, later.agent) == (world.clock.now + wait, "")
        world.pass_time(wait - 1)
        assert world.entry().state is EntryState.SCHEDULED
        world.pass_time(2)
        assert world.entry().state is EntryState.WAITING
    assert world.claim().result is why
    given_up = world.entry()
    assert (given_up.state, given_up.extra["outcome"]) == (EntryState.DONE, "not_reached")
    assert world.phones.done[-1][0] == "hang up"


def test_an_agent_whose_citizen_was_not_reached_is_free_at_once(world: World) -> None:
    world.promise()
    world.phones.citizen = JoinResult.CITIZEN_BUSY
    world.claim()
    agent = world.queue.presence.get("8001")
    assert agent is not None
    assert (agent.state, agent.entry) == (AgentState.ON_DUTY, "")


def test_nobody_is_called_before_the_permitted_hours_begin(world: World) -> None:
    world.promise()
    world.opens_at = world.clock.now + 8 * HOUR
    assert world.claim().result is JoinResult.NOT_NOW
    assert world.phones.done == []
    assert (world.entry().state, world.entry().tries) == (EntryState.SCHEDULED, 0)
    world.pass_time(8 * HOUR + 1)
    assert world.claim().result is JoinResult.JOINED


def test_at_night_whoever_asks_for_the_next_gets_one_who_is_on_the_line(world: World) -> None:
    world.promise()
    world.opens_at = world.clock.now + 8 * HOUR
    waits = an_entry("waits", queued_at=world.clock.now + 1000, node="n1")
    world.queue.enqueue(waits)
    assert world.claim(None).entry.id == "waits"
    assert world.entry().state is EntryState.SCHEDULED


def test_a_switch_that_goes_away_leaves_the_callback_where_it_was(world: World) -> None:
    def gone() -> None:
        raise SwitchboardError("Asterisk does not answer")

    world.promise()
    world.phones.while_ringing = gone
    with pytest.raises(SwitchboardError):
        world.claim()
    assert world.entry().state is EntryState.WAITING
    assert world.phones.done[-1][0] == "hang up"


def test_an_agent_who_hangs_up_while_it_rings_leaves_nobody_behind(world: World) -> None:
    world.promise()
    world.phones.while_ringing = lambda: world.desk.agent_gone(
        "back", world.entry().leg, dropped=False
    )
    world.claim()
    assert world.entry().state is EntryState.DONE


def test_a_callback_whose_bot_died_while_it_rang_is_claimed_again(
    world: World, switchboard: FakeSwitchboard
) -> None:
    world.promise()
    claimed = world.queue.claim("8001", "back")
    assert claimed is not None
    world.desk.reconcile()
    assert world.entry().state is EntryState.CLAIMED
    world.clock.tick(20 + 30 + 11)
    world.desk.reconcile()
    assert world.entry().state is EntryState.WAITING
    assert switchboard.moves == [("hang_up", claimed.leg)]


def test_a_citizen_who_answered_a_bot_that_died_waits_on_the_line(
    world: World, switchboard: FakeSwitchboard
) -> None:
    world.promise()
    world.queue.claim("8001", "back")
    switchboard.channels.add(CITIZEN)
    switchboard.held = [HeldCaller("back", CITIZEN, PHONE, "12345", 3, "callback")]
    world.desk.reconcile()
    assert (world.entry().channel, world.entry().node) == (CITIZEN, "n1")


def test_without_a_way_out_the_agent_dials_on_another_telephone(
    queue: AgentQueue, desk: Desk
) -> None:
    queue.enqueue(an_entry("back", kind=EntryKind.CALLBACK, phone=PHONE))
    found = desk.claim("8001", "back")
    assert found is not None
    assert (found.result, found.entry.phone) == (JoinResult.TO_CALL, PHONE)


@given(st.lists(st.floats(1, 1e6), max_size=6), st.integers(1, 9), st.floats(0, 2e9))
def test_a_citizen_is_called_once_more_for_every_wait_and_never_at_night(
    waits: list[float], tries: int, now: float
) -> None:
    policy = Policy(lambda at: at - at % 86400 + 86400 if at % 86400 > 43200 else at, lambda: waits)
    then = policy.next_try(tries, now)
    assert (then is None) == (tries > len(waits))
    if then is not None:
        assert then >= now
        assert then % 86400 <= 43200
