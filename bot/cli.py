"""The ``hotline`` command: mounts the sub-commands of ``bot/commands``."""

from __future__ import annotations

import sys

import typer
from pydantic import ValidationError

from bot.commands import (
    account,
    agent,
    ask,
    asr,
    call,
    calls,
    chat,
    clock,
    db,
    doctor,
    evaluate,
    grammar,
    model,
    outside,
    phones,
    prompts,
    queue,
    rehearse,
    replay,
    run,
    text,
    ticket,
    train,
    training,
    tts,
)
from bot.commands import setup as setup_command
from bot.config import Settings
from bot.observe import configure_logging

#: Settings that are read from the environment by their own name.
UNPREFIXED = ("REDIS_URL", "DATABASE_URL")

app = typer.Typer(
    help="An open, offline voice hotline for city government (12345).",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def _prepare() -> None:
    # What a command prints is its result; only warnings interrupt it, and on stderr.
    configure_logging("warning")
    try:
        Settings()
    except ValidationError as error:
        for problem in error.errors():
            name = str(problem["loc"][-1]).upper()
            name = name if name in UNPREFIXED else f"HOTLINE_{name}"
            typer.echo(
                f"Error: {name}={problem['input']!r} cannot be used: {problem['msg']}.", err=True
            )
        sys.exit(1)


app.command()(setup_command.setup)
app.command()(run.run)
app.command(hidden=True)(run.bot)
app.command()(doctor.doctor)
app.command()(call.call)
app.command()(replay.replay)
app.command("rehearse")(rehearse.rehearse_command)
app.command()(chat.chat)
app.command()(ask.ask)
app.command()(train.train)
app.command()(evaluate.evaluate)
app.command()(tts.tts)
app.command()(phones.phones)
app.add_typer(account.app, name="account")
app.add_typer(calls.app, name="calls")
app.add_typer(queue.app, name="queue")
app.add_typer(agent.app, name="agent")
app.add_typer(db.app, name="db")
app.add_typer(outside.keys, name="key")
app.add_typer(outside.webhooks, name="webhook")
app.add_typer(grammar.app, name="grammar")
app.add_typer(prompts.app, name="prompts")
app.add_typer(model.app, name="model")
app.add_typer(asr.app, name="asr")
app.add_typer(ticket.app, name="ticket")
app.add_typer(clock.app, name="clock")
app.add_typer(training.app, name="training")
app.add_typer(text.app, name="text")


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
