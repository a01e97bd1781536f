"""``hotline model``: getting the production recogniser's model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.config import Settings
from bot.node.models import VOSK_NAME, VOSK_SHA256, VOSK_URL, choose_recogniser, fetch_vosk
from bot.node.types import SetupError

app = typer.Typer(no_args_is_help=True, help="The recogniser's model.")


@app.callback()
def model() -> None:
    """Keep ``fetch`` a sub-command although it is the only one."""


@app.command()
def fetch(
    url: Annotated[
        str, typer.Option("--url", "--mirror", help="Address of the archive, or of a mirror.")
    ] = VOSK_URL,
    zip_path: Annotated[
        Path | None, typer.Option("--zip", help="A copy on this machine, instead of a download.")
    ] = None,
    sha256: Annotated[
        str, typer.Option(help='Expected checksum of the archive; "any" accepts every file.')
    ] = VOSK_SHA256,
) -> None:
    """Get the Chinese Vosk model; an interrupted download goes on where it stopped."""
    settings = Settings()
    try:
        expected = "" if sha256 == "any" else sha256
        folder = fetch_vosk(settings, typer.echo, url, zip_path, expected)
        typer.echo(f"{VOSK_NAME} is in {folder}")
        engine, why = choose_recogniser(settings)
        typer.echo(f"The recogniser is {engine}: {why}. Restart a running line to use it.")
    except SetupError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
