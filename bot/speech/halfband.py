"""Streams of sound between the two rates of a telephone, piece by piece and with no seam.

A half-band low-pass (31 taps, Hamming window) that remembers the end of the piece before; it
delays by 15 samples of the higher rate. Leaves to others: whole recordings
(``audio.resample``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bot.speech.audio import samples
from bot.speech.types import LINE_RATE

TAPS = 31
_PLACES = np.arange(TAPS) - TAPS // 2
#: Passes what lies below a quarter of the higher rate.
_LOW_PASS: NDArray[np.float64] = np.sinc(_PLACES / 2) * np.hamming(TAPS)


class _Filter:
    def __init__(self) -> None:
        self._tail = np.zeros(TAPS - 1)

    def pass_on(self, sound: NDArray[np.float64]) -> NDArray[np.float64]:
        padded = np.concatenate([self._tail, sound])
        self._tail = padded[len(sound) :]
        return np.convolve(padded, _LOW_PASS, mode="valid")


class Doubler:
    """One stream on its way from 8 to 16 kHz."""

    def __init__(self) -> None:
        self._filter = _Filter()

    def double(self, pcm: bytes) -> NDArray[np.float64]:
        """Return the next sound (slin, 8 kHz) at 16 kHz, -32768 to 32767."""
        spread = np.zeros(len(pcm) // 2 * 2)
        spread[::2] = samples(pcm)
        return self._filter.pass_on(spread)


class Narrower:
    """One stream on its way to 8 kHz, from 16 kHz or from there already."""

    def __init__(self, rate: int) -> None:
        self._filter = None if rate == LINE_RATE else _Filter()

    def narrow(self, pcm: bytes) -> bytes:
        """Return the next sound (slin, an even number of samples) as slin, 8 kHz."""
        if self._filter is None:
            return pcm
        half = self._filter.pass_on(samples(pcm).astype(np.float64))[::2] / 2
        return half.clip(-32768, 32767).astype("<i2").tobytes()
