"""Overhears a conversation between people: one leg of Asterisk's ChanSpy for each side.

The spying leg brings its sound to the line's AudioSocket port like any call, at 8 kHz: ChanSpy
carries no more, whatever the two telephones do. It only listens:
one that can't be had, ends early or is late costs its side of the transcript and never the
conversation, which does not pass through here. Leaves to others: which conversations
(``bot/transcripts.py``), what was said (``speech/ears.py``), and asking Asterisk
(``switchboard.py``).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

import structlog

from bot.speech.endpointing import Endpointer, SpeechEnded
from bot.speech.types import FRAME_BYTES, FRAME_MS, LINE_RATE
from bot.telephony.line import Line, LineLostError

log = structlog.get_logger(__name__)

SILENCE = bytes(FRAME_BYTES)
#: Seconds in which a leg that was asked for must bring its sound.
ARRIVAL = 10.0
#: Frames of silence that end what was being said when a leg ends.
LAST_FRAMES = 2000 // FRAME_MS


@dataclass(frozen=True, slots=True)
class Overheard:
    """One stretch of speech of one side."""

    who: str
    """``caller`` or ``agent``."""
    pcm: bytes
    """Slin."""
    rate: int
    """Samples per second."""
    at: float
    """Unix time at which it began."""


class Tap:
    """One side of one conversation. Belongs to one event loop."""

    def __init__(
        self,
        who: str,
        endpointer: Endpointer,
        on_speech: Callable[[Overheard], None],
        deaf: Callable[[], bool],
    ) -> None:
        self.ended = asyncio.Event()
        """Set when all that was said has been told."""
        self._who = who
        self._deaf = deaf
        self._endpointer = endpointer
        self._on_speech = on_speech
        self._line: Line | None = None
        self._closed = False

    def close(self) -> None:
        """Hear no more; what was said is still told."""
        self._closed = True
        if self._line is not None:
            self._line.close()
        else:
            self.ended.set()  # it has never begun

    async def follow(self, line: Line, clock: Callable[[], float]) -> None:
        """Listen to a line until it ends."""
        self._line = line
        try:
            while not self._closed:
                tick = await line.tick()
                line.send(SILENCE)
                for frame in tick.frames:
                    self._hear(SILENCE if self._deaf() else frame, clock)
        except LineLostError:
            pass  # one of the two has hung up
        finally:
            line.close()
            for _ in range(LAST_FRAMES):
                self._hear(SILENCE, clock)
            self.ended.set()

    def _hear(self, frame: bytes, clock: Callable[[], float]) -> None:
        event = self._endpointer.feed(frame)
        if isinstance(event, SpeechEnded):
            began = clock() - (self._endpointer.now - event.start)
            self._on_speech(Overheard(self._who, event.pcm, LINE_RATE, began))


class Taps:
    """The taps of all conversations of this node. Belongs to one event loop."""

    def __init__(
        self,
        spy: Callable[[str, str], None],
        endpointer: Callable[[], Endpointer],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``spy(leg, id)`` asks Asterisk to bring what a leg says as the call ``id``.

        It may block and raise SwitchboardError.
        """
        self._spy = spy
        self._endpointer = endpointer
        self._clock = clock
        self._expected: dict[str, Tap] = {}

    async def open(
        self,
        leg: str,
        who: str,
        on_speech: Callable[[Overheard], None],
        deaf: Callable[[], bool] = lambda: False,
    ) -> Tap:
        """Begin to overhear a leg; while ``deaf``, what it says is nobody's business.

        Never raises: a tap that fails is one that hears nothing.
        """
        tap, ear = Tap(who, self._endpointer(), on_speech, deaf), str(uuid4())
        self._expected[ear] = tap
        asyncio.get_running_loop().call_later(ARRIVAL, self._expected.pop, ear, None)
        try:
            await asyncio.to_thread(self._spy, leg, ear)
        except Exception as error:
            # Asterisk is away, a leg has ended: whatever it is, the conversation goes on.
            self._expected.pop(ear, None)
            log.warning("tap.not_opened", who=who, error=str(error))
        return tap

    async def arrive(self, ear: str, line: Line) -> bool:
        """Follow the sound of a leg that was asked for, to its end; False for any other."""
        tap = self._expected.pop(ear, None)
        if tap is None:
            return False
        await tap.follow(line, self._clock)
        return True
