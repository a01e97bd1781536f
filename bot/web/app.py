"""The bot's HTTP side: is it well, what does it measure, the agents' queue, the pack.

``/api/…`` and ``/reload`` need ``Authorization: Bearer <api_token of state/secrets.json>``.
Errors are JSON with an English ``code`` for programs and a Chinese ``message`` for people.
Leaves to others: every rule (``agents/desk.py``), and listening on a port, loopback only
(``bot/app.py``).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Depends, FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from bot.agents.codec import to_json
from bot.agents.desk import Desk
from bot.agents.directory import NotListed
from bot.agents.moves import NotNow
from bot.agents.queue import (
    AgentBusy,
    AgentQueue,
    IllegalTransition,
    QueueUnavailable,
    UnknownEntry,
)
from bot.agents.talk import Talk
from bot.agents.types import EntryState, SwitchboardError
from bot.observe import Metrics
from bot.speech.types import SpeechError
from bot.understanding.yaml_source import PackError
from bot.web.pages import House, Refused, refusal
from bot.web.site import add_pages, for_people, trouble
from bot.web.talk_api import talk_routes

#: Agents whose phones may ring at the same time; each holds a thread for as long.
CLAIMS_AT_ONCE = 200


class ApiError(Exception):
    """An answer that is not the one that was hoped for."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        """``code`` English for programs, ``message`` Chinese for people."""
        super().__init__(code)
        self.status = status
        self.body = {"code": code, "message": message, **more}

    def response(self) -> JSONResponse:
        """Return the answer."""
        return JSONResponse(self.body, self.status)


class Claim(BaseModel):
    """What an agent asks for."""

    # Digits only: the extension becomes part of a channel name in Asterisk.
    agent: str = Field(pattern=r"^[0-9]{2,10}$")
    entry: str | None = None
    """A certain caller; without it, the first."""


@dataclass(frozen=True, slots=True)
class Reload:
    """What came of reloading the pack."""

    pack: str
    version: str
    previous: str
    """The version before; the same when nothing had changed."""


def create_web(
    desk: Desk,
    queue: AgentQueue,
    metrics: Metrics,
    health: Callable[[], dict[str, Any]],
    reload: Callable[[], Reload],
    token: str,
    talk: Talk | None = None,
    house: House | None = None,
    citizens: Sequence[APIRouter] = (),
) -> FastAPI:
    """Build the app.

    ``health`` names every part with what is known of it; a value of False means it is down.
    ``reload`` reads the pack anew; it raises PackError when that can't be used. Both may block.
    ``citizens`` are the routes that are open to those outside: surveys, texts.
    """
    # No documentation pages: theirs load scripts from elsewhere, and the line is offline.
    app = FastAPI(title="hotline", docs_url=None, redoc_url=None, openapi_url=None)
    limiter: list[anyio.CapacityLimiter] = []

    def authorised(authorization: Annotated[str, Header()] = "") -> None:
        given = authorization.encode("utf-8", "replace")
        if not secrets.compare_digest(given, f"Bearer {token}".encode()):
            raise ApiError(401, "unauthorised", "没有权限：请带上正确的访问令牌。")

    guarded = [Depends(authorised)]

    @app.get("/healthz")
    def healthz() -> JSONResponse:
        parts = health()
        well = all(part is not False for part in parts.values())
        return JSONResponse({"ok": well, "parts": parts}, 200 if well else 503)

    @app.get("/metrics")
    def measures() -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    @app.get("/api/queue", dependencies=guarded)
    def list_queue(state: EntryState | None = None) -> dict[str, Any]:
        entries = queue.list(state) if state else queue.live()
        return {"entries": [to_json(entry) for entry in entries]}

    @app.post("/api/queue/claim", dependencies=guarded)
    async def claim(wish: Claim) -> dict[str, Any]:
        # Made here because it belongs to the running event loop. Claims have their own
        # limit: phones that ring must not keep /healthz from a thread.
        if not limiter:
            limiter.append(anyio.CapacityLimiter(CLAIMS_AT_ONCE))
        label = "failed"
        try:
            found = await anyio.to_thread.run_sync(
                desk.claim, wish.agent, wish.entry, limiter=limiter[0]
            )
            label = found.result.value if found else "nothing_waiting"
        except AgentBusy:
            label = "already_has_caller"
            raise
        finally:
            metrics.queue_claims_total.labels(result=label).inc()
        if found is None:
            message = "该来电已不在等待中。" if wish.entry else "现在没有等待接听的来电。"
            raise ApiError(404, "nothing_waiting", message)
        return {"entry": to_json(found.entry), "result": found.result.value}

    @app.post("/api/queue/{entry_id}/done", dependencies=guarded)
    def done(entry_id: str) -> dict[str, Any]:
        return {"changed": queue.close(entry_id, "agent_done")}

    @app.post("/reload", dependencies=guarded)
    def reload_pack() -> dict[str, Any]:
        done = reload()
        return {**asdict(done), "changed": done.version != done.previous}

    if talk is not None:
        app.include_router(talk_routes(talk), dependencies=guarded)
    for routes in citizens:
        app.include_router(routes)
    if house is not None:
        add_pages(app, house)
    _answer_errors(app)
    return app


def _answer_errors(app: FastAPI) -> None:
    @app.exception_handler(ApiError)
    def refused(_: Request, error: ApiError) -> JSONResponse:
        return error.response()

    @app.exception_handler(AgentBusy)
    def busy(_: Request, error: AgentBusy) -> JSONResponse:
        message = f"坐席{error.agent}已有一个来电，请先结束它。"
        return ApiError(409, "agent_busy", message, entry=error.entry_id).response()

    @app.exception_handler(IllegalTransition)
    def illegal(request: Request, error: IllegalTransition) -> Response:
        if for_people(request):
            return trouble(error)
        if isinstance(error, UnknownEntry):
            return ApiError(404, "unknown_entry", "没有这个来电。").response()
        message = "只有正在通话的来电才能结束。"
        return ApiError(409, "illegal_transition", message, state=error.state).response()

    @app.exception_handler(NotNow)
    def not_now(_: Request, error: NotNow) -> JSONResponse:
        message = "现在不能这样操作：请先结束保持、呼叫、咨询或三方通话。"
        return ApiError(409, "not_now", message, talk=error.talk).response()

    @app.exception_handler(NotListed)
    def not_listed(_: Request, error: NotListed) -> JSONResponse:
        message = "只能呼叫坐席的分机，或知识包里列有电话的单位。"
        return ApiError(422, "not_listed", message, detail=str(error)).response()

    @app.exception_handler(QueueUnavailable)
    def no_queue(request: Request, error: QueueUnavailable) -> Response:
        if for_people(request):
            return trouble(error)
        message = "排队系统暂时连不上，来电人仍在听等待音乐，请稍后再试。"
        return ApiError(503, "queue_unavailable", message, detail=str(error)).response()

    @app.exception_handler(PackError)
    def bad_pack(_: Request, error: PackError) -> JSONResponse:
        message = f"新的知识包有{len(error.problems)}处问题，热线仍在用原来的。"
        problems = [str(problem) for problem in error.problems]
        return ApiError(409, "pack_refused", message, problems=problems).response()

    @app.exception_handler(SpeechError)
    def not_spoken(_: Request, error: SpeechError) -> JSONResponse:
        message = "新的知识包里有句子合成不了语音，热线仍在用原来的。"
        return ApiError(503, "pack_not_spoken", message, detail=str(error)).response()

    @app.exception_handler(SwitchboardError)
    def no_switchboard(request: Request, error: SwitchboardError) -> Response:
        if for_people(request):
            return trouble(error)
        message = "电话交换机暂时连不上，来电人已回到原来的位置，请稍后再试。"
        return ApiError(503, "switchboard_unavailable", message, detail=str(error)).response()

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        if for_people(request):
            return refusal(request, Refused(422, "填写的内容太长或者格式不对，请返回修改。"))
        fields = ", ".join(str(one["loc"][-1]) for one in error.errors())
        message = "请求的内容不对，请检查坐席分机号和来电编号。"
        return ApiError(422, "invalid_request", message, detail=fields).response()

    @app.exception_handler(HTTPException)
    def other(_: Request, error: HTTPException) -> JSONResponse:
        message = "没有这个地址。" if error.status_code == 404 else "不能这样访问这个地址。"
        return ApiError(error.status_code, "http_error", message).response()
