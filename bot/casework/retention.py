"""How long personal fields are kept, and their erasure: by policy, on demand, never under hold.

Erasing a ticket empties what may tell who somebody is (callers' numbers, words, places, notes)
and keeps what statistics need; each erasure leaves an audit row. Leaves to others: the policy
itself, which the operator decides (``Settings``), and when it runs (``bot/line.py``, daily).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from bot.casework.desk_models import AuditRow, CorrectionRow, SignInRow, WrapUpRow
from bot.casework.errors import CaseworkError, UnknownTicket
from bot.casework.ledger import Ledger
from bot.casework.lifecycle import OPEN, Actor
from bot.casework.models import (
    AuditEntry,
    CallbackRequest,
    Draft,
    Notice,
    Rating,
    Ticket,
    TicketEvent,
    Whistle,
)
from bot.casework.outside_models import LegalHold, TextMessage, TextTalk
from bot.casework.training_models import TrainingMarkRow, TrainingRow

#: What stands where personal words were.
ERASED = "（已按规定删除）"
#: Tickets that are erased in one transaction.
BATCH = 200
#: Days for which logs of who signed in and did what have to be kept.
LOGS_AT_LEAST = 183


@dataclass(frozen=True, slots=True)
class Policy:
    """How many days after its end something personal is kept."""

    tickets: int = 3 * 365
    """After a ticket is over."""
    drafts: int = 30
    """After a half-finished ticket was begun, or something was texted."""
    training: int = 2 * 365
    """After a practice call or drill."""
    talks: int = 3 * 365
    """After an agent wrote down how a conversation ended or what it was about, or a citizen was
    called back."""
    logs: int = 3 * 365
    """After somebody signed in or was refused, looked at a person's data or changed something.
    Network logs are kept for six months at least (网络安全法 第二十一条)."""

    @classmethod
    def of(cls, days: Mapping[str, int]) -> Policy:
        """Return the usual policy but for some days, by the names of its fields.

        Raises:
            CaseworkError: there is no such name.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(days.keys() - known):
            raise CaseworkError(
                f"Nothing is kept by the name {unknown[0]!r}: HOTLINE_RETENTION knows "
                f"{', '.join(sorted(known))}."
            )
        return cls(**days)


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased, or would be."""

    tickets: int
    drafts: int
    held: int
    """Tickets that are due but under legal hold."""
    practices: int = 0
    """Of trainees."""
    talks: int = 0
    """Notes of agents, and calls back, of which only what statistics need is left."""
    logs: int = 0
    """Lines of the log of the pages, and sign-ins, that were deleted."""


class Retention:
    """Erasure in SQL. Thread-safe."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def run(self, policy: Policy, by: str | Actor, dry: bool = False) -> Erased:
        """Erase what the policy no longer keeps, in small transactions.

        Raises:
            CaseworkError: the policy keeps nothing, or the database cannot be used.
        """
        if min(policy.tickets, policy.drafts, policy.talks, policy.training) < 1:
            raise CaseworkError("Keep tickets, drafts, talks and training for at least one day.")
        if policy.logs < LOGS_AT_LEAST:
            raise CaseworkError(f"Keep the logs for at least {LOGS_AT_LEAST} days.")
        now = self._ledger.now()
        before = now - dt.timedelta(days=policy.drafts)
        due = _due(now - dt.timedelta(days=policy.tickets))
        with self._ledger.reading() as session:
            held = _count(session, *due, Ticket.id.in_(_HELD))
            tickets = _count(session, *due, Ticket.id.not_in(_HELD)) if dry else 0
            drafts = _count(session, Draft.at < before)
            practised = TrainingRow.at < now - dt.timedelta(days=policy.training)
            practices = list(session.scalars(select(TrainingRow.id).where(practised)))
        if not dry:
            tickets = sum(self._erase_due(due, by))
            with self._ledger.transaction() as session:
                session.execute(delete(Draft).where(Draft.at < before))
                done = TextMessage.state != "pending", TextMessage.made_at < before
                session.execute(delete(TextMessage).where(*done))
                session.execute(delete(TextTalk).where(TextTalk.last_at < before))
                marks = delete(TrainingMarkRow)
                session.execute(marks.where(TrainingMarkRow.session_id.in_(practices)))
                session.execute(delete(TrainingRow).where(TrainingRow.id.in_(practices)))
        talks = self._forget_talks(now - dt.timedelta(days=policy.talks), dry)
        logs = self._delete_logs(now - dt.timedelta(days=policy.logs), dry)
        return Erased(tickets, drafts, held, len(practices), talks, logs)

    def _forget_talks(self, before: dt.datetime, dry: bool) -> int:
        """Empty what tells of people in talks that are older; return how many."""
        over = CallbackRequest.done_at < before
        rows: tuple[tuple[Any, ColumnElement[bool], dict[str, str]], ...] = (
            (WrapUpRow, WrapUpRow.at < before, {"caller": "", "note": ""}),
            (CorrectionRow, CorrectionRow.at < before, {"text": ""}),
            (CallbackRequest, over, {"phone": "", "text": ""}),
        )
        count = 0
        for table, old, empty in rows:
            # Encrypted fields are compared as they are: nothing is stored for an empty text.
            full = or_(*(getattr(table, name) != "" for name in empty))
            with self._ledger.transaction() as session:
                ids = list(session.scalars(select(table.id).where(old, full)))
                count += len(ids)
            for first in range(0, 0 if dry else len(ids), BATCH):
                some = table.id.in_(ids[first : first + BATCH])
                with self._ledger.transaction() as session:
                    session.execute(update(table).where(some).values(**empty))
        return count

    def _delete_logs(self, before: dt.datetime, dry: bool) -> int:
        """Delete what is older from the log of the pages and the sign-ins; return how much."""
        count = 0
        for table in (AuditRow, SignInRow):
            with self._ledger.transaction() as session:
                ids = list(session.scalars(select(table.id).where(table.at < before)))
                count += len(ids)
            for first in range(0, 0 if dry else len(ids), BATCH):
                some = table.id.in_(ids[first : first + BATCH])
                with self._ledger.transaction() as session:
                    session.execute(delete(table).where(some))
        return count

    def _erase_due(self, due: Sequence[Any], by: str | Actor) -> Iterator[int]:
        """Erase some tickets after the other, and yield how many they were."""
        since: dt.datetime | None = None
        while True:
            # Looking for them takes long among millions; writers wait for the erasing alone.
            where = [*due, Ticket.id.not_in(_HELD)] + ([Ticket.filed_at >= since] if since else [])
            with self._ledger.reading() as session:
                query = select(Ticket.id, Ticket.filed_at).where(*where).order_by(Ticket.filed_at)
                found = session.execute(query.limit(BATCH)).all()
            if not found:
                return
            since = found[-1].filed_at
            with self._ledger.transaction() as session:
                still = select(Ticket.id).where(
                    Ticket.id.in_([one.id for one in found]), Ticket.id.not_in(_HELD)
                )
                ids = list(session.scalars(still))
                self._erase(session, ids, by, "retention policy")
            yield len(ids)

    def erase(self, number: str, by: str | Actor, reason: str) -> None:
        """Erase one ticket's personal fields because the citizen, or a court, says so.

        Raises:
            UnknownTicket: there is none of that number.
            CaseworkError: it is still open, it is under legal hold, or no reason is given.
        """
        if not reason:
            raise CaseworkError("Say why it is erased.")
        with self._ledger.transaction() as session:
            ticket = self._ledger.take(session, number)
            if ticket.state in [state.value for state in OPEN]:
                raise CaseworkError("The ticket is still open: withdraw or close it first.")
            if _hold(session, ticket.id):
                raise CaseworkError("The ticket is under legal hold, which must be lifted first.")
            self._erase(session, [ticket.id], by, reason)

    def hold(self, number: str, by: str | Actor, reason: str) -> None:
        """Keep a ticket whatever the policy says (UnknownTicket, CaseworkError: no reason)."""
        if not reason:
            raise CaseworkError("Say why it is held.")
        with self._ledger.transaction() as session:
            ticket = self._ledger.take(session, number)
            if not _hold(session, ticket.id):
                session.add(
                    LegalHold(
                        ticket_id=ticket.id,
                        at=self._ledger.now(),
                        actor=str(Actor.of(by)),
                        reason=reason,
                    )
                )

    def lift(self, number: str, by: str | Actor, reason: str) -> None:
        """End a hold (UnknownTicket: no ticket, or it is not held; CaseworkError)."""
        with self._ledger.transaction() as session:
            ticket = self._ledger.take(session, number)
            hold = _hold(session, ticket.id)
            if hold is None:
                raise UnknownTicket(f"Ticket {number} is not under legal hold.")
            hold.lifted_at = self._ledger.now()
            session.add(self._audit("lift_hold", number, by, reason))

    def _erase(self, session: Session, ids: Sequence[int], by: str | Actor, reason: str) -> None:
        for ticket in session.scalars(select(Ticket).where(Ticket.id.in_(ids))):
            ticket.text, ticket.place, ticket.since = ERASED, "", ""
            ticket.caller, ticket.phone, ticket.details = "", "", {}
            # The hash of call and words would still tell who guesses the words right.
            ticket.request = f"erased:{ticket.id}"
            session.execute(
                update(Rating)
                .where(or_(Rating.number == ticket.number, Rating.call_id == ticket.call_id))
                .values(caller="")
            )
            session.execute(
                update(CallbackRequest)
                .where(CallbackRequest.call_id == ticket.call_id)
                .values(phone="", text="")
            )
            session.add(self._audit("erase", ticket.number, by, reason))
        events = update(TicketEvent).where(TicketEvent.ticket_id.in_(ids), TicketEvent.note != "")
        session.execute(events.values(note=ERASED))
        notices = update(Notice).where(Notice.ticket_id.in_(ids), Notice.to_kind == "citizen")
        session.execute(notices.values(recipient="", text=ERASED))
        texts = update(TextMessage).where(TextMessage.ticket_id.in_(ids))
        session.execute(texts.values(phone="", text=ERASED))
        whistles = update(Whistle).where(Whistle.ticket_id.in_(ids))
        session.execute(whistles.values(reason=ERASED, place=""))

    def _audit(self, action: str, number: str, by: str | Actor, reason: str) -> AuditEntry:
        return AuditEntry(
            at=self._ledger.now(),
            actor=str(Actor.of(by)),
            action=action,
            subject=number,
            reason=reason,
        )


_HELD = select(LegalHold.ticket_id).where(LegalHold.lifted_at.is_(None))


def _due(before: dt.datetime) -> list[Any]:
    """Return the conditions on tickets that were over before a moment and are not erased."""
    return [
        Ticket.state.not_in([state.value for state in OPEN]),
        Ticket.changed_at < before,
        # The same for those that are over, and there is an index of it.
        Ticket.filed_at < before,
        Ticket.request.not_like("erased:%"),
    ]


def _count(session: Session, *where: Any) -> int:
    return session.scalar(select(func.count()).where(*where)) or 0


def _hold(session: Session, ticket_id: int) -> LegalHold | None:
    query = select(LegalHold).where(LegalHold.ticket_id == ticket_id)
    return session.scalar(query.where(LegalHold.lifted_at.is_(None)))
