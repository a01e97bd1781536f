"""How soon an agent's phone rings after a claim, over real SIP with a real Asterisk.

Run ``python tests/bench/bench_joining.py [--claims N]``. It starts a line of its own with one
waiting caller; an agent claims them by the line's API, refuses the call, and claims again.
Timed from the request to the moment at which the phone's INVITE has come.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path

TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(TESTS), str(Path(__file__).parent)]

import httpx  # noqa: E402
from bench_calls import percentiles, row  # noqa: E402
from running_line import RunningLine, eventually, start_line, stop_line  # noqa: E402

from bot.agents.types import EntryState  # noqa: E402
from bot.telephony.phone import Phone  # noqa: E402


def claim(line: RunningLine) -> None:
    """Claim the first caller, as the desk's page and the command do."""
    httpx.post(
        f"http://127.0.0.1:{line.settings.http_port}/api/queue/claim",
        json={"agent": "8001"},
        headers={"Authorization": f"Bearer {line.secrets.api_token}"},
        timeout=60,
    ).raise_for_status()


def rings(line: RunningLine, agent: Phone) -> float:
    """Seconds from a claim to the ringing of the agent's phone."""
    request = threading.Thread(target=claim, args=(line,))
    agent.remote = ""
    began = time.perf_counter()
    request.start()
    agent.wait_incoming(20.0)
    took = time.perf_counter() - began
    agent.reject()
    request.join()
    agent.wait_ended(10.0)
    eventually(lambda: line.queue.list(EntryState.WAITING), 5.0)
    return took


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", type=int, default=100)
    count = parser.parse_args().claims
    with tempfile.TemporaryDirectory(prefix="hotline-bench-") as folder:
        line = start_line(Path(folder) / "state")
        try:
            with line.agent("8001", answer_after=None) as agent, line.citizen() as caller:
                caller.call("12345")
                caller.wait_answered()
                caller.wait_sound(5.0, 0.0)
                caller.press("0")
                eventually(lambda: line.queue.list(EntryState.WAITING), 10.0)
                caller.wait_until(caller.now + 6.0)
                taken = [rings(line, agent) for _ in range(count)]
            row("claim -> agent's phone rings, ms", percentiles(taken, 1e3))
        finally:
            stop_line(line)


if __name__ == "__main__":
    main()
