"""Puts the pages, their files and their headers into the app.

Leaves to others: the pages, each in a module of its own.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

from bot.agents.queue import IllegalTransition, QueueUnavailable
from bot.agents.types import SwitchboardError
from bot.casework.errors import CaseworkError
from bot.web.casework_pages import casework_pages
from bot.web.control_bar import control_routes
from bot.web.desk_pages import desk_pages, told
from bot.web.headers import SecurityHeaders
from bot.web.incident_pages import incident_pages
from bot.web.office import office_pages
from bot.web.pages import SAFE, House, Refused, own_pages, refusal, sign_in_pages
from bot.web.rates_pages import rates_pages
from bot.web.ticket_pages import ticket_pages
from bot.web.training_pages import training_pages
from bot.web.wallboard import wallboard_pages
from bot.web.whistle_pages import whistle_pages

STATIC = Path(__file__).parent / "static"
#: Below these, errors are told to programs, as JSON (``app.py``).
API = ("/api/", "/reload")
#: Below these, to people, as a page.
PEOPLE = ("/desk", "/wallboard", "/casework", "/training", "/accounts", "/audit", "/s/")


def add_pages(app: FastAPI, house: House) -> None:
    """Add everything that people use with a browser."""
    everything = (
        sign_in_pages,
        own_pages,
        desk_pages,
        control_routes,
        wallboard_pages,
        casework_pages,
        ticket_pages,
        whistle_pages,
        incident_pages,
        rates_pages,
        office_pages,
        training_pages,
    )
    for pages in everything:
        app.include_router(pages(house))
    # The longer path first: Starlette takes the first that fits.
    app.mount("/static/sip", StaticFiles(directory=house.sip_script, check_dir=False))
    app.mount("/static", StaticFiles(directory=STATIC))
    where = urlsplit(house.phone_url)
    app.add_middleware(SecurityHeaders, sockets=[f"{where.scheme}://{where.netloc}"])

    @app.exception_handler(Refused)
    def refused(request: Request, error: Refused) -> Response:
        return refusal(request, error)

    @app.exception_handler(CaseworkError)
    def not_stored(request: Request, error: CaseworkError) -> Response:
        reading = "工单库暂时不能读取，请稍后再试。"
        message = reading if request.method in SAFE else told(error)
        return refusal(request, Refused(503, message))


def for_people(request: Request) -> bool:
    """Whether an error is told to a person at a page rather than to a program."""
    return request.url.path.startswith(PEOPLE)


def trouble(error: Exception) -> Response:
    """Tell a person of trouble in one of the rooms."""
    status = 409 if isinstance(error, IllegalTransition) else 503
    assert isinstance(error, IllegalTransition | QueueUnavailable | SwitchboardError)
    return PlainTextResponse(told(error), status)
