"""What a conversation needs of a line: a clock that ticks every 20 ms, sound in, sound out.

Two things are lines: a real call (``audiosocket.py``) and a recording that is replayed
without Asterisk (``replay.py``). A conversation cannot tell them apart, except that a
replayed line lets it wait for slow work without time going by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class LineLostError(Exception):
    """The caller is gone; the message says how."""


@dataclass(frozen=True, slots=True)
class Tick:
    """What arrived in the last 20 ms: usually one frame, sometimes none or several."""

    frames: tuple[bytes, ...]
    """Frames of slin, mono, at the line's rate."""
    keys: str = ""
    """Keypad digits pressed, oldest first."""


class Line(Protocol):
    """A caller's sound. After each ``tick`` exactly one frame is to be sent."""

    @property
    def rate(self) -> int:
        """Samples per second in which it is heard and spoken to, 8000 or 16000."""

    @property
    def realtime(self) -> bool:
        """Whether time goes by while work is under way."""

    async def tick(self) -> Tick:
        """Wait for the next 20 ms.

        Raises:
            LineLostError: the caller is gone.
        """

    def send(self, frame: bytes) -> None:
        """Play 20 ms of slin at the line's rate to the caller."""

    def close(self) -> None:
        """End the sound, not the call."""
