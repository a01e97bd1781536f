"""A whole line, started as an operator starts it, on ports and in a folder of its own.

For the real-call tests and the benchmarks. Leaves to others: what is said and measured.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from rapidfuzz import fuzz

from bot.agents.queue import AgentQueue
from bot.app import calls_folder
from bot.config import Settings
from bot.node.secrets import Secrets, load_secrets
from bot.speech.audio import read_wav
from bot.speech.normalise import spoken
from bot.telephony.journal import find_call
from bot.telephony.phone import Phone
from bot.understanding.sound import folded, toned, toneless

SAYINGS = Path(__file__).parent / "fixtures" / "citizen"
#: Seconds for a line to come up on a busy machine.
START = 120


def saying(name: str) -> bytes:
    """What a citizen says, as slin: a recording, since the voice says nothing twice alike."""
    return read_wav(SAYINGS / f"{name}.wav")


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


#: Number of a unit that agents can reach through the trunk.
UNIT = "96116"


def packs_that_call_at_any_hour(folder: Path) -> Path:
    """The line's packs, but without a night in which nobody is called, and with UNIT."""
    shutil.copytree(Settings().grammars, folder)
    for name, old, new in (
        ("dispatch.yaml", "from_hour: 9\n", "from_hour: 0\n"),
        ("dispatch.yaml", "to_hour: 20\n", "to_hour: 24\n"),
        ("units.yaml", "name: 市自来水集团", f"name: 市自来水集团, phone: '{UNIT}'"),
    ):
        path = folder / "beijing12345" / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new))
    return folder


@dataclass
class RunningLine:
    """The line under test, as seen from outside."""

    settings: Settings
    secrets: Secrets
    process: subprocess.Popen[str]
    log: Path
    environment: dict[str, str]

    @property
    def queue(self) -> AgentQueue:
        return AgentQueue(self.settings.redis_address)

    @property
    def server(self) -> str:
        return f"127.0.0.1:{self.settings.sip_port}"

    def citizen(self, caller: str = "13800138000", **options: Any) -> Phone:
        return Phone("tester", self.secrets.citizen_password, self.server, caller=caller, **options)

    def agent(self, extension: str = "8001", **options: Any) -> Phone:
        return Phone(
            extension,
            self.secrets.agent_passwords[extension],
            self.server,
            register=True,
            **options,
        )

    def record(self, phone: Phone, timeout: float = 5.0) -> dict[str, Any]:
        """The bot's record of a phone's call, once it holds the end of the conversation."""

        def written() -> dict[str, Any] | None:
            found = find_call(calls_folder(self.settings), phone.call_id)
            return found if found and found["outcome"] else None

        return eventually(written, timeout)

    def hotline(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "bot.cli", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def child(self, name: str) -> psutil.Process:
        """The process of one of the line's parts."""
        record = json.loads((self.settings.state / "run" / f"{name}.json").read_text())
        return psutil.Process(record["pid"])

    def admits(self) -> bool:
        """Whether the next caller is let in, as the line said some seconds ago."""
        text = httpx.get(f"http://127.0.0.1:{self.settings.http_port}/metrics", timeout=2).text
        return "hotline_engine_full 0.0" in text

    def health(self) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.settings.http_port}/healthz"
        answer: dict[str, Any] = httpx.get(url, timeout=2).json()["parts"]
        return answer


def eventually(look: Callable[[], Any], timeout: float = 10.0) -> Any:
    """The first true thing that ``look`` returns; an error after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            found = look()
            error: Exception | None = None
        except (httpx.HTTPError, OSError, psutil.Error) as problem:
            found, error = None, problem
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {error or found!r}")
        time.sleep(0.05)


def start_line(folder: Path, **settings_too: str) -> RunningLine:
    """``settings_too``: environment variables of the line, such as HOTLINE_RING_SECONDS."""
    names = ("SIP", "AMI", "AGI", "AUDIO", "HTTP", "WS", "REDIS")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    environment = {
        **os.environ,
        **{f"HOTLINE_{name}_PORT": str(port) for name, port in ports.items()},
        "HOTLINE_STATE": str(folder),
        "HOTLINE_RTP_START": "30000",
        "HOTLINE_RTP_END": "31999",
        **settings_too,
    }
    environment.pop("REDIS_URL", None)
    environment.pop("DATABASE_URL", None)
    settings = Settings(
        state=folder, **{f"{name.lower()}_port": port for name, port in ports.items()}
    )
    log = folder / "run.log"
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "bot.cli", "run"],
        env=environment,
        stdout=log.open("w"),
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )

    def up() -> bool:
        assert process.poll() is None, log.read_text()
        return "The line is up" in log.read_text()

    eventually(up, START)
    return RunningLine(settings, load_secrets(settings), process, log, environment)


def stop_line(line: RunningLine) -> int:
    """Stop a line as Ctrl-C does; return its exit status."""
    line.process.send_signal(signal.SIGINT)
    return line.process.wait(40)


def alike(heard: str, said: str) -> float:
    """How much of the shorter text is in the longer one, by sound, 0 to 100.

    What a recogniser writes for a synthetic voice has other characters of the same sound.
    """

    def syllables(text: str) -> list[str]:
        plain = re.sub(r"[^\u4e00-\u9fff]", "", spoken(text))
        return [folded(toneless(syllable)) for syllable in toned(plain)]

    return fuzz.partial_ratio(syllables(heard), syllables(said))
