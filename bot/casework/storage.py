"""Opening the ticket database: SQLite by default, PostgreSQL by its URL; durable on both.

Leaves to others: the tables (``models.py``), their versions (``migrations/``), the keys
(``encryption.py``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.orm import Session

from bot.casework.encryption import Keyring, carry
from bot.casework.errors import CaseworkError, told

#: Seconds to wait for a PostgreSQL that does not answer.
CONNECT_TIMEOUT = 10
#: Execution option of a transaction that only reads.
READING = "hotline_reading"
#: What operators write, and the driver that is meant.
DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "sqlite": "sqlite",
}


def open_engine(url: str, keys: Keyring | None = None) -> Engine:
    """Return an engine for a database; nothing is connected yet.

    Args:
        url: ``sqlite:///FILE`` or ``postgresql://USER:PASSWORD@HOST/NAME``.
        keys: for personal fields; None stores them plainly, which is for tests alone.

    Raises:
        CaseworkError: the URL is none, or of another kind of database.
    """
    try:
        address = make_url(url)
        driver = DRIVERS.get(address.drivername)
        if driver is None:
            raise CaseworkError(
                f"DATABASE_URL begins with {address.drivername}://, which is not supported: use "
                "postgresql://USER:PASSWORD@HOST/NAME or sqlite:///FILE."
            )
        address = address.set(drivername=driver)
        options: dict[str, Any] = {}
        if driver != "sqlite":
            options = {"connect_timeout": CONNECT_TIMEOUT, "application_name": "hotline"}
        engine = create_engine(address, pool_pre_ping=True, connect_args=options)
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise CaseworkError(
            "DATABASE_URL cannot be read: write postgresql://USER:PASSWORD@HOST/NAME or "
            "sqlite:///FILE."
        ) from error
    carry(engine.dialect, keys)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _durable)
        event.listen(engine, "begin", _write_at_once)
    return engine


def size_of(engine: Engine) -> int:
    """Return the bytes that a database takes up on its disk.

    Raises:
        CaseworkError: it cannot be read.
    """
    try:
        if engine.dialect.name == "sqlite":
            file = Path(engine.url.database or "")
            parts = (file.with_name(file.name + end) for end in ("", "-wal", "-shm"))
            return sum(part.stat().st_size for part in parts if part.exists())
        with engine.connect() as connection:
            query = text("SELECT pg_database_size(current_database())")
            return int(connection.scalar(query) or 0)
    except SQLAlchemyError as error:
        raise told(error) from error


def wait_in_line(session: Session, line: str) -> None:
    """Wait until no other transaction is in this line; one leaves it by ending.

    For what is counted, such as serial numbers. SQLite lets in one writer anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:line))"), {"line": line})


def _durable(connection: Any, _: Any) -> None:
    """A number that was spoken must outlive a power cut: SQLite syncs every commit."""
    # Transactions begin where ``_write_at_once`` says, not where the driver guesses.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _write_at_once(connection: Any) -> None:
    """Take the write lock first: two writers then wait for each other instead of failing.

    Who only reads sees the database of one moment, and nobody waits for that.
    """
    reading = connection.get_execution_options().get(READING, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
