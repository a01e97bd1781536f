"""The AudioSocket wire: a call's sound in and out of this process, and its keypad digits.

Format (Asterisk ``res_audiosocket``): one byte of kind, two bytes of big-endian length,
then the payload. Asterisk opens the connection, names the call by UUID, and sends 20 ms of
audio at a time; we must send 20 ms every 20 ms too. The kind of a message with sound says how
many samples a second it has.

Leaves to others: which call a UUID is (``calls.py``) and what is said (``conversation.py``).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from enum import IntEnum
from uuid import UUID

from bot.speech.audio import resample
from bot.speech.types import FRAME_MS, LINE_RATE, WIDE_RATE, frame_bytes
from bot.telephony.line import LineLostError, Tick

#: Ticks without a frame from the caller after which silence is assumed (phones may stop
#: sending while nobody speaks).
QUIET_TICKS = 3
#: Seconds by which playing may run late before the debt is forgotten instead of sent in a burst.
MAX_DEBT = 0.1
#: Unsent bytes (one second of wideband sound, two of narrowband) after which the peer counts
#: as stuck.
MAX_UNSENT = 32_000


class Kind(IntEnum):
    """Kinds of AudioSocket messages that we meet."""

    HANGUP = 0x00
    ID = 0x01
    DTMF = 0x03
    SLIN = 0x10
    SLIN16 = 0x12
    ERROR = 0xFF


#: Samples per second of each kind of sound that we meet.
RATES = {Kind.SLIN: LINE_RATE, Kind.SLIN16: WIDE_RATE}
KINDS = {rate: kind for kind, rate in RATES.items()}


def message(kind: Kind, payload: bytes = b"") -> bytes:
    """Encode one message. ``payload`` is at most 65,535 bytes."""
    return bytes((kind,)) + len(payload).to_bytes(2, "big") + payload


class Parser:
    """Cuts a byte stream into messages, whatever the chunks it arrives in."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Take the next bytes; yield each complete (kind, payload)."""
        self._buffer += data
        while len(self._buffer) >= 3:
            end = 3 + int.from_bytes(self._buffer[1:3], "big")
            if len(self._buffer) < end:
                return
            kind, payload = self._buffer[0], bytes(self._buffer[3:end])
            del self._buffer[:end]
            yield kind, payload


class AudioSocketLine(asyncio.Protocol):
    """One caller's sound, as a ``Line`` that ticks in real time."""

    realtime = True

    def __init__(self, on_call: Callable[[str, AudioSocketLine], Awaitable[None]]) -> None:
        self.rate = LINE_RATE
        """Samples per second of what is played and given out. Whoever takes the call sets it
        before the first tick, to what Asterisk was told to send."""
        self._on_call = on_call
        self._parser = Parser()
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Future[None] | None = None
        self._frames: deque[tuple[int, bytes]] = deque(maxlen=500)
        self._remainder = b""
        self._arriving = LINE_RATE
        self._keys: deque[str] = deque(maxlen=64)
        self._gone = ""
        self._due = 0.0
        self._quiet = 0

    # --- asyncio.Protocol --------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asterisk has connected."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Sort what arrived into sound, keys and the end of the call."""
        for kind, payload in self._parser.feed(data):
            if kind in RATES:
                self._take_sound(RATES[Kind(kind)], payload)
            elif kind == Kind.DTMF:
                self._keys.extend(payload.decode("ascii", errors="ignore"))
            elif kind == Kind.ID and self._task is None:
                self._begin(payload)
            elif kind in (Kind.HANGUP, Kind.ERROR):
                self._gone = self._gone or "hung up"

    def connection_lost(self, exc: Exception | None) -> None:
        """The call's sound is over, for whatever reason."""
        self._gone = self._gone or (f"connection lost: {exc}" if exc else "hung up")

    def _begin(self, payload: bytes) -> None:
        try:
            call_id = str(UUID(bytes=payload))
        except ValueError:
            self.close()
            return
        self._due = asyncio.get_running_loop().time()
        self._task = asyncio.ensure_future(self._on_call(call_id, self))

    def _take_sound(self, rate: int, payload: bytes) -> None:
        # Frames are 20 ms as a rule; anything else is cut to that size without loss.
        data = payload if rate != self._arriving else self._remainder + payload
        size = frame_bytes(rate)
        whole = len(data) - len(data) % size
        self._frames.extend((rate, data[i : i + size]) for i in range(0, whole, size))
        self._arriving, self._remainder = rate, data[whole:]

    # --- Line --------------------------------------------------------------------------

    async def tick(self) -> Tick:
        """Wait for the next 20 ms; return what came in since the last tick.

        Raises:
            LineLostError: the caller or Asterisk is gone, or no longer takes our sound.
        """
        loop = asyncio.get_running_loop()
        self._due += FRAME_MS / 1000
        wait = self._due - loop.time()
        if wait < -MAX_DEBT:
            self._due = loop.time()
        await asyncio.sleep(max(0.0, wait))
        if self._gone:
            raise LineLostError(self._gone)
        assert self._transport is not None
        if self._transport.get_write_buffer_size() > MAX_UNSENT:
            raise LineLostError("Asterisk no longer takes our sound")
        # All are of our rate, unless the other end does not do what it was told.
        frames = tuple(resample(frame, rate, self.rate) for rate, frame in self._frames)
        self._frames.clear()
        keys = "".join(self._keys)
        self._keys.clear()
        self._quiet = 0 if frames else self._quiet + 1
        if self._quiet > QUIET_TICKS:
            frames = (bytes(frame_bytes(self.rate)),)
        return Tick(frames, keys)

    def send(self, frame: bytes) -> None:
        """Send 20 ms of sound, slin of ``rate``, to the caller."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(message(KINDS[self.rate], frame))

    def close(self) -> None:
        """End the sound; Asterisk then gives the caller back to the dialplan."""
        if self._transport is not None and not self._transport.is_closing():
            with contextlib.suppress(OSError):
                self._transport.write(message(Kind.HANGUP))
            self._transport.close()


async def serve_audio(
    port: int, on_call: Callable[[str, AudioSocketLine], Awaitable[None]]
) -> asyncio.Server:
    """Listen on loopback; ``on_call(call_id, line)`` runs once for each call."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: AudioSocketLine(on_call), "127.0.0.1", port)
