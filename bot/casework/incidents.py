"""Incidents (群体诉求): many like tickets from one place are one thing with one owner.

Alike means: the same category, the same sub-district, or where that is unknown the same place
in the same words, within a time of each other. Leaves to others: when to look (``clocks.py``),
saying what is known (the dialogue), sending the notices that closing one writes.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.casework.dispatch import Place
from bot.casework.errors import CaseworkError, Conflict, UnknownTicket
from bot.casework.ledger import Ledger
from bot.casework.lifecycle import OPEN, SYSTEM, Actor, EventKind, Role
from bot.casework.models import Incident, Ticket
from bot.casework.notices import tell

_OPEN = [state.value for state in OPEN]


@dataclass(frozen=True, slots=True)
class Known:
    """What a caller who reports the same can be told."""

    id: int
    title: str
    place: str
    unit: str
    tickets: int
    since: dt.datetime
    text: str
    """In the owner's words, else a plain sentence in Chinese."""


class Incidents:
    """Incidents in SQL. Thread-safe; two processes don't open the same one twice."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def known(self, category: str, place: str, pack: str = "") -> Known | None:
        """Return the open incident that a report of ``place`` (as said) belongs to, if any.

        ``pack`` is the one whose gazetteer knows the place; "" is the main one.

        Raises:
            CaseworkError: it can't be read.
        """
        key = key_of(category, self._ledger.rules_of(pack).locate(place), place)
        with self._ledger.transaction() as session:
            found = _open_one(session, key)
            return _known(session, found) if found else None

    def attach(self, number: str) -> int | None:
        """Put a ticket to the incident it belongs to, opening one when it is one too many.

        Returns:
            The incident's id; None while it stands alone. Said again it changes nothing.

        Raises:
            UnknownTicket, CaseworkError: what is wrong.
        """
        try:
            return self._attach(number)
        except CaseworkError as error:
            # Another process opened the same incident at the same moment: it is there now.
            if isinstance(error.__cause__, IntegrityError):
                return self._attach(number)
            raise

    def _attach(self, number: str) -> int | None:
        ledger = self._ledger
        with ledger.transaction() as session:
            ticket = session.scalar(select(Ticket).where(Ticket.number == number))
            if ticket is None:
                raise UnknownTicket(f"There is no ticket {number}. Check the number.")
            key = _key(ticket)
            if ticket.incident_id or not key or ticket.state not in _OPEN:
                return ticket.incident_id
            rules = ledger.rules_of(ticket.pack).incidents
            # Everybody locks tickets in the order of their ids, and incidents after them:
            # so nobody waits for somebody who waits for them.
            first = ticket.filed_at - rules.window
            alike = _alike(session, ticket, first if _open_one(session, key) is None else None)
            if ticket not in alike:
                session.refresh(ticket)
                return ticket.incident_id
            incident = _open_one(session, key, lock=True)
            if incident is not None:
                self._join(session, ticket, incident, SYSTEM)
            elif len(alike) < rules.tickets:
                return None
            else:
                incident = self._begin(session, alike, key)
                for one in alike:
                    self._join(session, one, incident, SYSTEM)
            return incident.id

    def _begin(self, session: Session, alike: Sequence[Ticket], key: str) -> Incident:
        first = alike[0]
        incident = Incident(
            key=key,
            category=first.category,
            title=first.title,
            district=first.district,
            street=first.street,
            spot="" if first.street else first.place,
            unit=first.unit,
            opened_at=self._ledger.now(),
            last_ticket_at=first.filed_at,
        )
        session.add(incident)
        session.flush()
        return incident

    def _join(self, session: Session, ticket: Ticket, incident: Incident, by: Actor) -> None:
        self._ledger.write(session, ticket, EventKind.INCIDENT_JOINED, by, incident=incident.id)
        incident.last_ticket_at = max(incident.last_ticket_at, ticket.filed_at)

    def sweep(self) -> list[int]:
        """Look at all recent tickets that stand alone; return incidents that got some.

        Raises:
            CaseworkError: the database cannot be used.
        """
        ledger = self._ledger
        since = ledger.now() - max(rules.incidents.window for rules in ledger.all_rules)
        with ledger.transaction() as session:
            query = select(
                Ticket.number,
                Ticket.pack,
                Ticket.category,
                Ticket.district,
                Ticket.street,
                Ticket.place,
            ).where(Ticket.filed_at >= since, Ticket.incident_id.is_(None), Ticket.state.in_(_OPEN))
            alone = [
                (number, pack, key_of(category, Place(district, street), place))
                for number, pack, category, district, street, place in session.execute(
                    query.order_by(Ticket.id)
                )
            ]
            known = set(session.scalars(select(Incident.key).where(Incident.state == "open")))
        # Nearly all stand alone and will: they need no transaction of their own.
        alike = Counter(key for *_, key in alone if key)
        found: set[int] = set()
        for number, pack, key in alone:
            if key not in known and alike[key] < ledger.rules_of(pack).incidents.tickets:
                continue
            # Whom another process forestalls, it has put right; else the next sweep does.
            with contextlib.suppress(Conflict):
                id = self.attach(number)
                found |= {id} if id is not None else set()
        return sorted(found)

    def add(self, id: int, number: str, by: str | Actor) -> None:
        """Put a ticket to an incident by hand.

        Raises:
            UnknownTicket, IllegalTransition, CaseworkError: what is wrong.
        """
        with self._ledger.transaction() as session:
            ticket = self._ledger.take(session, number)
            if ticket.incident_id != id:
                self._join(session, ticket, _take(session, id), Actor.of(by))

    def remove(self, number: str, by: str | Actor) -> None:
        """Take a ticket out of its incident, because it is something else.

        Raises:
            UnknownTicket, IllegalTransition, CaseworkError: what is wrong.
        """
        with self._ledger.transaction() as session:
            ticket = self._ledger.take(session, number)
            if ticket.incident_id is None:
                raise CaseworkError(f"Ticket {number} is in no incident.")
            self._ledger.write(
                session,
                ticket,
                EventKind.INCIDENT_LEFT,
                Actor.of(by),
                incident=ticket.incident_id,
            )

    def tell_callers(self, id: int, text: str, unit: str = "") -> None:
        """Say what callers are told from now on, and whose it is if that changes.

        Raises:
            UnknownTicket, Conflict, CaseworkError: no such incident, or it is closed.
        """
        with self._ledger.transaction() as session:
            incident = _take(session, id)
            incident.known, incident.unit = text, unit or incident.unit

    def close(self, id: int, by: str | Actor, outcome: str) -> int:
        """End an incident and tell everybody who reported it; return how many that are.

        The tickets live on: each citizen is asked for themselves whether it is solved.

        Raises:
            UnknownTicket, Conflict, CaseworkError: what is wrong.
        """
        ledger, actor, now = self._ledger, Actor.of(by), self._ledger.now()
        if not outcome.strip():
            raise CaseworkError("Say what came of it: that is what the citizens are told.")
        told = 0
        with ledger.transaction() as session:
            incident = _take(session, id)
            incident.state, incident.closed_at, incident.key = "closed", now, None
            incident.outcome, incident.actor = outcome, str(actor)
            numbers = session.scalars(
                select(Ticket.number).where(Ticket.incident_id == id).order_by(Ticket.number)
            )
            for number in list(numbers):
                ticket = ledger.take(session, number)
                staff = actor if actor.role is not Role.BOT else SYSTEM
                ledger.write(
                    session, ticket, EventKind.NOTED, staff, f"群体诉求已处置：{outcome}", at=now
                )
                to = ticket.phone or ticket.caller
                text = f"您反映的“{ticket.title}”（工单{number}）有结果了：{outcome}"
                told += tell(
                    session, f"incident:{id}:{number}", ("citizen", to), text, now, ticket.id
                )
        return told

    def get(self, id: int) -> tuple[Incident, int] | None:
        """Return an incident and how many tickets it has, None if there is none.

        Raises:
            CaseworkError: it can't be read.
        """
        with self._ledger.transaction() as session:
            found = session.get(Incident, id) if id < 2**31 else None
            return (found, _count(session, id)) if found else None

    def newest(
        self, open_only: bool = True, limit: int = 50, unit: str = ""
    ) -> list[tuple[Incident, int]]:
        """Return incidents, newest first, each with how many tickets it has.

        ``unit``: only those that it owns.

        Raises:
            CaseworkError: they can't be read.
        """
        with self._ledger.transaction() as session:
            query = select(Incident).order_by(Incident.id.desc()).limit(limit)
            if open_only:
                query = query.where(Incident.state == "open")
            if unit:
                query = query.where(Incident.unit == unit)
            return [(one, _count(session, one.id)) for one in session.scalars(query)]


def key_of(category: str, where: Place, said: str) -> str:
    """Return a hash of what and where; "" when the place is not known closely enough."""
    spot = f"{where.district}/{where.street}" if where.street else "".join(said.split())
    if not category or not spot or (spot == where.district):
        return ""
    return hashlib.sha256(f"{category}\0{spot}".encode()).hexdigest()


def _key(ticket: Ticket) -> str:
    return key_of(ticket.category, Place(ticket.district, ticket.street), ticket.place)


def _alike(session: Session, ticket: Ticket, since: dt.datetime | None) -> list[Ticket]:
    """Tickets like this one that are in no incident, locked; without a time, itself alone."""
    query = select(Ticket).where(Ticket.incident_id.is_(None), Ticket.state.in_(_OPEN))
    if since is None:
        query = query.where(Ticket.id == ticket.id)
    else:
        query = query.where(
            Ticket.category == ticket.category,
            Ticket.filed_at >= since,
            Ticket.district == ticket.district,
            Ticket.street == ticket.street,
        )
    query = query.order_by(Ticket.id).with_for_update().execution_options(populate_existing=True)
    key = _key(ticket)
    # The place may be stored encrypted, so its words are compared here and not in SQL.
    return [one for one in session.scalars(query) if _key(one) == key]


def _open_one(session: Session, key: str, lock: bool = False) -> Incident | None:
    query = select(Incident).where(Incident.key == key)
    return session.scalar(query.with_for_update() if lock else query) if key else None


def _take(session: Session, id: int) -> Incident:
    incident = session.get(Incident, id, with_for_update=True)
    if incident is None:
        raise UnknownTicket(f"There is no incident {id}.")
    if incident.state == "closed":
        raise Conflict(f"Incident {id} was closed by {incident.actor}.")
    return incident


def _count(session: Session, id: int) -> int:
    query = select(func.count()).select_from(Ticket).where(Ticket.incident_id == id)
    return session.scalar(query) or 0


def _known(session: Session, incident: Incident) -> Known:
    place = incident.street or incident.spot
    count = _count(session, incident.id)
    text = incident.known or (
        f"{place}的{incident.title}，已有{count}位市民反映，{incident.unit or '有关单位'}正在处理"
    )
    return Known(incident.id, incident.title, place, incident.unit, count, incident.opened_at, text)
