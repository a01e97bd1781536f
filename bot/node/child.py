"""One supervised process: started in its own session, watched until ready and for health.

Leaves to others: what to do when it dies (``supervisor.py``).
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bot.node.leftovers import remember, stop_session

#: Seconds between two looks at a process's readiness or health.
LOOK_EVERY = 0.1
HEALTH_EVERY = 1.0
#: A log that is longer than this when its process starts is moved aside, bytes.
LOG_LIMIT = 20_000_000


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run and how to know that it is well."""

    name: str
    argv: list[str]
    ready: Callable[[], bool]
    """Whether it can be used now. Called from another thread; must not block for long."""
    log: Path
    """Gets its output."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables to set besides the usual ones."""
    stop_grace: float = 10.0
    """Seconds between SIGTERM and SIGKILL at stop."""
    ready_timeout: float = 60.0
    """Seconds in which it has to become ready."""
    health: Callable[[], bool] | None = None
    """Whether it still answers; silence for ``HEALTH_PATIENCE`` gets it killed."""


class Child:
    """A running process of one ``ChildSpec``. A new one is made for each start."""

    def __init__(self, spec: ChildSpec, record: Path) -> None:
        """Start the process; ``record`` lets a later start find it again.

        Raises:
            OSError: the program cannot be started.
        """
        self.spec = spec
        self.began = time.monotonic()
        self.ready = threading.Event()
        self.last_well = self.began
        """When it was last known to be well, ``time.monotonic()`` seconds."""
        self._record = record
        self._gone = threading.Event()
        spec.log.parent.mkdir(parents=True, exist_ok=True)
        if spec.log.exists() and spec.log.stat().st_size > LOG_LIMIT:
            spec.log.replace(spec.log.with_name(spec.log.name + ".1"))
        with spec.log.open("ab") as log:
            self.log_began = log.tell()
            # Its own session: a terminal's Ctrl-C reaches only the supervisor, and whatever
            # the process starts itself can be found and stopped with it.
            self.process = subprocess.Popen(
                spec.argv,
                env={**os.environ, **spec.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._started = remember(record, self.process.pid)
        except psutil.Error:
            self._started = time.time()  # it is gone already; the supervisor will see that
        except OSError:
            self.process.kill()
            self.process.wait()
            raise
        threading.Thread(target=self._look, name=f"look-{spec.name}", daemon=True).start()

    def _look(self) -> None:
        """Ask for readiness, then for health, until the process is gone."""
        while not self._gone.wait(LOOK_EVERY):
            if _holds(self.spec.ready):
                self.last_well = time.monotonic()
                self.ready.set()
                break
        while self.spec.health is not None and not self._gone.wait(HEALTH_EVERY):
            if _holds(self.spec.health):
                self.last_well = time.monotonic()

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def tail(self, lines: int = 12) -> str:
        """Return the last lines that it wrote since it started."""
        with self.spec.log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self.log_began, size - 8192))
            text = log.read().decode(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def signal(self, number: int) -> None:
        """Send a signal to the process itself."""
        if self.alive:
            with suppress(ProcessLookupError):
                self.process.send_signal(number)

    def stop(self, grace: float) -> None:
        """Stop it and whatever it started: SIGTERM, then SIGKILL after ``grace`` seconds."""
        self._gone.set()
        self.signal(signal.SIGTERM if grace > 0 else signal.SIGKILL)
        try:
            self.process.wait(max(grace, 0))
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self.process.wait()
        stop_session(self.process.pid, self._started, min(grace, 1.0))
        self._record.unlink(missing_ok=True)


def _holds(question: Callable[[], bool]) -> bool:
    """Ask; a question that fails counts as "no": it usually is a refused connection."""
    try:
        return question()
    except Exception:
        return False
