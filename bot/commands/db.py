"""``hotline db``: versions of the ticket database, backups, keys, and what is kept how long.

Leaves to others: everything but the words (``bot/casework``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Engine

from bot.app import open_sounds
from bot.casework import backup as backups
from bot.casework import versions
from bot.casework.encryption import Keyring
from bot.casework.errors import CaseworkError
from bot.casework.ledger import Ledger
from bot.casework.rekeying import reseal
from bot.casework.retention import Policy, Retention
from bot.casework.tickets import TicketStore
from bot.config import Settings
from bot.database import open_database
from bot.node.secrets import add_database_key, load_secrets
from bot.node.types import SetupError

app = typer.Typer(
    help="The ticket database: versions, backup, keys, retention.", no_args_is_help=True
)

ByOption = Annotated[str, typer.Option("--by", help="Who does it: ROLE:NAME.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it is recorded.")]


@contextmanager
def _database() -> Iterator[Engine]:
    try:
        yield open_database(Settings())
    except (CaseworkError, SetupError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error


@app.command()
def current() -> None:
    """Show the version of the database, and the one this program needs."""
    with _database() as engine:
        version = versions.current(engine) or "empty"
        typer.echo(f"{engine.dialect.name}: {version}; this program needs {versions.newest()}")


@app.command()
def upgrade(to: Annotated[str, typer.Argument(help="Version.")] = "head") -> None:
    """Bring the database to the newest version (stop the line first)."""
    with _database() as engine:
        typer.echo(f"The database is of version {versions.upgrade(engine, to)}.")


@app.command()
def downgrade(
    to: Annotated[str, typer.Argument(help="Version; `base` leaves no tables.")],
    yes: Annotated[bool, typer.Option("--yes", help="I have a backup.")] = False,
) -> None:
    """Bring the database back to an older version; what that has no place for is lost."""
    with _database() as engine:
        if not yes:
            raise CaseworkError(
                "Going back loses data. Run `hotline db backup FILE`, then repeat with --yes."
            )
        typer.echo(f"The database is of version {versions.downgrade(engine, to) or 'empty'}.")


@app.command()
def backup(file: Annotated[Path, typer.Argument(help="New file.")]) -> None:
    """Write a backup; the line may go on writing meanwhile."""
    with _database() as engine:
        size = backups.backup(engine, file)
        typer.echo(
            f"{file}: {size:,} bytes. Personal fields in it are encrypted: keep "
            f"{Settings().state / 'secrets.json'} too, in another place."
        )


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="A file of `hotline db backup`.")]) -> None:
    """Bring a backup back into an empty database (stop the line first)."""
    with _database() as engine:
        backups.restore(engine, file)
        typer.echo(f"Restored; the database is of version {versions.current(engine)}.")


@app.command()
def rekey(
    resume: Annotated[
        bool, typer.Option("--resume", help="Finish an earlier change instead of a new key.")
    ] = False,
) -> None:
    """Encrypt every personal field anew with a new key (stop the line first)."""
    settings = Settings()
    with _database() as engine:
        versions.prepare(engine)
        if not resume:
            # Kept before it is used: what was encrypted with it can be read whatever happens.
            add_database_key(settings)
        keys = Keyring.of_hex(load_secrets(settings).database_keys)
        count = reseal(open_database(settings))
        typer.echo(f"{count} fields are encrypted with the key {keys.newest} now.")


@app.command()
def retention(
    tickets: Annotated[int | None, typer.Option(help="Days after a ticket is over.")] = None,
    drafts: Annotated[int | None, typer.Option(help="Days of half-finished tickets.")] = None,
    training: Annotated[int | None, typer.Option(help="Days of practices.")] = None,
    talks: Annotated[int | None, typer.Option(help="Days of agents' notes.")] = None,
    logs: Annotated[int | None, typer.Option(help="Days of sign-ins and the audit.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    by: ByOption = "system:retention",
) -> None:
    """Erase now what is kept no longer, but never what is under legal hold.

    The line does it every day. What is not said is as HOTLINE_RETENTION says, or usual.
    """
    days = {"tickets": tickets, "drafts": drafts, "training": training}
    days |= {"talks": talks, "logs": logs}
    said = {name: number for name, number in days.items() if number is not None}
    with _database() as engine:
        versions.prepare(engine)
        policy = Policy.of({**Settings().retention, **said})
        done = Retention(Ledger(engine)).run(policy, by, dry_run)
        verb = "would be erased" if dry_run else "were erased"
        typer.echo(
            f"{done.tickets} tickets, {done.drafts} drafts, {done.practices} practices, "
            f"{done.talks} notes of talks and {done.logs} lines of logs {verb}; "
            f"{done.held} tickets are due but under legal hold."
        )


@app.command()
def erase(number: str, reason: ReasonOption, by: ByOption = "supervisor") -> None:
    """Erase the personal fields of one ticket that is over, and the sound of its call."""
    with _database() as engine:
        ticket = TicketStore(engine).get(number)
        Retention(Ledger(engine)).erase(number, by, reason)
        if ticket is not None:
            open_sounds(Settings()).erase(ticket.caller, ticket.call_id)
        typer.echo(f"Ticket {number} tells nothing personal any more.")


@app.command()
def hold(number: str, reason: ReasonOption, by: ByOption = "supervisor") -> None:
    """Put a ticket under legal hold: nothing of it is erased."""
    with _database() as engine:
        Retention(Ledger(engine)).hold(number, by, reason)
        typer.echo(f"Ticket {number} is under legal hold.")


@app.command()
def lift(number: str, reason: ReasonOption, by: ByOption = "supervisor") -> None:
    """Lift the legal hold of a ticket."""
    with _database() as engine:
        Retention(Ledger(engine)).lift(number, by, reason)
        typer.echo(f"Ticket {number} is under legal hold no longer.")
