"""What all pages share: templates, who is signed in, and the turning away of everybody else.

Signing in and out and choosing a password are here too. Leaves to others: the pages of the
desk (``desk_pages.py``), of the supervisor (``wallboard.py``) and of the rest (``office.py``).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol
from urllib.parse import urlsplit

import anyio.to_thread
from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from bot.agents.desk import Desk
from bot.agents.queue import AgentQueue
from bot.agents.talk import Talk
from bot.agents.types import QueueEntry
from bot.casework.citizens import Citizens
from bot.casework.tickets import TicketStore
from bot.observe import Metrics, mask_number
from bot.training.room import TrainingRoom
from bot.understanding.pack import Pack
from bot.web.access import BEFORE_PASSWORD, HOMES, allows
from bot.web.accounts import ROLE_NAMES, Account, AccountError, Accounts, Role, SignInRefused
from bot.web.audit import Audit
from bot.web.feed import Feed
from bot.web.records import Records
from bot.web.sessions import Sessions, SignedIn

COOKIE, LOGIN_COOKIE = "hotline_session", "hotline_sign_in"
#: Methods that change nothing (RFC 9110, 9.2.1).
SAFE = ("GET", "HEAD")


class Floor(Protocol):
    """What a supervisor can do to a conversation (implemented over AMI). Thread-safe."""

    def listen(self, entry: QueueEntry, phone: str) -> None:
        """Ring a telephone and let it hear both sides (SwitchboardError: it can't be)."""

    def drop(self, entry: QueueEntry) -> None:
        """Hang the caller up (SwitchboardError: it can't be)."""


@dataclass(frozen=True)
class House:
    """Everything that pages are made of."""

    accounts: Accounts
    sessions: Sessions
    audit: Audit
    records: Records
    tickets: TicketStore
    citizens: Citizens
    queue: AgentQueue
    desk: Desk
    talk: Talk
    floor: Floor
    metrics: Metrics
    feed: Feed
    pack: Callable[[], Pack]
    """The pack in use now."""
    record: Callable[[str], dict[str, Any] | None]
    """The bot's record of a call, by its id."""
    sound: Callable[[str, str, int], Path | None]
    """The WAV of an utterance, by the caller's number, the call's id and its number in it."""
    phone_password: Callable[[str], str]
    """SIP password of the browser's telephone of an extension; "" for none."""
    phone_url: str
    """WebSocket address at which browsers reach Asterisk."""
    sip_script: Path
    """Folder of the SIP library that browsers load."""
    training: TrainingRoom


class Refused(Exception):  # noqa: N818
    """A page that this browser does not get."""

    def __init__(self, status: int, message: str, location: str = "") -> None:
        """``location``: where it should go instead."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.location = location


def environment() -> Environment:
    """Return the templates. Everything that is put into a page is escaped, without exception."""
    made = Environment(
        loader=PackageLoader("bot.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["masked"] = mask_number
    made.filters["waited"] = waited
    made.filters["when"] = lambda at: at.astimezone().strftime("%m-%d %H:%M") if at else ""
    made.globals["role_names"] = ROLE_NAMES
    made.globals["now"] = time.time
    return made


def waited(seconds: float | None) -> str:
    """Return a length of time as minutes and seconds."""
    if seconds is None:
        return "—"
    whole = max(0, int(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


TEMPLATES = environment()


def page(name: str, me: SignedIn | None = None, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a whole page."""
    text = TEMPLATES.get_template(name).render(
        me=me.account if me else None, csrf=me.csrf if me else "", **values
    )
    return HTMLResponse(text, status)


def fragment(name: str, me: SignedIn, **values: Any) -> str:
    """Return a piece of a page."""
    return TEMPLATES.get_template(name).render(me=me.account, csrf=me.csrf, **values)


def same_origin(request: Request) -> bool:
    """Whether a request comes from a page of ours, as far as the browser says."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")


async def _csrf_given(request: Request) -> str:
    header = request.headers.get("x-csrf-token")
    if header is not None:
        return header
    value = (await request.form()).get("csrf", "")
    return value if isinstance(value, str) else ""


def guard(house: House) -> Callable[[Request], Any]:
    """Return the dependency of every router of pages: it finds out who asks, and turns away."""

    async def find(request: Request) -> None:
        path = request.scope["route"].path
        # Never on the event loop, which carries the sound of all calls.
        key = request.cookies.get(COOKIE, "")
        me = await anyio.to_thread.run_sync(house.sessions.find, key)
        if me is None:
            raise Refused(401, "请先登录。", "/login")
        if request.method not in SAFE:
            given = await _csrf_given(request)
            if not same_origin(request) or not secrets.compare_digest(
                given.encode(), me.csrf.encode()
            ):
                raise Refused(403, "页面已过期，请刷新后重试。")
        if me.account.must_change and path not in BEFORE_PASSWORD:
            raise Refused(403, "请先修改一次性密码。", "/password")
        if not allows(request.method, path, me.account.role):
            raise Refused(403, "您没有权限使用这个页面。")
        request.state.signed_in = me

    return find


def _signed_in(request: Request) -> SignedIn:
    # Set by the guard; without one this is an error, never an open door.
    found: SignedIn = request.state.signed_in
    return found


Me = Annotated[SignedIn, Depends(_signed_in)]
"""Who asks: what a page's function takes."""


def refusal(request: Request, error: Refused) -> Response:
    """Turn a Refused into an answer: a way on for people, a status for scripts."""
    wants_page = "text/html" in request.headers.get("accept", "")
    if wants_page and error.location and request.method in SAFE:
        return RedirectResponse(error.location, 303)
    if wants_page:
        return page("refused.html", status=error.status, message=error.message)
    return PlainTextResponse(error.message, error.status)


def sign_in_pages(house: House) -> APIRouter:
    """Return the routes of signing in, which are open to anybody."""
    router = APIRouter()

    def form(message: str = "", status: int = 200) -> HTMLResponse:
        # Before there is a session, a cookie and a field of the form must say the same:
        # another site can neither read nor set them (double submit), so nobody can be signed
        # in as somebody else without noticing.
        key = secrets.token_urlsafe(24)
        answer = page("login.html", status=status, message=message, key=key)
        answer.set_cookie(
            LOGIN_COOKIE, key, max_age=3600, path="/login", httponly=True, samesite="strict"
        )
        return answer

    @router.get("/login")
    def sign_in_form() -> HTMLResponse:
        return form()

    @router.post("/login")
    def sign_in(
        request: Request,
        name: Annotated[str, Form(max_length=64)] = "",
        password: Annotated[str, Form(max_length=1000)] = "",
        key: Annotated[str, Form()] = "",
    ) -> Response:
        known = request.cookies.get(LOGIN_COOKIE, "")
        if (
            not known
            or not same_origin(request)
            or not secrets.compare_digest(known.encode(), key.encode())
        ):
            return form("页面已过期，请再试一次。", 403)
        address = request.client.host if request.client else ""
        try:
            account = house.accounts.check(name, password, address)
        except SignInRefused as error:
            house.audit.write(name, "sign_in_refused", detail=address)
            return form(error.message, 401)
        old = request.cookies.get(COOKIE, "")
        if old:
            house.sessions.end(old)
        house.audit.write(account.name, "signed_in", detail=address)
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(LOGIN_COOKIE, path="/login")
        answer.set_cookie(
            COOKIE,
            house.sessions.begin(account),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    return router


def own_pages(house: House) -> APIRouter:
    """Return the routes of everybody who is signed in."""
    router = APIRouter(dependencies=[Depends(guard(house))])

    @router.get("/")
    def home(me: Me) -> Response:
        return RedirectResponse(HOMES[me.account.role], 303)

    @router.post("/logout")
    def sign_out(request: Request, me: Me) -> Response:
        house.sessions.end(request.cookies.get(COOKIE, ""))
        house.audit.write(me.account.name, "signed_out")
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(COOKIE)
        return answer

    @router.get("/password")
    def password_form(me: Me) -> Response:
        return page("password.html", me, message="")

    @router.post("/password")
    def change_password(
        request: Request,
        me: Me,
        old: Annotated[str, Form(max_length=1000)] = "",
        new: Annotated[str, Form(max_length=1000)] = "",
        again: Annotated[str, Form(max_length=1000)] = "",
    ) -> Response:
        message = "两次输入的新密码不一样。" if new != again else ""
        if not message:
            try:
                # Guessing here counts as guessing at the door.
                house.accounts.check(
                    me.account.name, old, request.client.host if request.client else ""
                )
                house.accounts.change_password(me.account.name, old, new)
            except AccountError as error:
                message = error.message
        if message:
            return page("password.html", me, 422, message=message)
        house.audit.write(me.account.name, "password_changed", me.account.name)
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(COOKIE)
        return answer

    return router


def own_entry(house: House, me: SignedIn, entry_id: str) -> QueueEntry:
    """Return the entry, if it is this agent's; supervisors may look at any.

    Raises:
        Refused: there is none, or another agent has it.
    """
    entry = house.queue.get(entry_id)
    if entry is None:
        raise Refused(404, "没有这个来电。")
    if entry.agent != me.account.extension and me.account.role is not Role.SUPERVISOR:
        raise Refused(403, "这个来电不由您接听。")
    return entry


def may_take_calls(account: Account) -> bool:
    """Whether somebody has a telephone on the floor."""
    return bool(account.extension) and account.role in (Role.AGENT, Role.SUPERVISOR)
