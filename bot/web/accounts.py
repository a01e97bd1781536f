"""Accounts: who may sign in, as what, and whether a password is theirs.

Passwords are hashed with Argon2id by argon2-cffi, with its own defaults (RFC 9106, the
low-memory recommendation). Five wrong passwords close an account for a quarter of an hour, and
thirty from one address close the address, so that guessing is slow whichever way it is done.
Leaves to others: browsers (``sessions.py``) and what a role may do (``access.py``).
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Engine, delete, func, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from bot.casework.desk_models import AccountRow, SessionRow, SignInRow
from bot.casework.ledger import Clock, utc_now

#: Wrong passwords after which an account, and an address, have to wait.
TRIES_OF_NAME, TRIES_OF_ADDRESS = 5, 30
WAIT = dt.timedelta(minutes=15)
#: Characters of a password: at least (NIST SP 800-63B, 3.1.1.2), and no more than this, since
#: hashing takes longer for longer ones.
SHORTEST, LONGEST = 10, 200
_NAME = re.compile(r"[\w.@-]{2,64}")
_EXTENSION = re.compile(r"(?:[0-9]{2,10})?")
#: A password that is made is read out and typed: no letters that look alike.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class Role(StrEnum):
    """What somebody is to the line."""

    AGENT = "agent"
    """Talks with callers."""
    SUPERVISOR = "supervisor"
    """Watches over the agents; may take calls too."""
    EDITOR = "editor"
    """Keeps the pack."""
    ANALYST = "analyst"
    """Reads figures and learns from corrections."""
    ADMIN = "admin"
    """Keeps accounts and reads the audit log."""
    UNIT = "unit"
    """Works on the tickets of one unit."""


ROLE_NAMES = {
    Role.AGENT: "坐席",
    Role.SUPERVISOR: "班长",
    Role.EDITOR: "知识编辑",
    Role.ANALYST: "分析员",
    Role.ADMIN: "管理员",
    Role.UNIT: "承办单位",
}


class AccountError(Exception):
    """It cannot be done. ``args[0]`` is English, ``message`` Chinese; both say what to do."""

    def __init__(self, told: str, message: str) -> None:
        super().__init__(told)
        self.message = message


class SignInRefused(AccountError):  # noqa: N818
    """Name and password do not fit, or the account is closed for now."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in."""

    id: int
    name: str
    role: Role
    extension: str
    must_change: bool
    locked: bool
    unit: str = ""
    """Name of the unit that they work for; "" for none."""


class Accounts:
    """Accounts in SQL. Thread-safe."""

    def __init__(
        self, engine: Engine, clock: Clock = utc_now, hasher: PasswordHasher | None = None
    ) -> None:
        """``hasher``: another one with less work, for tests."""
        self.engine = engine
        self.now = clock
        self._hasher = hasher or PasswordHasher()
        # Of nobody: a name that does not exist takes as long to refuse as one that does.
        self._nobody = self._hasher.hash(secrets.token_hex(16))

    # --- keeping accounts ---------------------------------------------------------------

    def add(
        self, name: str, role: Role, extension: str = "", password: str = "", unit: str = ""
    ) -> str:
        """Make an account; return its password, which has to be changed at the first sign-in.

        ``unit``: its name, for the role of units and for no other.

        Raises:
            AccountError: the name is taken or malformed, or the extension is; the unit is
                missing, or one too many.
        """
        if (role is Role.UNIT) != bool(unit):
            raise AccountError(
                "An account of the role unit, and no other, has a unit.",
                "“承办单位”角色须写明单位，其他角色不填单位。",
            )
        if not _NAME.fullmatch(name):
            raise AccountError(
                "A name is 2 to 64 letters, digits or . _ @ -.",
                "用户名为2至64个字母、汉字、数字或 . _ @ -。",
            )
        if not _EXTENSION.fullmatch(extension):
            raise AccountError(
                "An extension is a number of 2 to 10 digits.", "分机号为2至10位数字。"
            )
        password = password or new_password()
        row = AccountRow(
            name=name,
            role=Role(role).value,
            extension=extension,
            unit=unit,
            password_hash=self._hasher.hash(password),
            must_change=True,
            locked=False,
            made_at=self.now(),
        )
        try:
            with self._transaction() as session:
                session.add(row)
        except IntegrityError as error:
            raise AccountError(f"The name {name} is taken.", "这个用户名已有人使用。") from error
        return password

    def all(self) -> list[Account]:
        """Return every account, by name."""
        with self._transaction() as session:
            return [account_of(row) for row in session.scalars(select(AccountRow))]

    def get(self, name: str) -> Account | None:
        """Return the account of that name."""
        with self._transaction() as session:
            row = session.scalar(select(AccountRow).where(AccountRow.name == name))
            return account_of(row) if row else None

    def reset(self, name: str) -> str:
        """Give an account a new password, to be changed; end its sessions. Return it.

        Raises:
            AccountError: there is no such account.
        """
        password = new_password()
        with self._transaction() as session:
            row = self._row(session, name)
            row.password_hash, row.must_change = self._hasher.hash(password), True
            session.execute(delete(SessionRow).where(SessionRow.account_id == row.id))
            session.execute(delete(SignInRow).where(SignInRow.name == name))
        return password

    def lock(self, name: str, locked: bool = True) -> None:
        """Close an account and end its sessions, or open it again.

        Raises:
            AccountError: there is no such account.
        """
        with self._transaction() as session:
            row = self._row(session, name)
            row.locked = locked
            if locked:
                session.execute(delete(SessionRow).where(SessionRow.account_id == row.id))
            else:
                session.execute(delete(SignInRow).where(SignInRow.name == name))

    def change_password(self, name: str, old: str, new: str) -> None:
        """Let somebody choose their own password; ends their sessions.

        Raises:
            SignInRefused: the old password is not theirs.
            AccountError: the new one is too short, too long, or the old one again.
        """
        if not SHORTEST <= len(new) <= LONGEST:
            raise AccountError(
                f"A password has {SHORTEST} to {LONGEST} characters.",
                f"新密码需要{SHORTEST}至{LONGEST}个字符。",
            )
        if new in (old, name):
            raise AccountError(
                "Choose a password that is new and not the name.",
                "新密码不能与旧密码或用户名相同。",
            )
        with self._transaction() as session:
            row = self._row(session, name)
            if not self._fits(row.password_hash, old):
                raise SignInRefused("The old password does not fit.", "原密码不对。")
            row.password_hash, row.must_change = self._hasher.hash(new), False
            session.execute(delete(SessionRow).where(SessionRow.account_id == row.id))

    # --- signing in ---------------------------------------------------------------------

    def check(self, name: str, password: str, address: str) -> Account:
        """Return the account whose password this is.

        ``address``: where the attempt comes from.

        Raises:
            SignInRefused: it does not fit, or it was tried too often of late.
        """
        name = name[:64]
        with self._transaction() as session:
            since = self.now() - WAIT
            if self._failures(session, since, name, address):
                raise SignInRefused(
                    "Too many wrong passwords; try again in 15 minutes.",
                    "密码输错次数过多，请15分钟后再试，或请管理员重置密码。",
                )
            row = session.scalar(select(AccountRow).where(AccountRow.name == name))
            stored = row.password_hash if row else self._nobody
            account = account_of(row) if row else None
        # Outside the transaction: hashing is slow on purpose, and SQLite has one writer.
        ok = self._fits(stored, password[: LONGEST + 1]) and account is not None
        ok = ok and account is not None and not account.locked
        with self._transaction() as session:
            session.add(SignInRow(at=self.now(), name=name, address=address[:64], ok=ok))
            if ok and account and self._hasher.check_needs_rehash(stored):
                self._row(session, name).password_hash = self._hasher.hash(password)
        if not ok or account is None:
            # The same for a wrong name, a wrong password and a closed account: who guesses
            # must not learn which names exist.
            raise SignInRefused("Name and password do not fit.", "用户名或密码不对。")
        return account

    def _failures(self, session: Session, since: dt.datetime, name: str, address: str) -> bool:
        def wrong(*where: object) -> int:
            query = select(func.count()).select_from(SignInRow)
            query = query.where(SignInRow.at > since, SignInRow.ok.is_(False), *where)  # type: ignore[arg-type]
            return session.scalar(query) or 0

        last = session.scalar(
            select(func.max(SignInRow.at)).where(SignInRow.name == name, SignInRow.ok.is_(True))
        )
        newer = [SignInRow.at > last] if last else []
        return (
            wrong(SignInRow.name == name, *newer) >= TRIES_OF_NAME
            or wrong(SignInRow.address == address[:64]) >= TRIES_OF_ADDRESS
        )

    def _fits(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    def _row(self, session: Session, name: str) -> AccountRow:
        row = session.scalar(select(AccountRow).where(AccountRow.name == name))
        if row is None:
            raise AccountError(f"There is no account {name}.", "没有这个用户。")
        return row

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        try:
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                yield session
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            raise AccountError(
                f"The database cannot be used ({error}). Check DATABASE_URL and free disk space.",
                "数据库暂时不能使用，请稍后再试。",
            ) from error


def new_password() -> str:
    """Return a random password of 4 x 4 characters (79 bits), easy to read out."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))
    return "-".join(groups)


def account_of(row: AccountRow) -> Account:
    """Return a stored account without its password."""
    role = Role(row.role)
    return Account(row.id, row.name, role, row.extension, row.must_change, row.locked, row.unit)
