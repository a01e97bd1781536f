"""Reading questions with their right answers from a file: for training and for evaluation.

CSV with a header, or JSON Lines with ``text``, ``intent`` and, if wished, ``also`` (other
right answers) and ``style``. Leaves to others: what is done with them.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: The answer to what no intent is for.
NOTHING = "-"


class DataError(ValueError):
    """A file can't be used; the message says why, and where in it."""


@dataclass(frozen=True, slots=True)
class Record:
    """One question and what it means."""

    text: str
    intent: str
    """``NOTHING`` when no intent is meant."""
    also: frozenset[str] = frozenset()
    """Other intents that would be right too."""
    style: str = ""
    """How it is said, for tables: dialect, story …"""

    def allows(self, intent: str) -> bool:
        """Tell whether an intent is a right answer."""
        return intent == self.intent or intent in self.also


@dataclass(frozen=True, slots=True)
class Records:
    """A file of questions."""

    rows: tuple[Record, ...]
    sha256: str
    """Of the file, to tell later what was trained or measured on."""


def read_records(file: Path, text: str = "text", label: str = "intent") -> Records:
    """Read a file; ``text`` and ``label`` name its columns or fields.

    Raises:
        DataError: it can't be read, isn't UTF-8, holds nothing, or misses a column or value.
    """
    try:
        raw = file.read_bytes()
        content = raw.decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise DataError(
            f"{file}:{line}: is not UTF-8 text (byte {error.start}); save it as UTF-8"
        ) from error
    parse = _json_lines if file.suffix.lower() in (".jsonl", ".ndjson") else _table
    rows = tuple(parse(file, content, text, label))
    if not rows:
        raise DataError(f"{file}: holds no rows")
    return Records(rows, hashlib.sha256(raw).hexdigest())


def _table(file: Path, content: str, text: str, label: str) -> Iterator[Record]:
    try:
        reader = csv.DictReader(io.StringIO(content), strict=True)
        columns = reader.fieldnames or []
        if missing := [name for name in (text, label) if name not in columns]:
            raise DataError(
                f"{file}:1: there is no column “{missing[0]}”; there are: {', '.join(columns)}"
            )
        for row in reader:
            yield _record(f"{file}:{reader.line_num}", row, text, label)
    except csv.Error as error:
        raise DataError(f"{file}: is not valid CSV: {error}") from error


def _json_lines(file: Path, content: str, text: str, label: str) -> Iterator[Record]:
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{file}:{number}: is not valid JSON: {error.msg}") from error
        if not isinstance(row, dict):
            raise DataError(f"{file}:{number}: is not a JSON object")
        yield _record(f"{file}:{number}", row, text, label)


def _record(where: str, row: dict[str, object], text: str, label: str) -> Record:
    for name in (text, label):
        value = row.get(name)
        if not isinstance(value, str) or not value.strip():
            raise DataError(f"{where}: “{name}” is missing or empty")
    also = row.get("also") or []
    if isinstance(also, str):
        also = also.split()
    if not isinstance(also, list) or not all(isinstance(one, str) for one in also):
        raise DataError(f"{where}: “also” is not a list of names")
    return Record(
        str(row[text]).strip(),
        str(row[label]).strip(),
        frozenset(also),
        str(row.get("style") or ""),
    )
