"""How fast agents are given callers: claims a second and their p99 with 1,000 waiting.

Run ``python tests/bench/bench_queue.py [--agents N]``. It starts a real Redis of its own with
the line's settings (every write synced to disk) in a temporary folder and ends it again.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "agents"))

from queue_world import RedisServer, an_entry

from bot.agents.queue import AgentQueue
from bot.agents.types import Turn

WAITING = 1000
ROUNDS = 1000


def timed(work: Callable[[], object], into: list[float]) -> None:
    """Do it, and note the seconds it took."""
    began = time.perf_counter()
    work()
    into.append(time.perf_counter() - began)


def report(name: str, seconds: list[float], wall: float) -> None:
    """Print one line of results."""
    cuts = statistics.quantiles(seconds, n=100)
    print(
        f"{name:<34} {len(seconds) / wall:8.0f} /s   "
        f"p50 {cuts[49] * 1e3:6.2f} ms   p99 {cuts[98] * 1e3:6.2f} ms   n={len(seconds)}"
    )


def claims(queue: AgentQueue, agents: int) -> tuple[list[float], float]:
    """Claim and release, so that 1,000 go on waiting; only the claim is timed."""
    taken: list[float] = []
    start = threading.Barrier(agents + 1)

    def work(agent: str) -> None:
        mine: list[float] = []
        start.wait()
        for _ in range(ROUNDS // agents):
            began = time.perf_counter()
            entry = queue.claim(agent)
            mine.append(time.perf_counter() - began)
            assert entry is not None
            queue.release(entry.id)
        taken.extend(mine)

    with ThreadPoolExecutor(agents) as pool:
        done = [pool.submit(work, f"80{number:02}") for number in range(agents)]
        start.wait()
        began = time.perf_counter()
        for one in done:
            one.result()
        wall = time.perf_counter() - began
    return taken, wall


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=20, help="agents who claim at once")
    agents = parser.parse_args().agents
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            queue = AgentQueue(server.url)
            story = tuple(Turn("caller", "我家从昨天晚上开始一直停水", 2.0 * n) for n in range(20))
            entered: list[float] = []
            began = time.perf_counter()
            for number in range(WAITING):
                entry = an_entry(priority=number % 6, transcript=story)
                timed(lambda entry=entry: queue.enqueue(entry), entered)  # type: ignore[misc]
            report("enqueue, 1 thread", entered, time.perf_counter() - began)
            for threads in (1, agents):
                taken, wall = claims(queue, threads)
                report(f"claim (+ release), {threads} thread(s)", taken, wall)
            looked: list[float] = []
            began = time.perf_counter()
            for _ in range(20):
                timed(queue.live, looked)
            report(f"list of all {WAITING} with transcripts", looked, time.perf_counter() - began)
        finally:
            server.kill()


if __name__ == "__main__":
    main()
