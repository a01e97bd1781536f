"""``hotline key`` and ``hotline webhook``: programs outside that may ask, file, and are told.

Leaves to others: everything but the words (``bot/casework/api_keys.py``, ``outbox.py``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy import Engine

from bot.casework.api_keys import ApiKeys
from bot.casework.errors import CaseworkError
from bot.casework.outbox import Outbox
from bot.casework.versions import prepare
from bot.commands.output import console
from bot.config import Settings
from bot.database import open_database
from bot.node.types import SetupError

keys = typer.Typer(help="API keys of units and of Open311 clients.", no_args_is_help=True)
webhooks = typer.Typer(help="Who is told of events, and what did not arrive.", no_args_is_help=True)


class KeyKind(StrEnum):
    """What a key is for."""

    UNIT = "unit"
    OPEN311 = "open311"


@contextmanager
def _database() -> Iterator[Engine]:
    try:
        engine = open_database(Settings())
        prepare(engine)
        yield engine
    except (CaseworkError, SetupError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error


@keys.command("new")
def new_key(
    kind: KeyKind, owner: Annotated[str, typer.Argument(help="Name of the unit or client.")]
) -> None:
    """Make a key; it is shown this once."""
    with _database() as engine:
        typer.echo(ApiKeys(engine).make(kind.value, owner))


@keys.command("list")
def list_keys() -> None:
    """List keys: whose, since when, and whether they still open anything."""
    table = Table("id", "kind", "owner", "made", "revoked")
    with _database() as engine:
        for one in ApiKeys(engine).all():
            revoked = one.revoked_at.isoformat(timespec="seconds") if one.revoked_at else ""
            made = one.made_at.isoformat(timespec="seconds")
            table.add_row(str(one.id), one.kind, one.owner, made, revoked)
    console().print(table)


@keys.command("revoke")
def revoke_key(id: int) -> None:
    """End a key at once."""
    with _database() as engine:
        ApiKeys(engine).revoke(id)
        typer.echo(f"Key {id} opens nothing any more.")


@webhooks.command("add")
def add_webhook(
    url: str, unit: Annotated[str, typer.Option(help="Only this unit's tickets.")] = ""
) -> None:
    """Tell a URL of every event; prints the secret of the signatures, this once."""
    with _database() as engine:
        id, secret = Outbox(engine).add(url, unit)
        typer.echo(f"webhook {id}\nsecret {secret}")


@webhooks.command("list")
def list_webhooks() -> None:
    """List webhooks, and how many deliveries are in which state."""
    table = Table("id", "url", "unit", "active")
    with _database() as engine:
        outbox = Outbox(engine)
        for one in outbox.webhooks():
            table.add_row(str(one.id), one.url, one.unit or "all", "yes" if one.active else "no")
        counts = outbox.count()
    console().print(table)
    typer.echo(", ".join(f"{state}: {count}" for state, count in sorted(counts.items())) or "none")


@webhooks.command("remove")
def remove_webhook(id: int) -> None:
    """Tell a webhook nothing any more."""
    with _database() as engine:
        Outbox(engine).remove(id)
        typer.echo(f"Webhook {id} is told nothing any more.")


@webhooks.command("dead")
def dead_letters() -> None:
    """List deliveries that were given up."""
    table = Table("id", "webhook", "event", "attempts", "last failure")
    with _database() as engine:
        for one in Outbox(engine).dead():
            row = (one.id, one.webhook_id, one.event_id, one.attempts, one.error)
            table.add_row(*map(str, row))
    console().print(table)


@webhooks.command("retry")
def retry() -> None:
    """Let every delivery that was given up be tried anew."""
    with _database() as engine:
        typer.echo(f"{Outbox(engine).revive()} deliveries are tried anew.")
