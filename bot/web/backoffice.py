"""The HTTP API of back offices: a unit's tickets, taken, returned, reported on and resolved.

An app of its own, to be mounted at ``/api/v1``; its OpenAPI document is at
``/api/v1/openapi.json``. A key belongs to one unit, and a unit sees and touches only tickets that
are its own. Errors are JSON with an English ``code`` for programs and a Chinese ``message`` for
people. Leaves to others: every rule (``casework/handling.py``), keys (``casework/api_keys.py``),
webhooks (``webhooks.py``).
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from starlette.exceptions import HTTPException

from bot.casework.api_keys import ApiKeys
from bot.casework.audit import Audit
from bot.casework.errors import CaseworkError, Conflict, IllegalTransition, UnknownTicket
from bot.casework.handling import Handling
from bot.casework.inbox import is_of, seen_by
from bot.casework.lifecycle import Actor, Role
from bot.casework.models import Ticket, TicketEvent
from bot.casework.tickets import TicketState, TicketStore
from bot.observe import mask_number, mask_text

#: Tickets in one page.
PAGE = 100

# A text that any database takes: PostgreSQL knows no NUL.
Said = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")]
Note = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]
#: Greater than the id of any ticket, which the databases keep in 32 bits.
NEWEST = 2**31 - 1


def _written_out(value: object) -> object:
    # Otherwise a bare number would be taken for seconds since 1970, which nobody means.
    if isinstance(value, str) and not re.match(r"\d{4}-\d{2}-\d{2}[Tt ]", value):
        raise ValueError("not a moment as of RFC 3339")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]
Version = Annotated[
    int | None, Field(ge=1, le=2**31 - 1, description="Version that the decision was made on.")
]
Number = Annotated[
    str, Path(pattern="^[0-9]{12}$", description="Number of the ticket: twelve digits.")
]


class Problem(BaseModel):
    """An answer that is not the one that was hoped for."""

    code: str
    message: str


class _Wish(BaseModel):
    model_config = ConfigDict(extra="forbid")
    version: Version = None


class Acceptance(_Wish):
    """签收."""

    note: Note = ""


class Reason(_Wish):
    """Why."""

    reason: Said


class Progress(_Wish):
    """What was done so far."""

    note: Said


class Result(_Wish):
    """What was done in the end."""

    result: Said


class Contact(_Wish):
    """That the citizen was called."""

    outcome: Literal["reached", "not_reached"]
    note: Note = ""


class Changed(BaseModel):
    """How the ticket stands now."""

    number: str
    version: int
    state: TicketState


class Summary(BaseModel):
    """A ticket in a list. Numbers of people are hidden."""

    number: str
    version: int
    state: TicketState
    category: str
    title: str
    text: str
    place: str
    district: str
    street: str
    urgency: str
    unit: str
    filed_at: dt.datetime
    due_at: dt.datetime | None
    changed_at: dt.datetime | None


class EventView(BaseModel):
    """One thing that happened to a ticket."""

    seq: int
    at: dt.datetime
    kind: str
    actor: str
    note: str
    data: dict[str, Any]


class Detail(Summary):
    """A ticket with its life."""

    caller: str
    """Masked."""
    phone: str
    """Masked."""
    events: list[EventView]


class Page(BaseModel):
    """Tickets, newest first."""

    tickets: list[Summary]
    next: int | None
    """``before`` of the next page; None at the end."""


class Revealed(BaseModel):
    """What is usually hidden. Who asked, and why, is recorded."""

    number: str
    caller: str
    phone: str
    text: str
    place: str
    details: dict[str, Any]


class ApiError(Exception):
    """An answer with an English code and a Chinese message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


def _authorised(
    request: Request,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))],
) -> Actor:
    keys: ApiKeys = request.app.state.keys
    unit = keys.owner("unit", given.credentials) if given else None
    if unit is None:
        raise ApiError(401, "unauthorised", "没有权限：请带上本单位有效的接口密钥。")
    return Actor(Role.UNIT, unit)


Unit = Annotated[Actor, Depends(_authorised)]


def _documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": Problem} for status in (400, 401, 405, 422, 503, *statuses)}


def backoffice_app(store: TicketStore, keys: ApiKeys) -> FastAPI:
    """Build the app."""
    app = FastAPI(
        title="Hotline back office",
        version="1",
        description="Tickets of a unit. `Authorization: Bearer KEY`; a key is made with "
        "`hotline key new unit NAME`.",
        # Documentation pages load scripts from elsewhere, and the line is offline.
        docs_url=None,
        redoc_url=None,
        servers=[{"url": "/api/v1"}],
        root_path_in_servers=False,
    )
    app.state.keys = keys
    _answer_errors(app)
    handling, audit = Handling(store.ledger), Audit(store.engine, store.ledger.now)

    def own(number: str, unit: Actor) -> Ticket:
        ticket = store.get(number)
        if ticket is None or not is_of(ticket, unit.name):
            # Whether others have such a ticket is no business of this unit.
            raise ApiError(404, "unknown_ticket", "本单位没有这个工单。")
        return ticket

    def changed(number: str) -> Changed:
        ticket = store.get(number)
        assert ticket is not None
        return Changed(number=number, version=ticket.version, state=TicketState(ticket.state))

    @app.get("/tickets", responses=_documented())
    def list_tickets(
        unit: Unit,
        state: Annotated[list[TicketState], Query(description="Any of these.")] = [],  # noqa: B006
        due_before: Annotated[Moment | None, Query(description="RFC 3339.")] = None,
        before: Annotated[int, Query(ge=1, le=NEWEST, description="See ``next``.")] = NEWEST,
        limit: Annotated[int, Query(ge=1, le=PAGE)] = 50,
    ) -> Page:
        where: list[Any] = [*seen_by(unit.name), Ticket.id < before]
        if state:
            where.append(Ticket.state.in_([one.value for one in state]))
        if due_before:
            try:
                where.append(Ticket.due_at <= due_before.astimezone(dt.UTC))
            except OverflowError as error:
                raise ApiError(422, "invalid_request", "时间超出了范围。") from error
        found = store.select(*where, limit=limit)
        more = found[-1].id if len(found) == limit else None
        return Page(tickets=[Summary(**_summary(one)) for one in found], next=more)

    @app.get("/tickets/{number}", responses=_documented(404))
    def show_ticket(number: Number, unit: Unit) -> Detail:
        ticket = own(number, unit)
        return Detail(
            **_summary(ticket),
            caller=mask_number(ticket.caller),
            phone=mask_number(ticket.phone),
            events=[_event(one) for one in store.events(number)],
        )

    @app.post("/tickets/{number}/reveal", responses=_documented(404, 409))
    def reveal(number: Number, wish: Reason, unit: Unit) -> Revealed:
        ticket = own(number, unit)
        audit.reveal(unit, f"ticket {number}", wish.reason)
        return Revealed(
            number=number,
            caller=ticket.caller,
            phone=ticket.phone,
            text=ticket.text,
            place=ticket.place,
            details=ticket.details,
        )

    @app.post("/tickets/{number}/accept", responses=_documented(404, 409))
    def accept(number: Number, wish: Acceptance, unit: Unit) -> Changed:
        own(number, unit)
        handling.accept(number, unit, wish.note, wish.version)
        return changed(number)

    @app.post("/tickets/{number}/return", responses=_documented(404, 409))
    def return_(number: Number, wish: Reason, unit: Unit) -> Changed:
        own(number, unit)
        handling.return_(number, unit, wish.reason, wish.version)
        return changed(number)

    @app.post("/tickets/{number}/contact", responses=_documented(404, 409))
    def contact(number: Number, wish: Contact, unit: Unit) -> Changed:
        own(number, unit)
        handling.contact(number, unit, wish.outcome, wish.note, wish.version)
        return changed(number)

    @app.post("/tickets/{number}/progress", responses=_documented(404, 409))
    def progress(number: Number, wish: Progress, unit: Unit) -> Changed:
        own(number, unit)
        handling.progress(number, unit, wish.note, wish.version)
        return changed(number)

    @app.post("/tickets/{number}/resolve", responses=_documented(404, 409))
    def resolve(number: Number, wish: Result, unit: Unit) -> Changed:
        own(number, unit)
        handling.resolve(number, unit, wish.result, wish.version)
        return changed(number)

    return app


def _summary(ticket: Ticket) -> dict[str, Any]:
    plain = {name: getattr(ticket, name) for name in Summary.model_fields}
    return plain | {"text": mask_text(ticket.text), "place": mask_text(ticket.place)}


def _event(row: TicketEvent) -> EventView:
    plain = {name: getattr(row, name) for name in EventView.model_fields}
    return EventView(**plain | {"note": mask_text(row.note)})


def _answer_errors(app: FastAPI) -> None:
    def answer(status: int, code: str, message: str) -> JSONResponse:
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
        return JSONResponse({"code": code, "message": message}, status, headers)

    @app.exception_handler(ApiError)
    def refused(_: Request, error: ApiError) -> Response:
        return answer(error.status, error.code, error.message)

    @app.exception_handler(UnknownTicket)
    def unknown(_: Request, __: UnknownTicket) -> Response:
        return answer(404, "unknown_ticket", "本单位没有这个工单。")

    @app.exception_handler(Conflict)
    def conflict(_: Request, __: Conflict) -> Response:
        return answer(409, "conflict", "工单刚被别人改过，请看过最新情况后再操作。")

    @app.exception_handler(IllegalTransition)
    def illegal(_: Request, __: IllegalTransition) -> Response:
        return answer(409, "illegal_transition", "工单现在的状态不允许这样操作。")

    @app.exception_handler(CaseworkError)
    def unavailable(_: Request, __: CaseworkError) -> Response:
        return answer(503, "database_unavailable", "工单库暂时用不了，请稍后再试。")

    @app.exception_handler(RequestValidationError)
    def invalid(_: Request, error: RequestValidationError) -> Response:
        fields = "、".join(str(one["loc"][-1]) for one in error.errors())
        return answer(422, "invalid_request", f"请求的内容不对，请检查：{fields}。")

    @app.exception_handler(HTTPException)
    def other(_: Request, error: HTTPException) -> Response:
        message = "没有这个地址。" if error.status_code == 404 else "不能这样访问这个地址。"
        reply = answer(error.status_code, "http_error", message)
        reply.headers.update(error.headers or {})
        return reply
