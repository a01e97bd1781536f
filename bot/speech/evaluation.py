"""How well does an engine hear a folder of recordings? One row a recording, one tally a group.

A recording is a sound file with what is said in it beside it: ``NAME.txt``, or the sidecar
``NAME.yaml`` of a fixture, whose ``make`` holds ``say`` (a list) and perhaps ``snr_db`` and
``noise``. Leaves to others: the counting (``scoring.py``) and printing (``commands/asr.py``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.speech.audio import frames, read_wav, seconds
from bot.speech.endpointing import Endpointer, EndpointSettings, SpeechEnded
from bot.speech.scoring import Tally
from bot.speech.types import Recogniser, SpeechError
from bot.speech.vad import SileroVad

SOUNDS = (".wav", ".flac", ".ogg", ".mp3")


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording and what is said in it."""

    path: Path
    text: str
    """All that is said; "" where nobody speaks."""
    noise: str = "unknown"
    """Its noise level in words, for grouping: "20 dB", "clean", "unknown"."""


@dataclass(frozen=True, slots=True)
class Result:
    """One recording as it was heard."""

    recording: Recording
    heard: str
    audio_seconds: float
    decode_seconds: float


def find_recordings(folder: Path) -> list[Recording]:
    """Return the recordings in a folder and those under it that have a transcript.

    Raises:
        SpeechError: there is none, or a transcript cannot be read; says which.
    """
    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SOUNDS and (one := _with_transcript(path)) is not None:
            found.append(one)
    if not found:
        raise SpeechError(
            f"{folder}: no sound file with a transcript beside it. Put the words of NAME.wav "
            "into NAME.txt."
        )
    return found


def _with_transcript(path: Path) -> Recording | None:
    try:
        text, sidecar = path.with_suffix(".txt"), path.with_suffix(".yaml")
        if text.is_file():
            return Recording(path, text.read_text("utf-8").strip())
        if sidecar.is_file():
            return _of_sidecar(path, yaml.safe_load(sidecar.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SpeechError(f"{path}: its transcript cannot be read: {error}") from error
    return None


def _of_sidecar(path: Path, content: Any) -> Recording | None:
    recipe = content.get("make") if isinstance(content, dict) else None
    if not isinstance(recipe, dict) or "mumble" in recipe:
        return None
    snr = recipe.get("snr_db")
    noise = "clean" if snr is None else f"{snr:g} dB"
    return Recording(path, "，".join(recipe.get("say", ())), noise)


def hear(recogniser: Recogniser, pcm: bytes) -> tuple[str, float]:
    """Return what is said in line audio, cut as in a call, and the seconds of decoding.

    Raises:
        SpeechError: the engine failed.
    """
    endpointer = Endpointer(EndpointSettings(), SileroVad())
    texts, spent = [], 0.0
    # Silence at the end, so that the last utterance ends too.
    for frame in frames(pcm + bytes(2 * 8000)):
        event = endpointer.feed(frame)
        if isinstance(event, SpeechEnded):
            began = time.monotonic()
            stream = recogniser.open()
            stream.feed(event.pcm)
            texts.append(stream.finish().text)
            spent += time.monotonic() - began
    return "，".join(text for text in texts if text), spent


def evaluate(
    recogniser: Recogniser,
    recordings: Iterable[Recording],
    say: Callable[[str], None] = lambda _: None,
) -> list[Result]:
    """Hear every recording; ``say`` is told how far it is.

    Raises:
        SpeechError: a recording cannot be read, or the engine failed.
    """
    results = []
    for number, recording in enumerate(recordings, 1):
        pcm = read_wav(recording.path)
        heard, spent = hear(recogniser, pcm)
        results.append(Result(recording, heard, seconds(pcm), spent))
        if number % 10 == 0:
            say(f"{number} recordings heard")
    return results


def tallies(results: Sequence[Result], keywords: Sequence[str]) -> dict[str, Tally]:
    """Add up results by noise level, the whole under "all"."""
    groups: dict[str, Tally] = {}
    for result in results:
        for name in (result.recording.noise, "all"):
            groups.setdefault(name, Tally()).add(
                result.recording.text,
                result.heard,
                keywords,
                audio_seconds=result.audio_seconds,
                decode_seconds=result.decode_seconds,
            )
    # Clean first, then from little noise to much, the whole last.
    return dict(sorted(groups.items(), key=lambda item: _order(item[0])))


def _order(name: str) -> tuple[int, float]:
    if name.endswith(" dB"):
        return 1, -float(name.removesuffix(" dB"))
    return {"clean": 0, "unknown": 2}.get(name, 3), 0.0
