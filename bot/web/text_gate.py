"""Where the city's text gateway brings what citizens write: ``POST /api/sms``.

The body is JSON, ``{"id", "from", "to", "text"}``, signed as what the line sends to the gateway
(``webhooks.py``) under the same secret. 202 says that the text is kept; the answer goes out as a
text of its own. The same ``id`` may come again. Leaves to others: answering
(``bot/correspondence.py``).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Header, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, StringConstraints, ValidationError

from bot.casework.talks import Inbox
from bot.web.webhooks import verify

#: Bytes of a body that are looked at.
SIZE = 16_000
Number = Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{3,20}$")]


class Brought(BaseModel):
    """A text as the gateway brings it."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=96)]
    sender: Annotated[Number, Field(alias="from")]
    to: Number
    text: Annotated[str, StringConstraints(max_length=4000)]


def text_gate(
    inbox: Inbox, secret: str, now: Callable[[], float] = time.time, prefix: str = "+86"
) -> APIRouter:
    """Return the route; without a ``secret`` nobody is let in. ``prefix`` is not kept."""
    router = APIRouter()

    def refused(status: int, code: str, message: str) -> JSONResponse:
        return JSONResponse({"code": code, "message": message}, status)

    @router.post("/api/sms")
    async def bring(
        request: Request, hotline_signature: Annotated[str, Header()] = ""
    ) -> JSONResponse:
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > SIZE:
                return refused(413, "too_large", "内容太长。")
        if not secret or not verify(secret, body, hotline_signature, now()):
            return refused(401, "bad_signature", "签名不对，或者时间相差太多。")
        try:
            brought = Brought.model_validate_json(body)
        except ValidationError as error:
            fields = "、".join(str(one["loc"][0]) for one in error.errors() if one["loc"])
            return refused(422, "invalid_request", f"内容不对：{fields or '不是JSON'}。")
        new = await anyio.to_thread.run_sync(
            inbox.receive,
            brought.id,
            brought.sender.removeprefix(prefix),
            brought.to,
            brought.text,
        )
        return JSONResponse({"id": brought.id, "new": new}, 202)

    return router
