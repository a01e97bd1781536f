"""The life of tickets: events in sequence, dispatch, clocks, whistles, surveys, incidents.

Tickets that are there already keep their numbers and events; callers' numbers are encrypted on
the way. Going down drops what the older tables have no place for.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

import sqlalchemy as sa
from alembic import op

from bot.casework.columns import UtcDateTime
from bot.casework.encryption import EncryptedJson, EncryptedLookup, EncryptedText

revision = "0002"
down_revision = "0001"

#: Rows that are moved at a time.
BATCH = 1000
#: What both versions' tickets have.
SHARED = ["id", "number", "call_id", "filed_at", "day", "serial", "category", "title", "text"]
SHARED += ["place", "unit", "urgency", "caller", "state"]
WORDS = ("pack", "district", "street", "since", "phone", "first_unit", "merged_into")
COUNTS = ("noticed", "urged", "returns", "reopened")
#: The same columns, written as the older version does.
OLD_TICKETS = sa.table(
    "tickets",
    *(sa.column(name) for name in SHARED if name != "filed_at"),
    sa.column("filed_at", sa.DateTime()),
)
OLD_EVENTS = sa.table(
    "ticket_events",
    sa.column("at", sa.DateTime()),
    *(sa.column(name) for name in ("id", "ticket_id", "kind", "actor", "note")),
)
#: The same, with the newer version's types.
NEW_TICKETS = sa.table(
    "tickets",
    *(sa.column(name) for name in SHARED if name not in ("filed_at", "caller")),
    *(sa.column(name) for name in ("request", "channel", "pack", "district", "street", "since")),
    *(sa.column(name) for name in ("confidence", "version", "first_unit", "merged_into")),
    *(sa.column(name) for name in COUNTS),
    *(sa.column(name, UtcDateTime()) for name in ("filed_at", "changed_at", "clock_from")),
    sa.column("details", EncryptedJson()),
    *(sa.column(name, EncryptedLookup()) for name in ("caller", "phone")),
)
NEW_EVENTS = sa.table(
    "ticket_events",
    sa.column("at", UtcDateTime()),
    sa.column("data", sa.JSON()),
    *(sa.column(name) for name in ("id", "ticket_id", "seq", "kind", "actor", "note")),
)


def upgrade() -> None:
    """Make the tables of casework and move the tickets into them."""
    tickets, events = _rows(OLD_TICKETS), _rows(OLD_EVENTS)
    op.drop_table("ticket_events")
    op.drop_table("tickets")
    _make_tables()
    last: dict[int, tuple[int, dt.datetime]] = {}
    for event in events:
        seq = last.get(event["ticket_id"], (0, event["at"]))[0] + 1
        event["at"] = event["at"].replace(tzinfo=dt.UTC)
        event["seq"], event["data"] = seq, {}
        last[event["ticket_id"]] = (seq, event["at"])
    received = {}
    for one in tickets:
        one["filed_at"] = one["filed_at"].replace(tzinfo=dt.UTC)
        words = "\0".join((one["call_id"], one["category"], one["text"]))
        one["request"] = hashlib.sha256(words.encode()).hexdigest()
        one["version"], one["changed_at"] = last.get(one["id"], (0, one["filed_at"]))
        one["clock_from"] = one["filed_at"]
        one |= {"channel": "phone", "confidence": 1.0, "details": {}}
        one |= dict.fromkeys(WORDS, "")
        one |= dict.fromkeys(COUNTS, 0)
        received[one["id"]] = {name: one[name] for name in ("category", "title", "unit")}
    for event in events:
        if event["seq"] == 1:
            event["data"] = received[event["ticket_id"]]
    _insert(NEW_TICKETS, tickets)
    _insert(NEW_EVENTS, events)
    _go_on_counting()


def downgrade() -> None:
    """Keep tickets and events as far as the older tables have a place for them."""
    tickets, events = _rows(NEW_TICKETS), _rows(NEW_EVENTS)
    _drop_tables()
    _older().upgrade()
    for one in tickets:
        one["filed_at"] = one["filed_at"].replace(tzinfo=None)
    for event in events:
        event["at"] = event["at"].replace(tzinfo=None)
        event["kind"], event["actor"] = event["kind"][:16], event["actor"][:32]
    _insert(OLD_TICKETS, [{name: one[name] for name in SHARED} for one in tickets])
    old = [column.name for column in OLD_EVENTS.columns]
    _insert(OLD_EVENTS, [{name: event[name] for name in old} for event in events])
    _go_on_counting()


def _older() -> Any:
    script = op.get_context().script
    assert script is not None
    revision = script.get_revision(down_revision)
    assert revision is not None
    return revision.module


def _rows(table: sa.TableClause) -> list[dict[str, Any]]:
    query = sa.select(table).order_by(table.c.id)
    return [dict(row) for row in op.get_bind().execute(query).mappings()]


def _insert(table: sa.TableClause, rows: list[dict[str, Any]]) -> None:
    for first in range(0, len(rows), BATCH):
        op.get_bind().execute(sa.insert(table), rows[first : first + BATCH])


def _go_on_counting() -> None:
    """Rows came with their ids: PostgreSQL's counters have to be told."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for name in ("tickets", "ticket_events"):
        op.execute(
            f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), "
            f"(SELECT coalesce(max(id), 0) + 1 FROM {name}), false)"
        )


def _make_tables() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_audit_at"), "audit", ["at"], unique=False)
    op.create_table(
        "callback_requests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.String(length=36), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("phone", EncryptedLookup(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("text", EncryptedText(), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("call_id"),
    )
    op.create_index(
        op.f("ix_callback_requests_due_at"), "callback_requests", ["due_at"], unique=False
    )
    op.create_index(
        op.f("ix_callback_requests_phone"), "callback_requests", ["phone"], unique=False
    )
    op.create_table(
        "citizens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("phone", EncryptedLookup(), nullable=False),
        sa.Column("consent", sa.Boolean(), nullable=True),
        sa.Column("consent_at", UtcDateTime(), nullable=True),
        sa.Column("elder", sa.Boolean(), nullable=False),
        sa.Column("pack", sa.String(length=64), nullable=False),
        sa.Column("district", sa.String(length=32), nullable=False),
        sa.Column("last_rating", sa.Integer(), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("phone"),
    )
    op.create_table(
        "drafts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.String(length=36), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("caller", EncryptedLookup(), nullable=False),
        sa.Column("fields", EncryptedJson(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("call_id"),
    )
    op.create_index(op.f("ix_drafts_state"), "drafts", ["state"], unique=False)
    op.create_table(
        "incidents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=True),
        sa.Column("category", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=64), nullable=False),
        sa.Column("district", sa.String(length=32), nullable=False),
        sa.Column("street", sa.String(length=32), nullable=False),
        sa.Column("spot", sa.Text(), nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("last_ticket_at", UtcDateTime(), nullable=False),
        sa.Column("known", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index(op.f("ix_incidents_state"), "incidents", ["state"], unique=False)
    op.create_table(
        "ratings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.String(length=36), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("caller", EncryptedLookup(), nullable=False),
        sa.Column("policy", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("call_id"),
    )
    op.create_index(op.f("ix_ratings_at"), "ratings", ["at"], unique=False)
    op.create_index(op.f("ix_ratings_score"), "ratings", ["score"], unique=False)
    op.create_table(
        "tickets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("call_id", sa.String(length=36), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("pack", sa.String(length=64), nullable=False),
        sa.Column("filed_at", UtcDateTime(), nullable=False),
        sa.Column("day", sa.String(length=6), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("details", EncryptedJson(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("district", sa.String(length=32), nullable=False),
        sa.Column("street", sa.String(length=32), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("urgency", sa.String(length=8), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("caller", EncryptedLookup(), nullable=False),
        sa.Column("phone", EncryptedLookup(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=64), nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("first_unit", sa.String(length=64), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("clock_from", UtcDateTime(), nullable=True),
        sa.Column("noticed", sa.Integer(), nullable=False),
        sa.Column("urged", sa.Integer(), nullable=False),
        sa.Column("returns", sa.Integer(), nullable=False),
        sa.Column("reopened", sa.Integer(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=True),
        sa.Column("dispatched_at", UtcDateTime(), nullable=True),
        sa.Column("resolved_at", UtcDateTime(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("suspended_from", sa.String(length=16), nullable=True),
        sa.Column("suspended_at", UtcDateTime(), nullable=True),
        sa.Column("extension_to", UtcDateTime(), nullable=True),
        sa.Column("incident_id", sa.Integer(), nullable=True),
        sa.Column("merged_into", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"],
            ["incidents.id"],
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["tickets.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("day", "serial", name="uq_tickets_day_serial"),
        sa.UniqueConstraint("number"),
        sa.UniqueConstraint("request"),
    )
    op.create_index(op.f("ix_tickets_call_id"), "tickets", ["call_id"], unique=False)
    op.create_index(op.f("ix_tickets_caller"), "tickets", ["caller"], unique=False)
    op.create_index("ix_tickets_category_filed", "tickets", ["category", "filed_at"], unique=False)
    op.create_index(op.f("ix_tickets_district"), "tickets", ["district"], unique=False)
    op.create_index(op.f("ix_tickets_filed_at"), "tickets", ["filed_at"], unique=False)
    op.create_index(op.f("ix_tickets_incident_id"), "tickets", ["incident_id"], unique=False)
    op.create_index(op.f("ix_tickets_parent_id"), "tickets", ["parent_id"], unique=False)
    op.create_index(op.f("ix_tickets_phone"), "tickets", ["phone"], unique=False)
    op.create_index("ix_tickets_state_due", "tickets", ["state", "due_at"], unique=False)
    op.create_index(
        "ix_tickets_unit_state_due", "tickets", ["unit", "state", "due_at"], unique=False
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=True),
        sa.Column("to_kind", sa.String(length=16), nullable=False),
        sa.Column("recipient", EncryptedLookup(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["ticket_id"],
            ["tickets.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key", name="uq_notice_key"),
    )
    op.create_index(op.f("ix_notices_sent_at"), "notices", ["sent_at"], unique=False)
    op.create_index(op.f("ix_notices_ticket_id"), "notices", ["ticket_id"], unique=False)
    op.create_table(
        "surveys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(length=43), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"],
            ["tickets.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("ticket_id", "round", name="uq_survey_round"),
        sa.UniqueConstraint("token"),
    )
    op.create_index(op.f("ix_surveys_next_at"), "surveys", ["next_at"], unique=False)
    op.create_table(
        "ticket_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"],
            ["tickets.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("ticket_id", "seq", name="uq_event_seq"),
    )
    op.create_index(op.f("ix_ticket_events_at"), "ticket_events", ["at"], unique=False)
    op.create_table(
        "whistles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("be_there_by", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["ticket_id"],
            ["tickets.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_whistles_closed_at"), "whistles", ["closed_at"], unique=False)
    op.create_index(op.f("ix_whistles_ticket_id"), "whistles", ["ticket_id"], unique=False)
    op.create_index(op.f("ix_whistles_unit"), "whistles", ["unit"], unique=False)
    op.create_table(
        "summonses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("whistle_id", sa.Integer(), nullable=False),
        sa.Column("department", sa.String(length=64), nullable=False),
        sa.Column("arrived_at", UtcDateTime(), nullable=True),
        sa.Column("acted_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["whistle_id"],
            ["whistles.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("whistle_id", "department", name="uq_summons"),
    )
    op.create_index(op.f("ix_summonses_department"), "summonses", ["department"], unique=False)


def _drop_tables() -> None:
    op.drop_index(op.f("ix_summonses_department"), table_name="summonses")
    op.drop_table("summonses")
    op.drop_index(op.f("ix_whistles_unit"), table_name="whistles")
    op.drop_index(op.f("ix_whistles_ticket_id"), table_name="whistles")
    op.drop_index(op.f("ix_whistles_closed_at"), table_name="whistles")
    op.drop_table("whistles")
    op.drop_index(op.f("ix_ticket_events_at"), table_name="ticket_events")
    op.drop_table("ticket_events")
    op.drop_index(op.f("ix_surveys_next_at"), table_name="surveys")
    op.drop_table("surveys")
    op.drop_index(op.f("ix_notices_ticket_id"), table_name="notices")
    op.drop_index(op.f("ix_notices_sent_at"), table_name="notices")
    op.drop_table("notices")
    op.drop_index("ix_tickets_unit_state_due", table_name="tickets")
    op.drop_index("ix_tickets_state_due", table_name="tickets")
    op.drop_index(op.f("ix_tickets_phone"), table_name="tickets")
    op.drop_index(op.f("ix_tickets_parent_id"), table_name="tickets")
    op.drop_index(op.f("ix_tickets_incident_id"), table_name="tickets")
    op.drop_index(op.f("ix_tickets_filed_at"), table_name="tickets")
    op.drop_index(op.f("ix_tickets_district"), table_name="tickets")
    op.drop_index("ix_tickets_category_filed", table_name="tickets")
    op.drop_index(op.f("ix_tickets_caller"), table_name="tickets")
    op.drop_index(op.f("ix_tickets_call_id"), table_name="tickets")
    op.drop_table("tickets")
    op.drop_index(op.f("ix_ratings_score"), table_name="ratings")
    op.drop_index(op.f("ix_ratings_at"), table_name="ratings")
    op.drop_table("ratings")
    op.drop_index(op.f("ix_incidents_state"), table_name="incidents")
    op.drop_table("incidents")
    op.drop_index(op.f("ix_drafts_state"), table_name="drafts")
    op.drop_table("drafts")
    op.drop_table("citizens")
    op.drop_index(op.f("ix_callback_requests_phone"), table_name="callback_requests")
    op.drop_index(op.f("ix_callback_requests_due_at"), table_name="callback_requests")
    op.drop_table("callback_requests")
    op.drop_index(op.f("ix_audit_at"), table_name="audit")
    op.drop_table("audit")
