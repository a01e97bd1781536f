"""Every version of the tables can be reached from every other, with data in place."""

from __future__ import annotations

import datetime as dt

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from bot.casework.encryption import Keyring
from bot.casework.errors import CaseworkError
from bot.casework.models import Base
from bot.casework.storage import open_engine
from bot.casework.tickets import TicketStore
from bot.casework.versions import current, downgrade, newest, prepare, upgrade

KEYS = Keyring({"k1": b"1" * 32})
OLD_TICKET = text(
    "INSERT INTO tickets (number, call_id, filed_at, day, serial, category, title, text, place, "
    "unit, urgency, caller, state) VALUES ('260105000015', 'call-1', :at, '260105', 1, "
    "'water.outage', '停水', '我家停水了', '望京西园', '市自来水集团', 'normal', "
    "'13800138000', 'received')"
)
OLD_EVENT = text(
    "INSERT INTO ticket_events (ticket_id, at, kind, actor, note) "
    "VALUES (1, :at, 'received', 'bot', '')"
)
AT = {"at": "2026-01-05 01:00:00.000000"}


def _is_not_search(_: object, name: str, kind: str, *__: object) -> bool:
    """The index of words is no table that SQLAlchemy knows."""
    return not (name.startswith("ticket_pairs") or name == "ix_tickets_pairs")


def test_a_fresh_database_and_a_migrated_one_are_the_same(database_url: str) -> None:
    engine = open_engine(database_url, KEYS)
    upgrade(engine, "0001")
    upgrade(engine)
    with engine.connect() as connection:
        options = {"compare_type": True, "include_object": _is_not_search}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []


def test_tickets_from_before_there_were_versions_are_kept_up_and_down(database_url: str) -> None:
    engine = open_engine(database_url, KEYS)
    upgrade(engine, "0001")
    with engine.begin() as connection:
        connection.execute(OLD_TICKET, AT)
        connection.execute(OLD_EVENT, AT)
        connection.execute(text("DROP TABLE alembic_version"))
    assert current(engine) == "0001"

    assert upgrade(engine) == newest()
    store = TicketStore(engine)
    store.create_schema()
    (ticket,) = store.of_caller("13800138000")
    assert (ticket.number, ticket.text, ticket.state) == ("260105000015", "我家停水了", "received")
    assert ticket.filed_at == dt.datetime(2026, 1, 5, 1, tzinfo=dt.UTC)
    # It lives on: the same request is not filed twice, and events go on counting.
    again = store.file(call_id="call-1", category="water.outage", title="停水", text="我家停水了")
    assert again == ticket.number
    store.urge(ticket.number, "citizen")
    store.file(call_id="call-2", category="water.outage", title="停水", text="又停水了")
    assert [event.seq for event in store.events(ticket.number)] == [1, 2]

    assert downgrade(engine, "0001") == "0001"
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT caller, text FROM tickets ORDER BY id")).all()
        kinds = connection.scalars(text("SELECT kind FROM ticket_events ORDER BY id")).all()
    assert [tuple(row) for row in rows] == [("13800138000", "我家停水了"), ("", "又停水了")]
    assert kinds[0] == "received"
    assert "urged" in kinds

    assert upgrade(engine) == newest()
    assert [one.number for one in TicketStore(engine).of_caller("13800138000")] == [ticket.number]
    assert downgrade(engine, "base") == ""
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]


def test_a_line_refuses_an_older_database_and_says_what_to_do(database_url: str) -> None:
    engine = open_engine(database_url, KEYS)
    upgrade(engine, "0001")
    with pytest.raises(CaseworkError, match="hotline db upgrade"):
        prepare(engine)


def test_a_line_refuses_a_newer_database(database_url: str) -> None:
    engine = open_engine(database_url, KEYS)
    prepare(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(CaseworkError, match="newer program"):
        prepare(engine)


def test_a_failed_migration_changes_nothing(database_url: str) -> None:
    engine = open_engine(database_url, KEYS)
    upgrade(engine, "0001")
    with pytest.raises(CaseworkError, match="version nowhere"):
        upgrade(engine, "nowhere")
    assert current(engine) == "0001"


def test_preparing_twice_changes_nothing(database_url: str) -> None:
    engine = open_engine(database_url, KEYS)
    prepare(engine)
    prepare(engine)
    assert current(engine) == newest()
