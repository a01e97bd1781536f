"""A line without Asterisk: frames as a test gives them, and a detector that reads loudness."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import numpy as np

from bot.speech.audio import to_pcm
from bot.speech.types import FRAME_BYTES, LINE_RATE
from bot.telephony.line import LineLostError, Tick

SILENCE = bytes(FRAME_BYTES)
FRAME = 0.02


def voice_like(seconds: float, *, hum: bool = False) -> list[bytes]:
    """Frames that the detector here takes for speech: rich in its spectrum, or a hum."""
    t = np.arange(int(seconds * 8000)) / 8000
    sound = 0.3 * np.sin(2 * np.pi * 250 * t)
    if not hum:
        sound = sound + 0.2 * np.random.default_rng(3).standard_normal(len(t))
    pcm = to_pcm(sound)
    return [pcm[i : i + FRAME_BYTES].ljust(FRAME_BYTES, b"\0") for i in range(0, len(pcm), 320)]


class LoudnessVad:
    """Whatever is loud is speech."""

    def probability(self, chunk: bytes) -> float:
        return float(np.sqrt(np.mean(np.frombuffer(chunk, "<i2").astype(float) ** 2)) > 500)


@dataclass
class ScriptedLine:
    """A caller who sends given frames, one a tick, and then silence; not in real time."""

    frames: list[bytes]
    keys: dict[int, str] = field(default_factory=dict)
    lost_at: int = 2000
    rate: int = LINE_RATE
    realtime: bool = False
    sent: list[bytes] = field(default_factory=list)
    closed: bool = False

    async def tick(self) -> Tick:
        await asyncio.sleep(0)
        now = len(self.sent)
        if now >= self.lost_at:
            raise LineLostError("the script is over")
        frame = self.frames[now] if now < len(self.frames) else SILENCE
        return Tick((frame,), self.keys.get(now, ""))

    def send(self, frame: bytes) -> None:
        self.sent.append(frame)

    def close(self) -> None:
        self.closed = True
