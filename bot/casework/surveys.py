"""回访: asking the citizen whether it is solved, and whether they are satisfied.

The data side: who is to be asked when, what came of each try, and what the answer does to the
ticket. Leaves to others: the conversation and the telephone; rates (``rates.py``).
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from bot.casework.errors import CaseworkError, UnknownTicket
from bot.casework.ledger import Ledger
from bot.casework.lifecycle import BOT, SYSTEM, Actor, EventKind, TicketState
from bot.casework.models import Survey, Ticket
from bot.casework.texts import put, refused

#: What may come of a try to reach a citizen.
OUTCOMES = ("reached", "no_answer", "busy", "refused", "failed")
_ASKING = (TicketState.RESOLVED.value, TicketState.CALLBACK.value)


@dataclass(frozen=True, slots=True)
class Asking:
    """A citizen who is to be asked."""

    number: str
    phone: str
    """Personal: the number left, else the one called from."""
    title: str
    place: str
    unit: str
    """Which unit says that it is done."""
    attempts: int
    token: str
    """For the link in a text."""
    pack: str = ""
    category: str = ""
    texted: bool = False
    """They were asked by text and have not answered in time."""


def schedule(session: Session, ledger: Ledger, ticket: Ticket) -> Survey:
    """Plan to ask the citizen of a ticket that was just resolved."""
    rules = ledger.rules_of(ticket.pack)
    when = ledger.now() + rules.surveys.first_after
    phone = ticket.phone or ticket.caller
    textable = rules.surveys.can_text(phone) and not refused(session, phone)
    survey = Survey(
        ticket_id=ticket.id,
        round=ticket.reopened,
        # Who withheld the number and left none can't be called.
        state="due" if phone else "given_up",
        by=rules.surveys.by if textable else "call",
        next_at=rules.permitted(when),
        attempts=0,
        token=secrets.token_urlsafe(32),
    )
    session.add(survey)
    session.flush()
    return survey


class Surveys:
    """Callbacks after resolving, in SQL. Thread-safe."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def due(self, by: str = "", limit: int = 100) -> list[Asking]:
        """Return who may be asked now, longest due first; nobody outside permitted hours.

        Which those are is for each ticket's own pack to say. ``by`` is ``call`` or ``text``, the
        way in which they are to be asked; "" for everybody.

        Raises:
            CaseworkError: it can't be read.
        """
        ledger, now = self._ledger, self._ledger.now()
        waiting = [Survey.state == "due", Survey.next_at <= now, Ticket.state.in_(_ASKING)]
        if by:
            waiting.append(Survey.by == by)
        with ledger.transaction() as session:
            joined = select(Ticket.pack).join(Survey, Survey.ticket_id == Ticket.id)
            packs = [
                pack
                for pack in session.scalars(joined.where(*waiting).distinct())
                if ledger.rules_of(pack).permitted(now) <= now
            ]
            query = (
                select(Survey, Ticket)
                .join(Ticket, Survey.ticket_id == Ticket.id)
                .where(*waiting, Ticket.pack.in_(packs))
                .order_by(Survey.next_at)
                .limit(limit)
            )
            return [_asking(survey, ticket) for survey, ticket in session.execute(query)]

    def asked(self, token: str) -> Asking:
        """Return what the link in a text asks about.

        Raises:
            UnknownTicket: there is no such link, it was used, or it is too old.
            CaseworkError: it can't be read.
        """
        good = Survey.token == token, Survey.state != "answered", Ticket.state.in_(_ASKING)
        return self._one(*good)

    def asked_by_text(self, phone: str) -> Asking:
        """Return what a number was asked last by text, and has not answered.

        Raises:
            UnknownTicket: nothing.
            CaseworkError: it can't be read.
        """
        number = or_(Ticket.phone == phone, and_(Ticket.phone == "", Ticket.caller == phone))
        asked = Survey.texted_at.is_not(None), Survey.state != "answered"
        return self._one(number, *asked, Ticket.state.in_(_ASKING))

    def _one(self, *where: ColumnElement[bool]) -> Asking:
        ledger = self._ledger
        query = (
            select(Survey, Ticket)
            .join(Ticket, Survey.ticket_id == Ticket.id)
            .where(*where, Survey.round == Ticket.reopened)
            .order_by(Survey.texted_at.desc())
            .limit(1)
        )
        with ledger.transaction() as session:
            found = session.execute(query).first()
            if found is not None:
                survey, ticket = found
                good_for = ledger.rules_of(ticket.pack).surveys.close_after
                if ticket.resolved_at and ledger.now() < ticket.resolved_at + good_for:
                    return _asking(survey, ticket)
        raise UnknownTicket("This link is not valid any more.")

    def text(self, number: str, words: str) -> bool:
        """Ask by text; who has not answered in time is due again, and then ``texted``.

        Returns:
            Whether it is new, and may be.

        Raises:
            UnknownTicket, IllegalTransition, CaseworkError: it is not to be asked about.
        """
        ledger, now = self._ledger, self._ledger.now()
        with ledger.transaction() as session:
            ticket = ledger.take(session, number)
            survey, rules = _current(session, ticket), ledger.rules_of(ticket.pack)
            if survey.state != "due" or survey.by != "text" or survey.texted_at:
                return False
            until = rules.permitted(now + rules.surveys.answer_within)
            sent = put(
                session,
                rules,
                key=f"survey:{survey.id}",
                kind="survey",
                phone=ticket.phone or ticket.caller,
                text=words,
                at=now,
                until=until,
                ticket_id=ticket.id,
            )
            if not sent:
                survey.by = "call"  # They have refused texts meanwhile.
                return False
            survey.texted_at, survey.next_at = now, until
            ledger.write(
                session, ticket, EventKind.SURVEY_TRIED, BOT, outcome="sent", channel="sms"
            )
            return True

    def call_instead(self, number: str) -> None:
        """Let who has not answered a text be called.

        Raises:
            UnknownTicket, IllegalTransition, CaseworkError: it is not to be asked about.
        """
        ledger = self._ledger
        with ledger.transaction() as session:
            ticket = ledger.take(session, number)
            survey = _current(session, ticket)
            if survey.by == "text":
                survey.by = "call"
                ledger.write(
                    session, ticket, EventKind.SURVEY_TRIED, BOT, outcome="no_answer", channel="sms"
                )

    def attempt(self, number: str, outcome: str, by: str | Actor, channel: str = "phone") -> None:
        """Record what came of a try, and plan the next or give up.

        Args:
            number: of the ticket.
            outcome: one of :data:`OUTCOMES`.
            by: who tried.
            channel: ``phone``, ``sms`` or ``web``.

        Raises:
            UnknownTicket, IllegalTransition, CaseworkError: it is not to be asked about.
        """
        if outcome not in OUTCOMES:
            raise CaseworkError(f"A try ends in one of {', '.join(OUTCOMES)}, not {outcome!r}.")
        ledger = self._ledger
        with ledger.transaction() as session:
            ticket = ledger.take(session, number)
            rules = ledger.rules_of(ticket.pack)
            ledger.write(
                session,
                ticket,
                EventKind.SURVEY_TRIED,
                Actor.of(by),
                outcome=outcome,
                channel=channel,
            )
            survey = _current(session, ticket)
            survey.attempts += 1
            retries = rules.surveys.retry_after
            if outcome == "refused" or survey.attempts > len(retries):
                survey.state = "given_up"
            else:
                survey.by = "call"
                survey.next_at = rules.permitted(ledger.now() + retries[survey.attempts - 1])

    def answer(
        self,
        number: str,
        solved: bool,
        satisfied: int | None,
        by: str | Actor,
        channel: str = "phone",
        note: str = "",
    ) -> TicketState:
        """Take the citizen's word: solved closes the ticket, not solved reopens it.

        Args:
            number: of the ticket.
            solved: whether they say that it is.
            satisfied: 1 to 5; None when they would not say.
            by: who asked.
            channel: ``phone``, ``sms``, ``web`` or ``agent``.
            note: their words.

        Raises:
            UnknownTicket, IllegalTransition, CaseworkError: it is not to be asked about.
        """
        if satisfied is not None and satisfied not in range(1, 6):
            raise CaseworkError(f"Satisfaction is a whole number from 1 to 5, not {satisfied}.")
        ledger, actor = self._ledger, Actor.of(by)
        with ledger.transaction() as session:
            ticket = ledger.take(session, number)
            ledger.write(
                session,
                ticket,
                EventKind.SURVEYED,
                actor,
                note,
                solved=solved,
                satisfied=satisfied,
                channel=channel,
            )
            _current(session, ticket).state = "answered"
            if solved:
                ledger.write(session, ticket, EventKind.CLOSED, actor)
            else:
                ledger.write(
                    session,
                    ticket,
                    EventKind.REOPENED,
                    actor,
                    note or "市民表示没有解决",
                    due_at=ledger.deadline(ticket),
                )
            return TicketState(ticket.state)

    def close_unreached(self, now: dt.datetime | None = None) -> list[str]:
        """Close tickets whose citizens could not be reached for long; return their numbers.

        Raises:
            CaseworkError: the database cannot be used.
        """
        ledger, now = self._ledger, now or self._ledger.now()
        least = min(rules.surveys.close_after for rules in ledger.all_rules)
        with ledger.transaction() as session:
            query = (
                select(Ticket.number, Ticket.pack, Ticket.resolved_at)
                .join(Survey, Survey.ticket_id == Ticket.id)
                .where(
                    Survey.state == "given_up",
                    Survey.round == Ticket.reopened,
                    Ticket.state.in_(_ASKING),
                    Ticket.resolved_at <= now - least,
                )
            )
            numbers = [
                number
                for number, pack, resolved_at in session.execute(query)
                if resolved_at and resolved_at <= now - ledger.rules_of(pack).surveys.close_after
            ]
        for number in numbers:
            with ledger.transaction() as session:
                ticket = ledger.take(session, number)
                if ticket.state in _ASKING:
                    why = "多次回访未能联系到市民，按规定结案"
                    ledger.write(session, ticket, EventKind.CLOSED, SYSTEM, why)
        return numbers


def _current(session: Session, ticket: Ticket) -> Survey:
    survey = session.scalar(
        select(Survey)
        .where(Survey.ticket_id == ticket.id, Survey.round == ticket.reopened)
        .with_for_update()
    )
    if survey is None:
        raise CaseworkError(f"Nobody is to be asked about {ticket.number}: it is not resolved.")
    return survey


def _asking(survey: Survey, ticket: Ticket) -> Asking:
    return Asking(
        number=ticket.number,
        phone=ticket.phone or ticket.caller,
        title=ticket.title,
        place=ticket.place,
        unit=ticket.unit,
        attempts=survey.attempts,
        token=survey.token,
        pack=ticket.pack,
        category=ticket.category,
        texted=survey.texted_at is not None,
    )
