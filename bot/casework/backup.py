"""Backups of the ticket database that can be made while the line writes, and brought back.

SQLite is copied by its own online backup (https://www.sqlite.org/backup.html). PostgreSQL is
written as one gzipped file of JSON lines out of one REPEATABLE READ transaction: it needs none
of the server's programs, and can be brought back into any release. Personal fields stay
encrypted in both: keep ``secrets.json`` too, elsewhere. Leaves to others: when and where to
(``bot/commands/db.py``).
"""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, MetaData, Table, func, insert, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.casework.errors import CaseworkError, told
from bot.casework.models import AuditEntry
from bot.casework.versions import current, downgrade, upgrade

FORMAT = "hotline-backup-1"
#: What the audit calls it.
BACKUP = "backup"
#: Pages that SQLite copies at a time; writers get in between.
PAGES = 256
#: Rows that are read or written at a time.
ROWS = 1000


def backup(engine: Engine, target: Path) -> int:
    """Write a backup; it appears under its name when it is complete. Return its bytes.

    The database remembers that it was made (:func:`last_backup`).

    Raises:
        CaseworkError: there is such a file already, or the database or the disk fails.
    """
    if target.exists():
        raise CaseworkError(f"{target} exists already: name another file.")
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        if engine.dialect.name == "sqlite":
            _copy_sqlite(_file_of(engine), part)
        else:
            _dump(engine, part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(target)
        _remember(engine, target)
    except (OSError, sqlite3.Error) as error:
        raise CaseworkError(f"The backup {target} cannot be written: {error}.") from error
    except SQLAlchemyError as error:
        raise told(error) from error
    finally:
        part.unlink(missing_ok=True)
    return target.stat().st_size


def last_backup(engine: Engine) -> AuditEntry | None:
    """Return when a backup was last made (``at``) and into which file (``subject``).

    Raises:
        CaseworkError: the database cannot be read.
    """
    query = select(AuditEntry).where(AuditEntry.action == BACKUP).order_by(AuditEntry.at.desc())
    try:
        if not inspect(engine).has_table(AuditEntry.__tablename__):
            return None
        with Session(engine) as session:
            return session.scalar(query.limit(1))
    except SQLAlchemyError as error:
        raise told(error) from error


def _remember(engine: Engine, target: Path) -> None:
    if not inspect(engine).has_table(AuditEntry.__tablename__):
        return  # An old database, before it is brought to a newer version.
    entry = AuditEntry(
        at=dt.datetime.now(dt.UTC), actor="system", action=BACKUP, subject=str(target.absolute())
    )
    with Session(engine) as session, session.begin():
        session.add(entry)


def restore(engine: Engine, source: Path) -> None:
    """Bring a backup back into an empty database (stop the line first).

    Raises:
        CaseworkError: the database is not empty, the file is no backup of this kind of
            database, or something fails; the database is then as it was.
    """
    if not source.is_file():
        raise CaseworkError(f"There is no backup {source}.")
    if current(engine):
        raise CaseworkError(
            "The database is not empty. Move its file away (SQLite) or name an empty database in "
            "DATABASE_URL (PostgreSQL), then repeat."
        )
    try:
        if engine.dialect.name == "sqlite":
            with source.open("rb") as file:
                if file.read(16) != b"SQLite format 3\0":
                    raise CaseworkError(f"{source} is not a backup of an SQLite database.")
            engine.dispose()
            _copy_sqlite(source, _file_of(engine))
        else:
            _load(engine, source)
    except (OSError, EOFError, sqlite3.Error, ValueError, KeyError) as error:
        raise CaseworkError(f"The backup {source} cannot be read: {error}.") from error
    except SQLAlchemyError as error:
        raise told(error) from error


def _file_of(engine: Engine) -> Path:
    name = engine.url.database
    if not name or name == ":memory:":
        raise CaseworkError("A database in memory has no backup.")
    return Path(name)


def _copy_sqlite(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other, pages=PAGES)
        (verdict,) = other.execute("PRAGMA quick_check").fetchone()
        if verdict != "ok":
            raise CaseworkError(f"{source} is damaged: {verdict}.")


def _tables(connection: Any) -> list[Table]:
    """Return the tables as they are, so that values stay as stored: encrypted."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != "alembic_version"]


def _dump(engine: Engine, target: Path) -> None:
    version = current(engine)
    reading = engine.execution_options(isolation_level="REPEATABLE READ")
    with reading.connect() as connection, gzip.open(target, "wt", encoding="utf-8") as file:
        head = {"format": FORMAT, "version": version}
        file.write(json.dumps(head) + "\n")
        count = 0
        for table in _tables(connection):
            rows = connection.execution_options(yield_per=ROWS).execute(
                select(table).order_by(*table.primary_key)
            )
            for row in rows.mappings():
                plain = {name: _plain(value) for name, value in row.items()}
                file.write(json.dumps([table.name, plain], ensure_ascii=False) + "\n")
                count += 1
        file.write(json.dumps({"rows": count}) + "\n")


def _load(engine: Engine, source: Path) -> None:
    with gzip.open(source, "rt", encoding="utf-8") as file:
        head = json.loads(next(file, "{}"))
        if not isinstance(head, dict) or head.get("format") != FORMAT:
            raise CaseworkError(f"{source} is not a backup of a PostgreSQL database.")
    upgrade(engine, head["version"])
    try:
        with engine.begin() as connection, gzip.open(source, "rt", encoding="utf-8") as file:
            next(file)
            tables = {table.name: table for table in _tables(connection)}
            count = 0
            for name, rows in _batches(file):
                if name == "":
                    if rows[0]["rows"] != count:
                        raise CaseworkError(f"{source} is not complete.")
                    break
                connection.execute(insert(tables[name]), [_typed(tables[name], r) for r in rows])
                count += len(rows)
            else:
                raise CaseworkError(f"{source} is not complete.")
            for table in tables.values():
                if "id" in table.columns:
                    highest = connection.scalar(select(func.max(table.c.id))) or 0
                    connection.execute(
                        text("SELECT setval(pg_get_serial_sequence(:t, 'id'), :n, false)"),
                        {"t": table.name, "n": highest + 1},
                    )
    except BaseException:
        downgrade(engine, "base")
        raise


def _batches(lines: Iterator[str]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Group lines by table; the last line, with the count, comes as table ""."""
    name, rows = "", list[dict[str, Any]]()
    for line in lines:
        entry = json.loads(line)
        table, row = ("", entry) if isinstance(entry, dict) else entry
        if rows and (table != name or len(rows) >= ROWS):
            yield name, rows
            rows = []
        name = table
        rows.append(row)
    if rows:
        yield name, rows


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return {"moment": value.isoformat()}
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    return value


def _typed(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    def typed(name: str, value: Any) -> Any:
        if isinstance(value, dict) and value.keys() == {"moment"}:
            python = table.c[name].type.python_type
            if python is dt.datetime:
                return dt.datetime.fromisoformat(value["moment"])
        return value

    return {name: typed(name, value) for name, value in row.items()}
