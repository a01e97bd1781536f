"""Full-text search of tickets: an index of pairs of characters, and asking it.

Chinese has no spaces, and what people look for is often two characters (停水). So every pair of
neighbouring characters of what a ticket says is indexed, the last character alone as well; a
word may be where all its pairs are, and a single character is the beginning of a pair. That
only narrows the search: whether a ticket says the words is read off its row, so both databases
and both ways of :func:`finding` agree to the letter.

The database keeps the index itself, in the transaction that writes the ticket, whoever writes
it: SQLite by triggers into a contentless FTS5 table (https://www.sqlite.org/fts5.html), each
character as the hexadecimal of its UTF-8; PostgreSQL by a GIN index over a function, without
extensions. Only what lies plainly in the row is indexed, nothing that is encrypted; erasing a
ticket's words takes them out of the index. A migration that makes the table ``tickets`` anew
on SQLite loses the triggers: let it run :func:`drop_index` before and :func:`make_index` after.

Leaves to others: all that is not words (``inbox.py``).
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlalchemy import (
    Connection,
    MetaData,
    cast,
    column,
    event,
    false,
    func,
    literal,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session

from bot.casework.models import Base, Ticket

#: Up to so many tickets may say something before it is quicker to walk through the list in its
#: order and look at each: about the root of a year's tickets times those of a page, so that
#: either way looks at some ten thousand rows.
RARE = 10_000
#: What of a ticket is searched for words.
SEARCHED = (Ticket.title, Ticket.district, Ticket.street, Ticket.place, Ticket.text)

#: The category is indexed, too: "water.outage in 朝阳区" is rare where neither alone is.
_NAMES = (*(one.key for one in SEARCHED), Ticket.category.key)
#: Databases fold case by their locale, but these letters everywhere.
_FOLD = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)

# Seventeen times as fast as taking substrings, and in PL/pgSQL, which keeps its plan.
_PG_FUNCTION = f"""
CREATE FUNCTION ticket_pairs(VARIADIC said text[]) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1000 AS $$
DECLARE
    letters text[] := string_to_array(translate(array_to_string(said, chr(10)),
        '{string.ascii_uppercase}', '{string.ascii_lowercase}'), NULL);
BEGIN
    RETURN array_to_tsvector(ARRAY(
        SELECT one || coalesce(next, '') FROM unnest(letters, letters[2:]) AS pair(one, next)));
END $$"""
_PG_PAIRS = f"ticket_pairs({', '.join(_NAMES)})"


def _pairs(row: str) -> str:
    said = " || char(10) || ".join(f"{row}.{name}" for name in _NAMES)
    return f"""(
        WITH RECURSIVE one(folded) AS (SELECT lower({said})),
            place(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM place, one WHERE n < length(folded))
        SELECT group_concat(hex(substr(folded, n, 2)), ' ') FROM place, one)"""


_ADD = f"INSERT INTO ticket_pairs (rowid, pairs) VALUES (new.id, {_pairs('new')});"
# FTS5 keeps no words of its own to tell what to take out.
_TAKE_OUT = (
    "INSERT INTO ticket_pairs (ticket_pairs, rowid, pairs) "
    f"VALUES ('delete', old.id, {_pairs('old')});"
)
_CHANGED = " OR ".join(f"old.{name} IS NOT new.{name}" for name in _NAMES)
_SQLITE = (
    "CREATE VIRTUAL TABLE ticket_pairs USING fts5"
    "(pairs, content='', columnsize=0, detail='none', tokenize='ascii')",
    f"CREATE TRIGGER ticket_pairs_filed AFTER INSERT ON tickets BEGIN {_ADD} END",
    f"CREATE TRIGGER ticket_pairs_changed AFTER UPDATE OF {', '.join(_NAMES)} ON tickets "
    f"WHEN {_CHANGED} BEGIN {_TAKE_OUT} {_ADD} END",
    f"CREATE TRIGGER ticket_pairs_deleted AFTER DELETE ON tickets BEGIN {_TAKE_OUT} END",
)


def make_index(connection: Connection) -> None:
    """Make the index and take up the tickets that are there."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_PG_FUNCTION)
        connection.exec_driver_sql(
            f"CREATE INDEX ix_tickets_pairs ON tickets USING gin ({_PG_PAIRS})"
        )
        return
    for statement in _SQLITE:
        connection.exec_driver_sql(statement)
    # What the triggers do, several times as fast, for millions of tickets.
    raw: Any = connection.connection.driver_connection
    raw.create_function("pairs_of", len(_NAMES), _tokens, deterministic=True)
    connection.exec_driver_sql(
        "INSERT INTO ticket_pairs (rowid, pairs) "
        f"SELECT id, pairs_of({', '.join(_NAMES)}) FROM tickets"
    )
    raw.create_function("pairs_of", len(_NAMES), None)


def _tokens(*said: str) -> str:
    folded = [one.encode().hex() for one in "\n".join(said).translate(_FOLD)]
    return " ".join(map("".join, pairwise([*folded, ""])))


def drop_index(connection: Connection) -> None:
    """Drop the index."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("DROP INDEX ix_tickets_pairs")
        connection.exec_driver_sql("DROP FUNCTION ticket_pairs")
        return
    for name in ("filed", "changed", "deleted"):
        connection.exec_driver_sql(f"DROP TRIGGER ticket_pairs_{name}")
    connection.exec_driver_sql("DROP TABLE ticket_pairs")


@event.listens_for(Base.metadata, "after_create")
def _with_the_tables(_: MetaData, connection: Connection, **__: Any) -> None:
    make_index(connection)


def pairs(word: str) -> list[str]:
    """Return what must be in the index where a word is: its pairs, or it alone if it is one."""
    folded = word.translate(_FOLD)
    return list(dict.fromkeys(folded[n : n + 2] for n in range(max(1, len(folded) - 1))))


@dataclass(frozen=True, slots=True)
class Finding:
    """How tickets are found."""

    where: tuple[Any, ...] = ()
    """Conditions on them."""
    few: bool = False
    """Whether no more than :data:`RARE` are looked at, in whatever order they are wanted."""


def finding(session: Session, words: str, place: str = "", category: str = "") -> Finding:
    """Return how to find tickets that say all of some words, in any order, and lie in a place.

    Words between spaces are looked for as they are, but for the case of Latin letters, in
    :data:`SEARCHED`; the place in what a ticket says of its place alone. What is not given is
    not looked for.

    Args:
        session: which is asked how rare the words are; its transaction is the one to search in.
        words: whatever somebody typed.
        place: district, sub-district, or part of an address.
        category: id of a category.
    """
    said = words.split()
    where = [or_(*(one.icontains(word, autoescape=True) for one in SEARCHED)) for word in said]
    if place:
        places = (Ticket.district, Ticket.street, Ticket.place)
        where.append(or_(*(one.icontains(place, autoescape=True) for one in places)))
        said.append(place)
    if category:
        where.append(Ticket.category == category)
        said.append(category)
    if not where:
        return Finding()
    some = _indexed(session, [pair for word in said for pair in pairs(word)]).limit(RARE + 1)
    count = session.scalar(select(func.count()).select_from(some.subquery())) or 0
    if not count:
        return Finding((false(),), few=True)
    if count > RARE:
        return Finding(tuple(where))
    return Finding((Ticket.id.in_(some), *where), few=True)


def _indexed(session: Session, looked_for: list[str]) -> Any:
    """Return the query for ids of tickets that have all of some pairs, or beginnings of pairs."""
    if session.get_bind().dialect.name == "postgresql":
        lexemes = [_lexeme(one) + (":*" if len(one) == 1 else "") for one in looked_for]
        query = cast(literal(" & ".join(lexemes)), TSQUERY)
        indexed = func.ticket_pairs(*SEARCHED, Ticket.category)
        return select(Ticket.id).where(indexed.op("@@")(query))
    tokens = [one.encode().hex() + ("*" if len(one) == 1 else "") for one in looked_for]
    index = table("ticket_pairs", column("rowid"))
    return (
        select(index.c.rowid)
        .select_from(index)
        .where(text("ticket_pairs MATCH :tokens").bindparams(tokens=" AND ".join(tokens)))
    )


def _lexeme(pair: str) -> str:
    return "'" + pair.replace("\\", "\\\\").replace("'", "''") + "'"
