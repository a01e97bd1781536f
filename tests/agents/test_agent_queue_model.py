"""The queue against a plain Python model of it, over thousands of random steps."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from queue_world import Clock, RedisServer, an_entry

from bot.agents.queue import AgentBusy, AgentQueue, IllegalTransition, UnknownEntry
from bot.agents.types import EntryState as S
from bot.agents.types import QueueEntry

LEGAL = {
    (S.WAITING, S.CLAIMED),
    (S.CLAIMED, S.WAITING),
    (S.CLAIMED, S.JOINED),
    (S.JOINED, S.DONE),
    (S.WAITING, S.ABANDONED),
    (S.CLAIMED, S.ABANDONED),
}
AGENTS = st.sampled_from(["8001", "8002"])
#: Few ids, so that steps meet; one is never entered.
IDS = st.sampled_from(["a", "b", "c", "never"])


class QueueMachine(RuleBasedStateMachine):
    """Does each step to a real queue and to a dictionary, and compares."""

    server: RedisServer

    @initialize()
    def empty(self) -> None:
        self.server.client.flushall()
        self.clock = Clock()
        self.queue = AgentQueue(self.server.url, self.clock)
        self.place: dict[str, tuple[int, float, str]] = {}
        self.state: dict[str, S] = {}
        self.agent: dict[str, str] = {}

    def _waiting(self) -> list[str]:
        return [one for one in self._ordered() if self.state[one] is S.WAITING]

    def _ordered(self) -> list[str]:
        return sorted(self.state, key=lambda one: self.place[one])

    @rule(
        name=IDS.filter(lambda one: one != "never"),
        priority=st.integers(0, 2),
        at=st.integers(0, 3),
    )
    def enqueue(self, name: str, priority: int, at: int) -> None:
        entry = an_entry(name, priority=priority, queued_at=float(at))
        assert self.queue.enqueue(entry) == (name not in self.state)
        if name not in self.state:
            self.place[name] = (priority, float(at), name)
            self.state[name] = S.WAITING
            self.agent[name] = ""

    @rule(agent=AGENTS, name=st.none() | IDS)
    def claim(self, agent: str, name: str | None) -> None:
        holds = [
            one for one in self.state
            if self.agent[one] == agent and self.state[one] in (S.CLAIMED, S.JOINED)
        ]  # fmt: skip
        if holds:
            with pytest.raises(AgentBusy) as refusal:
                self.queue.claim(agent, name)
            assert [refusal.value.entry_id] == holds
            return
        waiting = self._waiting()
        wanted = next(iter(waiting), None) if name is None else name
        entry = self.queue.claim(agent, name)
        if wanted not in waiting:
            assert entry is None
            return
        assert entry is not None
        assert (entry.id, entry.agent, entry.state) == (wanted, agent, S.CLAIMED)
        self.state[entry.id], self.agent[entry.id] = S.CLAIMED, agent

    @rule(name=IDS)
    def release(self, name: str) -> None:
        self._move(name, S.WAITING, lambda: self.queue.release(name))

    @rule(name=IDS)
    def join(self, name: str) -> None:
        self._move(name, S.JOINED, lambda: self.queue.join(name))

    @rule(name=IDS)
    def close(self, name: str) -> None:
        self._move(name, S.DONE, lambda: self.queue.close(name, "done"))

    @rule(name=IDS)
    def abandon(self, name: str) -> None:
        self._move(name, S.ABANDONED, lambda: self.queue.abandon(name))

    @rule(name=IDS)
    def leave(self, name: str) -> None:
        """The caller's line is gone, whatever the state."""
        now = self.state.get(name)
        if now is None:
            with pytest.raises(UnknownEntry):
                self.queue.leave(name)
            return
        over = now in (S.DONE, S.ABANDONED)
        assert self.queue.leave(name) is not over
        if not over:
            self.state[name] = S.DONE if now is S.JOINED else S.ABANDONED

    @rule(name=IDS, how=st.sampled_from(["left", "dropped", "given back"]), late=st.booleans())
    def part(self, name: str, how: str, late: bool) -> None:
        """The agent is off the call; a late word of another leg changes nothing."""
        now = self.state.get(name)
        if late and how != "given back":
            if now is None:
                with pytest.raises(UnknownEntry):
                    self.queue.part(name, "join-old", dropped=how == "dropped")
            else:
                assert not self.queue.part(name, "join-old", dropped=how == "dropped")
            return

        def move() -> bool:
            if how == "given back":
                return self.queue.give_back(name)
            return self.queue.part(name, dropped=how == "dropped")

        if now is None:
            with pytest.raises(UnknownEntry):
                move()
        elif now is not S.JOINED:
            with pytest.raises(IllegalTransition):
                move()
        else:
            assert move()
            self.state[name] = S.DONE if how == "left" else S.WAITING
            if how == "dropped":
                priority, at, _ = self.place[name]
                self.place[name] = (min(priority, 1), at, name)
            if how != "left":
                self.agent[name] = ""

    @rule(name=IDS, agent=AGENTS)
    def hand(self, name: str, agent: str) -> None:
        """Another agent is to take over."""
        now = self.state.get(name)
        busy = any(
            self.agent[one] == agent and self.state[one] in (S.CLAIMED, S.JOINED)
            for one in self.state
        )
        if now is not S.JOINED:
            with pytest.raises(IllegalTransition):
                self.queue.hand(name, agent)
        elif busy:
            with pytest.raises(AgentBusy):
                self.queue.hand(name, agent)
        else:
            handed = self.queue.hand(name, agent)
            assert (handed.id, handed.agent, handed.state) == (name, agent, S.CLAIMED)
            self.state[name], self.agent[name] = S.CLAIMED, agent

    def _move(self, name: str, to: S, move: Callable[[], bool]) -> None:
        now = self.state.get(name)
        if now is None:
            with pytest.raises(UnknownEntry):
                move()
        elif now is to:
            assert move() is False
        elif (now, to) in LEGAL:
            assert move() is True
            self.state[name] = to
            if to is S.WAITING:
                self.agent[name] = ""
        else:
            with pytest.raises(IllegalTransition):
                move()

    @rule(days=st.sampled_from([0, 1, 8]))
    def time_passes(self, days: int) -> None:
        """After 8 days everything finished is forgotten; less does not matter here."""
        if days == 8:
            self.clock.tick(8 * 24 * 3600.0)
            finished = [one for one in self.state if self.state[one] in (S.DONE, S.ABANDONED)]
            assert self.queue.trim() == len(finished)
            for one in finished:
                del self.state[one], self.place[one], self.agent[one]
        else:
            self.clock.tick(days * 60.0)

    @invariant()
    def the_queue_is_as_the_model(self) -> None:
        def seen(entries: list[QueueEntry]) -> list[tuple[str, S, str]]:
            return [(entry.id, entry.state, entry.agent) for entry in entries]

        model = [(one, self.state[one], self.agent[one]) for one in self._ordered()]
        finished = (S.DONE, S.ABANDONED)
        assert seen(self.queue.live()) == [row for row in model if row[1] not in finished]
        assert seen(self.queue.list()) == model
        waiting = self._waiting()
        assert self.queue.waiting_count() == len(waiting)
        for name in self.state:
            expected = waiting.index(name) + 1 if name in waiting else None
            assert self.queue.position(name) == expected


def test_the_queue_does_what_a_plain_model_does(redis_server: RedisServer) -> None:
    class Machine(QueueMachine):
        server = redis_server

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=200,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
