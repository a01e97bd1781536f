"""One sentence on its way to a caller: made in pieces, taken frame by frame, never with a click.

Leaves to others: when to play it and when to stop (``conversation.py``), and the sound itself
(``speech/voice.py``).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import numpy as np

from bot.speech.types import SpeechError, frame_bytes


class Playback:
    """Sound of one sentence on its way out, frame by frame."""

    def __init__(self, pieces: AsyncIterator[bytes], rate: int) -> None:
        self._pieces = pieces
        self._size = frame_bytes(rate)
        self._sound = bytearray()
        self._task = asyncio.ensure_future(self._pull())

    async def _pull(self) -> None:
        async for piece in self._pieces:
            self._sound += piece

    @property
    def over(self) -> bool:
        """Whether everything was taken."""
        return self._task.done() and not self._sound

    async def made(self) -> None:
        """Wait until all of it was synthesised.

        Raises:
            SpeechError: no engine can say it.
        """
        await self._task

    def next_frame(self) -> bytes:
        """The next 20 ms; silence while synthesis is behind.

        Raises:
            SpeechError: no engine can say it.
        """
        if self._task.done():
            self._task.result()
        frame = bytes(self._sound[: self._size])
        del self._sound[: self._size]
        return frame.ljust(self._size, b"\0")

    def put_back(self, frame: bytes) -> None:
        """Play a frame that was taken once more."""
        self._sound[:0] = frame

    async def stop(self) -> None:
        """Let go of what is still being made."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError, SpeechError):
            await self._task


def faded(frame: bytes) -> bytes:
    """A frame that runs out to nothing, so that stopping does not click."""
    return _ramped(frame, 1.0, 0.0)


def faded_in(frame: bytes) -> bytes:
    """A frame that rises from nothing, so that going on does not click."""
    return _ramped(frame, 0.0, 1.0)


def louder(frame: bytes, gain: float) -> bytes:
    """A frame whose amplitude is multiplied by ``gain``; what is too loud is bent, not cut off."""
    if gain == 1.0:
        return frame
    sound = np.frombuffer(frame, dtype="<i2") / 32768.0 * gain
    # Straight up to half of full scale, then ever flatter: a clipped voice is harder to follow.
    over = np.abs(sound) - 0.5
    bent = np.sign(sound) * (0.5 + 0.5 * np.tanh(over / 0.5))
    return (np.where(over > 0, bent, sound) * 32767.0).astype("<i2").tobytes()


def _ramped(frame: bytes, first: float, last: float) -> bytes:
    samples = np.frombuffer(frame, dtype="<i2")
    return (samples * np.linspace(first, last, len(samples))).astype("<i2").tobytes()
