"""The sound of every utterance, kept for some days: an agent may hear what a caller said.

``FOLDER/2026-11-30/WHO/CALL/3.wav`` is the third utterance of a call. WHO is a digest of the
caller's number, so that whoever wants to be forgotten can be found; it hides no number from
somebody who tries them all. A WAV says itself how many samples a second it has. Everything is
written by one thread behind a short line of jobs: neither a full disk nor a slow one is ever
felt in a call. Leaves to others: who may listen (``web/desk_pages.py``), and the words.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import structlog

from bot.speech.audio import write_wav

log = structlog.get_logger(__name__)

#: Utterances that wait to be written, at most; a disk that is slower than that loses sound.
MOST_WAITING = 64
#: What a call's id looks like: it becomes the name of a folder.
_ID = re.compile(r"[\w-]{1,64}", re.ASCII)


class SoundArchive:
    """Sound by call and utterance. Thread-safe; nothing here raises for a broken disk."""

    def __init__(
        self, folder: Path, days: int, today: Callable[[], dt.date] = dt.date.today
    ) -> None:
        """``days``: how long a sound is kept after its own day; 0 keeps nothing at all."""
        self._folder = folder
        self._days = days
        self._today = today
        self._lock = threading.Lock()
        self._waiting = 0
        self._trouble = ""
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="sounds")

    def keep(self, caller: str, call_id: str, mark: int, pcm: bytes, rate: int) -> bool:
        """Have one utterance written: slin, ``rate`` samples per second. Never blocks.

        ``caller`` is "" when withheld; ``mark`` counts the call's utterances from 1. False
        when it will certainly not be kept.
        """
        if self._days <= 0 or not pcm or not _ID.fullmatch(call_id):
            return False
        with self._lock:
            if self._waiting >= MOST_WAITING:
                self._in_trouble("the disk is too slow")
                return False
            self._waiting += 1
        path = self._day(self._today()) / _who(caller) / call_id / f"{mark}.wav"
        self._writer.submit(self._write, path, pcm, rate)
        return True

    def find(self, caller: str, call_id: str, mark: int) -> Path | None:
        """Return the WAV of an utterance, None when there is none (any more)."""
        if not _ID.fullmatch(call_id):
            return None
        today = self._today()
        for back in range(self._days + 1):
            day = self._day(today - dt.timedelta(days=back))
            path = day / _who(caller) / call_id / f"{mark}.wav"
            if path.is_file():
                return path
        return None

    def sweep(self) -> int:
        """Delete the days that are over; return how many. Call once a day."""
        oldest = self._today() - dt.timedelta(days=self._days)
        over = [path for day, path in self._kept_days() if day < oldest]
        for path in over:
            shutil.rmtree(path, ignore_errors=True)
        return len(over)

    def erase(self, caller: str, call_id: str = "") -> int:
        """Delete all that a citizen ever said, or in one call; return of how many calls.

        Of a withheld number only single calls can be erased: nobody knows whose they are.
        """
        if not (_ID.fullmatch(call_id) if call_id else caller):
            return 0
        theirs = [path / _who(caller) for _, path in self._kept_days()]
        calls = [call for path in theirs if path.is_dir() for call in path.iterdir()]
        calls = [call for call in calls if call_id in ("", call.name)]
        for call in calls:
            shutil.rmtree(call, ignore_errors=True)
        return len(calls)

    def close(self) -> None:
        """Write what still waits, and take no more."""
        self._writer.shutdown()

    def _day(self, day: dt.date) -> Path:
        return self._folder / day.isoformat()

    def _kept_days(self) -> Iterator[tuple[dt.date, Path]]:
        if not self._folder.is_dir():
            return
        for path in self._folder.iterdir():
            try:
                yield dt.date.fromisoformat(path.name), path
            except ValueError:
                continue  # not ours

    def _write(self, path: Path, pcm: bytes, rate: int) -> None:
        try:
            # Only this account may look into it; what is below needs no mode of its own.
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_wav(path, pcm, rate)
        except OSError as error:
            with self._lock:
                self._in_trouble(str(error))
        else:
            with self._lock:
                self._trouble = ""
        finally:
            with self._lock:
                self._waiting -= 1

    def _in_trouble(self, why: str) -> None:
        """Say once what is wrong, however many sounds it costs."""
        if why != self._trouble:
            self._trouble = why
            log.error("sounds.not_kept", error=why, advice="free disk space; calls go on")


def _who(caller: str) -> str:
    return hashlib.sha256(caller.encode()).hexdigest()[:24] if caller else "withheld"
