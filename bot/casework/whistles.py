"""吹哨报到: a unit that can't solve a ticket alone calls departments to the place.

They check in, act together, and close together; who comes late or not at all is named. Each
step is an event of the ticket. Leaves to others: sending the notices that are written here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.casework.errors import CaseworkError, Conflict, IllegalTransition, UnknownTicket
from bot.casework.ledger import Ledger
from bot.casework.lifecycle import Actor, EventKind, Role
from bot.casework.models import Summons, Ticket, Whistle
from bot.casework.notices import tell


@dataclass(frozen=True, slots=True)
class Called:
    """A department that was called, and whether it came."""

    department: str
    be_there_by: dt.datetime
    arrived_at: dt.datetime | None
    late: bool
    """Came after the time, or the time is over and it has not come."""
    minutes_late: int
    """Whole minutes; of who has not come till now, or till the whistle was closed."""


@dataclass(frozen=True, slots=True)
class Board:
    """A whistle, as the whistle board shows it."""

    id: int
    number: str
    unit: str
    reason: str
    place: str
    at: dt.datetime
    be_there_by: dt.datetime
    closed_at: dt.datetime | None
    called: tuple[Called, ...]

    @property
    def late(self) -> tuple[str, ...]:
        """Names of the departments that are late, there or not."""
        return tuple(one.department for one in self.called if one.late)

    @property
    def absent(self) -> tuple[str, ...]:
        """Names of the departments that have not come, late or not."""
        return tuple(one.department for one in self.called if not one.arrived_at)


@dataclass(frozen=True, slots=True)
class Figures:
    """How a department answers whistles."""

    department: str
    called: int
    on_time: int
    late: int
    """Came, but after the time."""
    absent: int
    """Did not come, and the time is over."""
    mean_minutes: float | None
    """From the whistle to checking in, of those that came; None when none did."""

    @property
    def rate(self) -> float | None:
        """Share that came on time, of those whose time is over or who came; 报到率."""
        judged = self.on_time + self.late + self.absent
        return self.on_time / judged if judged else None


class Whistles:
    """Whistles in SQL. Thread-safe."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def blow(
        self,
        number: str,
        by: str | Actor,
        *,
        reason: str,
        departments: Sequence[str],
        be_there_by: dt.datetime,
        place: str = "",
        expected: int | None = None,
    ) -> int:
        """Call departments to a place for a ticket; return the whistle's id.

        Args:
            number: of the ticket.
            by: the unit that has it.
            reason: why it can't be done alone.
            departments: names of whom to call, at least one.
            be_there_by: aware; in the future.
            place: where to meet; by default the ticket's.
            expected: the ticket's version that this was decided on.

        Raises:
            UnknownTicket, IllegalTransition, Conflict, CaseworkError: what is wrong.
        """
        ledger, actor = self._ledger, Actor.of(by)
        names = tuple(dict.fromkeys(name.strip() for name in departments if name.strip()))
        now = ledger.now()
        if be_there_by <= now:
            raise CaseworkError("The time to be there is over already: give a later one.")
        with ledger.transaction() as session:
            ticket = ledger.take(session, number, expected)
            if actor.name in names:
                raise CaseworkError(f"{actor.name} can't whistle for itself: name others.")
            whistle = Whistle(
                ticket_id=ticket.id,
                unit=actor.name,
                reason=reason,
                place=place or ticket.place,
                at=now,
                be_there_by=be_there_by,
            )
            session.add(whistle)
            session.flush()
            ledger.write(
                session,
                ticket,
                EventKind.WHISTLED,
                actor,
                reason,
                at=now,
                whistle=whistle.id,
                departments=names,
                be_there_by=be_there_by,
            )
            for name in names:
                session.add(Summons(whistle_id=whistle.id, department=name))
                text = (
                    f"{actor.name}为工单{number}吹哨，请按时到场：{whistle.place}。事由：{reason}"
                )
                tell(session, f"whistle:{whistle.id}:{name}", ("unit", name), text, now, ticket.id)
            return whistle.id

    def check_in(self, id: int, department: str, by: str | Actor = "", note: str = "") -> bool:
        """Record that a department is there (报到); return whether it is news.

        Raises:
            UnknownTicket: no such whistle, or it did not call that department.
            IllegalTransition, CaseworkError: it is closed; not for others to say.
        """
        with self._ledger.transaction() as session:
            whistle, summons, ticket = self._called(session, id, department)
            if summons.arrived_at is not None:
                return False
            self._write(session, ticket, EventKind.CHECKED_IN, whistle, department, by, note)
            summons.arrived_at = self._ledger.now()
            return True

    def act(self, id: int, department: str, what: str, by: str | Actor = "") -> None:
        """Record what a department did at the place, together with the others.

        Raises:
            UnknownTicket, IllegalTransition, CaseworkError: as for :meth:`check_in`; it has
                not checked in.
        """
        with self._ledger.transaction() as session:
            whistle, summons, ticket = self._called(session, id, department)
            if summons.arrived_at is None:
                raise IllegalTransition(f"{department} has not checked in yet.")
            self._write(session, ticket, EventKind.ACTED, whistle, department, by, what)
            summons.acted_at = self._ledger.now()

    def close(self, id: int, by: str | Actor, outcome: str) -> Board:
        """Close a whistle together (销哨): somebody came. Who did not is named for good.

        Raises:
            UnknownTicket, IllegalTransition, CaseworkError: what is wrong.
        """
        ledger = self._ledger
        with ledger.transaction() as session:
            whistle = _open(session, id)
            summonses = _summonses(session, [id])
            if not any(one.arrived_at for one in summonses):
                raise IllegalTransition("Nobody has checked in yet, so there is nothing to close.")
            number = session.scalar(select(Ticket.number).where(Ticket.id == whistle.ticket_id))
            ticket = ledger.take(session, str(number))
            now = ledger.now()
            board = _board(whistle, ticket.number, summonses, now)
            ledger.write(
                session,
                ticket,
                EventKind.WHISTLE_CLOSED,
                Actor.of(by),
                outcome,
                at=now,
                whistle=id,
                late=board.late,
                absent=board.absent,
            )
            whistle.closed_at = now
            return _board(whistle, ticket.number, summonses, now)

    def board(
        self, *, open_only: bool = True, unit: str = "", number: str = "", limit: int = 100
    ) -> list[Board]:
        """Return whistles, newest first (CaseworkError: they can't be read).

        Args:
            open_only: leave out the closed ones.
            unit: only those that it blew or was called by.
            number: only those of a ticket.
            limit: at most so many.
        """
        query = select(Whistle, Ticket.number).join(Ticket, Whistle.ticket_id == Ticket.id)
        if open_only:
            query = query.where(Whistle.closed_at.is_(None))
        if number:
            query = query.where(Ticket.number == number)
        if unit:
            called = select(Summons.whistle_id).where(Summons.department == unit)
            query = query.where((Whistle.unit == unit) | Whistle.id.in_(called))
        with self._ledger.transaction() as session:
            found = session.execute(query.order_by(Whistle.id.desc()).limit(limit)).all()
            summonses = _summonses(session, [whistle.id for whistle, _ in found])
            now = self._ledger.now()
            return [_board(whistle, number, summonses, now) for whistle, number in found]

    def tell_late(self) -> int:
        """Write notices about departments that are late, once each; return how many are new.

        Raises:
            CaseworkError: the database cannot be used.
        """
        new, now = 0, self._ledger.now()
        late = [(board, name) for board in self.board(limit=1000) for name in board.late]
        if not late:
            return 0
        with self._ledger.transaction() as session:
            for board, name in late:
                text = f"工单{board.number}的哨声：{name}未按时报到，请尽快到场：{board.place}"
                for whom in (name, board.unit):
                    key = f"whistle:{board.id}:{name}:late:{whom}"[:96]
                    new += tell(session, key, ("unit", whom), text, now)
        return new

    def figures(self, since: dt.datetime, until: dt.datetime) -> list[Figures]:
        """Return how each department answered whistles blown in a time, by name.

        Raises:
            CaseworkError: they can't be read.
        """
        with self._ledger.transaction() as session:
            whistles = list(
                session.scalars(select(Whistle).where(Whistle.at >= since, Whistle.at < until))
            )
            summonses = _summonses(session, [whistle.id for whistle in whistles])
        now = self._ledger.now()
        return figures(_board(one, "", summonses, now) for one in whistles)

    def _called(
        self, session: Session, id: int, department: str
    ) -> tuple[Whistle, Summons, Ticket]:
        whistle = _open(session, id)
        number = session.scalar(select(Ticket.number).where(Ticket.id == whistle.ticket_id))
        ticket = self._ledger.take(session, str(number))
        summons = session.scalar(
            select(Summons).where(Summons.whistle_id == id, Summons.department == department)
        )
        if summons is None:
            raise UnknownTicket(f"Whistle {id} did not call {department}.")
        return whistle, summons, ticket

    def _write(
        self,
        session: Session,
        ticket: Ticket,
        kind: EventKind,
        whistle: Whistle,
        department: str,
        by: str | Actor,
        note: str,
    ) -> None:
        actor = Actor.of(by) if by else Actor(Role.UNIT, department)
        if actor.name not in (department, whistle.unit):
            raise IllegalTransition(f"{actor} can't say this for {department}.")
        data: dict[str, Any] = {"whistle": whistle.id, "department": department}
        self._ledger.write(session, ticket, kind, actor, note, **data)


def figures(boards: Iterable[Board]) -> list[Figures]:
    """Return how departments answered some whistles; pure.

    A department is on time when it checked in no later than it should, late when it checked in
    later, absent when it has not and the time is over. Till then it is none of these, and it
    remains so when the whistle is closed before that time.
    """
    by_name: dict[str, list[tuple[Board, Called]]] = {}
    for board in boards:
        for one in board.called:
            by_name.setdefault(one.department, []).append((board, one))
    return [_figures(name, some) for name, some in sorted(by_name.items())]


def _figures(name: str, some: Sequence[tuple[Board, Called]]) -> Figures:
    came = [(board, one, one.arrived_at) for board, one in some if one.arrived_at]
    late = sum(one.late for _, one, _ in came)
    minutes = [(arrived - board.at).total_seconds() / 60 for board, _, arrived in came]
    absent = sum(one.late and not one.arrived_at for _, one in some)
    mean = sum(minutes) / len(minutes) if minutes else None
    return Figures(name, len(some), len(came) - late, late, absent, mean)


def _open(session: Session, id: int) -> Whistle:
    whistle = session.get(Whistle, id, with_for_update=True)
    if whistle is None:
        raise UnknownTicket(f"There is no whistle {id}.")
    if whistle.closed_at is not None:
        raise Conflict(f"Whistle {id} was closed already.")
    return whistle


def _summonses(session: Session, ids: Sequence[int]) -> list[Summons]:
    query = select(Summons).where(Summons.whistle_id.in_(ids)).order_by(Summons.id)
    return list(session.scalars(query)) if ids else []


def _board(whistle: Whistle, number: str, summonses: Iterable[Summons], now: dt.datetime) -> Board:
    until = whistle.closed_at or now
    called = []
    for one in summonses:
        if one.whistle_id == whistle.id:
            over = (one.arrived_at or until) - whistle.be_there_by
            late = over > dt.timedelta()
            minutes = int(over.total_seconds() // 60) if late else 0
            called.append(
                Called(one.department, whistle.be_there_by, one.arrived_at, late, minutes)
            )
    return Board(
        whistle.id,
        number,
        whistle.unit,
        whistle.reason,
        whistle.place,
        whistle.at,
        whistle.be_there_by,
        whistle.closed_at,
        tuple(called),
    )
