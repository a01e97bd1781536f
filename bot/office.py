"""The line's office: carries out what a dialogue asks of tickets, people and memory.

The same for a live call, a replay, a typed chat and a scripted conversation. Leaves to
others: what to ask for (``dialogue``), the rules of tickets (``casework``), sound.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from bot.casework.callbacks import Callbacks
from bot.casework.citizens import Citizens
from bot.casework.errors import CaseworkError, IllegalTransition
from bot.casework.incidents import Incidents
from bot.casework.lifecycle import BOT, OPEN
from bot.casework.ratings import Ratings
from bot.casework.surveys import Surveys
from bot.casework.texts import Kind
from bot.casework.tickets import TicketStore, TicketSummary
from bot.dialogue.types import (
    BookCallback,
    Booked,
    CallStarted,
    Change,
    Changed,
    ChangeTicket,
    Event,
    Filed,
    FileTicket,
    Found,
    KeepDraft,
    LookUp,
    Note,
    People,
    PeopleAre,
    Profile,
    Rate,
    Remember,
    Request,
    SeekPerson,
    SendText,
    TakeSurvey,
    TicketView,
)
from bot.understanding.opening import is_open
from bot.understanding.pack import Pack

log = structlog.get_logger(__name__)

#: Tickets of a caller that are looked up: three are named, and whether there are more.
OF_CALLER = 4


@dataclass(frozen=True, slots=True)
class Contact:
    """Who is being talked to, whatever the channel."""

    id: str
    """The call's, or the chat's."""
    caller: str
    """Telephone number, "" if unknown."""
    did: str
    pack: str = ""
    """Name of the pack that answers; "" is the main one."""
    channel: str = "phone"
    rating: bool = False
    """They come from an agent, only to be asked how it was."""
    survey: str = ""
    """Number of the ticket that they were called about."""


def nobody_waits(_: str) -> bool:
    """The queue of a line without one: never full."""
    return False


def no_text(*_: str) -> bool:
    """Send no text: this line has no channel for it."""
    return False


@dataclass(frozen=True, slots=True)
class Office:
    """Ports of a dialogue to the other rooms. Its methods block; thread-safe."""

    tickets: TicketStore
    citizens: Citizens
    ratings: Ratings
    callbacks: Callbacks
    incidents: Incidents
    surveys: Surveys
    pack: Callable[[str], Pack]
    """A pack by name; the main one for ""."""
    queue_full: Callable[[str], bool] = nobody_waits
    """Whether the queue of a dialled number takes nobody more in a bearable time."""
    send_text: Callable[[str, Kind, str, str, str], bool] = no_text
    """``Texts.send``: what has the same key is sent once."""
    clock: Callable[[], dt.datetime] = field(default=lambda: dt.datetime.now().astimezone())
    """Local time, aware."""

    def opening(self, contact: Contact) -> CallStarted:
        """What is known as a call begins. A database that is away costs only what is known."""
        profile = Profile()
        tickets: tuple[TicketView, ...] = ()
        try:
            if contact.caller and (known := self.citizens.profile(contact.caller)):
                profile = Profile(known.consent, known.elder)
                if known.consent:
                    tickets = self._tickets_of(contact.caller)
                    self._keep_pack(contact)
        except CaseworkError as error:
            log.error("office.caller_unknown", error=str(error))
        return CallStarted(
            caller=contact.caller,
            did=contact.did,
            now=self.clock(),
            lot=lot(contact.id),
            rating=contact.rating,
            survey=self._surveyed(contact.survey),
            profile=profile,
            tickets=tickets,
        )

    def _surveyed(self, number: str) -> TicketView | None:
        found = self.tickets.summary(number) if number else None
        return view(found) if found else None

    def carry_out(self, contact: Contact, request: Request) -> Event:
        """Do what is asked and return what came of it.

        Raises:
            CaseworkError: it could not be done.
        """
        match request:
            case FileTicket():
                return self._file(contact, request)
            case LookUp():
                return Found(self._look_up(contact, request.number))
            case ChangeTicket():
                return self._change(request)
            case SeekPerson():
                return PeopleAre(self._people(contact))
            case BookCallback():
                self.callbacks.book(
                    request.phone or contact.caller,
                    request.at,
                    reason="asked",
                    text=request.text,
                    call_id=contact.id,
                )
                return Booked(request.at)

    def note(self, contact: Contact, note: Note) -> None:
        """Note something beside the conversation; what can't be noted is in the log."""
        try:
            self._note(contact, note)
        except CaseworkError as error:
            log.error("office.not_noted", note=type(note).__name__, error=str(error))

    def usual_pack(self, caller: str, names: Sequence[str]) -> str:
        """Return which of these packs answers a caller: the one they used last, else the first.

        Known only of callers who agreed to be remembered, and only looked for where there is
        a choice.
        """
        if caller and len(names) > 1:
            try:
                known = self.citizens.profile(caller)
            except CaseworkError as error:
                log.error("office.caller_unknown", error=str(error))
                return names[0]
            if known and known.consent and known.pack in names:
                return known.pack
        return names[0]

    def close(self) -> None:
        """Let go of the database."""
        self.tickets.engine.dispose()

    # --- one by one ----------------------------------------------------------------------

    def _file(self, contact: Contact, request: FileTicket) -> Filed:
        pack = self.pack(contact.pack)
        number = self.tickets.file(
            call_id=contact.id,
            category=request.category,
            title=request.title,
            text=request.text,
            place=request.place,
            unit=request.unit,
            urgency=request.urgency,
            caller=contact.caller,
            since=request.since,
            phone=request.phone,
            pack=pack.name,
            channel=contact.channel,
            confidence=request.confidence,
        )
        return Filed(number, self._news(number, request, contact.pack))

    def _news(self, number: str, request: FileTicket, pack: str) -> str:
        """What is known of the incident that a ticket belongs to; "" when it stands alone."""
        try:
            if self.incidents.attach(number) is None:
                return ""
            known = self.incidents.known(request.category, request.place, pack)
        except CaseworkError as error:
            # The ticket is safe; the clock will put it to its incident.
            log.error("office.no_news", error=str(error))
            return ""
        return f"{known.text.rstrip('。')}。" if known else ""

    def _look_up(self, contact: Contact, number: str) -> tuple[TicketView, ...]:
        if not number:
            return self._tickets_of(contact.caller)
        found = self.tickets.summary(number)
        return (view(found),) if found else ()

    def _tickets_of(self, caller: str) -> tuple[TicketView, ...]:
        return tuple(view(one) for one in self.tickets.of_caller(caller, limit=OF_CALLER))

    def _change(self, request: ChangeTicket) -> Changed:
        try:
            match request.change:
                case Change.URGE:
                    self.tickets.urge(request.number, by="citizen", text=request.text)
                case Change.APPEND:
                    self.tickets.add(request.number, by="citizen", text=request.text)
                case Change.WITHDRAW:
                    self.tickets.withdraw(request.number, by="citizen", reason="来电撤销")
        except IllegalTransition as error:
            log.info("office.change_refused", change=request.change.value, why=str(error))
            return Changed(done=False)
        return Changed()

    def _people(self, contact: Contact) -> People:
        if not is_open(self.pack(contact.pack).line(contact.did).hours, self.clock()):
            return People.NIGHT
        return People.FULL if self.queue_full(contact.did) else People.THERE

    def _note(self, contact: Contact, note: Note) -> None:
        match note:
            case KeepDraft():
                fields = {
                    "category": note.category,
                    "text": note.text,
                    "place": note.place,
                    "since": note.since,
                    "phone": note.phone,
                }
                self.tickets.keep_draft(contact.id, fields, contact.caller)
            case Rate():
                self.ratings.rate(
                    contact.id, note.score, note.ticket, contact.caller, policy=note.policy
                )
            case Remember():
                self._remember(contact, note)
            case SendText():
                key = hashlib.sha256("\0".join((contact.id, note.phone, note.text)).encode())
                self.send_text(key.hexdigest(), "number", note.phone, note.text, contact.pack)
            case TakeSurvey(solved=None):
                outcome = "refused" if note.refused else "no_answer"
                self.surveys.attempt(note.number, outcome, BOT, contact.channel)
            case TakeSurvey(solved=bool(solved)):
                self.surveys.attempt(note.number, "reached", BOT, contact.channel)
                self.surveys.answer(
                    note.number, solved, note.satisfied, BOT, contact.channel, note.words
                )

    def _remember(self, contact: Contact, note: Remember) -> None:
        if not contact.caller:
            return
        if note.forget:
            self.citizens.forget(contact.caller)
        if note.consent is not None:
            self.citizens.consent(contact.caller, note.consent)
            self._keep_pack(contact)
        if note.elder is not None:
            self.citizens.remember(contact.caller, elder=note.elder)

    def _keep_pack(self, contact: Contact) -> None:
        self.citizens.remember(contact.caller, pack=self.pack(contact.pack).name)


def view(summary: TicketSummary) -> TicketView:
    """Return a ticket as far as a citizen is told of it."""
    return TicketView(
        number=summary.number,
        title=summary.title,
        category=summary.category,
        place=summary.place,
        unit=summary.unit,
        next_step=summary.next_step,
        filed_on=summary.filed_at.astimezone().date(),
        due_on=summary.due_at.astimezone().date() if summary.due_at else None,
        open=summary.state in OPEN,
    )


def lot(contact_id: str) -> float:
    """Return the lot (0 to 1) that decides a contact's policy: the same for the same contact."""
    return int.from_bytes(hashlib.sha256(contact_id.encode()).digest()[:6], "big") / 2**48
