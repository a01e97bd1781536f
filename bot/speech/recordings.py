"""Prompts recorded by a person: a folder of sound files that are heard instead of the voice.

``NAME.wav`` or ``NAME.2.wav`` (the second variant) is the prompt ``NAME``, at any sample rate,
mono or stereo. ``manifest.json`` beside them remembers which words each file was recorded for,
so that a prompt that was reworded since is spoken by the voice until it is recorded anew.
Leaves to others: the prompts themselves (a pack's), and playing (``voice.py``).
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bot.speech.audio import level, read_wav, samples
from bot.speech.types import WIDE_RATE, SpeechError
from bot.speech.voice import PAUSE, faded

#: The folder in a pack, and the file in it that is written by ``hotline prompts build``.
FOLDER, MANIFEST = "recordings", "manifest.json"
SOUNDS = (".wav", ".flac", ".ogg", ".mp3")
#: Below this part of full scale (of levelled speech) nobody speaks; the silence kept at the
#: ends, seconds.
SILENT, MARGIN = 0.01, 0.08
#: The shortest stretch of speech that can be a prompt, seconds.
SHORTEST = 0.2


@dataclass(frozen=True, slots=True)
class Cue:
    """One variant of a prompt, as it can be recorded."""

    id: str
    variant: int
    """Counted from 0; in file names from 1."""
    text: str
    fixed: bool = True
    """Holds nothing that is filled in during a call."""


@dataclass(frozen=True, slots=True)
class Recordings:
    """What a folder of recordings comes to."""

    sounds: dict[str, bytes] = field(default_factory=dict, repr=False)
    """Text to slin, 16 kHz, of the files that can be used."""
    files: dict[Path, Cue] = field(default_factory=dict)
    """The files that can be used, each with what is said in it."""
    stale: tuple[str, ...] = ()
    """What is wrong with files whose prompt was reworded since."""
    problems: tuple[str, ...] = ()
    """What is wrong with files that are of no use at all."""


def load(folder: Path, cues: Sequence[Cue]) -> Recordings:
    """Read the recordings in a folder; one that can't be used is told, not an error."""
    sounds: dict[str, bytes] = {}
    files: dict[Path, Cue] = {}
    stale: list[str] = []
    problems: list[str] = []
    for path in _found(folder):
        try:
            cue = _cue_of(path, cues)
            first = next((other for other, one in files.items() if one == cue), None)
            if first:
                raise SpeechError(f"{path}: {first.name} is a recording of that prompt already.")
            if before := _reworded(path, cue):
                stale.append(
                    f"{path}: recorded for “{before}”, but the prompt is “{cue.text}” now; "
                    "record it anew. Until then the voice says it."
                )
                continue
            sounds[cue.text] = prepared(path)
            files[path] = cue
        except (SpeechError, OSError) as error:
            problems.append(str(error))
    return Recordings(sounds, files, tuple(stale), tuple(problems))


def remember(folder: Path, recordings: Recordings) -> bool:
    """Write down which words each usable file was recorded for; return whether that is news.

    Files of which the prompt was reworded since keep their old words, so they stay stale.

    Raises:
        OSError: the manifest can't be written.
    """
    old = _read_manifest(folder)
    there = {path.name for path in _found(folder)}
    new = {name: entry for name, entry in old.items() if name in there}
    for path, cue in recordings.files.items():
        new[path.name] = {"text": cue.text, "sound": _digest(path)}
    if new == old:
        return False
    handle, name = tempfile.mkstemp(dir=folder, suffix=".part")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(new, file, ensure_ascii=False, indent=1, sort_keys=True)
        file.write("\n")
    Path(name).chmod(0o644)
    Path(name).replace(folder / MANIFEST)
    return True


def prepared(path: Path) -> bytes:
    """Return a recording as slin, 16 kHz, as loud as the voice, with its pause at the end.

    Raises:
        SpeechError: it is not sound, or nobody speaks in it.
    """
    # Twice, as what counts as voice depends on the loudness: a soft recording comes out right.
    pcm = level(level(read_wav(path, WIDE_RATE)))
    loud = np.flatnonzero(np.abs(samples(pcm).astype(np.int32)) > SILENT * 32768)
    if loud.size == 0 or loud[-1] - loud[0] < SHORTEST * WIDE_RATE:
        raise SpeechError(f"{path}: nobody speaks in it; record it anew.")
    margin = int(MARGIN * WIDE_RATE)
    first, last = max(0, int(loud[0]) - margin), int(loud[-1]) + margin
    return faded(pcm[2 * first : 2 * last], WIDE_RATE) + bytes(int(PAUSE * WIDE_RATE) * 2)


def _found(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SOUNDS)


def _cue_of(path: Path, cues: Iterable[Cue]) -> Cue:
    """Return which prompt a file is a recording of, by its name.

    Raises:
        SpeechError: of none, or of one that can't be recorded.
    """
    by_name = {f"{cue.id}.{cue.variant + 1}": cue for cue in cues}
    by_name |= {cue.id: cue for cue in cues if cue.variant == 0}
    cue = by_name.get(path.stem)
    if cue is None:
        raise SpeechError(
            f"{path}: there is no prompt “{path.stem}”; name it NAME.wav or, for the second "
            "variant, NAME.2.wav, with a name from `hotline prompts list`."
        )
    if not cue.fixed:
        raise SpeechError(
            f"{path}: “{cue.id}” can't be recorded, as part of it is filled in during the call: "
            f"“{cue.text}”. Delete the file; the voice says it."
        )
    return cue


def _reworded(path: Path, cue: Cue) -> str:
    """Return the words that a file was recorded for, if the prompt has others now."""
    before = _read_manifest(path.parent).get(path.name)
    if before is None or before["text"] == cue.text or before["sound"] != _digest(path):
        # Never seen, still right, or recorded anew.
        return ""
    return before["text"]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read_manifest(folder: Path) -> dict[str, dict[str, str]]:
    """Return file names with the words and the sound they had; nothing if there is none.

    Raises:
        SpeechError: it is damaged.
    """
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text("utf-8"))
        return {
            str(name): {"text": str(entry["text"]), "sound": str(entry["sound"])}
            for name, entry in content.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SpeechError(
            f"{path}: can't be read ({error}); delete it and run `hotline prompts build`."
        ) from error
