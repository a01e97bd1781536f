"""The ticket database of this node, opened as its settings say, with the node's own keys.

Beside the layers, because the node's secrets and casework's tables know nothing of each other.
"""

from __future__ import annotations

from sqlalchemy import Engine

from bot.casework.encryption import Keyring
from bot.casework.storage import open_engine
from bot.config import Settings
from bot.node.secrets import load_secrets


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
