"""``hotline chat``: the same policy as on the phone, in a terminal, typed instead of spoken."""

from __future__ import annotations

import sys
import uuid
from typing import Annotated

import typer

from bot.app import load_line_pack, open_office
from bot.casework.errors import CaseworkError
from bot.config import Settings
from bot.database import open_database
from bot.dialogue.policy import decide, start
from bot.dialogue.types import (
    PORTS,
    Event,
    Failed,
    HangUp,
    Heard,
    HungUp,
    Listen,
    Note,
    Pressed,
    Request,
    Say,
    Silent,
    Transfer,
)
from bot.office import Contact, Office
from bot.understanding.match import Understander
from bot.understanding.pack import Pack, PackError


def chat(
    trace: Annotated[bool, typer.Option(help="Show intents, confidences and states.")] = False,
    line: Annotated[str, typer.Option(help="The number that is dialled.")] = "12345",
    caller: Annotated[str, typer.Option(help="The number that calls.")] = "",
) -> None:
    """Talk to the line by keyboard. [0] presses a key, an empty line is silence."""
    settings = Settings()
    try:
        pack = load_line_pack(settings, line)
        settings.state.mkdir(parents=True, exist_ok=True)
        office = open_office(open_database(settings), lambda _: pack)
        _talk(pack, office, Contact(str(uuid.uuid4()), caller, line, pack.name, "chat"), trace)
    except (PackError, CaseworkError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error


def _talk(pack: Pack, office: Office, contact: Contact, trace: bool) -> None:
    understander = Understander(pack)
    state = start(pack)
    event: Event = office.opening(contact)
    while True:
        decision = decide(state, event, pack)
        if trace:
            typer.echo(f"    〔{type(event).__name__}: {state.phase} → {decision.state.phase}〕")
        state = decision.state
        for action in decision.actions:
            if isinstance(action, Say):
                typer.echo(f"热线：{action.text}")
            elif isinstance(action, Note):
                office.note(contact, action)
        match decision.actions[-1]:
            case Transfer() as last:
                typer.echo(f"（转人工：{last.reason.value}，优先级 {last.priority}）")
                return
            case HangUp() as last:
                typer.echo(f"（通话结束：{last.outcome}）")
                return
            case Listen() as last:
                event = _listen(understander, last.about, trace)
            case last if isinstance(last, Request):
                event = _ask_for(office, contact, last)


def _ask_for(office: Office, contact: Contact, request: Request) -> Event:
    try:
        return office.carry_out(contact, request)
    except CaseworkError as error:
        typer.echo(f"（{error}）", err=True)
        return Failed(PORTS[type(request)])


def _listen(understander: Understander, about: str, trace: bool) -> Event:
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
    understanding = understander.understand(text, about=about)
    if trace:
        for one in understanding.candidates[:3]:
            typer.echo(f"    {one.intent} {one.confidence:.2f} {'；'.join(one.reasons)}")
    return Heard(understanding)
