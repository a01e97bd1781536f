"""The ``hotline`` command: mounts the sub-commands of ``bot/commands``."""

from __future__ import annotations

import typer

from bot.commands import (
    ask,
    call,
    chat,
    doctor,
    evaluate,
    grammar,
    model,
    phones,
    queue,
    replay,
    run,
    train,
    tts,
)
from bot.commands import setup as setup_command

app = typer.Typer(
    help="An open, offline voice hotline for city government (12345).",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(setup_command.setup)
app.command()(run.run)
app.command(hidden=True)(run.bot)
app.command()(doctor.doctor)
app.command()(call.call)
app.command()(replay.replay)
app.command()(chat.chat)
app.command()(ask.ask)
app.command()(train.train)
app.command()(evaluate.evaluate)
app.command()(tts.tts)
app.command()(phones.phones)
app.add_typer(queue.app, name="queue")
app.add_typer(grammar.app, name="grammar")
app.add_typer(model.app, name="model")


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
