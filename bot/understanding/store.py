"""Keeps an index in one file, so that a pack is ready at once the next time.

A numpy archive of plain arrays and UTF-8 text, read without pickle: a file from elsewhere
can be wrong, but not run code. The file's name tells everything that the index depends on,
so a changed pack or engine finds no file and makes a new one. Leaves to others: what the
arrays mean (``index.py``).
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
#: Files kept in one folder: three for each pack, one of sentences.
MOST_KEPT = 32
_HERE = Path(__file__).parent
#: Sources and data whose change makes an index another one.
_ENGINE = (
    "classifier.py",
    "corpus.py",
    "index.py",
    "lexicon.py",
    "normalise.py",
    "sentence_space.npz",
    "sentences.py",
    "sound.py",
    "sparse.py",
    "store.py",
    "word_vectors.py",
    "word_vectors.npz",
)


def key_of(texts: Iterable[str]) -> str:
    """Return a name for the index of a pack that says ``texts``, with this engine."""
    digest = hashlib.sha256()
    for name in _ENGINE:
        digest.update((_HERE / name).read_bytes())
    for text in texts:
        digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()[:32]


def load(file: Path, kind: type[T]) -> T | None:
    """Return what is kept in a file, of that kind; nothing when it cannot be read."""
    try:
        with np.load(file, allow_pickle=False) as data:
            found: T = _unpacked(kind, {name: data[name] for name in data.files}, "")
        file.touch()  # used lately: see _forget
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return None
    return found


def save(file: Path, found: Any) -> None:
    """Keep an index or a part of one; whoever reads the file meanwhile sees all of it or nothing.

    A folder that can't be written is no error: the index is then made again next time.
    """
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, suffix=".new")
        try:
            with os.fdopen(handle, "wb") as out:
                np.savez(out, allow_pickle=False, **_packed(found, ""))
            Path(name).replace(file)
            _forget(file.parent)
        finally:
            Path(name).unlink(missing_ok=True)


def _forget(folder: Path) -> None:
    """Remove the indexes that were longest not used."""
    kept = sorted(folder.glob("*.npz"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in kept[MOST_KEPT:]:
        file.unlink(missing_ok=True)


def _packed(part: Any, prefix: str) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    for field in fields(part):
        value, name = getattr(part, field.name), prefix + field.name
        if is_dataclass(value):
            arrays |= _packed(value, name + ".")
        elif isinstance(value, np.ndarray):
            arrays[name] = value
        else:  # texts, or a mapping from text to its number
            arrays[name] = np.frombuffer("\n".join(value).encode("utf-8"), np.uint8)
            arrays[name + "#"] = np.array(len(value))
    return arrays


def _unpacked(kind: type, arrays: Mapping[str, NDArray[Any]], prefix: str) -> Any:
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for field in fields(kind):
        name, hint = prefix + field.name, hints[field.name]
        if is_dataclass(hint):
            assert isinstance(hint, type)
            values[field.name] = _unpacked(hint, arrays, name + ".")
        elif name + "#" in arrays:
            count = int(arrays[name + "#"])
            texts = bytes(arrays[name]).decode("utf-8").split("\n") if count else []
            if len(texts) != count:
                raise ValueError(f"{name}: {len(texts)} texts, not {count}")
            mapping = hint is not tuple and getattr(hint, "__origin__", None) is not tuple
            values[field.name] = (
                {text: number for number, text in enumerate(texts)} if mapping else tuple(texts)
            )
        else:
            values[field.name] = arrays[name]
    return kind(**values)
