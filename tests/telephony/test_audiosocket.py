"""The AudioSocket wire, byte by byte, and a line's behaviour on a real socket."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.speech.types import FRAME_BYTES, WIDE_RATE, frame_bytes
from bot.telephony.audiosocket import (
    AudioSocketLine,
    Kind,
    Parser,
    message,
    serve_audio,
)
from bot.telephony.line import LineLostError

SILENCE = bytes(FRAME_BYTES)

messages = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=700)), max_size=8)


def test_a_message_is_kind_then_big_endian_length_then_payload() -> None:
    assert message(Kind.SLIN, b"\x01\x02\x03") == b"\x10\x00\x03\x01\x02\x03"


@given(messages, st.lists(st.integers(1, 50), min_size=1))
def test_messages_survive_any_cutting_of_the_stream(
    sent: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    stream = b"".join(bytes((kind,)) + len(body).to_bytes(2, "big") + body for kind, body in sent)
    parser, received, at, turn = Parser(), [], 0, 0
    while at < len(stream):
        size = cuts[turn % len(cuts)]
        received += list(parser.feed(stream[at : at + size]))
        at, turn = at + size, turn + 1
    assert received == sent


class Peer:
    """Asterisk's side of one call."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def read(self) -> tuple[int, bytes]:
        kind, high, low = await self.reader.readexactly(3)
        return kind, await self.reader.readexactly(high << 8 | low)


async def connected() -> tuple[Peer, AudioSocketLine, asyncio.Server, str]:
    arrived: asyncio.Future[tuple[str, AudioSocketLine]] = asyncio.Future()

    async def on_call(call_id: str, line: AudioSocketLine) -> None:
        arrived.set_result((call_id, line))

    server = await serve_audio(0, on_call)
    port = server.sockets[0].getsockname()[1]
    peer = Peer(*await asyncio.open_connection("127.0.0.1", port))
    call_id = uuid4()
    peer.writer.write(message(Kind.ID, call_id.bytes))
    seen, line = await arrived
    assert seen == str(call_id)
    return peer, line, server, seen


async def ticks(line: AudioSocketLine, count: int) -> None:
    for _ in range(count):
        await line.tick()


async def test_sound_and_keys_arrive_with_the_next_ticks() -> None:
    peer, line, server, _ = await connected()
    frame = bytes(range(160)) * 2
    peer.writer.write(message(Kind.SLIN, frame) + message(Kind.DTMF, b"5"))
    frames, keys = [], ""
    for _ in range(5):
        tick = await line.tick()
        frames += tick.frames
        keys += tick.keys
    assert frames[0] == frame
    assert keys == "5"
    peer.writer.close()
    server.close()


async def test_frames_of_another_size_are_cut_to_twenty_milliseconds_without_loss() -> None:
    peer, line, server, _ = await connected()
    sound = bytes(i % 251 for i in range(FRAME_BYTES * 3))
    for start in range(0, len(sound), 240):
        peer.writer.write(message(Kind.SLIN, sound[start : start + 240]))
    received = b""
    while len(received) < len(sound):
        received += b"".join((await line.tick()).frames)
    assert received[: len(sound)] == sound
    peer.writer.close()
    server.close()


async def test_a_wideband_caller_is_heard_and_spoken_to_in_messages_of_their_own_kind() -> None:
    peer, line, server, _ = await connected()
    line.rate = WIDE_RATE
    frame = bytes(i % 251 for i in range(frame_bytes(WIDE_RATE)))
    peer.writer.write(message(Kind.SLIN16, frame[:100]) + message(Kind.SLIN16, frame[100:]))
    frames: list[bytes] = []
    while not frames:
        frames += (await line.tick()).frames
    assert frames == [frame]
    line.send(frame)
    assert await peer.read() == (Kind.SLIN16, frame)
    peer.writer.close()
    server.close()


async def test_sound_of_a_rate_that_nobody_asked_for_is_heard_all_the_same() -> None:
    peer, line, server, _ = await connected()
    wide = bytes(frame_bytes(WIDE_RATE))
    peer.writer.write(
        message(Kind.SLIN, b"\1" * 100) + message(Kind.SLIN16, wide) + message(0x13, b"\1" * 960)
    )
    frames: list[bytes] = []
    while not frames:
        frames += (await line.tick()).frames
    assert frames == [SILENCE]
    peer.writer.close()
    server.close()


async def test_a_phone_that_sends_nothing_is_heard_as_silence() -> None:
    peer, line, server, _ = await connected()
    seen = [await line.tick() for _ in range(6)]
    assert seen[0].frames == ()
    assert seen[-1].frames == (SILENCE,)
    peer.writer.close()
    server.close()


async def test_a_caller_who_hangs_up_ends_the_line() -> None:
    peer, line, server, _ = await connected()
    peer.writer.write(message(Kind.HANGUP))
    with pytest.raises(LineLostError):
        await ticks(line, 10)
    peer.writer.close()
    server.close()


async def test_a_peer_that_stops_reading_does_not_hold_the_line_for_ever() -> None:
    peer, line, server, _ = await connected()

    async def talk_on() -> None:
        for _ in range(60_000):
            await asyncio.sleep(0)
            for _ in range(50):
                line.send(bytes(FRAME_BYTES))
            line._due = 0.0  # the test does not wait for real time
            await line.tick()

    with pytest.raises(LineLostError, match="no longer takes"):
        await talk_on()
    peer.writer.close()
    server.close()


async def test_closing_tells_asterisk_that_the_sound_is_over() -> None:
    peer, line, server, _ = await connected()
    line.send(SILENCE)
    line.close()
    assert await peer.read() == (Kind.SLIN, SILENCE)
    assert await peer.read() == (Kind.HANGUP, b"")
    assert await peer.reader.read() == b""
    peer.writer.close()
    server.close()


async def test_ticks_keep_their_pace_even_after_a_late_one() -> None:
    peer, line, server, _ = await connected()
    loop = asyncio.get_running_loop()
    await line.tick()
    began = loop.time()
    for turn in range(20):
        await line.tick()
        if turn == 5:
            await asyncio.sleep(0.05)
    # 20 ticks are 400 ms; the 50 ms lost in the middle are caught up, not added.
    assert loop.time() - began < 0.44
    peer.writer.close()
    server.close()
