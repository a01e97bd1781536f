"""A process that files many tickets from eight threads, and prints each number it was given."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

from bot.casework.encryption import Keyring
from bot.casework.storage import open_engine
from bot.casework.tickets import TicketStore

THREADS = 8


def main(url: str, key: str, writes: str) -> None:
    store = TicketStore(open_engine(url, Keyring.of_hex({"k1": key})))

    def one(count: int) -> None:
        number = store.file(
            call_id=f"written-{count}",
            category="water.outage",
            title="停水",
            text=f"第{count}次停水",
            caller=f"138{count:08d}",
        )
        os.write(1, f"{number}\n".encode())

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(one, range(int(writes))))


if __name__ == "__main__":
    main(*sys.argv[1:])
