"""Phrase templates: ``[optional]``, ``(a|b)`` and, where allowed, ``…`` for a gap.

Pure text work, with sampling (:meth:`Template.expand`) and matching (:meth:`Template.pattern`)
as mirror images of each other. Leaves to others: what the phrases mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

#: A template that can say more than this is a mistake in writing it.
MAX_EXPANSIONS = 512
#: The longest stretch of other words that ``…`` stands for, in characters.
MAX_GAP = 10

_SPECIAL = "[]()|…"
#: Signs that people who know regular expressions may expect to mean something here.
_FOREIGN = "?*+^$\\{}"


class TemplateError(ValueError):
    """A template is not well-formed.

    ``column`` counts characters from 0 at the template's own beginning.
    """

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.column = column


@dataclass(frozen=True, slots=True)
class _Words:
    text: str


@dataclass(frozen=True, slots=True)
class _Gap:
    pass


@dataclass(frozen=True, slots=True)
class _Choice:
    options: tuple[_Series, ...]


_Series = tuple["_Words | _Gap | _Choice", ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template."""

    source: str
    series: _Series

    def count(self) -> int:
        """Return how many expansions there are, equal ones counted apart."""
        return _count(self.series)

    def expand(self) -> list[str]:
        """Return everything the template can say, without repeats, in writing order.

        A gap is expanded to nothing.
        """
        return list(dict.fromkeys(_expand(self.series)))

    def pattern(self) -> str:
        """Return a regular expression that matches every expansion, gaps filled in."""
        return _pattern(self.series)

    def openings(self) -> tuple[frozenset[str], ...]:
        """Return sets of characters, of each of which every matching text has one at least.

        They are those with which a part that may not be left out begins: a quick way to see
        that a text does not match.
        """
        found = (_openings(part) for part in self.series)
        return tuple(one for one in found if one)

    def matches(self, text: str) -> bool:
        """Tell whether the whole of ``text`` is something the template can say."""
        return re.fullmatch(self.pattern(), text, re.DOTALL) is not None


def parse(source: str, most: int | None = MAX_EXPANSIONS) -> Template:
    """Read one template; ``most`` is how many things it may say at most, None for any number.

    Raises:
        TemplateError: brackets that do not pair, an empty choice, a sign that
            means nothing here, or too many expansions.
    """
    for column, char in enumerate(source):
        if char in _FOREIGN:
            raise TemplateError(
                f"“{char}” means nothing here; write [ ] around what may be left out", column
            )
    series, position = _series(source, 0, "")
    if position < len(source):
        raise TemplateError(f"“{source[position]}” has no partner that opens it", position)
    template = Template(source, series)
    if most is not None and template.count() > most:
        raise TemplateError(
            f"it can be said in {template.count()} ways, more than {most}; split it", 0
        )
    return template


def _series(source: str, position: int, closing: str) -> tuple[_Series, int]:
    parts: list[_Words | _Gap | _Choice] = []
    while position < len(source):
        char = source[position]
        if char in "])|":
            if not closing and char == "|":
                raise TemplateError("“|” may only stand inside ( )", position)
            break
        if char == "…":
            parts.append(_Gap())
            position += 1
        elif char in "[(":
            choice, position = _choice(source, position)
            parts.append(choice)
        else:
            end = position
            while end < len(source) and source[end] not in _SPECIAL:
                end += 1
            parts.append(_Words(source[position:end]))
            position = end
    return tuple(parts), position


def _choice(source: str, start: int) -> tuple[_Choice, int]:
    opening = source[start]
    closing = "]" if opening == "[" else ")"
    options: list[_Series] = []
    position = start
    while True:
        option, position = _series(source, position + 1, closing)
        if position >= len(source):
            raise TemplateError(f"“{opening}” is never closed by “{closing}”", start)
        if not option:
            raise TemplateError(f"“{opening}” holds an empty choice", start)
        options.append(option)
        if source[position] == "|":
            continue
        if source[position] != closing:
            raise TemplateError(
                f"“{opening}” is closed by “{source[position]}”, not “{closing}”", position
            )
        break
    if opening == "[":
        options.append(())
    return _Choice(tuple(options)), position + 1


def _count(series: _Series) -> int:
    total = 1
    for part in series:
        if isinstance(part, _Choice):
            total *= sum(_count(option) for option in part.options)
    return total


def _expand(series: _Series) -> Iterator[str]:
    if not series:
        yield ""
        return
    head, rest = series[0], series[1:]
    if isinstance(head, _Words):
        heads = [head.text]
    elif isinstance(head, _Gap):
        heads = [""]
    else:
        heads = [text for option in head.options for text in _expand(option)]
    tails = list(_expand(rest))
    for first in heads:
        for tail in tails:
            yield first + tail


def _openings(part: _Words | _Gap | _Choice) -> frozenset[str]:
    """Return the characters with which a part begins; none when it may be empty."""
    if isinstance(part, _Words):
        return frozenset(part.text[:1])
    if isinstance(part, _Gap):
        return frozenset()
    first: set[str] = set()
    for option in part.options:
        begins = next((found for one in option if (found := _openings(one))), frozenset())
        if not begins:
            return frozenset()
        first |= begins
    return frozenset(first)


def _pattern(series: _Series) -> str:
    out: list[str] = []
    for gap, parts in groupby(series, key=lambda part: isinstance(part, _Gap)):
        if gap:
            # One long gap: several short ones could share the same text out in countless ways.
            out.append(f".{{0,{MAX_GAP * len(list(parts))}}}?")
            continue
        for part in parts:
            if isinstance(part, _Words):
                out.append(re.escape(part.text))
            elif isinstance(part, _Choice):
                out.append("(?:" + "|".join(_pattern(option) for option in part.options) + ")")
    return "".join(out)
