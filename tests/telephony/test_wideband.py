"""The line's own Asterisk configuration between a phone and a bot that says everything back."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from running_line import free_ports

from bot.config import Settings
from bot.node.asterisk import find_or_fetch_asterisk
from bot.node.render import render
from bot.node.secrets import load_secrets
from bot.speech.audio import samples
from bot.speech.types import LINE_RATE, WIDE_RATE
from bot.telephony.agi import AgiServer, take_call
from bot.telephony.audiosocket import AudioSocketLine, serve_audio
from bot.telephony.calls import CallBook, NextStop, Outcome
from bot.telephony.line import LineLostError
from bot.telephony.phone import Phone

pytestmark = pytest.mark.call


class EchoBot:
    """Takes calls as the line does, and plays back what it hears."""

    def __init__(self, settings: Settings) -> None:
        self.book = CallBook()
        self.rates: list[int] = []
        self.agi = AgiServer(
            settings.agi_port, lambda agi: take_call(agi, self.book, settings.audio_port)
        )
        self.agi.start()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self._on_loop(serve_audio(settings.audio_port, self._echo))

    def _on_loop(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result(5)

    async def _echo(self, call_id: str, line: AudioSocketLine) -> None:
        arrived = self.book.arrive(call_id)
        assert arrived is not None
        call, future = arrived
        line.rate = call.rate
        self.rates.append(call.rate)
        try:
            while True:
                for frame in (await line.tick()).frames:
                    line.send(frame)
        except LineLostError:
            future.set_result(Outcome(NextStop.GOODBYE, "echoed"))

    def stop(self) -> None:
        self.agi.stop()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Where an Asterisk with the line's configuration listens."""
    names = ("sip", "ami", "agi", "audio", "ws")
    ports = {f"{name}_port": port for name, port in zip(names, free_ports(5), strict=True)}
    settings = Settings(state=tmp_path_factory.mktemp("state"), **ports)  # type: ignore[arg-type]
    install = find_or_fetch_asterisk(settings, print)
    conf = render(settings, load_secrets(settings), install)
    environment = {**os.environ, **install.env}
    process = subprocess.Popen(
        install.command(conf, "-f"), env=environment, stdout=subprocess.DEVNULL
    )

    def up() -> bool:
        asked = install.command(conf, "-rx", "core waitfullybooted")
        said = subprocess.run(asked, env=environment, capture_output=True, text=True, check=False)
        return "fully booted" in said.stdout

    try:
        deadline = time.monotonic() + 30
        while not up():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield settings
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def bot(settings: Settings) -> Iterator[EchoBot]:
    bot = EchoBot(settings)
    yield bot
    bot.stop()


def two_tones(seconds: float) -> bytes:
    t = np.arange(int(seconds * WIDE_RATE)) / WIDE_RATE
    sound = 6000 * (np.sin(2 * np.pi * 1000 * t) + np.sin(2 * np.pi * 6000 * t))
    return sound.astype("<i2").tobytes()


def share_above_four_kilohertz(pcm: bytes) -> float:
    power = np.abs(np.fft.rfft(samples(pcm).astype(float))) ** 2
    return float(power[len(power) // 2 :].sum() / power.sum())


@pytest.mark.parametrize(
    ("codecs", "rate"),
    [
        (["G722"], WIDE_RATE),
        (["G722", "PCMA", "PCMU"], WIDE_RATE),
        (["PCMA", "PCMU", "G722"], WIDE_RATE),
        (["PCMA", "PCMU"], LINE_RATE),
    ],
)
def test_a_phone_is_heard_and_spoken_to_with_all_the_bandwidth_that_it_has(
    settings: Settings, bot: EchoBot, codecs: list[str], rate: int
) -> None:
    server = f"127.0.0.1:{settings.sip_port}"
    with Phone(server=server, codecs=codecs, rate=WIDE_RATE) as phone:
        phone.call("12345")
        phone.wait_answered()
        phone.wait_until(0.5)
        phone.speak(two_tones(1.0))
        phone.wait_spoken(5.0)
        begins = phone.wait_sound(5.0, 0.4)
        phone.wait_until(begins + 0.8)
        heard = phone.heard()
        phone.hangup()
    assert bot.rates[-1] == rate
    place = int((begins + 0.2) * WIDE_RATE) * 2
    share = share_above_four_kilohertz(heard[place : place + WIDE_RATE])
    assert share > 0.3 if rate == WIDE_RATE else share < 0.01
