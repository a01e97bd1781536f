"""Incidents (群体诉求) in the browser: what many citizens report is told once and closed once.

A unit sees the incidents that it owns. Leaves to others: every rule (``casework/incidents.py``).
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from bot.casework.errors import CaseworkError, Conflict, UnknownTicket
from bot.casework.inbox import seen_by
from bot.casework.incidents import Incidents
from bot.casework.models import Incident, Ticket
from bot.observe import mask_text
from bot.web.accounts import Role
from bot.web.pages import House, Me, Refused, guard, page
from bot.web.sessions import SignedIn
from bot.web.ticket_orders import Unclear, known_unit
from bot.web.ticket_pages import actor_of, unit_of
from bot.web.ticket_words import local, state_words
from bot.web.units import unit_names

#: Tickets of an incident that its page shows.
SHOWN = 100
#: What can be done with an incident, and what is said when it was done.
STEPS = {
    "tell": "已保存，之后来电的市民会听到。",
    "join": "已并入。",
    "leave": "已移出。",
    "close": "已处置，反映过的市民都会收到通知。",
}


def incident_pages(house: House) -> APIRouter:
    """Return the routes of incidents."""
    router = APIRouter(prefix="/casework/incidents", dependencies=[Depends(guard(house))])
    ledger = house.tickets.ledger
    incidents = Incidents(ledger)

    def own_incident(me: SignedIn, id: int) -> tuple[Incident, int]:
        found = incidents.get(id)
        unit = unit_of(me.account)
        if found is None or (unit and found[0].unit != unit):
            raise Refused(404, "没有这个群体诉求，或者它不归您的单位。")
        return found

    def incident_page(
        me: SignedIn, id: int, message: str = "", status: int = 200, text: str = ""
    ) -> HTMLResponse:
        incident, count = own_incident(me, id)
        zone = ledger.rules.clocks.zone
        where = [Ticket.incident_id == id, *seen_by(unit_of(me.account))]
        return page(
            "incident.html",
            me,
            status,
            one=in_words(incident, count, zone),
            tickets=[
                (ticket, mask_text(ticket.text), state_words(ticket.state))
                for ticket in house.tickets.select(*where, limit=SHOWN)
            ],
            shown=SHOWN,
            steps=steps_of(me, incident),
            units=unit_names(house.pack(), incident.district),
            message=message,
            wrong=status >= 400,
            typed=text,
        )

    @router.get("")
    def list_incidents(me: Me, closed: Annotated[str, Query(max_length=4)] = "") -> HTMLResponse:
        zone = ledger.rules.clocks.zone
        found = incidents.newest(open_only=not closed, unit=unit_of(me.account))
        return page(
            "incidents.html",
            me,
            rows=[in_words(incident, count, zone) for incident, count in found],
            closed=bool(closed),
        )

    @router.get("/{id}")
    def show(id: int, me: Me, done: Annotated[str, Query(max_length=8)] = "") -> HTMLResponse:
        return incident_page(me, id, STEPS.get(done, ""))

    @router.post("/{id}/{step}")
    def take_step(
        id: int,
        step: str,
        me: Me,
        text: Annotated[str, Form(max_length=2000)] = "",
        unit: Annotated[str, Form(max_length=64)] = "",
        number: Annotated[str, Form(max_length=16)] = "",
    ) -> Response:
        incident, _ = own_incident(me, id)
        actor = actor_of(me.account)
        if step not in STEPS or actor is None:
            raise Refused(404, "没有这个操作。")
        if step not in steps_of(me, incident):
            raise Refused(403, "已经处置的群体诉求不能再改，或者您没有权限这样操作。")
        text, number = text.strip(), number.strip()
        try:
            if step in ("tell", "close") and not text:
                raise Unclear("请写明要告诉市民的内容。")
            match step:
                case "tell":
                    owner = known_unit(house.pack(), unit.strip()) if unit.strip() else ""
                    incidents.tell_callers(id, text, owner)
                case "join":
                    incidents.add(id, number, actor)
                case "leave":
                    _belongs(house, id, number)
                    incidents.remove(number, actor)
                case "close":
                    incidents.close(id, actor, text)
        except (Unclear, CaseworkError) as error:
            status, message = told(error)
            return incident_page(me, id, message, status, text)
        house.audit.write(me.account.name, "handled_incident", str(id), f"{step} {number}".strip())
        return RedirectResponse(f"/casework/incidents/{id}?done={step}", 303)

    return router


def steps_of(me: SignedIn, incident: Incident) -> frozenset[str]:
    """Return what somebody may do with an incident: its owner and supervisors speak for it."""
    if incident.state != "open":
        return frozenset()
    match me.account.role:
        case Role.UNIT:
            return frozenset({"tell", "close"})
        case Role.AGENT:
            return frozenset({"join", "leave"})
        case Role.SUPERVISOR:
            return frozenset(STEPS)
    return frozenset()


def in_words(incident: Incident, count: int, zone: str) -> dict[str, Any]:
    """Return an incident as its pages show it."""
    return {
        "id": incident.id,
        "title": incident.title,
        "place": mask_text(incident.street or incident.spot or incident.district),
        "unit": incident.unit,
        "count": count,
        "open": incident.state == "open",
        "opened": local(incident.opened_at, zone),
        "last": local(incident.last_ticket_at, zone),
        "closed": local(incident.closed_at, zone),
        "known": incident.known,
        "outcome": incident.outcome,
    }


def told(error: Unclear | CaseworkError) -> tuple[int, str]:
    """Return the status and the Chinese words for why a step was not taken."""
    match error:
        case Unclear():
            return 422, error.message
        case UnknownTicket():
            return 404, "没有这个工单，请核对工单号。"
        case Conflict():
            return 409, "已被他人更改，请刷新后再看。"
    return 409, "没有保存：工单可能已经结束，或者不在这个群体诉求里。"


def _belongs(house: House, id: int, number: str) -> None:
    ticket = house.tickets.get(number)
    if ticket is None or ticket.incident_id != id:
        raise UnknownTicket(f"Ticket {number} is not in incident {id}.")
