"""A bad day: 200 callers, 20 agents, and everything dies now and then.

The desk runs in a process of its own on a real Redis; both are killed with ``kill -9`` at
random. Asterisk is played by the simulator, which alone knows the truth of who is on the line
with whom, and so sees anybody lost, stuck, out of order or answered twice. Seeded.
"""

from __future__ import annotations

import json
import random
import select
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from queue_world import RedisServer, an_entry

from bot.agents.codec import to_json
from bot.agents.queue import AgentQueue
from bot.agents.types import EntryKind, EntryState, QueueEntry
from bot.config import CHECKOUT

CALLERS, AGENTS = 200, 20
START = 1_800_000_000.0
#: Beyond this many seconds an answer of the bot counts as missing.
PATIENCE = 20.0


@dataclass
class Caller:
    """One citizen, as they really are."""

    entry: QueueEntry
    place: str = ""
    """"" before the call, people (the holding place), talk, or gone."""
    leg: str = ""
    served: int = 0
    since: float = 0.0
    wants: str = ""
    """callback, once booked."""


@dataclass
class Ringing:
    """A join that the bot waits for."""

    call: int
    command: int
    entry: str
    agent: str
    leg: str


@dataclass
class Simulation:
    """The world around the bot; every step is one draw of ``random``."""

    server: RedisServer
    folder: Path
    seed: int
    now: float = START
    commands: int = 0
    ringing: dict[str, Ringing] = field(default_factory=dict)
    results: dict[int, dict[str, Any]] = field(default_factory=dict)
    orphans: dict[str, str] = field(default_factory=dict)
    """Legs of agents that still ring for a bot that is dead: leg -> entry."""
    counts: Counter[str] = field(default_factory=Counter)
    late: list[tuple[str, str]] = field(default_factory=list)
    """Hang-ups of agents' legs of which the bot has not heard yet: (entry, leg)."""
    redis_up: bool = True

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.queue = AgentQueue(self.server.url, lambda: self.now)
        self.agents = [f"80{number:02}" for number in range(AGENTS)]
        self.callers: dict[str, Caller] = {}
        for number in range(CALLERS):
            priority = self.random.choice([0, 2, 5, 5, 5, 5])
            entry = an_entry(f"c{number:03}", priority=priority, queued_at=0.0, transcript=())
            self.callers[entry.id] = Caller(entry)
        self.listener = socket.socket(socket.AF_UNIX)
        self.address = str(self.folder / "bot.sock")
        self.listener.bind(self.address)
        self.listener.listen()
        self.start_bot()

    # --- the bot's process -------------------------------------------------------------

    def start_bot(self) -> None:
        script = Path(__file__).parent / "sim_bot.py"
        self.bot = subprocess.Popen(
            [sys.executable, str(script), self.address, self.server.url], cwd=CHECKOUT
        )
        self.connection, _ = self.listener.accept()
        self.buffer = b""

    def kill_bot(self) -> None:
        self.bot.kill()
        self.bot.wait()
        self.connection.close()
        # The phones ring on: Asterisk does not know that nobody waits for the answer.
        self.orphans |= {one.leg: one.entry for one in self.ringing.values()}
        self.ringing.clear()
        self.counts["bot killed"] += 1
        self.start_bot()

    def tell(self, do: str, **details: Any) -> dict[str, Any]:
        """Have the bot do something; return the answer, or {} when a phone rings first."""
        self.commands += 1
        number = self.commands
        self._write({"id": number, "do": do, "now": self.now, **details})
        deadline = time.monotonic() + PATIENCE
        while number not in self.results:
            assert time.monotonic() < deadline, f"the bot does not answer {do} {details}"
            asked = self._read(number)
            if asked is not None and asked.command == number:
                return {}
        return self.results.pop(number)

    def _write(self, message: dict[str, Any]) -> None:
        self.connection.sendall((json.dumps(message) + "\n").encode())

    def _read(self, number: int) -> Ringing | None:
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([self.connection], [], [], PATIENCE)
            assert ready, "the bot is silent"
            chunk = self.connection.recv(1 << 16)
            assert chunk, "the bot died by itself"
            self.buffer += chunk
        line, _, self.buffer = self.buffer.partition(b"\n")
        message = json.loads(line)
        if "ask" not in message:
            self.results[message["id"]] = message
            return None
        if message["ask"] == "join":
            one = Ringing(
                message["call"], number, message["entry"], message["agent"], message["leg"]
            )
            self.ringing[one.leg] = one
            return one
        self._write({"call": message["call"], **self._asterisk(message)})
        return None

    def _asterisk(self, message: dict[str, Any]) -> dict[str, Any]:
        """Answer what the desk asks of the switch."""
        match message["ask"]:
            case "held_callers":
                held = [
                    {
                        "id": name,
                        "channel": one.entry.channel,
                        "caller": one.entry.caller,
                        "did": "12345",
                        "seconds": int(self.now - one.since),
                        "reason": "asked",
                    }
                    for name, one in self.callers.items()
                    if one.place == "people"
                ]
                return {"ok": held}
            case "live_channels":
                on = [c.entry.channel for c in self.callers.values() if c.place not in ("", "gone")]
                return {"ok": on}
            case "legs":
                talking = {c.leg: True for c in self.callers.values() if c.place == "talk"}
                return {"ok": {**dict.fromkeys(self.orphans, False), **talking}}
            case "hang_up":
                self.orphans.pop(message["leg"], None)
                return {"ok": None}
            case "send":
                caller = next(c for c in self.callers.values() if c.entry.channel == message["leg"])
                if caller.place == "gone":
                    return {"error": "that line has ended"}
                if message["stop"] == "callback":
                    caller.place, caller.wants = "gone", "callback"
                else:
                    caller.place, caller.leg = "people", ""
                return {"ok": None}
        raise AssertionError(message)

    def answer(self, one: Ringing, result: str) -> None:
        """Let a ringing phone come to an end, and the bot write it down."""
        del self.ringing[one.leg]
        self._write({"call": one.call, "ok": result})
        deadline = time.monotonic() + PATIENCE
        while one.command not in self.results:
            assert time.monotonic() < deadline, "a claim does not come to an end"
            self._read(one.command)
        self.results.pop(one.command)

    # --- what can happen ---------------------------------------------------------------

    def step(self) -> None:
        self.now += self.random.uniform(0, 8)
        happens = [
            (self.somebody_calls, 4),
            (self.an_agent_claims, 8),
            (self.a_phone_is_answered, 8),
            (self.a_phone_is_not_answered, 2),
            (self.a_conversation_ends, 6),
            (self.an_agents_line_drops, 1),
            (self.a_caller_hangs_up, 2),
            (self.a_caller_is_given_back, 1),
            (self.a_caller_is_transferred, 1),
            (self.a_late_hangup_arrives, 1),
            (self.a_caller_books, 1),
            (self.the_bot_looks, 4),
            (self.an_orphan_is_answered, 2),
        ]
        what = self.random.choices([w for w, _ in happens], [n for _, n in happens])[0]
        what()

    def pick(self, *places: str) -> Caller | None:
        found = [one for one in self.callers.values() if one.place in places]
        return self.random.choice(found) if found else None

    def somebody_calls(self) -> None:
        caller = self.pick("")
        if caller is None:
            return
        caller.place, caller.since = "people", self.now
        entry = to_json(caller.entry) | {"queued_at": self.now}
        self.tell("escalate", entry=entry)
        self.counts["called"] += 1

    def expected_first(self) -> str | None:
        """Who is next by the rules, worked out apart from them."""
        keys = []
        for entry in self.queue.list(EntryState.WAITING):
            waited = self.now - entry.queued_at
            rank = min(
                entry.rank if entry.rank == 1 else entry.priority,
                4 if waited >= 180 else 999,
                2 if waited >= 600 else 999,
            )
            keys.append((rank, entry.queued_at, entry.id))
        return min(keys)[2] if keys else None

    def an_agent_claims(self) -> None:
        busy = {one.agent for one in self.ringing.values()}
        agent = self.random.choice(self.agents)
        if agent in busy:
            return
        first = self.expected_first() if self.redis_up else None
        answer = self.tell("claim", agent=agent)
        if answer.get("error") or answer == {"id": answer.get("id"), "ok": None}:
            return
        claimed = answer["ok"][0]["id"] if answer else list(self.ringing.values())[-1].entry
        assert claimed == first, f"{claimed} was claimed before {first}"
        if answer:
            # A callback: the agent dials, and is done with it at once here.
            caller = self.callers[claimed]
            assert caller.wants == "callback"
            caller.served += 1
            self.queue.close(claimed, "called_back")
            self.counts["called back"] += 1
        self.counts["claimed"] += 1

    def meet(self, caller: Caller, leg: str) -> None:
        """Caller and agent hear each other. The one place where somebody is answered."""
        assert caller.place == "people", f"{caller.entry.id} is answered twice"
        caller.place, caller.leg = "talk", leg
        caller.served += 1
        self.counts["answered"] += 1

    def a_ring(self) -> Ringing | None:
        return self.random.choice(list(self.ringing.values())) if self.ringing else None

    def a_phone_is_answered(self) -> None:
        if (one := self.a_ring()) is None:
            return
        caller = self.callers[one.entry]
        if caller.place == "gone":
            self.answer(one, "caller_gone")
        else:
            self.meet(caller, one.leg)
            self.answer(one, "joined")

    def a_phone_is_not_answered(self) -> None:
        if (one := self.a_ring()) is not None:
            result = self.random.choice(["no_answer", "agent_busy", "agent_unreachable"])
            self.answer(one, result)

    def an_orphan_is_answered(self) -> None:
        """A phone that rings for a dead bot is picked up: the dialplan joins the two."""
        if not self.orphans:
            return
        leg, name = self.orphans.popitem()
        caller = self.callers[name]
        if caller.place == "people" and self.random.random() < 0.5:
            self.meet(caller, leg)
            self.counts["joined without a bot"] += 1

    def a_conversation_ends(self) -> None:
        if (caller := self.pick("talk")) is None:
            return
        leg, caller.place, caller.leg = caller.leg, "gone", ""
        self.tell("agent_gone", entry=caller.entry.id, leg=leg, dropped=False)
        self.tell("caller_gone", entry=caller.entry.id)

    def an_agents_line_drops(self) -> None:
        if (caller := self.pick("talk")) is None:
            return
        leg, caller.place, caller.leg = caller.leg, "people", ""
        caller.served -= 1
        self.counts["dropped"] += 1
        self.tell("agent_gone", entry=caller.entry.id, leg=leg, dropped=True)

    def a_caller_hangs_up(self) -> None:
        if (caller := self.pick("people", "talk")) is None or self.random.random() < 0.5:
            return
        leg, caller.leg = caller.leg, ""
        caller.served += caller.place == "people"  # nothing is owed to them any more
        caller.place = "gone"
        self.tell("caller_gone", entry=caller.entry.id)
        if leg:
            self.tell("agent_gone", entry=caller.entry.id, leg=leg, dropped=False)
        self.counts["hung up"] += 1

    def a_caller_is_given_back(self) -> None:
        if (caller := self.pick("talk")) is None:
            return
        leg = caller.leg
        if "error" not in self.tell("give_back", entry=caller.entry.id):
            caller.served -= 1
            self.late.append((caller.entry.id, leg))
            self.counts["given back"] += 1

    def a_caller_is_transferred(self) -> None:
        if (caller := self.pick("talk")) is None:
            return
        leg = caller.leg
        busy = {one.agent for one in self.ringing.values()}
        to = self.random.choice([one for one in self.agents if one not in busy])
        if "error" not in self.tell("transfer", entry=caller.entry.id, to=to):
            caller.served -= 1
            self.late.append((caller.entry.id, leg))
            self.counts["transferred"] += 1

    def a_late_hangup_arrives(self) -> None:
        if self.late:
            entry, leg = self.late.pop(self.random.randrange(len(self.late)))
            self.tell("agent_gone", entry=entry, leg=leg, dropped=self.random.random() < 0.5)

    def a_caller_books(self) -> None:
        if (caller := self.pick("people")) is None:
            return
        self.tell("book", entry=caller.entry.id)
        if caller.wants:
            self.tell("caller_gone", entry=caller.entry.id)
            self.counts["booked"] += 1

    def the_bot_looks(self) -> None:
        self.tell("reconcile")

    def redis_dies(self) -> None:
        self.server.kill()
        self.redis_up = False
        self.counts["redis killed"] += 1

    def redis_returns(self) -> None:
        self.server.start()
        self.redis_up = True

    # --- the end -----------------------------------------------------------------------

    def drain(self) -> None:
        """No more calls and no more trouble: everybody is served, in order."""
        for caller in self.callers.values():
            caller.place = caller.place or "gone"
            caller.served += not caller.since
        for _ in range(4):
            self.now += 40
            self.the_bot_looks()
        for _ in range(4 * CALLERS):
            for one in list(self.ringing.values()):
                caller = self.callers[one.entry]
                if caller.place == "people":
                    self.meet(caller, one.leg)
                    self.answer(one, "joined")
                else:
                    self.answer(one, "caller_gone")
            while self.pick("talk"):
                self.a_conversation_ends()
            if not self.queue.live():
                break
            self.an_agent_claims()
            self.now += 1
            self.the_bot_looks()

    def close(self) -> None:
        self.bot.kill()
        self.bot.wait()
        self.connection.close()
        self.listener.close()


def run(server: RedisServer, folder: Path, seed: int, steps: int) -> Counter[str]:
    sim = Simulation(server, folder, seed)
    try:
        away = 0
        for step in range(steps):
            if sim.redis_up and sim.random.random() < 1 / 150:
                sim.redis_dies()
                away = step + sim.random.randint(3, 12)
            elif not sim.redis_up and step >= away:
                sim.redis_returns()
            if sim.random.random() < 1 / 200:
                sim.kill_bot()
            sim.step()
        if not sim.redis_up:
            sim.redis_returns()
        sim.drain()
        assert not sim.queue.live(), "somebody is stuck"
        assert sim.queue.presence.staffing() is not None
        assert not server.client.exists("{hotline}:agents"), "an agent is stuck"
        lost = [name for name, one in sim.callers.items() if one.served < 1]
        assert lost == [], "nobody answered them"
        again = [name for name, one in sim.callers.items() if one.served > 1]
        assert again == [], "they were answered twice"
        booked = [one.entry.id for one in sim.callers.values() if one.wants]
        for name in booked:
            entry = sim.queue.get(name)
            assert entry is not None
            assert (entry.kind, entry.state) == (EntryKind.CALLBACK, EntryState.DONE)
    finally:
        sim.close()
    return sim.counts


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_bad_day_loses_nobody_and_answers_nobody_twice(
    own_redis: RedisServer, tmp_path: Path, seed: int
) -> None:
    counts = run(own_redis, tmp_path, seed, steps=1500)
    print(dict(counts))
    assert min(counts[what] for what in ("answered", "dropped", "hung up", "booked")) > 0
    assert counts["bot killed"] >= 2
    assert counts["redis killed"] >= 2


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        world = RedisServer(Path(name) / "redis")
        world.start()
        try:
            print(run(world, Path(name), int(sys.argv[1]), int(sys.argv[2])))
        finally:
            world.kill()
