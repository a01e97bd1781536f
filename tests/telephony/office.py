"""An office without rooms: every request is granted. For tests of sound, not of service."""

from __future__ import annotations

from bot.dialogue.types import (
    BookCallback,
    Booked,
    CallStarted,
    Changed,
    ChangeTicket,
    Event,
    Filed,
    FileTicket,
    Found,
    LookUp,
    Note,
    People,
    PeopleAre,
    Request,
    SeekPerson,
)
from bot.telephony.calls import Call


def opening(call: Call) -> CallStarted:
    return CallStarted(call.caller, call.did)


def carry_out(_: Call, request: Request) -> Event:
    match request:
        case FileTicket():
            return Filed("T1")
        case LookUp():
            return Found()
        case ChangeTicket():
            return Changed()
        case SeekPerson():
            return PeopleAre(People.THERE)
        case BookCallback():
            return Booked(request.at)


def note(_: Call, __: Note) -> None:
    pass
