"""Recordings through the same conversation as a live call, with no Asterisk and no waiting.

A replayed caller is polite: each clip is spoken when the bot has finished. Leaves to
others: the verdict on what came out (``commands/replay.py``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from bot.speech.types import FRAME_BYTES, FRAME_MS, LINE_RATE
from bot.telephony.line import LineLostError, Tick

SILENCE = bytes(FRAME_BYTES)
#: Ticks of silence from the bot after which it counts as having finished.
FINISHED = 1500 // FRAME_MS
#: Ticks that a caller waits for an answer before going on, or hanging up.
PATIENCE = 20_000 // FRAME_MS

Step = bytes | str
"""What the caller does next: slin to be spoken, or keypad digits to be pressed."""


class ReplayLine:
    """A ``Line`` whose caller is a list of clips and whose time passes as fast as work allows."""

    rate = LINE_RATE
    realtime = False

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = deque(steps)
        self._clip = b""
        self._bot_spoke = False
        self._quiet = 0
        self._waited = 0
        self.heard = bytearray()
        """All that the caller would have heard: slin, one frame a tick."""

    async def tick(self) -> Tick:
        """Let 20 ms pass.

        Raises:
            LineLostError: the caller has said everything, heard the answer, and hangs up.
        """
        if self._clip:
            frame, self._clip = self._clip[:FRAME_BYTES], self._clip[FRAME_BYTES:]
            if not self._clip:
                # What was heard while speaking is not yet the answer to all of it.
                self._bot_spoke, self._quiet, self._waited = False, 0, 0
            return Tick((frame.ljust(FRAME_BYTES, b"\0"),))
        self._waited += 1
        answered = self._bot_spoke and self._quiet >= FINISHED
        if not answered and self._waited < PATIENCE:
            return Tick((SILENCE,))
        if not self._steps:
            raise LineLostError("the recording is over")
        step = self._steps.popleft()
        self._bot_spoke, self._quiet, self._waited = False, 0, 0
        if isinstance(step, str):
            return Tick((SILENCE,), step)
        self._clip = step
        return Tick((SILENCE,))

    def send(self, frame: bytes) -> None:
        """Note what the caller hears."""
        self.heard += frame
        if any(frame):
            self._bot_spoke, self._quiet = True, 0
        else:
            self._quiet += 1

    def close(self) -> None:
        """Nothing to close."""
