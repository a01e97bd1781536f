"""``hotline phones``: the accounts that softphones register with."""

from __future__ import annotations

import typer
from rich.table import Table

from bot.commands.output import console
from bot.config import Settings
from bot.node.secrets import load_secrets
from bot.node.types import SetupError


def phones() -> None:
    """Show server, user names and passwords for softphones. Keep the output to yourself."""
    settings = Settings()
    try:
        secrets = load_secrets(settings)
    except SetupError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
    table = Table(title=f"SIP server {settings.bind}:{settings.sip_port} (UDP or TCP)")
    for column in ("who", "user name", "password", "dials"):
        table.add_column(column)
    table.add_row("citizen", "citizen", secrets.citizen_password, ", ".join(settings.dids))
    for extension, password in sorted(secrets.agent_passwords.items()):
        table.add_row("agent", extension, password, "-")
    console().print(table)
