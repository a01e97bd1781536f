"""Filing tickets in a real database: numbered, durable, never twice, never half."""

from __future__ import annotations

import datetime as dt
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.casework.tickets import CaseworkError, TicketStore, check_digit, ticket_number


def a_store(folder: Path) -> TicketStore:
    store = TicketStore(f"sqlite:///{folder / 'hotline.db'}")
    store.create_schema()
    return store


def file(store: TicketStore, call_id: str = "", text: str = "我家停水了") -> str:
    return store.file(
        call_id=call_id or str(uuid4()),
        category="water.outage",
        title="停水",
        text=text,
        place="望京",
        unit="水务局",
        caller="13800138000",
    )


def test_a_ticket_keeps_what_was_said(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    ticket = store.get(file(store))
    assert ticket is not None
    assert (ticket.category, ticket.text, ticket.place, ticket.unit, ticket.state) == (
        "water.outage",
        "我家停水了",
        "望京",
        "水务局",
        "received",
    )


def test_filing_is_the_first_event_of_a_ticket(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    assert [event.kind for event in store.events(file(store))] == ["received"]


def test_numbers_count_up_through_the_day_and_start_anew_the_next(tmp_path: Path) -> None:
    noon = dt.datetime(2026, 11, 24, 4, 0, tzinfo=dt.UTC)
    days = iter([noon, noon, noon + dt.timedelta(days=1)])
    store = TicketStore(f"sqlite:///{tmp_path / 'x.db'}", clock=lambda: next(days))
    store.create_schema()
    numbers = [file(store)[:-1] for _ in range(3)]
    assert [number[6:] for number in numbers] == ["00001", "00002", "00001"]
    assert numbers[0][:6] == "261124"


def test_the_same_request_of_a_call_is_filed_once(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    assert file(store, "call-1") == file(store, "call-1")
    assert len(store.newest()) == 1


def test_another_request_of_the_same_call_is_another_ticket(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    assert file(store, "call-1") != file(store, "call-1", "路灯也坏了")


def test_an_unknown_number_is_nobodys(tmp_path: Path) -> None:
    assert a_store(tmp_path).get("261124000017") is None


def test_many_callers_at_once_each_get_a_number_of_their_own(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: file(store), range(400)))
    assert len(set(numbers)) == 400
    assert {ticket.number for ticket in store.newest(1000)} == set(numbers)


WRITER = """
import sys
from uuid import uuid4
from bot.casework.tickets import TicketStore
store = TicketStore(sys.argv[1])
while True:
    print(store.file(call_id=str(uuid4()), category="c", title="t", text="x"), flush=True)
"""


def test_a_number_that_was_told_survives_the_death_of_the_bot(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    writers = []
    for number in range(2):
        with (tmp_path / f"told.{number}").open("w") as out:
            command = [sys.executable, "-c", WRITER, f"sqlite:///{tmp_path / 'hotline.db'}"]
            writers.append(subprocess.Popen(command, stdout=out))
    while sum(len(p.read_text().split()) for p in tmp_path.glob("told.*")) < 40:
        assert all(writer.poll() is None for writer in writers)
    for writer in writers:
        writer.kill()
        writer.wait()
    told = {n for p in tmp_path.glob("told.*") for n in p.read_text().split("\n")[:-1]}
    kept = {ticket.number: ticket for ticket in store.newest(100_000)}
    assert told <= kept.keys()
    assert all(len(store.events(number)) == 1 for number in kept)
    assert file(store) not in kept


def test_a_database_that_cannot_be_used_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "hotline.db").write_bytes(b"this is not a database" * 100)
    with pytest.raises(CaseworkError, match="DATABASE_URL"):
        a_store(tmp_path)


def test_a_database_that_is_locked_for_long_is_an_error_and_not_a_lost_ticket(
    tmp_path: Path,
) -> None:
    store = a_store(tmp_path)
    file(store)
    other = sqlite3.connect(tmp_path / "hotline.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(file, store)
        other.execute("COMMIT")
        assert store.get(waiting.result(timeout=15)) is not None


def test_a_ticket_does_not_tell_whose_it_is_when_it_is_logged(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    assert "138" not in repr(store.get(file(store)))


@given(st.integers(0, 99_999), st.integers(0, 12), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(serial: int, place: int, off: int) -> None:
    number = ticket_number("261124", serial)
    place %= len(number)
    wrong = number[:place] + str((int(number[place]) + off) % 10) + number[place + 1 :]
    assert check_digit(number[:-1]) == number[-1]
    assert check_digit(wrong[:-1]) != wrong[-1]
