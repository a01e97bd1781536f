"""Finding a Chromium for the browser tests and screenshots, or setting one up.

As root it is Debian's own package, installed; without root the same package, with what it
needs, is fetched and unpacked into a folder and finds its libraries there. Leaves to others:
driving it (``tests/browser``, ``bot/commands/desk.py``).
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from bot.config import Settings
from bot.node.apt import debian_mirrors, read_sources
from bot.node.asterisk import (
    MACHINES,
    AptError,
    download_packages,
    unpack_packages,
)
from bot.node.types import Say, SetupError

#: The second draws Chinese.
PACKAGES = ("chromium", "fonts-wqy-zenhei")
#: For a machine without a screen. The last ones keep it from calling its maker, and let two
#: programs of one machine hear each other.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--allow-loopback-in-peer-connection",
)


@dataclass(frozen=True, slots=True)
class Chromium:
    """A Chromium that can be started."""

    program: str
    env: dict[str, str] = field(default_factory=dict)
    """Variables to set besides the usual ones."""


def find_chromium(settings: Settings) -> Chromium | None:
    """Return the system's Chromium, else the private one, or None."""
    system = shutil.which("chromium") or shutil.which("chromium-browser")
    if system:
        return Chromium(system)
    prefix = _prefix(settings)
    machine = MACHINES.get(platform.machine())
    program = prefix / "usr/lib/chromium/chromium"
    if machine is None or not program.is_file():
        return None
    libraries = f"{prefix}/usr/lib/chromium:{prefix}/usr/lib/{machine.triplet}"
    return Chromium(
        str(program),
        {
            "LD_LIBRARY_PATH": libraries,
            "FONTCONFIG_PATH": f"{prefix}/etc/fonts",
            "XDG_DATA_DIRS": f"{prefix}/usr/share",
        },
    )


def find_or_fetch_chromium(settings: Settings, say: Say) -> Chromium:
    """Return a Chromium, installing or fetching Debian's if there is none.

    Raises:
        SetupError: there is none to be had; the message says why.
    """
    found = find_chromium(settings)
    if found is None:
        if os.geteuid() == 0 and shutil.which("apt-get"):
            _install(say)
        else:
            _fetch(_prefix(settings), say)
        found = find_chromium(settings)
    if found is None:
        raise SetupError("No Chromium could be set up here; install one, it will be found.")
    return found


def _prefix(settings: Settings) -> Path:
    return settings.home.absolute() / "chromium"


def _install(say: Say) -> None:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES],
    ):
        say(" ".join(command))
        done = subprocess.run(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode != 0:
            raise SetupError(f"{' '.join(command)} failed:\n{done.stderr.strip()[-500:]}")


def _fetch(prefix: Path, say: Say) -> None:
    machine = MACHINES.get(platform.machine())
    mirrors = debian_mirrors(read_sources())
    if machine is None or not mirrors or shutil.which("apt-get") is None:
        raise SetupError("No Debian here to fetch Chromium from; install it, it will be found.")
    failures = []
    prefix.parent.mkdir(parents=True, exist_ok=True)
    for mirror in mirrors:
        # The machine's own suite: its C library is the host's, and must be the same one.
        suite = mirror.suites[0]
        with tempfile.TemporaryDirectory(prefix=".apt.", dir=prefix.parent) as folder:
            try:
                packages = download_packages(mirror, suite, machine, Path(folder), say, PACKAGES)
                others = [one for one in packages if not one.name.startswith(("libc6_", "libc-"))]
                unpack_packages(others, Path(folder) / "root", prefix, say)
                return
            except AptError as error:
                failures.append(f"{suite} at {mirror.uri}: {error}")
    raise SetupError("Chromium could not be fetched:\n  " + "\n  ".join(failures))
