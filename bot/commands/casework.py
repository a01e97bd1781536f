"""What the commands on tickets share: opening the store, failing plainly, writing times.

Leaves to others: every rule (``bot/casework``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import NoReturn
from zoneinfo import ZoneInfo

import typer

from bot.app import load_line_pack, load_packs
from bot.casework.errors import CaseworkError
from bot.casework.tickets import TicketStore
from bot.config import Settings
from bot.database import open_database
from bot.rules import rule_book
from bot.understanding.pack import Pack, PackError


@contextmanager
def opened() -> Iterator[TicketStore]:
    """Open the line's tickets; what goes wrong inside ends the command with its message."""
    settings = Settings()
    try:
        settings.state.mkdir(parents=True, exist_ok=True)
        store = TicketStore(open_database(settings), rules=rule_book(cache(_packs)))
        store.create_schema()
        yield store
    except (CaseworkError, PackError) as error:
        fail(str(error))


def _packs() -> list[Pack]:
    return load_packs(Settings())


def line_pack(line: str = "") -> Pack:
    """Read the pack of a number of the line; the main one by default.

    Raises:
        CaseworkError: the line has no such number.
        PackError: with all its problems.
    """
    settings = Settings()
    if line and line not in settings.dids:
        raise CaseworkError(f"The line has no number {line}; it has {', '.join(settings.dids)}.")
    return load_line_pack(settings, line)


def fail(message: str) -> NoReturn:
    """End the command with a message and exit code 1."""
    typer.echo(f"Error: {message}", err=True)
    raise typer.Exit(1)


def local_time(moment: dt.datetime | None, zone: str) -> str:
    """Write a moment as people in the city's time zone read it; "" for none."""
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" if moment else ""


def parse_until(written: str, zone: str) -> dt.datetime:
    """Read ``2026-11-25`` as the end of that day in the city, or ``2026-11-25 18:00``.

    Raises:
        CaseworkError: it is neither.
    """
    try:
        moment = dt.datetime.fromisoformat(written)
    except ValueError:
        raise CaseworkError(
            f"{written!r} is no moment; write it like 2026-11-25 or “2026-11-25 18:00”."
        ) from None
    if len(written) <= len("2026-11-25"):
        moment = dt.datetime.combine(moment, dt.time(23, 59, 59))
    return moment.replace(tzinfo=moment.tzinfo or ZoneInfo(zone)).astimezone(dt.UTC)


def parse_day(written: str, zone: str) -> dt.datetime:
    """Read ``2026-11-25`` as the beginning of that day in the city.

    Raises:
        CaseworkError: it is no day.
    """
    try:
        day = dt.date.fromisoformat(written)
    except ValueError:
        raise CaseworkError(f"{written!r} is no day; write it like 2026-11-25.") from None
    return dt.datetime.combine(day, dt.time(), ZoneInfo(zone)).astimezone(dt.UTC)
