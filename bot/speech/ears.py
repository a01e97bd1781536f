"""The ears of all calls: recognition off the event loop, in one bounded pool.

A streaming engine is fed while the caller speaks; another decodes at the end, or a little
earlier on the guess that a pause is the end. Leaves to others: the engines (``vosk.py``,
``whisper.py``) and when speech ends (``endpointing.py``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from bot.speech.types import LINE_RATE, Recogniser, SpeechError, Utterance

T = TypeVar("T")
#: Bytes of sound (200 ms) that go to a streaming engine at a time.
BATCH = LINE_RATE * 2 // 5


class Ears:
    """A recogniser and the threads it may use, shared by all calls."""

    def __init__(self, recogniser: Recogniser, threads: int) -> None:
        self._recogniser = recogniser
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="ears")
        self.waiting = 0
        """Jobs that wait or run now."""

    @property
    def name(self) -> str:
        """The engine's name."""
        return self._recogniser.name

    def open(self, expect: Sequence[str] = ()) -> Hearing:
        """Begin to hear an utterance; ``expect`` holds phrases that are likely now."""
        return Hearing(self, self._recogniser, tuple(expect))

    async def run(self, job: Callable[[], T]) -> T:
        """Run a job in the pool.

        Raises:
            SpeechError: the engine failed, in whatever way.
        """
        self.waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, job)
        except SpeechError:
            raise
        except Exception as error:
            raise SpeechError(f"{self.name} failed: {type(error).__name__}: {error}") from error
        finally:
            self.waiting -= 1

    def close(self) -> None:
        """Let the threads go; jobs that wait are dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class Hearing:
    """One utterance being heard. Used from one asyncio task."""

    def __init__(self, ears: Ears, recogniser: Recogniser, expect: tuple[str, ...]) -> None:
        self._ears = ears
        self._recogniser = recogniser
        self._expect = expect
        self._sound = bytearray()
        self._streamed = 0
        self._stream = recogniser.open(expect) if recogniser.streaming else None
        self._feeding: asyncio.Future[str] | None = None
        self._guess: asyncio.Future[Utterance] | None = None
        self.partial = ""
        """What a streaming engine has understood so far."""

    def feed(self, pcm: bytes) -> None:
        """Take more sound (slin, 8 kHz). Never blocks."""
        self._sound += pcm
        if self._stream is None or len(self._sound) - self._streamed < BATCH:
            return
        if self._feeding is not None:
            if not self._feeding.done():
                return  # the engine is behind; the next batch will be larger
            self._note_partial(self._feeding)
        stream, batch = self._stream, bytes(self._sound[self._streamed :])
        self._streamed = len(self._sound)
        self._feeding = asyncio.ensure_future(self._ears.run(lambda: stream.feed(batch)))

    def _note_partial(self, fed: asyncio.Future[str]) -> None:
        if not fed.cancelled() and fed.exception() is None:
            self.partial = fed.result()

    def speculate(self) -> None:
        """The caller may have finished: begin to decode what there is, if that takes long."""
        if self._stream is None and self._guess is None:
            self._guess = asyncio.ensure_future(self._decode(bytes(self._sound)))

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
            guess, self._guess = self._guess, None
            return await (guess or self._decode(bytes(self._sound)))
        if self._feeding is not None:
            await self._feeding
        stream, rest = self._stream, bytes(self._sound[self._streamed :])

        def decode_rest() -> Utterance:
            stream.feed(rest)
            return stream.finish()

        return await self._ears.run(decode_rest)

    async def _decode(self, sound: bytes) -> Utterance:
        def decode() -> Utterance:
            stream = self._recogniser.open(self._expect)
            stream.feed(sound)
            return stream.finish()

        return await self._ears.run(decode)

    def cancel(self) -> None:
        """Nobody wants to know any more."""
        for task in (self._guess, self._feeding):
            if task is not None:
                task.cancel()
