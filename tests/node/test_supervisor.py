"""Real processes are started in order, brought back when they die, and stopped at the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.node import supervisor as supervisor_module
from bot.node.leftovers import stop_leftovers
from bot.node.supervisor import LONGEST_WAIT, ChildSpec, Supervisor, back_off
from bot.node.types import Say, SetupError

#: Says that it is ready by touching a file, then lives until it is told to end.
PROGRAM = """
import pathlib, signal, subprocess, sys, time
{extra}
pathlib.Path(sys.argv[1]).write_text("up")
while True:
    time.sleep(0.05)
"""


def await_(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def spec(folder: Path, name: str, extra: str = "", **more: object) -> ChildSpec:
    ready = folder / f"{name}.ready"
    program = PROGRAM.format(extra=textwrap.dedent(extra))
    return ChildSpec(
        name,
        [sys.executable, "-c", program, str(ready)],
        ready=ready.exists,
        log=folder / f"{name}.log",
        **more,  # type: ignore[arg-type]
    )


@pytest.fixture
def build(tmp_path: Path, say: Say) -> Iterator[Callable[..., Supervisor]]:
    made: list[Supervisor] = []

    def make(*specs: ChildSpec) -> Supervisor:
        made.append(Supervisor(tmp_path / "state", specs, say))
        return made[-1]

    yield make
    for supervisor in made:
        supervisor.stop()


@pytest.fixture
def watched(build: Callable[..., Supervisor]) -> Iterator[Callable[..., Supervisor]]:
    """Start a supervisor and watch it from a thread."""
    threads: list[tuple[Supervisor, threading.Thread]] = []

    def make(*specs: ChildSpec) -> Supervisor:
        supervisor = build(*specs)
        supervisor.start()
        thread = threading.Thread(target=supervisor.watch)
        thread.start()
        threads.append((supervisor, thread))
        return supervisor

    yield make
    for supervisor, thread in threads:
        supervisor.stopping.set()
        thread.join()


def test_processes_start_in_order_and_stop_in_reverse(
    build: Callable[..., Supervisor], tmp_path: Path
) -> None:
    order = tmp_path / "order"
    tell = """
    def note(word):
        with open({order!r}, "a") as file:
            file.write(word + " ")
    def end(*_):
        note("-{name}")
        sys.exit(0)
    signal.signal(signal.SIGTERM, end)
    note("+{name}")
    """
    names = ("one", "two", "three")
    specs = [spec(tmp_path, n, tell.format(order=str(order), name=n)) for n in names]
    supervisor = build(*specs)
    supervisor.start()
    supervisor.stop()
    assert order.read_text().split() == ["+one", "+two", "+three", "-three", "-two", "-one"]
    assert list((tmp_path / "state/run").glob("*.json")) == []


def test_a_killed_process_comes_back_and_the_others_live_on(
    watched: Callable[..., Supervisor], tmp_path: Path, said: list[str]
) -> None:
    supervisor = watched(spec(tmp_path, "one"), spec(tmp_path, "two"))
    first, second = supervisor.pid("one"), supervisor.pid("two")
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await_(lambda: supervisor.pid("one") not in {None, first})
    assert supervisor.pid("two") == second
    assert any("one ended (exit code -9)" in line for line in said)


def test_a_process_that_no_longer_answers_is_killed_and_comes_back(
    watched: Callable[..., Supervisor],
    tmp_path: Path,
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervisor_module, "HEALTH_PATIENCE", 1.5)
    beat = tmp_path / "well"
    beat.touch()
    supervisor = watched(spec(tmp_path, "one", health=beat.exists))
    first = supervisor.pid("one")
    beat.unlink()
    await_(lambda: supervisor.pid("one") not in {None, first})
    beat.touch()
    second = supervisor.pid("one")
    time.sleep(2.0)
    assert supervisor.pid("one") == second, "a well process was killed"
    assert any("has not answered" in line for line in said)


def test_what_a_process_started_itself_is_stopped_with_it(
    build: Callable[..., Supervisor], tmp_path: Path
) -> None:
    helper = tmp_path / "helper"
    extra = f"""
    helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    pathlib.Path({str(helper)!r}).write_text(str(helper.pid))
    """
    supervisor = build(spec(tmp_path, "one", extra))
    supervisor.start()
    pid = int(helper.read_text())
    assert psutil.pid_exists(pid)
    supervisor.stop()
    await_(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie")


def test_a_process_that_does_not_want_to_end_is_killed_after_its_grace(
    build: Callable[..., Supervisor], tmp_path: Path
) -> None:
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    supervisor = build(spec(tmp_path, "one", deaf, stop_grace=0.3))
    supervisor.start()
    pid = supervisor.pid("one")
    assert pid is not None
    supervisor.stop()
    assert not psutil.pid_exists(pid)


def test_a_process_that_dies_at_once_is_told_with_the_end_of_its_log(
    build: Callable[..., Supervisor], tmp_path: Path
) -> None:
    good = spec(tmp_path, "good")
    bad = spec(tmp_path, "bad", 'sys.exit("no such configuration")')
    supervisor = build(good, bad)
    with pytest.raises(SetupError, match=r"bad ended at once(.|\n)*no such configuration"):
        supervisor.start()
    assert supervisor.pid("good") is None


def test_a_process_that_is_never_ready_is_told(
    build: Callable[..., Supervisor], tmp_path: Path
) -> None:
    slow = ChildSpec(
        "slow",
        [sys.executable, "-c", "import time; print('still at it', flush=True); time.sleep(60)"],
        ready=lambda: False,
        log=tmp_path / "slow.log",
        ready_timeout=1.0,
    )
    with pytest.raises(SetupError, match=r"not ready within 1 s(.|\n)*still at it"):
        build(slow).start()


def test_a_program_that_is_not_there_is_told(
    build: Callable[..., Supervisor], tmp_path: Path
) -> None:
    missing = ChildSpec("gone", ["/no/such/program"], ready=lambda: True, log=tmp_path / "log")
    with pytest.raises(SetupError, match="gone cannot be started"):
        build(missing).start()


def test_a_second_line_on_the_same_state_is_refused(build: Callable[..., Supervisor]) -> None:
    first, second = build(), build()
    first.claim()
    with pytest.raises(SetupError, match=f"already runs .*process {os.getpid()}"):
        second.claim()
    first.stop()
    second.claim()


LINE = """
import pathlib, sys
from bot.node.supervisor import ChildSpec, Supervisor
folder = pathlib.Path(sys.argv[1])
ready = folder / "ready"
program = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"
spec = ChildSpec("one", [sys.executable, "-c", program, str(ready)], ready=ready.exists,
                 log=folder / "log")
Supervisor(folder / "state", [spec], lambda text: print(text, flush=True)).run()
"""


@pytest.fixture
def line(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A whole supervisor in a process of its own, up and running."""
    process = subprocess.Popen([sys.executable, "-c", LINE, str(tmp_path)])
    await_(lambda: (tmp_path / "ready").exists())
    yield process
    process.kill()
    process.wait()
    stop_leftovers(tmp_path / "state/run")


def _recorded(tmp_path: Path) -> int:
    return int(json.loads((tmp_path / "state/run/one.json").read_text())["pid"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything(
    line: subprocess.Popen[bytes], tmp_path: Path, number: int
) -> None:
    child = _recorded(tmp_path)
    assert os.getsid(child) == child, "a terminal's Ctrl-C would reach it"
    line.send_signal(number)
    assert line.wait(20) == 0
    assert not psutil.pid_exists(child)


def test_what_a_killed_line_left_behind_is_stopped_by_the_next(
    line: subprocess.Popen[bytes], tmp_path: Path, build: Callable[..., Supervisor], said: list[str]
) -> None:
    child = _recorded(tmp_path)
    line.kill()
    line.wait()
    assert psutil.pid_exists(child)
    build().claim()
    await_(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie")
    assert "Stopped one, left behind by an earlier run" in said


def test_a_process_number_that_now_belongs_to_another_is_left_alone(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    with subprocess.Popen(command, start_new_session=True) as other:
        try:
            started = psutil.Process(other.pid).create_time()
            record = {"pid": other.pid, "started": started - 3600}
            (tmp_path / "one.json").write_text(json.dumps(record))
            (tmp_path / "torn.json").write_text('{"pid":')
            assert stop_leftovers(tmp_path, grace=0.2) == []
            assert other.poll() is None
            assert list(tmp_path.iterdir()) == []
        finally:
            other.kill()


@given(st.integers(min_value=1, max_value=10_000))
def test_waits_between_starts_grow_up_to_a_limit(deaths: int) -> None:
    assert 0 < back_off(deaths) <= back_off(deaths + 1) <= LONGEST_WAIT
