"""Pictures of a trainee's progress, as SVG to stand in a page. Pure.

Without scripts or style attributes, which the pages' security policy forbids; every shape has
its value in words beside it, so that nothing is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from bot.training.progress import Part
from bot.training.records import Practice
from bot.training.types import FIELD_NAMES, Kind

#: Practices that the curve shows.
SHOWN = 30
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 640, 220, 40, 16, 72, 32
BAR, NAME = 24, 84


def curve(practices: Sequence[Practice], passing: float) -> str:
    """Return the scores of what somebody did, given newest first, drawn oldest first."""
    shown = list(reversed(practices[:SHOWN]))
    points = [(_x(number, len(shown)), _y(one.total), one) for number, one in enumerate(shown)]
    parts = [
        f'<svg class="curve" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="最近{len(shown)}次练习的得分">'
    ]
    for mark in (0, 50, 100):
        y = _y(mark)
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{mark}</text>')
    y = _y(passing)
    parts.append(f'<line class="pass" x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}"/>')
    parts.append(
        f'<text class="pass" x="{WIDTH - RIGHT + 10}" y="{y + 4}">{passing:.0f} 通过</text>'
    )
    if len(points) > 1:
        line = " ".join(f"{x},{y}" for x, y, _ in points)
        parts.append(f'<polyline points="{line}"/>')
    for x, y, one in points:
        told = f"{one.at.astimezone():%m-%d %H:%M} {one.title} {one.total:.0f}分"
        sort = "call" if one.kind is Kind.CALL else "drill"
        shape = (
            f'<circle class="{sort}" cx="{x}" cy="{y}" r="5">'
            if one.kind is Kind.CALL
            else f'<rect class="{sort}" x="{x - 4}" y="{y - 4}" width="8" height="8">'
        )
        end = "</circle>" if one.kind is Kind.CALL else "</rect>"
        parts.append(f"{shape}<title>{escape(told)}</title>{end}")
    if shown:
        for x, one, anchor in (
            (points[0][0], shown[0], "start"),
            *([(points[-1][0], shown[-1], "end")] if len(shown) > 1 else []),
        ):
            day = f"{one.at.astimezone():%m-%d}"
            parts.append(f'<text x="{x}" y="{HEIGHT - 8}" text-anchor="{anchor}">{day}</text>')
    parts.append("</svg>")
    return "".join(parts)


def bars(parts: Sequence[Part]) -> str:
    """Return how well each part goes, in the order given."""
    height = BAR * len(parts) + 8
    length = WIDTH - NAME - 120
    drawn = [
        f'<svg class="bars" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="各项得分率">'
    ]
    for number, part in enumerate(parts):
        y = number * BAR + 4
        sort = "weak" if part.weak else "well"
        told = f"{part.share:.0%}{' 需加强' if part.weak else ''}"
        name = FIELD_NAMES[part.field]
        drawn.append(f'<text x="{NAME - 8}" y="{y + 14}" text-anchor="end">{name}</text>')
        drawn.append(f'<rect class="ground" x="{NAME}" y="{y}" width="{length}" height="16"/>')
        wide = round(length * part.share, 1)
        drawn.append(f'<rect class="{sort}" x="{NAME}" y="{y}" width="{wide}" height="16"/>')
        drawn.append(f'<text x="{NAME + length + 8}" y="{y + 14}">{told}</text>')
    drawn.append("</svg>")
    return "".join(drawn)


def _x(number: int, count: int) -> float:
    room = WIDTH - LEFT - RIGHT
    return LEFT + room / 2 if count == 1 else round(LEFT + room * number / (count - 1), 1)


def _y(total: float) -> float:
    room = HEIGHT - TOP - BOTTOM
    return round(TOP + room * (1 - total / 100), 1)
