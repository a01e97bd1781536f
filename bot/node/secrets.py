"""The node's own passwords: made once at random, kept in ``state/secrets.json``, mode 0600.

Leaves to others: rendering them into Asterisk's files (``render.py``).
"""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from bot.config import Settings
from bot.node.types import SetupError


@dataclass(frozen=True, slots=True)
class Secrets:
    """Passwords of one node."""

    ami_password: str = field(repr=False)
    citizen_password: str = field(repr=False)
    """Of the SIP accounts ``citizen`` and ``tester``."""
    agent_passwords: dict[str, str] = field(repr=False)
    """By extension."""
    api_token: str = field(repr=False)
    database_keys: dict[str, str] = field(default_factory=dict, repr=False)
    """Keys of personal fields in the ticket database: 64 hex digits by id, the newest last. Who
    loses them loses those fields."""
    practice_password: str = field(default="", repr=False)
    """Of the SIP account of the synthetic citizens."""


def secrets_path(settings: Settings) -> Path:
    """Where the secrets are kept."""
    return settings.state / "secrets.json"


def load_secrets(settings: Settings, *more_agents: str) -> Secrets:
    """Read the node's secrets, making what is missing (a new node, a new agent).

    ``more_agents``: extensions beside those of the settings.

    Raises:
        SetupError: the file is damaged or cannot be read or written.
    """
    path = secrets_path(settings)
    try:
        stored = _read(path)
        made = Secrets(
            ami_password=stored.ami_password if stored else secrets.token_hex(16),
            citizen_password=stored.citizen_password if stored else secrets.token_hex(8),
            agent_passwords={
                **(stored.agent_passwords if stored else {}),
                **{
                    extension: secrets.token_hex(8)
                    for extension in (*settings.agents, *more_agents)
                    if stored is None or extension not in stored.agent_passwords
                },
            },
            api_token=stored.api_token if stored else secrets.token_urlsafe(24),
            database_keys=(stored.database_keys if stored else {}) or {"k1": secrets.token_hex(32)},
            practice_password=(stored.practice_password if stored else "") or secrets.token_hex(16),
        )
        if made != stored:
            _write(path, made)
    except OSError as error:
        raise SetupError(f"Cannot read or write {path}: {error.strerror}.") from error
    return made


def add_agent(settings: Settings, extension: str) -> str:
    """Make a password for an agent's telephone, unless there is one; return it.

    Raises:
        SetupError: the file is damaged or cannot be read or written.
    """
    return load_secrets(settings, extension).agent_passwords[extension]


def _read(path: Path) -> Secrets | None:
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    damaged = SetupError(
        f"{path} is damaged. Restore it from a backup, or delete it: new passwords are made "
        "then, and phones that are registered need them."
    )
    try:
        data = json.loads(text)
        stored = Secrets(**data)
    except (ValueError, TypeError) as error:
        raise damaged from error
    single = (stored.ami_password, stored.citizen_password, stored.api_token)
    for many in (stored.agent_passwords, stored.database_keys):
        if not isinstance(many, dict) or not all(
            isinstance(value, str) and value for value in (*single, *many, *many.values())
        ):
            raise damaged
    return stored


def add_database_key(settings: Settings) -> str:
    """Make a new key for personal fields, from now on the one that encrypts; return its id.

    Raises:
        SetupError: the file is damaged or cannot be read or written.
    """
    known = load_secrets(settings)
    name = f"k{len(known.database_keys) + 1}"
    keys = {**known.database_keys, name: secrets.token_hex(32)}
    try:
        _write(secrets_path(settings), replace(known, database_keys=keys))
    except OSError as error:
        raise SetupError(f"Cannot write {secrets_path(settings)}: {error.strerror}.") from error
    return name


def _write(path: Path, made: Secrets) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # mkstemp makes the file with mode 0600, so it is never readable by others.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".secrets.")
    with os.fdopen(handle, "w") as file:
        json.dump(asdict(made), file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)
