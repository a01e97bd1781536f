"""Sound as bytes: WAV files in and out, sample rates, frames, loudness, the phone's codec.

Everything here is signed 16-bit little-endian mono ("slin") unless said otherwise. Leaves
to others: streams on the wire (``telephony/audiosocket.py``).
"""

from __future__ import annotations

import io
import os
import tempfile
import wave
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import soxr
from numpy.typing import NDArray

from bot.speech.types import LINE_RATE, SpeechError, frame_bytes

#: The longest recording that is taken, seconds: an hour, as no caller speaks longer.
MAX_SECONDS = 3600
#: Loudness to which speech is levelled, dB below full scale (RMS of the voiced parts).
TARGET_DBFS = -20.0

Samples = NDArray[np.int16]


def samples(pcm: bytes) -> Samples:
    """View slin as an array of int16; an odd last byte is dropped."""
    return np.frombuffer(pcm[: len(pcm) - len(pcm) % 2], dtype="<i2")


def to_pcm(sound: NDArray[np.floating]) -> bytes:
    """Turn floats in -1..1 into slin, clipping what is beyond."""
    return bytes((np.clip(sound, -1.0, 1.0) * 32767).astype("<i2").tobytes())


def seconds(pcm: bytes, rate: int = LINE_RATE) -> float:
    """Length of slin in seconds."""
    return len(pcm) / 2 / rate


def frames(pcm: bytes, rate: int = LINE_RATE) -> Iterator[bytes]:
    """Cut slin into frames of 20 ms; the last is filled up with silence."""
    size = frame_bytes(rate)
    for start in range(0, len(pcm), size):
        yield pcm[start : start + size].ljust(size, b"\0")


def resample(pcm: bytes, source: int, target: int) -> bytes:
    """Change the sample rate, in samples per second; silence stays silence."""
    if source == target or not pcm:
        return pcm
    # As floats: soxr dithers integers, and a pause would be sound.
    converted = soxr.resample(samples(pcm).astype(np.float32), source, target)
    return bytes(np.rint(converted).clip(-32768, 32767).astype("<i2").tobytes())


def read_wav(path: Path, rate: int = LINE_RATE) -> bytes:
    """Read any usual sound file as slin, mono, of ``rate`` samples per second.

    Raises:
        SpeechError: no such file, not sound, empty, or absurdly long; says which.
    """
    if not path.is_file():
        raise SpeechError(f"{path}: there is no such file.")
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise SpeechError(f"{path}: holds no sound.")
            resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
            out = bytearray()
            for frame in container.decode(audio=0):
                for converted in resampler.resample(frame):
                    out += converted.to_ndarray().tobytes()
                if len(out) > MAX_SECONDS * rate * 2:
                    raise SpeechError(f"{path}: longer than an hour.")
            for converted in resampler.resample(None):
                out += converted.to_ndarray().tobytes()
    except (av.FFmpegError, ValueError, OverflowError) as error:
        raise SpeechError(
            f"{path}: cannot be read as sound ({error}). Give a WAV, for example 8 kHz mono 16-bit."
        ) from error
    if not out:
        raise SpeechError(f"{path}: holds no sound.")
    return bytes(out)


def wav_bytes(pcm: bytes, rate: int = LINE_RATE) -> bytes:
    """Wrap slin into a WAV file's bytes."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm)
    return buffer.getvalue()


def write_wav(path: Path, pcm: bytes, rate: int = LINE_RATE) -> None:
    """Write slin as a WAV; the file appears whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "wb") as file:
        file.write(wav_bytes(pcm, rate))
    Path(name).chmod(0o644)
    Path(name).replace(path)


def through_mulaw(pcm: bytes) -> bytes:
    """What is left of line audio after G.711 mu-law (ITU-T G.711: 8 segments of 16 steps)."""
    value = samples(pcm).astype(np.int32)
    sign = np.where(value < 0, -1, 1)
    magnitude = np.minimum(np.abs(value), 32635) + 132
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    step = 1 << (exponent + 3)
    coded = (magnitude // step) * step + step // 2
    return bytes((sign * (coded - 132)).clip(-32768, 32767).astype("<i2").tobytes())


def stretched(pcm: bytes, speed: float, rate: int = LINE_RATE) -> bytes:
    """Play slin at another speed (0.5 to 2) without changing its pitch.

    By ffmpeg's ``atempo``, which overlaps waveforms where they fit (WSOLA, Verhelst and
    Roelands 1993).
    """
    if speed == 1.0 or len(pcm) < 2:
        return pcm
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=rate, format="s16", layout="mono")
    tempo, sink = graph.add("atempo", f"{speed:.3f}"), graph.add("abuffersink")
    source.link_to(tempo)
    tempo.link_to(sink)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(samples(pcm).reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = rate
    graph.push(frame)
    graph.push(None)
    out = bytearray()
    while True:
        try:
            out += graph.pull().to_ndarray().tobytes()
        except (BlockingIOError, EOFError):
            return bytes(out)


def level(pcm: bytes, target_dbfs: float = TARGET_DBFS) -> bytes:
    """Bring speech to an even loudness without clipping; silence stays silence."""
    sound = samples(pcm).astype(np.float64) / 32768
    voiced = sound[np.abs(sound) > 0.01]
    if voiced.size < 80:
        return pcm
    gain = 10 ** (target_dbfs / 20) / np.sqrt(np.mean(voiced**2))
    gain = min(gain, 0.95 / np.abs(sound).max())
    return to_pcm(sound * gain)
