"""Encrypting every personal field anew with the newest key, in one transaction.

One transaction, because rows are found by encrypted numbers: half of them under another key
would not be found. Leaves to others: making and keeping keys (``bot/node/secrets.py``).
"""

from __future__ import annotations

from sqlalchemy import Engine, bindparam, select, type_coerce, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import Text

from bot.casework.encryption import MARK, EncryptedJson, EncryptedText, keys_of
from bot.casework.errors import CaseworkError, told
from bot.casework.outside_models import Base

#: Rows that are read and written at a time.
ROWS = 1000


def reseal(engine: Engine) -> int:
    """Encrypt with the newest key whatever is not; return how many fields that were.

    Raises:
        CaseworkError: there are no keys, an old key is missing, or the database fails.
    """
    keys = keys_of(engine.dialect)
    if keys is None:
        raise CaseworkError("The database was opened without keys.")
    wanted, count = f"{MARK}{keys.newest}:", 0
    try:
        with engine.begin() as connection:
            for table in Base.metadata.sorted_tables:
                for column in table.columns:
                    if not isinstance(column.type, EncryptedText | EncryptedJson):
                        continue
                    stored = type_coerce(column, Text)
                    old = select(table.c.id, column).where(
                        stored.not_in(("", "{}")), stored.not_like(f"{wanted}%")
                    )
                    change = update(table).where(table.c.id == bindparam("row"))
                    change = change.values({column.name: bindparam("value", type_=column.type)})
                    while rows := connection.execute(old.limit(ROWS)).all():
                        new = [{"row": row[0], "value": row[1]} for row in rows]
                        connection.execute(change, new)
                        count += len(rows)
    except SQLAlchemyError as error:
        raise told(error) from error
    return count
