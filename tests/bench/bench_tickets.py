"""How fast tickets are filed and found, on SQLite and on a real PostgreSQL.

Run ``python tests/bench/bench_tickets.py [--tickets N] [--only sqlite|postgresql]``: files
tickets from one and from eight threads through the store and through Open311 (in process), then
fills the database up to N tickets (skewed by category, place and time) and measures the pages
and look-ups that people wait for. Everything lies in a temporary folder and is deleted again.
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import Engine, insert, text

from bot.casework.api_keys import ApiKeys
from bot.casework.encryption import Keyring
from bot.casework.models import Ticket, TicketEvent
from bot.casework.storage import open_engine
from bot.casework.tickets import TicketStore, ticket_number
from bot.node.postgres import PrivatePostgres
from bot.web.backoffice import backoffice_app
from bot.web.georeport import Service
from bot.web.open311 import open311_app

FILED, ROUNDS, CHUNK = 400, 60, 5000
UNITS = [f"第{n}街道办事处" for n in range(300)]
CATEGORIES = [(f"category.{n}", f"第{n}类") for n in range(300)]
STATES = ["closed"] * 90 + ["dispatched"] * 3 + ["accepted"] * 3 + ["in_progress"] * 4


def report(name: str, seconds: list[float], wall: float) -> None:
    """Print one line of results."""
    cuts = statistics.quantiles(seconds, n=100)
    print(
        f"  {name:<40} {len(seconds) / wall:7.0f} /s   p50 {cuts[49] * 1e3:7.2f} ms   "
        f"p95 {cuts[94] * 1e3:7.2f} ms   n={len(seconds)}",
        flush=True,
    )


def repeated(name: str, work: Callable[[int], object], count: int, threads: int = 1) -> None:
    """Do it ``count`` times in all, from ``threads`` threads, and report."""
    taken: list[float] = []
    lock = threading.Lock()

    def one(number: int) -> None:
        began = time.perf_counter()
        work(number)
        spent = time.perf_counter() - began
        with lock:
            taken.append(spent)

    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, range(count)))
    report(name, taken, time.perf_counter() - began)


def filing(store: TicketStore, keys: ApiKeys) -> None:
    """Measure filing."""

    def file(call: str) -> Callable[[int], object]:
        return lambda n: store.file(
            call_id=f"{call}-{n}",
            category="category.1",
            title="停水",
            text="我家从昨天晚上开始一直停水",
            place="望京西园三区",
            unit=UNITS[1],
            caller=f"138{n:08}",
        )

    repeated("filed, 1 thread", file("one"), FILED)
    repeated("filed, 8 threads", file("eight"), FILED, threads=8)
    service = Service("category.1", "停水", unit=UNITS[1])
    client = TestClient(open311_app(store, keys, lambda: (service,)))
    form = {
        "api_key": keys.make("open311", "bench"),
        "service_code": "category.1",
        "address_string": "望京西园三区",
        "description": "停水",
    }
    repeated("filed by POST of Open311", lambda _: client.post("/requests.json", data=form), FILED)


def fill(engine: Engine, count: int) -> None:
    """Fill up to about ``count`` tickets with two events each."""
    began = time.perf_counter()
    for chunk in rows(count):
        with engine.begin() as connection:
            connection.execute(insert(Ticket), chunk)
            connection.execute(insert(TicketEvent), [e for one in chunk for e in events(one)])
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    spent = time.perf_counter() - began
    print(f"  {count:,} tickets and {2 * count:,} events loaded in {spent:.0f} s", flush=True)


def rows(count: int) -> Iterator[list[dict[str, Any]]]:
    """Make tickets of the last year: few units and categories have most of them."""
    chance = random.Random(7)
    weights = [1 / (rank + 1) for rank in range(300)]
    first = dt.datetime.now(dt.UTC) - dt.timedelta(days=365)
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        units = chance.choices(UNITS, weights, k=size)
        kinds = chance.choices(CATEGORIES, weights, k=size)
        chunk = []
        for n, unit, (category, title) in zip(
            range(start, start + size), units, kinds, strict=True
        ):
            at = first + dt.timedelta(seconds=n * 365 * 86400 / count)
            day = f"{at:%y}{900 + n // 90000:03}0"  # days of their own, apart from real ones
            chunk.append(
                {
                    "id": 100_000 + n,
                    "number": ticket_number(day, n % 90000 + 1),
                    "request": f"bench-{n}",
                    "call_id": f"bench-{n}",
                    "filed_at": at,
                    "day": day,
                    "serial": n % 90000 + 1,
                    "text": f"我家{title}的事情已经反映过{n % 7}次了，麻烦尽快处理",
                    "details": {},
                    "place": f"第{n % 5000}小区{n % 30}号楼",
                    "district": f"第{n % 16}区",
                    "street": unit[:-3],
                    "urgency": "normal",
                    "caller": f"139{chance.randrange(10**8):08}",
                    "phone": "",
                    "category": category,
                    "title": title,
                    "unit": unit,
                    "state": chance.choice(STATES),
                    "version": 2,
                    "due_at": at + dt.timedelta(days=7),
                    "changed_at": at,
                }
            )
        yield chunk


def events(one: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Make a ticket's events."""
    for seq, kind in enumerate(("received", "dispatched"), 1):
        common = {"ticket_id": one["id"], "seq": seq, "at": one["filed_at"], "kind": kind}
        yield common | {"actor": "system", "note": "", "data": {}}


def asking(store: TicketStore, keys: ApiKeys) -> None:
    """Measure what people wait for."""
    open_ones = {"state": ["dispatched", "accepted", "in_progress"]}
    for rank in (0, 100):
        headers = {"Authorization": f"Bearer {keys.make('unit', UNITS[rank])}"}
        client = TestClient(backoffice_app(store, keys), headers=headers)
        whose = "busiest unit" if rank == 0 else "unit of rank 100"
        repeated(f"inbox, {whose}", lambda _, c=client: c.get("/tickets"), ROUNDS)  # type: ignore[misc]
        repeated(
            f"inbox, open only, {whose}",
            lambda _, c=client: c.get("/tickets", params=open_ones),  # type: ignore[misc]
            ROUNDS,
        )
    some = store.newest(ROUNDS)
    repeated("by number", lambda n: store.get(some[n % len(some)].number), ROUNDS)
    repeated("by caller (encrypted)", lambda n: store.of_caller(some[n % len(some)].caller), ROUNDS)
    word = Ticket.text.contains("第250类")
    repeated("words in the text (LIKE), newest 50", lambda _: store.select(word, limit=50), 10)


def measure(url: str, tickets: int) -> None:
    """Measure everything on one database."""
    engine = open_engine(url, Keyring({"k1": b"1" * 32}))
    store = TicketStore(engine)
    store.create_schema()
    keys = ApiKeys(engine)
    filing(store, keys)
    fill(engine, tickets)
    asking(store, keys)
    if engine.dialect.name == "sqlite":
        size = sum(one.stat().st_size for one in Path(str(engine.url.database)).parent.iterdir())
    else:
        with engine.connect() as connection:
            size = connection.scalar(text("SELECT pg_database_size(current_database())")) or 0
    print(f"  {size / 1e6:,.0f} MB in all", flush=True)
    engine.dispose()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, default=100_000)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    options = parser.parse_args()
    if options.only != "postgresql":
        print("SQLite")
        with tempfile.TemporaryDirectory() as folder:
            measure(f"sqlite:///{folder}/hotline.db", options.tickets)
    if options.only != "sqlite":
        print("PostgreSQL")
        with PrivatePostgres() as server:
            measure(server.database(), options.tickets)
    return 0


if __name__ == "__main__":
    sys.exit(main())
