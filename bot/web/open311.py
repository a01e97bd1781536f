"""Open311 GeoReport v2, whole: http://wiki.open311.org/GeoReport_v2.

An app of its own, to be mounted at ``/open311/v2``. Anybody may read; filing needs an API key.
What citizens said on the phone is nobody else's business: their words and exact places are not
shown, those of requests that came by Open311 are, with numbers of people hidden. Leaves to
others: the documents' form (``georeport.py``), keys (``casework/api_keys.py``), which services
there are (the composition root), and listening.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import uuid4

import anyio.to_thread
from fastapi import FastAPI, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlalchemy import ColumnElement
from starlette.exceptions import HTTPException

from bot.casework.api_keys import ApiKeys
from bot.casework.errors import CaseworkError
from bot.casework.lifecycle import OPEN
from bot.casework.models import Ticket
from bot.casework.tickets import TicketState, TicketStore
from bot.casework.wording import NEXT_STEPS
from bot.observe import mask_text
from bot.web.georeport import MEDIA, Service, moment, read_moment, write

#: The standard's limits of a query: days it may span, requests it returns.
SPAN, MOST = dt.timedelta(days=90), 1000
#: Of this API, not of the standard: characters of a description, and of any other field.
DESCRIPTION, FIELD = 4000, 500
CHANNEL = "open311"
SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
#: Arguments of POST that are kept with the ticket, encrypted.
KEPT = ["lat", "long", "address_string", "address_id", "email", "device_id", "account_id"]
KEPT += ["first_name", "last_name", "media_url"]
_OPEN = [state.value for state in OPEN]
_ATTRIBUTE = re.compile(r"attribute\[([^\]]{1,64})\](?:\[\])?")
Form = Annotated[str, Path(pattern="^(json|xml)$")]


class GeoReportError(Exception):
    """An answer in the standard's form of errors."""

    def __init__(self, status: int, description: str) -> None:
        super().__init__(description)
        self.status, self.description = status, description


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What discovery tells of this endpoint."""

    url: str = "/open311/v2"
    """Where clients reach it; complete it with the public host name."""
    contact: str = ""
    """How to reach those who run it."""
    key_service: str = "A key is made with `hotline key new open311 NAME`."
    """How to get an API key."""
    changeset: dt.datetime = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    """When it last changed."""
    jurisdiction: str = ""
    """The only ``jurisdiction_id`` that is served; "" when any is taken."""
    tokens: bool = False
    """Answer POST with a token instead of the request's number (type ``batch``)."""
    kind: str = "production"


def open311_app(
    store: TicketStore,
    keys: ApiKeys,
    services: Callable[[], Sequence[Service]],
    endpoint: Endpoint = Endpoint(),
) -> FastAPI:
    """Build the app. ``services`` gives those of the pack in use."""
    app = FastAPI(title="Open311 GeoReport v2", docs_url=None, redoc_url=None, openapi_url=None)
    _answer_errors(app)
    kind = "batch" if endpoint.tokens else "realtime"

    def known() -> dict[str, Service]:
        return {one.code: one for one in services()}

    def check(jurisdiction_id: str | None) -> None:
        if jurisdiction_id and endpoint.jurisdiction not in ("", jurisdiction_id):
            raise GeoReportError(404, f"jurisdiction_id {jurisdiction_id} was not found")

    def asked(code: str) -> Service:
        found = known().get(code)
        if found is None:
            raise GeoReportError(404, f"service_code {code} was not found")
        return found

    @app.get("/discovery.{form}")
    def discovery(form: Form) -> Response:
        one = {
            "specification": SPECIFICATION,
            "url": endpoint.url,
            "changeset": endpoint.changeset,
            "type": endpoint.kind,
            "formats": ["text/xml", "application/json"],
        }
        document = {
            "changeset": endpoint.changeset,
            "contact": endpoint.contact,
            "key_service": endpoint.key_service,
            "endpoints": [one],
        }
        return _answer(document, "discovery", form)

    @app.get("/services.{form}")
    def service_list(form: Form, jurisdiction_id: str | None = None) -> Response:
        check(jurisdiction_id)
        return _answer([one.as_dict(kind) for one in services()], "services", form)

    @app.get("/services/{code}.{form}")
    def definition(code: str, form: Form, jurisdiction_id: str | None = None) -> Response:
        check(jurisdiction_id)
        service = asked(code)
        attributes = [one.as_dict() for one in service.attributes]
        document = {"service_code": service.code, "attributes": attributes}
        return _answer(document, "service_definition", form)

    @app.post("/requests.{form}", status_code=201)
    async def file(form: Form, request: Request) -> Response:
        fields = await _form_of(request)
        # The database may keep one waiting; the event loop must not.
        document = await anyio.to_thread.run_sync(filed, fields)
        return _answer([document], "service_requests", form, 201)

    def filed(fields: Mapping[str, list[str]]) -> dict[str, Any]:
        one = {name: values[0] for name, values in fields.items() if values[0]}
        check(one.get("jurisdiction_id"))
        if not one.get("api_key"):
            raise GeoReportError(403, "api_key was not provided")
        client = keys.owner("open311", one["api_key"])
        if client is None:
            raise GeoReportError(403, "api_key is not valid")
        if not one.get("service_code"):
            raise GeoReportError(400, "service_code was not provided")
        service = asked(one["service_code"])
        details = _details(one, _attributes(fields, service))
        token = str(uuid4())
        number = store.file(
            call_id=token,
            category=service.code,
            title=service.name,
            text=one.get("description") or service.name,
            place=one.get("address_string", ""),
            unit=service.unit,
            urgency=service.urgency,
            phone=one.get("phone", ""),
            pack=service.pack,
            channel=CHANNEL,
            details=details | {"client": client},
        )
        document: dict[str, Any] = {"token": token}
        if not endpoint.tokens:
            document = {"service_request_id": number}
        notice = "您的诉求已登记，可凭编号查询办理进度。"
        return document | {"service_notice": notice, "account_id": one.get("account_id")}

    @app.get("/requests.{form}")
    def query(
        form: Form,
        jurisdiction_id: str | None = None,
        service_request_id: str | None = None,
        service_code: str | None = None,
        start_date: str | None = None,
        end_date: str | None = None,
        status: str | None = None,
    ) -> Response:
        check(jurisdiction_id)
        where: list[ColumnElement[bool]]
        if service_request_id:
            # It overrides all other arguments.
            where = [Ticket.number.in_(_listed("service_request_id", service_request_id))]
        else:
            where = _span(start_date, end_date, dt.datetime.now(dt.UTC))
            if service_code:
                where.append(Ticket.category.in_(_listed("service_code", service_code)))
            where += _status(status)
        services_now = known()
        found = [_shown(one, services_now) for one in store.select(*where, limit=MOST)]
        return _answer(found, "service_requests", form)

    @app.get("/requests/{number}.{form}")
    def show(number: str, form: Form, jurisdiction_id: str | None = None) -> Response:
        check(jurisdiction_id)
        ticket = store.get(_clean(number))
        if ticket is None:
            raise GeoReportError(404, f"service_request_id {number} was not found")
        return _answer([_shown(ticket, known())], "service_requests", form)

    @app.get("/tokens/{token}.{form}")
    def of_token(token: str, form: Form, jurisdiction_id: str | None = None) -> Response:
        check(jurisdiction_id)
        where = (Ticket.call_id == _clean(token), Ticket.channel == CHANNEL)
        ticket = next(iter(store.select(*where, limit=1)), None)
        if ticket is None:
            raise GeoReportError(404, f"token {token} was not found")
        document = [{"service_request_id": ticket.number, "token": token}]
        return _answer(document, "service_requests", form)

    return app


def _clean(value: str) -> str:
    """PostgreSQL knows no text with a NUL in it, so nothing is called so."""
    return value.replace("\0", "\ufffd")


def _listed(name: str, value: str) -> list[str]:
    parts = [_clean(part.strip()) for part in value.split(",") if part.strip()]
    if len(parts) > MOST:
        raise GeoReportError(400, f"{name} names more than {MOST} values")
    return parts


def _span(start: str | None, end: str | None, now: dt.datetime) -> list[ColumnElement[bool]]:
    """Return the conditions of a query's span: what isn't given follows from what is."""
    try:
        first = read_moment(start) if start else None
        last = read_moment(end) if end else None
        if first is None:
            first = (last or now) - SPAN
        if last is None:
            last = first + SPAN
    except (ValueError, OverflowError) as error:
        raise GeoReportError(
            400, "start_date and end_date must be like 2010-01-01T00:00:00Z"
        ) from error
    if last - first > SPAN:
        raise GeoReportError(400, f"start_date and end_date span more than {SPAN.days} days")
    return [Ticket.filed_at >= first, Ticket.filed_at <= last]


def _status(status: str | None) -> list[ColumnElement[bool]]:
    wanted = set(_listed("status", status or "")) or {"open", "closed"}
    if wanted - {"open", "closed"}:
        raise GeoReportError(400, "status must be open or closed")
    if wanted == {"open"}:
        return [Ticket.state.in_(_OPEN)]
    return [Ticket.state.not_in(_OPEN)] if wanted == {"closed"} else []


def _attributes(fields: Mapping[str, list[str]], service: Service) -> dict[str, str]:
    said: dict[str, list[str]] = {}
    for name, values in fields.items():
        if match := _ATTRIBUTE.fullmatch(name):
            said[match[1]] = [value for value in values if value]
    for one in service.attributes:
        given = said.get(one.code, [])
        if one.required and not given:
            raise GeoReportError(400, f"attribute[{one.code}] was not provided")
        allowed = {key for key, _ in one.values}
        if allowed and set(given) - allowed:
            raise GeoReportError(400, f"attribute[{one.code}] is none of its values")
    asked = {one.code for one in service.attributes}
    return {code: ", ".join(values) for code, values in said.items() if code in asked and values}


def _details(one: Mapping[str, str], attributes: Mapping[str, str]) -> dict[str, Any]:
    for name, value in one.items():
        if len(value) > (DESCRIPTION if name == "description" else FIELD):
            raise GeoReportError(400, f"{name} is too long")
    if len(one.get("phone", "")) > 24:
        raise GeoReportError(400, "phone is too long")
    details: dict[str, Any] = {name: one[name] for name in KEPT if name in one}
    placed = "lat" in one and "long" in one
    if not (placed or "address_string" in one or "address_id" in one):
        raise GeoReportError(400, "lat and long, address_string or address_id must be provided")
    for name, most in (("lat", 90.0), ("long", 180.0)):
        if name in one:
            try:
                details[name] = float(one[name])
            except ValueError as error:
                raise GeoReportError(400, f"{name} is not a number") from error
            if not abs(details[name]) <= most:
                raise GeoReportError(400, f"{name} is out of range")
    return details | ({"attributes": dict(attributes)} if attributes else {})


def _shown(ticket: Ticket, services: Mapping[str, Service]) -> dict[str, Any]:
    """Return a ticket as the public may see it."""
    public = ticket.channel == CHANNEL
    details = ticket.details if public else {}
    area = ticket.district + ticket.street
    service = services.get(ticket.category)
    return {
        "service_request_id": ticket.number,
        "status": "open" if ticket.state in _OPEN else "closed",
        "status_notes": NEXT_STEPS[TicketState(ticket.state)],
        "service_name": service.name if service else ticket.title,
        "service_code": ticket.category,
        "description": mask_text(ticket.text) if public else ticket.title,
        "agency_responsible": ticket.unit,
        "service_notice": None,
        "requested_datetime": moment(ticket.filed_at),
        "updated_datetime": moment(ticket.changed_at or ticket.filed_at),
        "expected_datetime": moment(ticket.due_at) if ticket.due_at else None,
        "address": mask_text(ticket.place) if public else area,
        "address_id": details.get("address_id"),
        "zipcode": None,
        "lat": details.get("lat"),
        "long": details.get("long"),
        "media_url": details.get("media_url"),
    }


async def _form_of(request: Request) -> dict[str, list[str]]:
    """Read the arguments of a POST: a form of either encoding, and what the URL adds."""
    fields: dict[str, list[str]] = {}
    async with request.form(max_files=1, max_fields=200) as form:
        for name, value in (*request.query_params.multi_items(), *form.multi_items()):
            if not isinstance(value, str):
                raise GeoReportError(400, f"{name}: files are not taken; send a media_url")
            fields.setdefault(_clean(name), []).append(_clean(value).strip())
    return fields


def _answer(document: Any, root: str, form: str, status: int = 200) -> Response:
    return Response(write(document, root, form), status, media_type=MEDIA[form])


def _answer_errors(app: FastAPI) -> None:
    def answer(request: Request, status: int, description: str) -> Response:
        form = "xml" if request.url.path.endswith(".xml") else "json"
        document = [{"code": status, "description": description}]
        return _answer(document, "errors", form, status)

    @app.exception_handler(GeoReportError)
    def refused(request: Request, error: GeoReportError) -> Response:
        return answer(request, error.status, error.description)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        name = str(error.errors()[0]["loc"][-1])
        if name == "form":
            return answer(request, 404, "there are only the formats json and xml")
        return answer(request, 400, f"{name} is not valid")

    @app.exception_handler(HTTPException)
    def other(request: Request, error: HTTPException) -> Response:
        return answer(request, error.status_code, str(error.detail))

    @app.exception_handler(CaseworkError)
    def unavailable(request: Request, _: CaseworkError) -> Response:
        return answer(request, 503, "the tickets cannot be reached now; try again later")
