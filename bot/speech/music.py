"""Hold music, composed here so that it belongs to nobody else.

A quiet pentatonic melody over soft chords; a city puts its own WAV files in its place.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Hertz of the scale's notes: C D E G A over two octaves (equal temperament, A4 = 440 Hz).
_SCALE = [261.63, 293.66, 329.63, 392.00, 440.00, 523.25, 587.33, 659.25]
_CHORDS = [(130.81, 196.00), (110.00, 164.81), (146.83, 220.00), (98.00, 146.83)]
_BEAT = 0.5
_PEAK = 0.25


def _tone(hertz: float, seconds: float, rate: int) -> NDArray[np.float64]:
    """A plucked note: two partials that die away."""
    t = np.arange(int(seconds * rate)) / rate
    envelope = np.exp(-2.2 * t / seconds) * np.minimum(1.0, t / 0.02)
    wave = np.sin(2 * np.pi * hertz * t) + 0.3 * np.sin(4 * np.pi * hertz * t)
    return np.asarray(wave * envelope)


def compose(seconds: float = 64.0, rate: int = 8000, seed: int = 12345) -> bytes:
    """Return ``seconds`` of music: slin (16-bit little-endian mono) at ``rate``."""
    random = np.random.default_rng(seed)
    sound = np.zeros(int((seconds + 4) * rate))
    note = 4
    for beat in range(int(seconds / _BEAT)):
        at = int(beat * _BEAT * rate)
        if beat % 8 == 0:
            for hertz in _CHORDS[beat // 8 % len(_CHORDS)]:
                tone = 0.5 * _tone(hertz, 4.0, rate)
                sound[at : at + len(tone)] += tone
        if random.random() < 0.75:
            note = int(np.clip(note + random.integers(-2, 3), 0, len(_SCALE) - 1))
            tone = _tone(_SCALE[note], 1.5, rate)
            sound[at : at + len(tone)] += tone
    sound = sound[: int(seconds * rate)]
    fade = np.linspace(0.0, 1.0, rate)
    sound[:rate] *= fade
    sound[-rate:] *= fade[::-1]
    return bytes((sound / np.abs(sound).max() * _PEAK * 32767).astype("<i2").tobytes())
