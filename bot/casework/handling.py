"""What staff do with a ticket: dispatch, accept, return, resolve, and what is rarer.

Every method takes ``by`` (``role:name`` or an ``Actor``) and ``expected``, the version that the
decision was made on (None: any), returns the new version, and raises ``UnknownTicket``,
``IllegalTransition``, ``Conflict`` or ``CaseworkError``. Leaves to others: what may happen
(``lifecycle.py``), asking the citizen (``surveys.py``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from bot.casework.dispatch import Decision, Place, decide
from bot.casework.errors import CaseworkError, IllegalTransition
from bot.casework.ledger import Ledger
from bot.casework.lifecycle import Actor, EventKind
from bot.casework.models import Ticket
from bot.casework.notices import tell
from bot.casework.surveys import schedule

By = str | Actor


class Handling:
    """The work on tickets. Thread-safe."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    # --- dispatch ------------------------------------------------------------------------

    def proposal(self, ticket: Ticket) -> Decision:
        """Return where the rules send a ticket, and why."""
        place = Place(ticket.district, ticket.street)
        rules = self._ledger.rules_of(ticket.pack).dispatch
        return decide(rules, ticket.category, place, ticket.confidence, ticket.unit)

    def dispatch(
        self, number: str, by: By, unit: str = "", why: str = "", expected: int | None = None
    ) -> int:
        """Give a ticket to a unit; without one, to that which the rules propose (派单)."""
        with self._ledger.transaction() as session:
            ticket = self._ledger.take(session, number, expected)
            decision = self.proposal(ticket)
            if not unit and not decision.unit:
                raise CaseworkError(f"{decision.why} (Name the unit: --unit.)")
            to = decision.to if not unit or unit == decision.unit else "look"
            self._ledger.write(
                session,
                ticket,
                EventKind.DISPATCHED,
                Actor.of(by),
                why or (decision.why if not unit else ""),
                unit=unit or decision.unit,
                to=to,
                automatic=False,
            )
            return ticket.version

    def return_(self, number: str, by: By, reason: str, expected: int | None = None) -> int:
        """Say that a ticket is not one's own (退单); one has it until that is approved."""
        return self._record(number, EventKind.RETURNED, by, reason, expected)

    def approve_return(
        self, number: str, by: By, unit: str, why: str = "", expected: int | None = None
    ) -> int:
        """Agree with a return and give the ticket to another unit."""
        with self._ledger.transaction() as session:
            ticket = self._ledger.take(session, number, expected)
            if unit == ticket.unit:
                raise IllegalTransition(
                    f"{unit} has just returned it: name another unit, or refuse the return."
                )
            before = ticket.unit
            self._ledger.write(
                session,
                ticket,
                EventKind.RETURN_APPROVED,
                Actor.of(by),
                why,
                unit=unit,
                returned_by=before,
            )
            return ticket.version

    def refuse_return(self, number: str, by: By, reason: str, expected: int | None = None) -> int:
        """Disagree with a return: the unit has the ticket still (首接负责)."""
        return self._record(number, EventKind.RETURN_REFUSED, by, reason, expected)

    # --- the unit ------------------------------------------------------------------------

    def accept(self, number: str, by: By, note: str = "", expected: int | None = None) -> int:
        """Take a ticket (签收)."""
        return self._record(number, EventKind.ACCEPTED, by, note, expected)

    def contact(
        self,
        number: str,
        by: By,
        outcome: str = "reached",
        note: str = "",
        expected: int | None = None,
    ) -> int:
        """Record that the unit called the citizen: ``reached`` or ``not_reached`` (响应)."""
        return self._record(
            number, EventKind.CONTACTED, by, note, expected, lambda _: {"outcome": outcome}
        )

    def progress(self, number: str, by: By, note: str, expected: int | None = None) -> int:
        """Report what was done so far."""
        return self._record(number, EventKind.PROGRESSED, by, note, expected)

    def resolve(self, number: str, by: By, result: str, expected: int | None = None) -> int:
        """Say that it is done, and how (办结); the citizen will be asked."""
        with self._ledger.transaction() as session:
            ticket = self._ledger.take(session, number, expected)
            self._ledger.write(session, ticket, EventKind.RESOLVED, Actor.of(by), result)
            schedule(session, self._ledger, ticket)
            return ticket.version

    def escalate(
        self, number: str, by: By, to: str, reason: str, expected: int | None = None
    ) -> int:
        """Bring a ticket before somebody higher up (升级督办), who is told."""
        with self._ledger.transaction() as session:
            ticket = self._ledger.take(session, number, expected)
            event = self._ledger.write(
                session, ticket, EventKind.ESCALATED, Actor.of(by), reason, to=to
            )
            text = f"工单{number}“{ticket.title}”请督办：{reason}"
            key = f"{number}:escalated:{ticket.version}"
            tell(session, key, ("role", to), text, event.at, ticket.id)
            return ticket.version

    # --- time ----------------------------------------------------------------------------

    def ask_extension(
        self, number: str, by: By, until: dt.datetime, reason: str, expected: int | None = None
    ) -> int:
        """Ask for more time (延期), till ``until`` (aware)."""

        def later(ticket: Ticket) -> dict[str, Any]:
            if ticket.due_at and until <= ticket.due_at:
                raise IllegalTransition("An extension must end after the deadline that there is.")
            return {"due_at": until}

        return self._record(number, EventKind.EXTENSION_ASKED, by, reason, expected, later)

    def extend(self, number: str, by: By, note: str = "", expected: int | None = None) -> int:
        """Grant the extension that was asked for."""

        def asked(ticket: Ticket) -> dict[str, Any]:
            if ticket.extension_to is None:
                raise IllegalTransition("No extension was asked for.")
            return {"due_at": ticket.extension_to}

        return self._record(number, EventKind.EXTENDED, by, note, expected, asked)

    def refuse_extension(
        self, number: str, by: By, reason: str, expected: int | None = None
    ) -> int:
        """Keep the deadline as it is."""
        return self._record(number, EventKind.EXTENSION_REFUSED, by, reason, expected)

    def suspend(self, number: str, by: By, reason: str, expected: int | None = None) -> int:
        """Let the clock stand still (挂起)."""
        return self._record(number, EventKind.SUSPENDED, by, reason, expected)

    def resume(self, number: str, by: By, note: str = "", expected: int | None = None) -> int:
        """Go on where it was suspended; the deadline moves by the time in between."""
        return self._record(number, EventKind.RESUMED, by, note, expected)

    # --- endings and what is rare ----------------------------------------------------------

    def close(self, number: str, by: By, note: str = "", expected: int | None = None) -> int:
        """End a ticket without an answer of the citizen."""
        return self._record(number, EventKind.CLOSED, by, note, expected)

    def reopen(self, number: str, by: By, reason: str, expected: int | None = None) -> int:
        """Begin anew, with a new deadline, because it is not solved."""

        def anew(ticket: Ticket) -> dict[str, Any]:
            return {"due_at": self._ledger.deadline(ticket)}

        return self._record(number, EventKind.REOPENED, by, reason, expected, anew)

    def note(self, number: str, by: By, note: str, expected: int | None = None) -> int:
        """Write a note for colleagues."""
        return self._record(number, EventKind.NOTED, by, note, expected)

    def recategorise(
        self, number: str, by: By, category: str, title: str, expected: int | None = None
    ) -> int:
        """Put the category right. The number and the deadline stay."""
        what = {"category": category, "title": title}
        return self._record(number, EventKind.RECATEGORISED, by, "", expected, lambda _: what)

    def merge(self, number: str, by: By, into: str, expected: int | None = None) -> int:
        """Go on with ``into``, which says the same; what was said is added there."""
        if number == into:
            raise IllegalTransition("A ticket can't be merged into itself.")
        ledger = self._ledger
        with ledger.transaction() as session:
            # Always in the order of numbers, so that two merges don't wait for each other.
            taken = {one: ledger.take(session, one) for one in sorted((number, into))}
            ticket = ledger.take(session, number, expected)
            ledger.write(session, ticket, EventKind.MERGED, Actor.of(by), into=into)
            said = f"并入工单{number}：{ticket.text}"
            ledger.write(session, taken[into], EventKind.ADDED, Actor.of(by), said)
            return ticket.version

    def split(self, number: str, by: By, parts: Sequence[str], expected: int | None = None) -> int:
        """Go on with ``parts``, tickets that were filed with ``parent_id`` of this one."""
        return self._record(
            number, EventKind.SPLIT, by, "", expected, lambda _: {"into": list(parts)}
        )

    def _record(
        self,
        number: str,
        kind: EventKind,
        by: By,
        note: str,
        expected: int | None,
        data: Callable[[Ticket], dict[str, Any]] = lambda _: {},
    ) -> int:
        with self._ledger.transaction() as session:
            ticket = self._ledger.take(session, number, expected)
            self._ledger.write(session, ticket, kind, Actor.of(by), note, **data(ticket))
            return ticket.version
