"""May one more caller come in? Told by how long recognition jobs wait for a thread.

A caller in conversation feels every wait before a job starts; so waits, not load, decide.
Leaves to others: the threads (``ears.py``) and what a refused caller hears
(``telephony/conversation.py``).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

#: Mean wait, seconds, from which nobody else is let in. With it the callers inside still get
#: their answers: it is a quarter of what an answer may take.
FULL = 0.25
#: Seconds after which a wait counts half, and again half when no other came after it.
HALF_LIFE = 4.0


class Admission:
    """Remembers the waits of jobs, the latest most. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: dict[int, float] = {}
        self._number = 0
        self._weight = 0.0
        self._sum = 0.0
        self._at = clock()
        self._latest = clock()

    def queued(self) -> int:
        """A job begins to wait; return its number."""
        with self._lock:
            self._number += 1
            self._waiting[self._number] = self._clock()
            return self._number

    def started(self, job: int) -> None:
        """A job has got its thread."""
        with self._lock:
            since = self._waiting.pop(job, None)
            if since is not None:
                self._decay()
                self._latest = self._clock()
                self._sum += self._latest - since
                self._weight += 1.0

    def dropped(self, job: int) -> None:
        """Nobody wants a job any more (harmless if it has started)."""
        with self._lock:
            self._waiting.pop(job, None)

    def wait(self) -> float:
        """Seconds that the next job will probably wait: the mean of late, or the longest now."""
        with self._lock:
            self._decay()
            now = self._clock()
            longest = max((now - since for since in self._waiting.values()), default=0.0)
            # One imagined wait of nothing keeps a single slow job from closing the door.
            mean = self._sum / (self._weight + 1.0)
            # Where no job has come for a while, those who made the others wait are gone.
            freshness: float = 0.5 ** ((now - self._latest) / HALF_LIFE)
            return max(mean * freshness, longest / 2)

    @property
    def full(self) -> bool:
        """Whether one more caller would make those inside wait too long."""
        return self.wait() >= FULL

    def _decay(self) -> None:
        now = self._clock()
        kept = 0.5 ** ((now - self._at) / HALF_LIFE)
        self._sum *= kept
        self._weight *= kept
        self._at = now
