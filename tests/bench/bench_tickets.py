"""How fast tickets are filed, on SQLite and on a real PostgreSQL.

Run ``python tests/bench/bench_tickets.py [--only sqlite|postgresql]``: files tickets from one and
from eight threads through the store and through Open311 (in process). Everything lies in a
temporary folder and is deleted again. Leaves to others: finding tickets among millions
(``year.py``).
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from fastapi.testclient import TestClient

from bot.casework.api_keys import ApiKeys
from bot.casework.encryption import Keyring
from bot.casework.storage import open_engine
from bot.casework.tickets import TicketStore
from bot.node.postgres import PrivatePostgres
from bot.web.georeport import Service
from bot.web.open311 import open311_app

FILED = 400
UNIT = "望京街道办事处"


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
            unit=UNIT,
            caller=f"138{n:08}",
        )

    repeated("filed, 1 thread", file("one"), FILED)
    repeated("filed, 8 threads", file("eight"), FILED, threads=8)
    service = Service("category.1", "停水", unit=UNIT)
    client = TestClient(open311_app(store, keys, lambda: (service,)))
    form = {
        "api_key": keys.make("open311", "bench"),
        "service_code": "category.1",
        "address_string": "望京西园三区",
        "description": "停水",
    }
    repeated("filed by POST of Open311", lambda _: client.post("/requests.json", data=form), FILED)


def measure(url: str) -> None:
    """Measure one database."""
    engine = open_engine(url, Keyring({"k1": b"1" * 32}))
    store = TicketStore(engine)
    store.create_schema()
    filing(store, ApiKeys(engine))
    engine.dispose()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    options = parser.parse_args()
    if options.only != "postgresql":
        print("SQLite")
        with tempfile.TemporaryDirectory() as folder:
            measure(f"sqlite:///{folder}/hotline.db")
    if options.only != "sqlite":
        print("PostgreSQL")
        with PrivatePostgres() as server:
            measure(server.database())
    return 0


if __name__ == "__main__":
    sys.exit(main())
