"""Texts that citizens send to the line are answered, whatever died meanwhile.

A text goes on with the conversation of its number; else it answers what that number was asked by
text (回访); else it begins a new one. Leaves to others: the conversation
(``channels/text_talk.py``), keeping texts (``casework/talks.py``), the gateway (``web``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import NAMESPACE_OID, uuid5

import structlog

from bot.casework.errors import CaseworkError, UnknownTicket
from bot.casework.outside_models import TextTalk
from bot.casework.talks import Inbox, Received, Talks
from bot.casework.texts import Texts
from bot.channels.text_talk import Ports, begin, lapse, read
from bot.dialogue.state import State
from bot.dialogue.types import PORTS, Event, Failed, Request, Transfer
from bot.office import Contact, Office
from bot.understanding.live import Knowledge

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Correspondence:
    """Answers what came in. Blocks; call :meth:`look` again and again."""

    office: Office
    inbox: Inbox
    talks: Talks
    texts: Texts
    knowledge: Callable[[str], Knowledge]
    """By a pack's name."""
    packs_of: Callable[[str], tuple[str, ...]]
    """Names of the packs that may answer a number of the line."""

    def look(self) -> int:
        """Answer everything that waits, end what nobody goes on with; return how many answers.

        Raises:
            CaseworkError: the database cannot be used; nothing is lost, look again later.
        """
        answered = 0
        for received in self.inbox.take():
            try:
                self._answer(received)
            except Exception as error:
                # One text must not keep those of others from being answered.
                log.exception("text.not_answered", text=received.id)
                self.inbox.failed(received.id, type(error).__name__)
                continue
            self.inbox.delivered(received.id)
            answered += 1
        for talk in self.talks.lapsed():
            self._lapse(talk)
        return answered

    def _answer(self, received: Received) -> None:
        talk = self.talks.find(received.phone)
        state = _state(talk)
        if talk is not None and state is not None and talk.line == received.line:
            contact = Contact(talk.contact, talk.phone, talk.line, talk.pack, "sms")
        else:
            contact, state = self._contact(received), None
        pack = self.knowledge(contact.pack).pack
        if told := self._wishes_none(received, contact.pack):
            self._reply(received, told, contact.pack)
            return
        ports = self._ports(contact, received.text)
        if state is None:
            opening = self.office.opening(contact)
            # They are not asked about old tickets before what they wrote is read.
            state = begin(ports, replace(opening, tickets=()))
        turned = read(ports, state, received.text)
        if turned.over:
            self.talks.end(received.phone)
        else:
            self.talks.save(
                received.phone, contact.id, contact.did, pack.name, turned.state.to_json()
            )
        self._reply(received, turned.reply, contact.pack)

    def _contact(self, received: Received) -> Contact:
        names = self.packs_of(received.line)
        # Tried again after a crash, it is the same contact, and files nothing twice.
        id = str(uuid5(NAMESPACE_OID, f"text {received.id}"))
        name = self.office.usual_pack(received.phone, names)
        contact = Contact(id, received.phone, received.line, name, "sms")
        try:
            asked = self.office.surveys.asked_by_text(received.phone)
        except UnknownTicket:
            return contact
        return replace(contact, survey=asked.number, pack=asked.pack or name)

    def _wishes_none(self, received: Received, pack: str) -> str:
        """What who refuses texts, or wants them again, is told; "" for any other text."""
        said = received.text.strip().upper()
        texting = self.knowledge(pack).pack.office.texting
        if said in texting.stop:
            self.texts.refuse(received.phone)
            return texting.stopped
        if said in texting.start:
            self.texts.allow(received.phone)
            return texting.started
        return ""

    def _reply(self, received: Received, text: str, pack: str) -> None:
        if text:
            self.texts.send(f"reply:{received.id}", "reply", received.phone, text, pack)

    def _lapse(self, talk: TextTalk) -> None:
        state = _state(talk)
        contact = Contact(talk.contact, talk.phone, talk.line, talk.pack, "sms")
        try:
            if state is not None:
                lapse(self._ports(contact, ""), state)
        except Exception:
            log.exception("text_talk.not_ended", contact=talk.contact)
        self.talks.end(talk.phone)

    def _ports(self, contact: Contact, text: str) -> Ports:
        office, knowledge = self.office, self.knowledge(contact.pack)

        def carry_out(request: Request) -> Event:
            try:
                return office.carry_out(contact, request)
            except CaseworkError as error:
                log.error("text.request_failed", request=type(request).__name__, error=str(error))
                return Failed(PORTS[type(request)])

        def call(transfer: Transfer) -> str:
            office.callbacks.book(
                contact.caller,
                dt.datetime.now(dt.UTC),
                reason=transfer.reason.value,
                text=text,
                call_id=contact.id,
            )
            return knowledge.pack.office.texting.person

        return Ports(
            book=knowledge.pack,
            understand=lambda said, about: knowledge.understander.understand(said, about=about),
            carry_out=carry_out,
            note=lambda note: office.note(contact, note),
            written=knowledge.pack.office.texting.instead,
            call=call,
        )


def _state(talk: TextTalk | None) -> State | None:
    """How far a conversation had come; None too when a newer program can't read it any more."""
    if talk is None:
        return None
    try:
        return State.from_json(talk.state)
    except ValueError:
        return None
