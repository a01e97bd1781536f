"""What a waiting caller is told between the music: position, expected wait, a callback.

Every so often the bot renders the sentence as a file for Asterisk, then sends the caller to
the dialplan's ``announce``, which asks back (``agi://…/waiting``) what to play. Without a bot
the music just goes on. Key 1 books the callback, once it was offered. Leaves to others: who
waits and where (``agents``), and the words (the pack's prompts).
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import structlog

from bot.agents.desk import Desk
from bot.agents.queue import AgentQueue, QueueUnavailable
from bot.agents.types import EntryState, QueueEntry, SwitchboardError
from bot.speech.audio import write_wav
from bot.speech.types import SpeechError
from bot.telephony.agi import CallAgi

log = structlog.get_logger(__name__)

#: The key that books a callback.
CALLBACK_KEY = "1"
#: Callers sent to an announcement in one look, so that a long queue is spread out.
AT_ONCE = 10
#: Rendered sentences kept for Asterisk; one for each position and wait that came up.
KEPT = 400
#: An expected wait beyond this is not worth a number, in minutes.
LONGEST = 60


class Prompts(Protocol):
    """The pack's fixed sentences (``understanding.pack.Pack``)."""

    def prompt(self, id: str, *, variant: int = 0, **values: str) -> str:
        """Return one with its placeholders filled in; KeyError when there is none."""


def announcement(
    prompts: Prompts, position: int, wait: float | None, *, staffed: bool, callback: bool
) -> str:
    """Say where a caller stands; ``wait`` in seconds, None when nobody can tell.

    A sentence that the pack does not have is left out.
    """
    sentences: list[tuple[str, dict[str, Any]]] = [] if staffed else [("no_agent", {})]
    if position == 1:
        sentences.append(("next_in_line", {}))
    else:
        sentences.append(("position", {"position": str(position - 1)}))
    minutes = math.ceil(wait / 60) if wait is not None else 0
    if 0 < minutes <= LONGEST:
        sentences.append(("expected_wait", {"minutes": str(minutes)}))
    if callback:
        sentences.append(("callback_offer", {}))
    said = []
    for name, values in sentences:
        try:
            said.append(prompts.prompt(name, **values))
        except KeyError:
            continue
    return "".join(said)


class Announcer:
    """Tells every waiting caller, every so often, where they stand. Thread-safe."""

    def __init__(
        self,
        desk: Desk,
        queue: AgentQueue,
        render: Callable[[str], bytes],
        prompts: Callable[[], Prompts],
        folder: Path,
        every: float,
    ) -> None:
        """``render`` gives slin of a text; ``folder`` is for Asterisk; ``every`` in seconds."""
        self._desk = desk
        self._queue = queue
        self._render = render
        self._prompts = prompts
        self._folder = folder
        self._every = every
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}
        self._files: dict[str, Path] = {}
        self._offered: set[str] = set()

    def look(self) -> None:
        """Announce to those whose time has come. Call every few seconds; blocks a little.

        Raises:
            QueueUnavailable: Redis does not answer.
        """
        entries = self._queue.list(EntryState.WAITING)
        waiting = {entry.id: n for n, entry in enumerate(entries, 1)}
        with self._lock:
            for known in [*self._last]:
                if known not in waiting:
                    self._last.pop(known)
                    self._files.pop(known, None)
                    self._offered.discard(known)
        now = time.time()
        due = [
            entry
            for entry in entries
            if entry.channel and now - self._last.setdefault(entry.id, now) >= self._every
        ]
        for entry in due[:AT_ONCE]:
            self._announce(entry, waiting[entry.id], now)

    def _announce(self, entry: QueueEntry, position: int, now: float) -> None:
        self._last[entry.id] = now
        text = announcement(
            self._prompts(),
            position,
            self._queue.expected_wait(position),
            staffed=self._queue.presence.staffing().serving > 0,
            callback=bool(entry.caller),
        )
        if not text:
            return
        try:
            # Before the music stops: a voice that takes long must not be heard as silence.
            file = self._file(text)
            with self._lock:
                self._files[entry.id] = file
                if entry.caller:
                    self._offered.add(entry.id)
            self._desk.announce(entry.id)
        except (SpeechError, OSError, SwitchboardError) as error:
            log.warning("queue.not_announced", entry=entry.id, error=str(error))

    def play(self, agi: CallAgi) -> None:
        """Answer the dialplan's question what to play to this caller.

        Raises:
            AGIException, OSError, ValueError: the caller or Asterisk is gone.
        """
        entry_id = agi.get_variable("HOTLINE_CALL")
        agi.set_variable("TIMEOUT(absolute)", "0")
        with self._lock:
            file = self._files.get(entry_id)
        if file is not None:
            agi.appexec("Playback", str(file.with_suffix("")))

    def key_pressed(self, entry_id: str, digit: str) -> None:
        """Book a callback for who was offered one and pressed the key."""
        with self._lock:
            wanted = digit == CALLBACK_KEY and entry_id in self._offered
        if not wanted:
            return
        try:
            self._desk.book_callback(entry_id)
        except (QueueUnavailable, SwitchboardError) as error:
            log.warning("queue.callback_not_booked", entry=entry_id, error=str(error))

    def _file(self, text: str) -> Path:
        file = self._folder / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.wav"
        if not file.exists():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_wav(file, self._render(text))
            older = sorted(self._folder.glob("*.wav"), key=lambda one: one.stat().st_mtime)
            for one in older[:-KEPT]:
                one.unlink(missing_ok=True)
        return file
