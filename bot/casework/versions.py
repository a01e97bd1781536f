"""The version of a database's tables: told, checked, moved up and down.

A fresh database gets all tables at once and is of the newest version; a line never works on
one of another version. Leaves to others: the steps themselves (``migrations/``).
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import SQLAlchemyError

from bot.casework import desk_models, outside_models, search, training_models
from bot.casework.errors import CaseworkError, told
from bot.casework.models import Base

__all__ = [
    "current",
    "desk_models",
    "downgrade",
    "newest",
    "outside_models",
    "prepare",
    "search",
    "training_models",
    "upgrade",
]

#: Tables of a line from before there were versions, and what they are taken for.
UNVERSIONED = "0001"


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def newest() -> str:
    """Return the version that this program works with."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def current(engine: Engine) -> str:
    """Return the version of a database, "" for an empty one.

    Raises:
        CaseworkError: the database cannot be read.
    """
    try:
        with engine.connect() as connection:
            return _current(connection)
    except SQLAlchemyError as error:
        raise told(error) from error


def _current(connection: Connection) -> str:
    version = MigrationContext.configure(connection).get_current_revision()
    if version is None and inspect(connection).has_table("tickets"):
        return UNVERSIONED
    return version or ""


def prepare(engine: Engine) -> None:
    """Make the tables of an empty database; refuse one of another version.

    Raises:
        CaseworkError: it cannot be used, or is of another version; the message says what to do.
    """
    try:
        with engine.begin() as connection:
            version = _current(connection)
            if not version:
                Base.metadata.create_all(connection)
                command.stamp(_config(connection), "head")
                return
    except SQLAlchemyError as error:
        raise told(error) from error
    if version != newest():
        known = {one.revision for one in ScriptDirectory.from_config(_config()).walk_revisions()}
        todo = (
            "Stop the line, run `hotline db backup FILE`, then `hotline db upgrade`."
            if version in known
            else "It was made by a newer program: use that, or restore a backup of this version."
        )
        raise CaseworkError(
            f"The ticket database is of version {version}, and this program needs {newest()}. "
            + todo
        )


def upgrade(engine: Engine, to: str = "head") -> str:
    """Bring a database to a version, the newest by default, and return it.

    All or nothing. A database from before there were versions is taken for version 0001.

    Raises:
        CaseworkError: there is no such version, or the database cannot be used.
    """
    return _move(engine, to, up=True)


def downgrade(engine: Engine, to: str) -> str:
    """Bring a database back to an older version ("base": no tables at all) and return it.

    What the older version has no place for is lost.

    Raises:
        CaseworkError: there is no such version, or the database cannot be used.
    """
    return _move(engine, to, up=False)


def _move(engine: Engine, to: str, up: bool) -> str:
    try:
        with engine.begin() as connection:
            if up and not _current(connection) and to == "head":
                Base.metadata.create_all(connection)
                command.stamp(_config(connection), "head")
                return _current(connection)
            if MigrationContext.configure(connection).get_current_revision() is None and _current(
                connection
            ):
                command.stamp(_config(connection), UNVERSIONED)
            (command.upgrade if up else command.downgrade)(_config(connection), to)
            return _current(connection)
    except CommandError as error:
        raise CaseworkError(f"The database cannot be moved to version {to}: {error}.") from error
    except SQLAlchemyError as error:
        raise told(error) from error
