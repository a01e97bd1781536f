"""What can be told from a recording of a call: where there is sound, and how fast it came.

Pure functions over slin audio (signed 16-bit little-endian mono, 8 kHz unless told). Sound is
found by energy, which is enough on a line whose pauses are silent. Times are seconds from the
recording's first sample. Leaves to others: what the sound means (``bot/speech``) and
how it was recorded (``phone.py``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Samples per second of a recording.
RATE = 8000
#: Length of the frames whose energy is taken, in seconds.
STEP = 0.01
#: Root mean square above which a frame is sound, of 32768 (-45 dBFS).
SOUND_RMS = 180.0
#: Pauses shorter than this, in seconds, are part of the speech around them.
PAUSE = 0.3
#: Sounds shorter than this, in seconds, are clicks.
CLICK = 0.04


def frame_levels(pcm: bytes, rate: int = RATE) -> NDArray[np.float64]:
    """Root mean square (0 to 32768) of each whole ``STEP`` of the audio."""
    size = int(rate * STEP)
    samples = np.frombuffer(pcm, dtype="<i2", count=len(pcm) // 2).astype(np.float64)
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    levels: NDArray[np.float64] = np.sqrt(np.mean(np.square(frames), axis=1))
    return levels


def speech_segments(
    pcm: bytes, *, threshold: float = SOUND_RMS, pause: float = PAUSE, rate: int = RATE
) -> list[tuple[float, float]]:
    """Stretches of sound as (start, end), exact to ``STEP``, in order, apart by ``pause``."""
    loud = np.concatenate(([False], frame_levels(pcm, rate) > threshold, [False])).astype(np.int8)
    edges = np.diff(loud)
    runs = zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True)
    segments: list[tuple[float, float]] = []
    for first, last in runs:
        start, end = round(int(first) * STEP, 3), round(int(last) * STEP, 3)
        if segments and start - segments[-1][1] < pause:
            segments[-1] = (segments[-1][0], end)
        else:
            segments.append((start, end))
    return [(start, end) for start, end in segments if end - start >= CLICK]


def speech_bounds(pcm: bytes) -> tuple[float, float] | None:
    """First and last moment of speech in a clip that may have background noise.

    The gate lies at twice the clip's own noise (10th percentile of frame levels), but never
    so high that a steady tone would be taken for noise. ``None`` when there is only silence.
    """
    levels = frame_levels(pcm)
    if not len(levels):
        return None
    noise, loud = np.percentile(levels, (10, 95))
    threshold = max(SOUND_RMS, min(2.0 * float(noise), 0.3 * float(loud)))
    segments = speech_segments(pcm, threshold=threshold)
    return (segments[0][0], segments[-1][1]) if segments else None


def answer_latency(heard: bytes, spoken_end: float) -> float | None:
    """Seconds from ``spoken_end`` to the first sound that begins after it; ``None`` if none."""
    starts = [start for start, _ in speech_segments(heard) if start >= spoken_end]
    return round(starts[0] - spoken_end, 3) if starts else None


def stop_time(heard: bytes, barge_at: float) -> float:
    """Seconds that the sound heard at ``barge_at`` went on; 0 if it was silent by then."""
    for start, end in speech_segments(heard):
        if start <= barge_at < end:
            return round(end - barge_at, 3)
    return 0.0


def is_quiet(heard: bytes, seconds: float, rate: int = RATE) -> bool:
    """Whether the last ``seconds`` of the recording exist and hold no sound."""
    tail = int(seconds * rate) * 2
    return len(heard) >= tail and not speech_segments(heard[-tail:], rate=rate)
