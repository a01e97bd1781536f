"""回访: asking the citizen whether it is solved, and whether they are satisfied.

The data side: who is to be asked when, what came of each try, and what the answer does to the
ticket. Leaves to others: the conversation and the telephone; rates (``rates.py``).
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.casework.errors import CaseworkError, UnknownTicket
from bot.casework.ledger import Ledger
from bot.casework.lifecycle import SYSTEM, Actor, EventKind, TicketState
from bot.casework.models import Survey, Ticket
from bot.casework.rules import Rules, SurveyRules

#: What may come of a try to reach a citizen.
OUTCOMES = ("reached", "no_answer", "busy", "refused", "failed")
_ASKING = (TicketState.RESOLVED.value, TicketState.CALLBACK.value)


@dataclass(frozen=True, slots=True)
class Asking:
    """A citizen who is to be called."""

    number: str
    phone: str
    """Personal: the number left, else the one called from."""
    title: str
    place: str
    unit: str
    """Which unit says that it is done."""
    attempts: int
    token: str
    """For the link in an SMS."""


def permitted(rules: SurveyRules, zone: str, moment: dt.datetime) -> dt.datetime:
    """Return ``moment``, or the next one at which the line may call, in UTC."""
    local = moment.astimezone(ZoneInfo(zone))
    opening = local.replace(hour=rules.from_hour, minute=0, second=0, microsecond=0)
    if local.hour >= rules.to_hour:
        opening += dt.timedelta(days=1)
    elif local.hour >= rules.from_hour:
        opening = local
    return opening.astimezone(dt.UTC)


def may_ask(rules: Rules, moment: dt.datetime) -> bool:
    """Tell whether citizens may be called and written to at a moment."""
    return permitted(rules.surveys, rules.clocks.zone, moment) <= moment


def schedule(session: Session, ledger: Ledger, ticket: Ticket) -> Survey:
    """Plan to ask the citizen of a ticket that was just resolved."""
    rules = ledger.rules_of(ticket.pack)
    when = ledger.now() + rules.surveys.first_after
    survey = Survey(
        ticket_id=ticket.id,
        round=ticket.reopened,
        # Who withheld the number and left none can't be called.
        state="due" if ticket.phone or ticket.caller else "given_up",
        next_at=permitted(rules.surveys, rules.clocks.zone, when),
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

    def due(self, now: dt.datetime | None = None, limit: int = 100) -> list[Asking]:
        """Return who may be called now, longest due first; nobody outside permitted hours.

        Which those are is for each ticket's own pack to say.

        Raises:
            CaseworkError: it can't be read.
        """
        ledger, now = self._ledger, now or self._ledger.now()
        waiting = Survey.state == "due", Survey.next_at <= now, Ticket.state.in_(_ASKING)
        with ledger.transaction() as session:
            joined = select(Ticket.pack).join(Survey, Survey.ticket_id == Ticket.id)
            packs = [
                pack
                for pack in session.scalars(joined.where(*waiting).distinct())
                if may_ask(ledger.rules_of(pack), now)
            ]
            query = (
                select(Survey, Ticket)
                .join(Ticket, Survey.ticket_id == Ticket.id)
                .where(*waiting, Ticket.pack.in_(packs))
                .order_by(Survey.next_at)
                .limit(limit)
            )
            return [_asking(survey, ticket) for survey, ticket in session.execute(query)]

    def number_of(self, token: str) -> str:
        """Return the ticket that the link in an SMS is for.

        Raises:
            UnknownTicket: there is no such link, or it was used.
        """
        with self._ledger.transaction() as session:
            number = session.scalar(
                select(Ticket.number)
                .join(Survey, Survey.ticket_id == Ticket.id)
                .where(
                    Survey.token == token,
                    Survey.state != "answered",
                    Survey.round == Ticket.reopened,
                )
            )
        if number is None:
            raise UnknownTicket("This link is not valid any more.")
        return number

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
                when = ledger.now() + retries[survey.attempts - 1]
                survey.next_at = permitted(rules.surveys, rules.clocks.zone, when)

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
    )
