"""How fast agents are given callers: claims a second and their p99 with 1,000 waiting.

Run ``python tests/bench/bench_queue.py [--clients N …]``. It starts a real Redis of its own with
the line's settings (every write synced to disk) in a temporary folder and ends it again.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing import Barrier, Pipe, Process
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier as BarrierType
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "agents"))

from queue_world import RedisServer, an_entry

from bot.agents.queue import AgentQueue
from bot.agents.types import EntryState, Turn

WAITING = 1000
#: Claims in each row.
CLAIMS = 4000


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


def client(url: str, number: int, count: int, start: BarrierType, into: Connection) -> None:
    """Claim ``count`` callers, each for an agent of their own, as fast as it goes."""
    queue = AgentQueue(url)
    queue.waiting_count()
    mine: list[float] = []
    start.wait()
    for turn in range(count):
        agent = f"{number:03}{turn:06}"
        began = time.perf_counter()
        entry = queue.claim(agent)
        mine.append(time.perf_counter() - began)
        assert entry is not None
    into.send(mine)


def claims(server: RedisServer, clients: int) -> tuple[list[float], float]:
    """Let client processes claim until 1,000 are left waiting; only claims are timed."""
    queue = AgentQueue(server.url)
    fill(queue, WAITING + CLAIMS - queue.waiting_count())
    start = Barrier(clients + 1)
    ends = [Pipe(duplex=False) for _ in range(clients)]
    processes = [
        Process(target=client, args=(server.url, number, CLAIMS // clients, start, out))
        for number, (_, out) in enumerate(ends)
    ]
    for process in processes:
        process.start()
    start.wait()
    began = time.perf_counter()
    taken = [seconds for receive, _ in ends for seconds in receive.recv()]
    wall = time.perf_counter() - began
    for process in processes:
        process.join()
    for entry in queue.live():
        if entry.state is EntryState.CLAIMED:
            queue.abandon(entry.id)
    return taken, wall


def fill(queue: AgentQueue, count: int) -> list[float]:
    """Let callers with a story of 20 turns wait; return the seconds that each took."""
    story = tuple(Turn("caller", "我家从昨天晚上开始一直停水", 2.0 * n) for n in range(20))
    entered: list[float] = []
    for number in range(count):
        entry = an_entry(priority=number % 6, transcript=story, queued_at=time.time())
        timed(lambda entry=entry: queue.enqueue(entry), entered)  # type: ignore[misc]
    return entered


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--clients", type=int, nargs="*", default=[1, 2, 4, 8], help="claiming at once, each a row"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            queue = AgentQueue(server.url)
            began = time.perf_counter()
            entered = fill(queue, WAITING)
            report("enqueue, 1 client", entered, time.perf_counter() - began)
            for clients in options.clients:
                taken, wall = claims(server, clients)
                report(f"claim, {WAITING} wait, {clients} client(s)", taken, wall)
            looked: list[float] = []
            began = time.perf_counter()
            for _ in range(20):
                timed(queue.live, looked)
            report(f"list of all {WAITING} with transcripts", looked, time.perf_counter() - began)
        finally:
            server.kill()


if __name__ == "__main__":
    main()
