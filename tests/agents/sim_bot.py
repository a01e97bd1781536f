"""A bot process for the simulation: the real desk, with Asterisk played by the simulator.

Speaks JSON lines on a socket: each command ``{"id", "do", "now", …}`` runs in a thread of its
own and is answered ``{"id", "ok" | "error"}``; what the desk asks of the switch goes out as
``{"ask", "call", …}`` and is answered ``{"call", "ok" | "error"}``.
"""

from __future__ import annotations

import itertools
import json
import queue
import socket
import sys
import threading
from typing import Any

import structlog

from bot.agents.codec import from_json, to_json
from bot.agents.desk import Desk
from bot.agents.directory import Directory
from bot.agents.queue import AgentBusy, AgentQueue, IllegalTransition, QueueUnavailable
from bot.agents.talk import Talk
from bot.agents.types import HeldCaller, JoinResult, QueueEntry, Stop, SwitchboardError

RING = 20.0


class World:
    """Asterisk, at the other end of the socket."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._writing = threading.Lock()
        self._calls = itertools.count(1)
        self._answers: dict[int, queue.SimpleQueue[dict[str, Any]]] = {}
        self.now = 0.0

    def write(self, message: dict[str, Any]) -> None:
        with self._writing:
            self._stream.write(json.dumps(message) + "\n")
            self._stream.flush()

    def answered(self, message: dict[str, Any]) -> None:
        self._answers.pop(message["call"]).put(message)

    def _ask(self, what: str, **details: Any) -> Any:
        call = next(self._calls)
        self._answers[call] = waiter = queue.SimpleQueue()
        self.write({"ask": what, "call": call, **details})
        answer = waiter.get()
        if "error" in answer:
            raise SwitchboardError(answer["error"])
        return answer["ok"]

    def join(self, entry: QueueEntry, agent: str, timeout: float) -> JoinResult:
        return JoinResult(self._ask("join", entry=entry.id, agent=agent, leg=entry.leg))

    def consult(
        self, entry: QueueEntry, number: str, leg: str, timeout: float, *, outside: bool = False
    ) -> JoinResult:
        raise NotImplementedError

    def conference(self, entry: QueueEntry) -> None:
        raise NotImplementedError

    def pass_on(self, entry: QueueEntry, *, to_agent: bool) -> None:
        raise NotImplementedError

    def send(self, leg: str, stop: Stop, other: str = "", other_stop: Stop | None = None) -> None:
        self._ask("send", leg=leg, stop=stop.value)

    def mute(self, leg: str, on: bool) -> None:
        raise NotImplementedError

    def hang_up(self, leg: str) -> None:
        self._ask("hang_up", leg=leg)

    def held_callers(self) -> list[HeldCaller]:
        return [HeldCaller(**one) for one in self._ask("held_callers")]

    def live_channels(self) -> set[str]:
        return set(self._ask("live_channels"))

    def legs(self) -> dict[str, bool]:
        return dict(self._ask("legs"))

    def registered(self) -> set[str]:
        return set()


def main(address: str, redis_url: str) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(address)
    world = World(connection.makefile("w"))
    agents = AgentQueue(redis_url, lambda: world.now)
    desk = Desk(agents, world, RING, lambda: world.now)
    talk = Talk(
        desk, agents, world, RING, Directory(lambda: [f"80{number:02}" for number in range(100)])
    )

    def claim(command: dict[str, Any]) -> Any:
        found = desk.claim(command["agent"])
        return found and [to_json(found.entry), found.result.value]

    def transfer(command: dict[str, Any]) -> Any:
        found = talk.transfer(command["entry"], command["to"])
        return [to_json(found.entry), found.result.value]

    actions = {
        "escalate": lambda c: desk.escalate(from_json(c["entry"])),
        "claim": claim,
        "caller_gone": lambda c: desk.caller_gone(c["entry"]),
        "agent_gone": lambda c: desk.agent_gone(c["entry"], c["leg"], dropped=c["dropped"]),
        "give_back": lambda c: talk.give_back(c["entry"]),
        "transfer": transfer,
        "book": lambda c: desk.book_callback(c["entry"]),
        "reconcile": lambda c: desk.reconcile(),
    }

    def work(command: dict[str, Any]) -> None:
        try:
            world.write({"id": command["id"], "ok": actions[command["do"]](command)})
        except (QueueUnavailable, SwitchboardError, AgentBusy, IllegalTransition) as error:
            world.write({"id": command["id"], "error": type(error).__name__})

    for line in connection.makefile("r"):
        message = json.loads(line)
        if "call" in message:
            world.answered(message)
        else:
            world.now = message["now"]
            threading.Thread(target=work, args=(message,), daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
