"""Knowing a process again after a crash, and stopping it without ever hitting another.

A process is known by its number and its start time together: numbers are reused.
Leaves to others: when to write and when to stop (``supervisor.py``).
"""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil

#: Seconds by which a start time may seem to move when the clock is set.
START_TOLERANCE = 2.0


def remember(path: Path, pid: int) -> float:
    """Write down a process that was just started as the leader of its own session.

    Returns its start time, Unix seconds.

    Raises:
        psutil.NoSuchProcess: it is gone already.
        OSError: the record cannot be written.
    """
    started = psutil.Process(pid).create_time()
    path.write_text(json.dumps({"pid": pid, "started": started}))
    return started


def session_members(pid: int, started: float) -> list[psutil.Process]:
    """Return the live processes of the session that ``pid`` leads or led, itself first."""
    members = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError, PermissionError):
            if os.getsid(process.pid) != pid or process.status() == psutil.STATUS_ZOMBIE:
                continue
            created = process.create_time()
            if process.pid == pid and abs(created - started) > START_TOLERANCE:
                return []  # the number belongs to somebody else now, and so does its session
            if created >= started - START_TOLERANCE:
                members.append(process)
    return sorted(members, key=lambda process: process.pid != pid)


def stop_session(pid: int, started: float, grace: float) -> int:
    """Stop what is left of a session: SIGTERM, then SIGKILL after ``grace`` seconds.

    Returns the number of processes that were there.
    """
    members = session_members(pid, started)
    for process in members:
        with suppress(psutil.Error):
            process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + grace
    alive = members
    while alive and time.monotonic() < deadline:
        _, alive = psutil.wait_procs(alive, timeout=0.2)
    for process in alive:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=2)
    return len(members)


def stop_leftovers(folder: Path, grace: float = 5.0) -> list[str]:
    """Stop what records in ``folder`` still name; return the names of what was found alive."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            record = json.loads(path.read_text())
            pid, started = int(record["pid"]), float(record["started"])
        except (ValueError, KeyError, TypeError):
            # Half a record was written as the machine died: nothing can be said of it.
            path.unlink()
            continue
        if stop_session(pid, started, grace):
            found.append(path.stem)
        path.unlink()
    return found
