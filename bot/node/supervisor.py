"""Running a node's processes: start in order, restart what dies, stop everything at the end.

One supervisor per state folder, held by a lock. Leaves to others: what the processes are
(``bot/app.py``), a single process's life (``child.py``), remembering it (``leftovers.py``).
"""

from __future__ import annotations

import fcntl
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

from bot.node.child import Child, ChildSpec
from bot.node.leftovers import stop_leftovers
from bot.node.types import Say, SetupError

__all__ = ["ChildSpec", "Supervisor", "back_off"]

#: Seconds without an answer after which a process with a health question is killed.
HEALTH_PATIENCE = 6.0
#: Seconds of life after which earlier deaths are forgiven.
FORGIVEN_AFTER = 30.0
FIRST_WAIT = 0.25
LONGEST_WAIT = 15.0
WATCH_EVERY = 0.1


def back_off(deaths: int) -> float:
    """Return the seconds to wait before the start after this many deaths in a row (1, 2 …)."""
    return min(FIRST_WAIT * 2.0 ** min(deaths - 1, 30), LONGEST_WAIT)


class Supervisor:
    """Runs the processes of one state folder."""

    def __init__(self, state: Path, specs: Sequence[ChildSpec], say: Say) -> None:
        """Plan to run ``specs`` in order. ``say`` gets what happens, for the operator."""
        self._folder = state / "run"
        self._specs = list(specs)
        self._say = say
        self._children: dict[str, Child] = {}
        self._deaths: dict[str, int] = {}
        self._again_at: dict[str, float] = {}
        self._lock: int | None = None
        self._wanted = 0
        self.stopping = threading.Event()
        """Set it to end ``run`` or ``watch``."""

    def claim(self) -> None:
        """Take the state folder and stop what a crashed run left behind. Done once.

        Call before looking at ports: a leftover may still hold them.

        Raises:
            SetupError: another line runs on this state folder.
        """
        if self._lock is not None:
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / "supervisor.lock"
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(lock, 32).decode(errors="replace").strip() or "unknown"
            os.close(lock)
            raise SetupError(
                f"A line already runs on {self._folder.parent} (process {holder}). Stop it "
                "with Ctrl-C, or run a second one with other HOTLINE_STATE and ports."
            ) from None
        os.truncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        self._lock = lock
        for name in stop_leftovers(self._folder):
            self._say(f"Stopped {name}, left behind by an earlier run")

    def start(self) -> None:
        """Start every process in order, each when the one before is ready.

        Raises:
            SetupError: one died or did not become ready; all are stopped again.
        """
        self.claim()
        try:
            for spec in self._specs:
                began = time.monotonic()
                self._start_one(spec)
                self._await_ready(self._children[spec.name])
                if self.stopping.is_set():
                    return
                self._say(f"{spec.name} is ready ({time.monotonic() - began:.1f} s)")
        except BaseException:
            self.stop()
            raise

    def watch(self) -> None:
        """Restart what dies or no longer answers, until ``stopping`` is set."""
        while not self.stopping.wait(WATCH_EVERY):
            for spec in self._specs:
                self._look_after(spec)

    def stop(self) -> None:
        """Stop every process in reverse order and give the state folder back."""
        self.stopping.set()
        for spec in reversed(self._specs):
            child = self._children.pop(spec.name, None)
            if child is not None:
                # A second Ctrl-C means: at once.
                child.stop(0 if self._wanted > 1 else spec.stop_grace)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def run(self, after_start: Callable[[], None] | None = None) -> None:
        """Start, watch until SIGINT, SIGTERM or SIGHUP, then stop. Main thread only.

        Args:
            after_start: called once in a thread of its own when everything is ready.

        Raises:
            SetupError: as ``start``.
        """
        before = {
            number: signal.signal(number, self._on_signal)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        try:
            self.start()
            if after_start is not None and not self.stopping.is_set():
                threading.Thread(target=after_start, name="after-start", daemon=True).start()
            self.watch()
            self._say("Stopping")
            self.stop()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def pid(self, name: str) -> int | None:
        """Return the process number of a running child, or None."""
        child = self._children.get(name)
        return child.process.pid if child is not None and child.alive else None

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._wanted += 1
        self.stopping.set()
        if self._wanted > 1:
            for child in list(self._children.values()):
                child.signal(signal.SIGKILL)

    def _start_one(self, spec: ChildSpec) -> None:
        try:
            self._children[spec.name] = Child(spec, self._folder / f"{spec.name}.json")
        except OSError as error:
            raise SetupError(f"{spec.name} cannot be started: {error}") from error

    def _await_ready(self, child: Child) -> None:
        spec = child.spec
        while not child.ready.wait(0.05):
            if self.stopping.is_set():
                return
            if not child.alive:
                problem = f"ended at once (exit code {child.process.returncode})"
            elif time.monotonic() - child.began > spec.ready_timeout:
                problem = f"was not ready within {spec.ready_timeout:g} s"
            else:
                continue
            tail = child.tail() or "(it wrote nothing)"
            raise SetupError(f"{spec.name} {problem}. The end of {spec.log}:\n{tail}")

    def _look_after(self, spec: ChildSpec) -> None:
        """Bring one process back if it needs that."""
        now = time.monotonic()
        child = self._children.get(spec.name)
        if child is None:
            if now >= self._again_at.get(spec.name, 0.0) and not self.stopping.is_set():
                try:
                    self._start_one(spec)
                except SetupError as error:
                    self._say(str(error))
                    self._plan_restart(spec, 0.0)
            return
        if child.alive:
            problem = self._unwell(child, now)
            if not problem:
                return
            child.signal(signal.SIGKILL)
            with suppress(Exception):
                child.process.wait(5)
        else:
            problem = f"ended (exit code {child.process.returncode})"
        wait = self._plan_restart(spec, now - child.began)
        self._say(f"{spec.name} {problem}; starting it again in {wait:g} s. Log: {spec.log}")
        self._children.pop(spec.name)
        # What it started itself may still hold its ports.
        child.stop(0)

    def _unwell(self, child: Child, now: float) -> str:
        """Return what is wrong with a living process, or ""."""
        if not child.ready.is_set():
            late = now - child.began > child.spec.ready_timeout
            return f"was not ready within {child.spec.ready_timeout:g} s" if late else ""
        if child.spec.health is not None and now - child.last_well > HEALTH_PATIENCE:
            return f"has not answered for {HEALTH_PATIENCE:g} s"
        return ""

    def _plan_restart(self, spec: ChildSpec, lived: float) -> float:
        """Note a death; return the seconds until the next start."""
        earlier = 0 if lived > FORGIVEN_AFTER else self._deaths.get(spec.name, 0)
        self._deaths[spec.name] = earlier + 1
        wait = back_off(earlier + 1)
        self._again_at[spec.name] = time.monotonic() + wait
        return wait
