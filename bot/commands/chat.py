"""``hotline chat``: the same policy as on the phone, in a terminal, typed instead of spoken."""

from __future__ import annotations

import sys
import uuid
from typing import Annotated

import typer

from bot.app import load_line_pack
from bot.casework.tickets import CaseworkError, TicketStore
from bot.config import Settings
from bot.database import open_database
from bot.dialogue.policy import decide, start
from bot.dialogue.types import (
    CallStarted,
    Event,
    Filed,
    FileTicket,
    FilingFailed,
    HangUp,
    Heard,
    HungUp,
    Pressed,
    Say,
    Silent,
    Transfer,
)
from bot.understanding.match import Understander
from bot.understanding.pack import Pack, PackError


def chat(
    trace: Annotated[bool, typer.Option(help="Show intents, confidences and reasons.")] = False,
) -> None:
    """Talk to the line by keyboard. A line of its own: [0] presses a key, empty is silence."""
    settings = Settings()
    try:
        pack = load_line_pack(settings)
        settings.state.mkdir(parents=True, exist_ok=True)
        tickets = TicketStore(open_database(settings))
        tickets.create_schema()
        _talk(pack, tickets, trace)
    except (PackError, CaseworkError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error


def _talk(pack: Pack, tickets: TicketStore, trace: bool) -> None:
    understander = Understander(pack)
    call_id = str(uuid.uuid4())
    state = start(pack)
    event: Event = CallStarted("", pack.meta.lines[0].did)
    while True:
        decision = decide(state, event, pack)
        state = decision.state
        for action in decision.actions:
            if isinstance(action, Say):
                typer.echo(f"热线：{action.text}")
        last = decision.actions[-1]
        if isinstance(last, Transfer):
            typer.echo(f"（转人工：{last.reason.value}，优先级 {last.priority}）")
            return
        if isinstance(last, HangUp):
            typer.echo(f"（通话结束：{last.outcome}）")
            return
        event = (
            _file(tickets, call_id, last)
            if isinstance(last, FileTicket)
            else _listen(understander, trace)
        )


def _file(tickets: TicketStore, call_id: str, request: FileTicket) -> Event:
    try:
        return Filed(
            tickets.file(
                call_id=call_id,
                category=request.category,
                title=request.title,
                text=request.text,
                place=request.place,
                unit=request.unit,
                urgency=request.urgency,
            )
        )
    except CaseworkError as error:
        typer.echo(f"（{error}）", err=True)
        return FilingFailed()


def _listen(understander: Understander, trace: bool) -> Event:
    typer.echo("您：", nl=False)
    text = sys.stdin.readline()
    if not text:
        typer.echo()
        return HungUp()
    text = text.strip()
    if not sys.stdin.isatty():
        typer.echo(text)
    if not text:
        return Silent()
    if len(text) == 3 and text[0] == "[" and text[2] == "]":
        return Pressed(text[1])
    understanding = understander.understand(text)
    if trace:
        for one in understanding.candidates[:3]:
            typer.echo(f"    {one.intent} {one.confidence:.2f} {'；'.join(one.reasons)}")
    return Heard(understanding)
