"""A year of Beijing in the ticket database: how long it takes to load, how big it is, how quick.

Run ``python -m tests.bench year [--tickets N] [--only sqlite|postgresql] [--folder DIR]``. By
default 10.8 million tickets, the requests that Beijing's line took in 2023, with all their
events (seven of each), in SQLite and in a private PostgreSQL; both are deleted again. Then what
people wait for is measured through the pages' and the API's own code: inbox, counts, search.
The exit status is 1 when a p95 is over :data:`LIMIT`. Leaves to others: making up the year
(``city_year.py``), how quickly tickets are filed (``bench_tickets.py``).
"""

from __future__ import annotations

import argparse
import datetime as dt
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, func, select, text

from bot.app import load_line_pack
from bot.casework import rates
from bot.casework.encryption import Keyring
from bot.casework.inbox import Filter, Inbox, Tab
from bot.casework.models import Base, Ticket
from bot.casework.search import drop_index, make_index
from bot.casework.storage import open_engine
from bot.casework.tickets import TicketStore
from bot.config import Settings
from bot.node.postgres import PrivatePostgres
from bot.rules import casework_rules
from tests.bench.city_year import EVENT_COLUMNS, TICKET_COLUMNS, CityYear

BEIJING = 10_800_000
#: Seconds within which 95 of 100 pages must be there.
LIMIT = 0.2
ROUNDS = 40
#: Words that many tickets say, and some, and few.
WORDS = (
    "停水",
    "噪音 半夜",
    "电梯 困人",
    "暖气不热",
    "12号楼",
    "垃圾 望京街道",
    "水",
    "没有这个词",
)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Print how long something took."""
    began = time.perf_counter()
    yield
    print(f"  {name:<44} {time.perf_counter() - began:8.1f} s", flush=True)


def load(engine: Engine, year: CityYear) -> None:
    """Load a year: rows first, what finds them afterwards, as one restores a backup."""
    with engine.begin() as connection:
        drop_index(connection)
        indexes = _drop_indexes(connection)
    with step(f"{year.count:,} tickets and their events loaded"):
        _rows(engine, year)
    with step("indexes"), engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '1GB'")
        for made in indexes:
            connection.exec_driver_sql(made)
    with step("index of words"), engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '1GB'")
        make_index(connection)
    with step("statistics"), engine.connect() as connection:
        aside = connection.execution_options(isolation_level="AUTOCOMMIT")
        aside.execute(text("VACUUM ANALYZE" if engine.dialect.name == "postgresql" else "ANALYZE"))


def _drop_indexes(connection: Connection) -> list[str]:
    """Drop the indexes that no constraint needs, and return what makes them again."""
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql <> ''"
    if connection.dialect.name == "postgresql":
        query = "SELECT indexname, indexdef FROM pg_indexes WHERE indexname LIKE 'ix\\_%%'"
    found = [tuple(row) for row in connection.exec_driver_sql(query)]
    for name, _ in found:
        connection.exec_driver_sql(f"DROP INDEX {name}")
    return [made for _, made in found]


def _rows(engine: Engine, year: CityYear) -> None:
    began, done = time.perf_counter(), 0
    raw = engine.raw_connection()
    try:
        write = _copy
        if engine.dialect.name == "sqlite":
            # Whoever loads a year begins anew when the power fails.
            raw.driver_connection.execute("PRAGMA synchronous=OFF")  # type: ignore[union-attr]
            write = _insert
        for number, (tickets, events) in enumerate(year.days()):
            write(raw.driver_connection, "tickets", TICKET_COLUMNS, tickets)
            write(raw.driver_connection, "ticket_events", EVENT_COLUMNS, events)
            raw.commit()
            done += len(tickets)
            if number % 30 == 29:
                speed = done / (time.perf_counter() - began)
                print(f"    {done:,} tickets, {speed:,.0f} /s", flush=True)
    finally:
        raw.invalidate()


def _insert(connection: Any, table: str, columns: tuple[str, ...], rows: list[Any]) -> None:
    marks = ", ".join("?" for _ in columns)
    connection.execute("BEGIN")
    connection.executemany(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", map(_stored, rows)
    )
    connection.execute("COMMIT")


def _stored(row: tuple[object, ...]) -> tuple[object, ...]:
    """As SQLAlchemy stores moments in SQLite."""
    return tuple(
        value.isoformat(" ", "microseconds")[:26] if isinstance(value, dt.datetime) else value
        for value in row
    )


def _copy(connection: Any, table: str, columns: tuple[str, ...], rows: list[Any]) -> None:
    with connection.cursor().copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def sizes(engine: Engine) -> None:
    """Print what the database takes up on the disk."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            query = (
                "SELECT CASE WHEN name LIKE 'ticket_pairs%' THEN 'index of words' "
                "WHEN name LIKE '%tickets%' THEN 'tickets' ELSE 'events and others' END, "
                "sum(pgsize) FROM dbstat GROUP BY 1"
            )
        else:
            query = (
                "SELECT CASE WHEN relname = 'ix_tickets_pairs' THEN 'index of words' "
                "WHEN relname LIKE '%%tickets%%' THEN 'tickets' ELSE 'events and others' END, "
                "sum(pg_relation_size(oid)) FROM pg_class WHERE relkind IN ('r', 'i') GROUP BY 1"
            )
        for what, size in connection.exec_driver_sql(query):
            print(f"  {what + ', with their indexes':<44} {float(size) / 1e6:8,.0f} MB", flush=True)


def asking(engine: Engine, year: CityYear) -> bool:
    """Measure what people wait for; return whether all is quick enough."""
    store = TicketStore(engine, rules=lambda: {year.pack.name: year.rules})
    inbox = Inbox(store.ledger)
    with engine.connect() as connection:
        busiest = select(Ticket.unit).group_by(Ticket.unit).order_by(func.count().desc())
        units = connection.scalars(busiest.limit(150)).all()
    good = True
    for name, unit in (("all units", ""), ("busiest unit", units[0]), ("a small unit", units[-1])):
        for tab in (Tab.OPEN, Tab.ENDED, Tab.ALL):
            good &= repeated(f"page {tab}, {name}", lambda t=tab, u=unit: inbox.page(Filter(t), u))
        good &= repeated(f"counts of tabs, {name}", lambda u=unit: inbox.counts(u))
        for words in WORDS:
            wanted = Filter(Tab.ALL, words=words)
            good &= repeated(f"“{words}”, {name}", lambda w=wanted, u=unit: inbox.page(w, u))
        place = Filter(Tab.ALL, place="朝阳区", category="water.outage")
        good &= repeated(f"category and place, {name}", lambda w=place, u=unit: inbox.page(w, u))
    newest = store.newest(1)[0]
    good &= repeated("by number", lambda: store.get(newest.number))
    good &= repeated("by caller", lambda: store.of_caller(newest.caller, open_only=False))
    month = year.until - dt.timedelta(days=30)
    with step("rates of the last month"):
        rates.read(store.ledger, month, year.until)
    return good


def repeated(name: str, work: Callable[[], object]) -> bool:
    """Do it often, report, and return whether 95 of 100 are there in time."""
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
        if sum(taken) > 20 and len(taken) > 4:
            break
    cuts = statistics.quantiles(taken, n=20)
    good = cuts[18] <= LIMIT
    mark = "" if good else "   TOO SLOW"
    print(
        f"  {name:<44} p50 {statistics.median(taken) * 1e3:7.1f} ms   p95 {cuts[18] * 1e3:7.1f} ms"
        f"   n={len(taken)}{mark}",
        flush=True,
    )
    return good


def measure(url: str, tickets: int) -> bool:
    """Load and measure one database."""
    keys = Keyring({"k1": b"1" * 32})
    engine = open_engine(url, keys)
    Base.metadata.create_all(engine)
    pack = load_line_pack(Settings())
    year = CityYear(pack, casework_rules(pack), keys, dt.datetime.now(dt.UTC), tickets)
    load(engine, year)
    sizes(engine)
    good = asking(engine, year)
    engine.dispose()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"  {'most memory of this process so far':<44} {most:8,.0f} MB", flush=True)
    return good


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench year", description=__doc__)
    parser.add_argument("--tickets", type=int, default=BEIJING)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    parser.add_argument("--folder", type=Path, help="where SQLite's file is made; default: /tmp")
    options = parser.parse_args()
    good = True
    if options.only != "postgresql":
        print("SQLite", flush=True)
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            good &= measure(f"sqlite:///{folder}/hotline.db", options.tickets)
    if options.only != "sqlite":
        print("PostgreSQL", flush=True)
        with PrivatePostgres() as server:
            good &= measure(server.database(), options.tickets)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
