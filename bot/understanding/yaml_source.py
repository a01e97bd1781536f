"""YAML files that remember where everything stands, so a problem can name its line.

Reads a file into plain data plus a position for each path into it. Leaves to others: what
the data must look like.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in a pack, in plain words, at a place an editor can jump to."""

    file: Path
    line: int
    """Counted from 1."""
    column: int
    """Counted from 1."""
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class PackError(Exception):
    """A pack can't be used; ``problems`` names everything that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class YamlSource:
    """One YAML file: its data and its nodes."""

    file: Path
    data: Any
    root: yaml.Node | None
    digest: str
    """SHA-256 of the text."""

    def problem(
        self, path: Sequence[str | int], message: str, offset: int = 0, key: bool = False
    ) -> Problem:
        """Return a problem at ``path``, ``offset`` characters into the value.

        The path is followed as far as the file goes, so a missing field is reported at what
        misses it. With ``key`` the place is the field's name instead of its value.
        """
        node, name = self.root, self.root
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            name, node = found
        chosen = name if key else node
        if chosen is None:
            return Problem(self.file, 1, 1, message)
        mark = chosen.start_mark
        # A quoted string's text begins one character after its node.
        quoted = isinstance(chosen, yaml.ScalarNode) and chosen.style in ("'", '"')
        shift = offset + (1 if quoted and offset else 0)
        return Problem(self.file, mark.line + 1, mark.column + 1 + shift, message)


def _child(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == str(step):
                return name, value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None


def read_yaml(file: Path) -> YamlSource:
    """Read one file.

    Raises:
        PackError: it can't be read, isn't UTF-8, isn't YAML, or repeats a field.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise PackError([Problem(file, 1, 1, f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise PackError(
            [Problem(file, 1, 1, f"is not UTF-8 text (byte {error.start}); save it as UTF-8")]
        ) from error
    try:
        loader = yaml.CSafeLoader(text)
        root = loader.get_single_node()
        data = loader.construct_document(root) if root is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        why = " ".join(str(part) for part in (error.context, error.problem) if part)
        raise PackError([Problem(file, line, column, f"not valid YAML: {why}")]) from error
    except (yaml.YAMLError, ValueError) as error:
        raise PackError([Problem(file, 1, 1, f"not valid YAML: {error}")]) from error
    source = YamlSource(file, data, root, hashlib.sha256(text.encode()).hexdigest())
    if repeats := list(_repeats(file, root)):
        raise PackError(repeats)
    return source


def _repeats(file: Path, node: yaml.Node | None) -> list[Problem]:
    # YAML itself silently keeps the last of two equal fields.
    found: list[Problem] = []
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for name, value in node.value:
            line, column = name.start_mark.line + 1, name.start_mark.column + 1
            if name.value in seen:
                first = seen[name.value]
                found.append(
                    Problem(file, line, column, f"“{name.value}” is already given in line {first}")
                )
            seen.setdefault(str(name.value), line)
            found += _repeats(file, value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            found += _repeats(file, value)
    return found
