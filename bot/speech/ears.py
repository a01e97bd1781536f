"""The ears of all calls: recognition off the event loop, in one bounded pool.

A streaming engine is fed while the caller speaks; another decodes at the end, or a little
earlier on the guess that a pause is the end. Each utterance has at most one job in the pool
at a time and jobs start in the order in which they came, so calls take turns. Leaves to
others: the engines (``vosk.py``, ``whisper.py``), when speech ends (``endpointing.py``), and
whether another caller may come in (``admission.py``).

What nobody waits for (``overhear``) is decoded only while a thread stays free for callers.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from bot.speech.admission import Admission
from bot.speech.types import LINE_RATE, Recogniser, RecogniserStream, SpeechError, Utterance

T = TypeVar("T")
#: Batches of sound that go to a streaming engine in a second.
BATCHES = 5
#: Seconds between two looks at whether an engine that was full has time again.
LOOK = 1.0


class Ears:
    """A recogniser and the threads it may use, shared by all calls."""

    def __init__(
        self, recogniser: Recogniser, threads: int, admission: Admission | None = None
    ) -> None:
        self._recogniser = recogniser
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="ears")
        self._aside: deque[asyncio.Future[None]] = deque()
        self._admission = admission or Admission()
        self.waiting = 0
        """Jobs that wait or run now."""

    @property
    def name(self) -> str:
        """The engine's name."""
        return self._recogniser.name

    @property
    def expected_wait(self) -> float:
        """Seconds that the next job will probably wait for a thread."""
        return self._admission.wait()

    @property
    def full(self) -> bool:
        """Whether one more caller would make those who are talking wait too long."""
        return self._admission.full

    def open(self, expect: Sequence[str] = (), rate: int = LINE_RATE) -> Hearing:
        """Begin to hear an utterance; ``expect`` holds phrases that are likely now.

        ``rate``: samples per second of the sound that it will be fed.
        """
        return Hearing(self, self._recogniser, tuple(expect), rate)

    async def run(self, job: Callable[[], T]) -> T:
        """Run a job in the pool.

        Raises:
            SpeechError: the engine failed, in whatever way.
        """
        number = self._admission.queued()

        def begin() -> T:
            self._admission.started(number)
            return job()

        try:
            return await self._pooled(begin)
        finally:
            self._admission.dropped(number)

    async def _pooled(self, job: Callable[[], T]) -> T:
        self.waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, job)
        except SpeechError:
            raise
        except Exception as error:
            raise SpeechError(f"{self.name} failed: {type(error).__name__}: {error}") from error
        finally:
            self.waiting -= 1
            self._let_aside_in()

    async def overhear(self, pcm: bytes, rate: int, patience: float) -> Utterance | None:
        """Return what was said in slin of ``rate``, which no caller is waiting for.

        None when for ``patience`` seconds there was no moment at which a thread would still
        have been free for the next caller; of a single thread none is left meanwhile.

        Raises:
            SpeechError: the engine failed, in whatever way.
        """
        if not await self._aside_turn(patience):
            return None

        def decode() -> Utterance:
            stream = self._recogniser.open(rate=rate)
            stream.feed(pcm)
            return stream.finish()

        # Not counted among the waits of callers: it begins when there is none.
        return await self._pooled(decode)

    @property
    def _spare(self) -> bool:
        free = self._threads - self.waiting
        return free >= min(2, self._threads) and not self.full

    async def _aside_turn(self, patience: float) -> bool:
        """Wait, in order, until there is a thread to spare; False if there was none in time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience
        if self._spare and not self._aside:
            return True
        turn: asyncio.Future[None] = loop.create_future()
        self._aside.append(turn)
        try:
            while loop.time() < deadline:
                await asyncio.wait([turn], timeout=min(LOOK, deadline - loop.time()))
                if self._spare and self._aside[0] is turn:
                    return True
                if turn.done():
                    # A caller was faster.
                    turn = self._aside[0] = loop.create_future()
            return False
        finally:
            self._aside.remove(turn)

    def _let_aside_in(self) -> None:
        if self._aside and self._spare and not self._aside[0].done():
            self._aside[0].set_result(None)

    def close(self) -> None:
        """Let the threads go; jobs that wait are dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class Hearing:
    """One utterance being heard. Used from one asyncio task."""

    def __init__(
        self, ears: Ears, recogniser: Recogniser, expect: tuple[str, ...], rate: int
    ) -> None:
        self._ears = ears
        self._recogniser = recogniser
        self._expect = expect
        self._rate = rate
        self._sound = bytearray()
        self._streamed = 0
        self._stream = _Opened(recogniser, expect, rate) if recogniser.streaming else None
        self._feeding: asyncio.Future[str] | None = None
        self._guess: asyncio.Future[Utterance] | None = None
        self.partial = ""
        """What a streaming engine has understood so far."""

    async def so_far(self) -> Utterance:
        """Return what was said before the pause that ``speculate`` was told of.

        Raises:
            SpeechError: the engine failed.
        """
        if self._stream is None:
            if self._guess is None:
                return Utterance("", 0.0, self._ears.name)
            return await asyncio.shield(self._guess)
        if self._feeding is not None:
            self.partial = await asyncio.shield(self._feeding)
        return Utterance(self.partial, 1.0, self._ears.name)

    def feed(self, pcm: bytes) -> None:
        """Take more sound (slin of the opened rate). Never blocks."""
        self._sound += pcm
        if len(self._sound) - self._streamed >= self._rate * 2 // BATCHES:
            self._stream_on()

    def _stream_on(self) -> None:
        """Give the engine what it has not had yet, unless it is still busy."""
        if self._stream is None or self._streamed == len(self._sound):
            return
        if self._feeding is not None:
            if not self._feeding.done():
                return  # the engine is behind; the next batch will be larger
            self.partial = result_of(self._feeding) or self.partial
        stream, batch = self._stream, bytes(self._sound[self._streamed :])
        self._streamed = len(self._sound)
        self._feeding = _started(self._ears.run(lambda: stream.get().feed(batch)))

    def speculate(self) -> None:
        """The caller may have finished: find out what was said so far."""
        if self._stream is not None:
            self._stream_on()
        elif self._guess is None:
            self._guess = _started(self._decode(bytes(self._sound)))

    def resume(self) -> None:
        """The caller goes on: a decoding that was begun is worth nothing."""
        if self._guess is not None:
            self._guess.cancel()
            self._guess = None

    async def finish(self) -> Utterance:
        """Return what was said.

        Raises:
            SpeechError: the engine failed.
        """
        if self._stream is None:
            if self._guess is None:
                self._guess = _started(self._decode(bytes(self._sound)))
            return await self._guess
        if self._feeding is not None:
            await self._feeding
        stream, rest = self._stream, bytes(self._sound[self._streamed :])

        def decode_rest() -> Utterance:
            opened = stream.get()
            opened.feed(rest)
            return opened.finish()

        return await self._ears.run(decode_rest)

    async def _decode(self, sound: bytes) -> Utterance:
        def decode() -> Utterance:
            stream = self._recogniser.open(self._expect, self._rate)
            stream.feed(sound)
            return stream.finish()

        return await self._ears.run(decode)

    def cancel(self) -> None:
        """Nobody wants to know any more."""
        for task in (self._guess, self._feeding):
            if task is not None:
                task.cancel()


class _Opened:
    """A recogniser's stream, opened by the first job that needs it: that may take a while."""

    def __init__(self, recogniser: Recogniser, expect: tuple[str, ...], rate: int) -> None:
        self._recogniser = recogniser
        self._expect = expect
        self._rate = rate
        self._stream: RecogniserStream | None = None

    def get(self) -> RecogniserStream:
        if self._stream is None:
            self._stream = self._recogniser.open(self._expect, self._rate)
        return self._stream


def _started(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Start work whose failure nobody may ever ask for."""
    task = asyncio.ensure_future(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


def result_of(task: asyncio.Future[T] | None) -> T | None:
    """What a task came to, if it has and did not fail."""
    if task is None or not task.done() or task.cancelled() or task.exception() is not None:
        return None
    return task.result()
