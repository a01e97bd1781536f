"""What lies in the database, and what survives."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from casework.world import make_world
from sqlalchemy import Engine, Text, select, text, type_coerce
from sqlalchemy.orm import Session

from bot.casework.backup import backup, restore
from bot.casework.callbacks import Callbacks
from bot.casework.desk_models import AuditRow, CorrectionRow, SignInRow, WrapUpRow
from bot.casework.encryption import Keyring
from bot.casework.errors import CaseworkError
from bot.casework.models import AuditEntry, CallbackRequest, Draft, Ticket, TicketEvent
from bot.casework.rekeying import reseal
from bot.casework.retention import ERASED, Policy, Retention
from bot.casework.search import finding
from bot.casework.storage import open_engine
from bot.casework.tickets import TicketStore, check_digit
from bot.casework.training_models import TrainingMarkRow, TrainingRow
from bot.casework.versions import current, newest
from bot.node.postgres import PrivatePostgres

ONE, TWO = b"1" * 32, b"2" * 32
REQUEST = {"category": "water.outage", "title": "停水", "text": "我家停水了", "place": "望京西园"}
PHONE = "13800138000"


def store_in(url: str, keys: Keyring | None = None) -> TicketStore:
    store = TicketStore(open_engine(url, keys or Keyring({"k1": ONE})))
    store.create_schema()
    return store


def file(store: TicketStore, call: str = "call-1", caller: str = PHONE) -> str:
    return store.file(call_id=call, caller=caller, details={"name": "张三"}, **REQUEST)


def test_a_callers_number_is_found_but_lies_encrypted_in_the_database(database_url: str) -> None:
    store = store_in(database_url)
    number = file(store)
    assert [one.number for one in store.of_caller(PHONE)] == [number]
    ticket = store.get(number)
    assert ticket is not None
    assert (ticket.caller, ticket.details) == (PHONE, {"name": "张三"})
    with store.engine.connect() as connection:
        row = connection.execute(text("SELECT * FROM tickets")).mappings().one()
    assert row["caller"].startswith("enc:k1:")
    assert not any(PHONE in str(value) or "张三" in str(value) for value in row.values())


def test_equal_words_never_look_equal_but_equal_numbers_do() -> None:
    keys = Keyring({"k1": ONE})
    assert keys.seal("张三") != keys.seal("张三")
    assert keys.seal_for_lookup(PHONE) == keys.seal_for_lookup(PHONE)
    assert keys.open(keys.seal("张三")) == "张三"
    assert keys.open(keys.seal_for_lookup(PHONE)) == PHONE


def test_a_changed_byte_is_noticed() -> None:
    keys = Keyring({"k1": ONE})
    for sealed in (keys.seal("张三"), keys.seal_for_lookup(PHONE)):
        other = "A" if sealed[-10] != "A" else "B"
        with pytest.raises(CaseworkError, match="tampered"):
            keys.open(sealed[:-10] + other + sealed[-9:])


def test_the_wrong_keys_are_refused_with_advice(database_url: str) -> None:
    number = file(store_in(database_url))
    for keys in (Keyring({"k2": TWO}), Keyring({"k1": TWO})):
        with pytest.raises(CaseworkError, match=r"secrets\.json"):
            store_in(database_url, keys).get(number)


def test_an_encrypted_database_is_not_read_without_keys(database_url: str) -> None:
    number = file(store_in(database_url))
    with pytest.raises(CaseworkError, match="without keys"):
        TicketStore(database_url).get(number)


def test_a_new_key_reads_what_the_old_one_wrote_and_replaces_it(database_url: str) -> None:
    number = file(store_in(database_url))
    both = store_in(database_url, Keyring({"k1": ONE, "k2": TWO}))
    assert reseal(both.engine) == 2
    assert reseal(both.engine) == 0
    only_new = store_in(database_url, Keyring({"k2": TWO}))
    assert [one.number for one in only_new.of_caller(PHONE)] == [number]


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "postgresql://h:port/x"])
def test_a_url_of_another_database_is_refused_with_advice(url: str) -> None:
    with pytest.raises(CaseworkError, match="postgresql://USER:PASSWORD@HOST/NAME"):
        open_engine(url)


# --- backup ---------------------------------------------------------------------------------


def test_a_backup_made_while_tickets_are_written_is_whole(
    database_url: str, tmp_path: Path, postgres: object
) -> None:
    store = store_in(database_url)
    file(store)
    stop = threading.Event()
    filed: list[str] = []

    def write() -> None:
        while not stop.is_set():
            filed.append(file(store, f"call-{len(filed) + 2}"))

    writer = threading.Thread(target=write)
    writer.start()
    while len(filed) < 5:
        time.sleep(0.01)
    before = list(filed)
    backup(store.engine, tmp_path / "backup")
    stop.set()
    writer.join()

    restored = open_engine(_another(database_url, tmp_path, postgres), Keyring({"k1": ONE}))
    restore(restored, tmp_path / "backup")
    assert current(restored) == newest()
    with Session(restored) as session:
        tickets = session.scalars(select(Ticket)).all()
        assert {one.number for one in tickets} >= set(before)
        for one in tickets:
            events = session.scalars(select(TicketEvent).where(TicketEvent.ticket_id == one.id))
            assert len(events.all()) == one.version
            assert one.caller == PHONE
    # The next ticket gets ids and a number of its own.
    assert file(TicketStore(restored), "afterwards") not in {one.number for one in tickets}


def test_a_backup_is_never_restored_over_data(database_url: str, tmp_path: Path) -> None:
    store = store_in(database_url)
    backup(store.engine, tmp_path / "backup")
    with pytest.raises(CaseworkError, match="not empty"):
        restore(store.engine, tmp_path / "backup")


def test_something_else_than_a_backup_is_refused(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "backup").write_text("no backup")
    engine = open_engine(database_url)
    with pytest.raises(CaseworkError, match="backup"):
        restore(engine, tmp_path / "backup")
    assert current(engine) == ""


def _another(url: str, folder: Path, postgres: object) -> str:
    if url.startswith("sqlite"):
        return f"sqlite:///{folder / 'restored.db'}"
    made: str = postgres.database()  # type: ignore[attr-defined]
    return made


# --- retention ------------------------------------------------------------------------------


def practise(engine: Engine, at: dt.datetime) -> None:
    mark = TrainingMarkRow(field="intent", points=1.0, most=1.0)
    row = TrainingRow(
        at=at,
        trainee="lin",
        kind="drill",
        scenario="a",
        title="停水",
        total=100.0,
        passed=True,
        record={"answer": {}, "said": []},
        marks=[mark],
    )
    with Session(engine) as session, session.begin():
        session.add(row)


def test_what_is_over_for_long_is_erased_but_not_under_hold(database_url: str) -> None:
    world = make_world(database_url)
    store, retention = world.store, Retention(world.store.ledger)
    gone, held, still_open = (world.file(text=word) for word in ("甲", "乙", "丙"))
    for number in (gone, held):
        store.withdraw(number, "citizen", "不用了")
    retention.hold(held, "supervisor:1", "诉讼")
    store.keep_draft("draft", {"text": "丁"}, PHONE)
    practise(store.engine, world.now)
    world.wait(dt.timedelta(days=40))
    practise(store.engine, world.now)
    policy = Policy(tickets=31, drafts=31, training=31)

    would = retention.run(policy, "system", dry=True)
    assert (would.tickets, would.drafts, would.held, would.practices) == (1, 1, 1, 1)
    assert store.get(gone).text == "甲"  # type: ignore[union-attr]
    assert retention.run(policy, "system") == would

    ticket = store.get(gone)
    assert ticket is not None
    assert (ticket.text, ticket.place, ticket.caller, ticket.category) == (
        ERASED,
        "",
        "",
        "water.outage",
    )
    assert {event.note for event in store.events(gone)} <= {"", ERASED}
    assert store.get(held).text == "乙"  # type: ignore[union-attr]
    assert store.get(still_open).text == "丙"  # type: ignore[union-attr]
    with Session(store.engine) as session:
        assert session.scalars(select(Draft)).all() == []
        assert len(session.scalars(select(TrainingRow)).all()) == 1
        assert len(session.scalars(select(TrainingMarkRow)).all()) == 1
        assert [one.subject for one in session.scalars(select(AuditEntry))] == [gone]
    assert retention.run(policy, "system").tickets == 0


def test_what_is_over_for_long_is_erased_a_few_at_a_time(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.casework.retention.BATCH", 2)
    world = make_world(database_url)
    for _ in range(5):
        world.store.withdraw(world.file(), "citizen", "不用了")
    world.wait(dt.timedelta(days=40))
    retention = Retention(world.store.ledger)
    assert retention.run(Policy(tickets=31), "system").tickets == 5
    assert {one.text for one in world.store.newest()} == {ERASED}


def test_a_policy_names_what_is_to_be_kept_for_other_than_usual() -> None:
    assert Policy.of({"drafts": 7}) == Policy(drafts=7)
    with pytest.raises(CaseworkError, match="HOTLINE_RETENTION knows drafts, logs"):
        Policy.of({"draft": 7})


def test_a_lifted_hold_lets_go_and_says_who_did_it(database_url: str) -> None:
    world = make_world(database_url)
    retention = Retention(world.store.ledger)
    number = world.file()
    world.store.withdraw(number, "citizen")
    retention.hold(number, "supervisor:1", "诉讼")
    with pytest.raises(CaseworkError, match="legal hold"):
        retention.erase(number, "supervisor:1", "本人要求")
    retention.lift(number, "supervisor:1", "诉讼已了结")
    retention.erase(number, "supervisor:1", "本人要求")
    with Session(world.store.engine) as session:
        assert [one.action for one in session.scalars(select(AuditEntry))] == [
            "lift_hold",
            "erase",
        ]


def test_notes_of_talks_keep_only_what_statistics_need_and_logs_are_deleted(
    database_url: str,
) -> None:
    world = make_world(database_url)
    store, retention = world.store, Retention(world.store.ledger)
    callbacks = Callbacks(store.engine, store.ledger.now)
    policy = Policy(talks=200, logs=200)

    def happen() -> None:
        now = store.ledger.now()
        callbacks.done(callbacks.book(PHONE, now, "asked", "停水"), "called")
        with Session(store.engine) as session, session.begin():
            session.add(WrapUpRow(at=now, call_id="c", agent="a", caller=PHONE, outcome="filed"))
            session.add(
                CorrectionRow(at=now, call_id="c", agent="a", text="停水", chosen_intent="water")
            )
            session.add(AuditRow(at=now, actor="a", action="claimed", subject="c"))
            session.add(SignInRow(at=now, name="a", address="10.0.0.1", ok=True))

    happen()
    world.wait(dt.timedelta(days=201))
    happen()
    would = retention.run(policy, "system", dry=True)
    assert (would.talks, would.logs) == (3, 2)
    assert retention.run(policy, "system") == would
    again = retention.run(policy, "system")
    assert (again.talks, again.logs) == (0, 0)
    with Session(store.engine) as session:
        assert [
            one.caller for one in session.scalars(select(WrapUpRow).order_by(WrapUpRow.id))
        ] == ["", PHONE]
        assert [
            one.text for one in session.scalars(select(CorrectionRow).order_by(CorrectionRow.id))
        ] == ["", "停水"]
        assert [
            one.phone
            for one in session.scalars(select(CallbackRequest).order_by(CallbackRequest.id))
        ] == ["", PHONE]
        assert len(session.scalars(select(AuditRow)).all()) == 1
        assert len(session.scalars(select(SignInRow)).all()) == 1
    with pytest.raises(CaseworkError, match="logs"):
        retention.run(Policy(logs=30), "system")


# --- kill -9 --------------------------------------------------------------------------------

WRITER = Path(__file__).with_name("ticket_writer.py")
WRITES, KILLED_AFTER = 1000, 200


def acknowledged(url: str, kill: Callable[[subprocess.Popen[str]], None]) -> list[str]:
    """Numbers that a process was given for its tickets until something was killed."""
    writer = subprocess.Popen(
        [sys.executable, str(WRITER), url, ONE.hex(), str(WRITES)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(WRITER.parents[2])},
    )
    assert writer.stdout is not None
    numbers = []
    for line in writer.stdout:
        # A line that the kill cut off acknowledged nothing.
        if line.endswith("\n"):
            numbers.append(line.strip())
        if len(numbers) == KILLED_AFTER:
            kill(writer)
    assert writer.wait() != 0
    assert KILLED_AFTER <= len(numbers) < WRITES
    assert len(set(numbers)) == len(numbers)
    return numbers


def nothing_is_lost_or_half_there(store: TicketStore, numbers: list[str]) -> None:
    with Session(store.engine) as session:
        tickets = {one.number: one for one in session.scalars(select(Ticket))}
        events: dict[int, list[int]] = {}
        for ticket_id, seq in session.execute(select(TicketEvent.ticket_id, TicketEvent.seq)):
            events.setdefault(ticket_id, []).append(seq)
        raw = session.scalars(select(type_coerce(Ticket.caller, Text)))
        assert all(one.startswith("enc:") for one in raw)
        found = session.scalars(select(Ticket.number).where(*finding(session, "停水").where))
        assert set(found) == tickets.keys()
    assert set(numbers) <= tickets.keys()
    # At most one more per thread: committed, and killed before it could say so.
    assert len(tickets) - len(numbers) <= 8
    assert events.keys() == {one.id for one in tickets.values()}
    for one in tickets.values():
        assert sorted(events[one.id]) == list(range(1, one.version + 1))
        assert check_digit(one.number[:-1]) == one.number[-1]
    assert file(store, "afterwards") not in tickets


def test_kill_9_in_the_middle_of_a_thousand_writes_loses_nothing_acknowledged(
    database_url: str,
) -> None:
    store = store_in(database_url)
    numbers = acknowledged(database_url, lambda writer: writer.send_signal(signal.SIGKILL))
    nothing_is_lost_or_half_there(store, numbers)


def test_kill_9_of_the_database_server_loses_nothing_acknowledged_either() -> None:
    with PrivatePostgres() as server:
        url = server.database()
        store_in(url).engine.dispose()
        numbers = acknowledged(url, lambda _: server.kill())
        server.start()
        nothing_is_lost_or_half_there(store_in(url), numbers)
