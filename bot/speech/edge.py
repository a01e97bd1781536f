"""The edge voice (edge-tts): natural, but made by a third party on the internet.

Used only where the operator allowed it, since every text is sent away. Leaves to others:
the choice of engine (``engines.py``).
"""

from __future__ import annotations

import asyncio
import io
import socket

import aiohttp
import av
import edge_tts
from edge_tts.exceptions import EdgeTTSException

from bot.speech.types import SpeechError, SpokenAudio

#: Samples per second of the sound that is handed on.
RATE = 24000
#: Pitch of a woman's voice, hertz: the service takes a difference to it.
USUAL_HERTZ = 220
#: Seconds after which a sentence is given up.
TIMEOUT = 10.0
_HOST, _PORT = "speech.platform.bing.com", 443


class EdgeSynthesiser:
    """Microsoft's read-aloud service, as edge-tts reaches it. Thread-safe."""

    name = "edge"

    def __init__(self, voice: str = "zh-CN-XiaoxiaoNeural") -> None:
        self.voice = voice

    def reachable(self, timeout: float) -> bool:
        """Whether the service answers within ``timeout`` seconds."""
        try:
            with socket.create_connection((_HOST, _PORT), timeout):
                return True
        except OSError:
            return False

    def speak(self, text: str, speed: float = 1.0, pitch: float = 1.0) -> SpokenAudio:
        """Say one sentence.

        Raises:
            SpeechError: the service cannot be reached or refuses.
        """
        try:
            mp3 = asyncio.run(asyncio.wait_for(self._fetch(text, speed, pitch), TIMEOUT))
        except (EdgeTTSException, aiohttp.ClientError, OSError, TimeoutError) as error:
            raise SpeechError(f"edge-tts cannot be reached: {error or 'no answer'}") from error
        return decoded(mp3)

    async def _fetch(self, text: str, speed: float, pitch: float) -> bytes:
        rate = f"{round((speed - 1) * 100):+d}%"
        height = f"{round((pitch - 1) * USUAL_HERTZ):+d}Hz"
        sound = bytearray()
        async for chunk in edge_tts.Communicate(text, self.voice, rate=rate, pitch=height).stream():
            if chunk["type"] == "audio":
                sound += chunk["data"]
        return bytes(sound)


def decoded(compressed: bytes) -> SpokenAudio:
    """Decode what the service sends (MP3) to slin.

    Raises:
        SpeechError: it is not sound.
    """
    out = bytearray()
    try:
        with av.open(io.BytesIO(compressed), "r") as container:
            resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
            for frame in container.decode(audio=0):
                for converted in resampler.resample(frame):
                    out += converted.to_ndarray().tobytes()
            for converted in resampler.resample(None):
                out += converted.to_ndarray().tobytes()
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise SpeechError(f"edge-tts sent something that is not sound: {error}") from error
    return SpokenAudio(bytes(out), RATE)
