"""The ticket database of this node, opened as its settings say, with the node's own keys.

Beside the layers, because the node's secrets and casework's tables know nothing of each other.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from sqlalchemy import Engine

from bot.casework.backup import last_backup
from bot.casework.encryption import Keyring
from bot.casework.errors import CaseworkError
from bot.casework.storage import READING, open_engine, size_of
from bot.casework.versions import current, newest
from bot.config import Settings
from bot.node.doctor import Finding
from bot.node.secrets import load_secrets

#: A backup that is older than this is one that somebody forgot.
BACKUP_EVERY = dt.timedelta(days=2)


def open_database(settings: Settings) -> Engine:
    """Return the engine of ``DATABASE_URL``, else of SQLite in the state folder.

    Raises:
        SetupError: the secrets cannot be read.
        CaseworkError: the URL or the keys cannot be used.
    """
    keys = Keyring.of_hex(load_secrets(settings).database_keys)
    if not settings.database_url:
        settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    return open_engine(settings.database_address, keys)


def examine_database(settings: Settings) -> Finding:
    """Say which database it is, how big, and when it was last backed up; never raises."""
    part = "database"
    try:
        # Without keys: nothing personal is looked at. And nobody is kept waiting.
        engine = open_engine(settings.database_address).execution_options(**{READING: True})
        if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").exists():
            return Finding(part, "ok", "SQLite", f"the line will make {engine.url.database}")
        version, size, backup = current(engine), size_of(engine), last_backup(engine)
    except CaseworkError as error:
        return Finding(part, "fail", detail=str(error), advice="Check DATABASE_URL and the server.")
    where = engine.url.render_as_string(hide_password=True)
    made = f"{backup.at:%Y-%m-%d %H:%M} UTC, {backup.subject}" if backup else "none"
    detail = f"{where}; {size / 1e6:,.1f} MB; last backup: {made}"
    named = f"{engine.dialect.name}, tables {version or 'none'}"
    engine.dispose()
    if version and version != newest():
        advice = "Stop the line, run `hotline db backup FILE`, then `hotline db upgrade`."
        return Finding(part, "fail", named, detail, advice)
    late = backup is None or dt.datetime.now(dt.UTC) - backup.at > BACKUP_EVERY
    if late and version:
        advice = "Back it up daily, to another disk: `hotline db backup FILE`."
        return Finding(part, "warn", named, detail, advice)
    return Finding(part, "ok", named, detail)
