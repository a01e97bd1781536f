"""Synthetic citizens: one clean voice made into many, on a phone line with a street behind it.

For fixtures, tests and measurements; everything is repeatable by its seed. Leaves to others:
the voice itself (``voice.py``).
"""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from bot.speech.audio import samples, through_mulaw, to_pcm
from bot.speech.types import FRAME_BYTES, LINE_RATE

#: Pass band of a telephone line, hertz (ITU-T G.712).
BAND = (300.0, 3400.0)
NOISES = ("white", "street", "babble")
#: Packets that are lost together, on average: losses on the internet come in bursts.
BURST = 1.5
#: What each repeated packet keeps of the one before, as concealment fades out.
CONCEALED = 0.6


def telephone(
    pcm: bytes,
    rate: int,
    *,
    snr_db: float | None = None,
    noise: str = "white",
    pitch: float = 1.0,
    loss: float = 0.0,
    seed: int = 1,
) -> bytes:
    """Return speech as it arrives at the line: slin, 8 kHz, through mu-law.

    ``pitch`` above 1 gives a higher and faster voice (the sound is played faster);
    ``snr_db`` is the ratio of the voiced parts to the noise, None for no noise;
    ``loss`` is the share of packets (20 ms) that the network loses, 0 to 1.

    Raises:
        ValueError: unknown noise.
    """
    sound = samples(pcm).astype(np.float64) / 32768
    sound = soxr.resample(sound, rate * pitch, LINE_RATE)
    if snr_db is not None:
        sound = sound + background(noise, len(sound), seed) * _noise_gain(sound, snr_db)
    peak = np.abs(sound).max(initial=0.0)
    if peak > 0.95:
        sound = sound * (0.95 / peak)
    return with_loss(through_mulaw(to_pcm(_band(sound))), loss, seed)


def with_loss(pcm: bytes, share: float, seed: int = 1) -> bytes:
    """Lose ``share`` (0 to 1) of the packets of line audio, and conceal it as phones do.

    Losses follow Gilbert's model of two states with bursts of ``BURST`` packets; a lost
    packet is the one before once more, softer each time.
    """
    if share <= 0.0:
        return pcm
    random = np.random.default_rng(seed)
    sound = samples(pcm).astype(np.float64)
    size = FRAME_BYTES // 2
    lost = False
    for start in range(size, len(sound) - size + 1, size):
        stay = 1 - 1 / BURST if lost else share / BURST / max(1e-9, 1 - share)
        lost = bool(random.random() < stay)
        if lost:
            sound[start : start + size] = CONCEALED * sound[start - size : start]
    return bytes(sound.astype("<i2").tobytes())


def _noise_gain(sound: NDArray[np.float64], snr_db: float) -> float:
    voiced = sound[np.abs(sound) > 0.02]
    power = np.sqrt(np.mean(voiced**2)) if voiced.size else 0.1
    return float(power / 10 ** (snr_db / 20))


def background(noise: str, count: int, seed: int) -> NDArray[np.float64]:
    """Return ``count`` samples of noise at 8 kHz with an RMS of 1.

    Raises:
        ValueError: unknown noise.
    """
    random = np.random.default_rng(seed)
    white = random.standard_normal(count)
    if noise == "white":
        sound = white
    elif noise == "street":
        # Rumble of engines, swelling and fading as they pass.
        spectrum = np.fft.rfft(white)
        spectrum /= np.maximum(np.fft.rfftfreq(count, 1 / LINE_RATE), 40.0)
        passing = 1 + 0.6 * np.sin(2 * np.pi * 0.13 * np.arange(count) / LINE_RATE)
        sound = np.fft.irfft(spectrum, count) * passing
    elif noise == "babble":
        # Noise with the spectrum and the rhythm of speech, many voices at once.
        spectrum = np.fft.rfft(white)
        hertz = np.fft.rfftfreq(count, 1 / LINE_RATE)
        spectrum *= np.exp(-((np.log(np.maximum(hertz, 1.0) / 500) / 0.8) ** 2))
        rhythm = sum(
            1 + np.sin(2 * np.pi * random.uniform(2, 6) * np.arange(count) / LINE_RATE + phase)
            for phase in random.uniform(0, 6, size=6)
        )
        sound = np.fft.irfft(spectrum, count) * rhythm
    else:
        raise ValueError(f"unknown noise {noise!r}: use one of {', '.join(NOISES)}")
    rms = np.sqrt(np.mean(sound**2)) if count else 1.0
    return np.asarray(sound / rms)


def _band(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keep what passes a telephone line; the edges are a raised cosine 100 Hz wide."""
    if not sound.size:
        return sound
    hertz = np.fft.rfftfreq(len(sound), 1 / LINE_RATE)
    low = np.clip((hertz - BAND[0] + 100) / 100, 0, 1)
    high = np.clip((BAND[1] + 100 - hertz) / 100, 0, 1)
    return np.fft.irfft(np.fft.rfft(sound) * low * high, len(sound))
