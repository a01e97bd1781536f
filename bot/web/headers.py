"""Headers on every answer that tell the browser what a page may do (OWASP Secure Headers).

No script but our own files, no inline script, no frames, no sniffing. Written as plain ASGI,
since pushed updates must pass through unbuffered.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class SecurityHeaders:
    """Adds the headers."""

    def __init__(self, app: ASGIApp, sockets: Sequence[str] = ()) -> None:
        """``sockets``: WebSocket addresses that pages may connect to."""
        self._app = app
        connect = " ".join(["'self'", *sockets])
        self._headers = {
            "Content-Security-Policy": (
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                f"media-src 'self' blob:; connect-src {connect}; base-uri 'none'; "
                "form-action 'self'; frame-ancestors 'none'"
            ),
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            # Not "no-referrer", with which browsers hide the Origin of our own forms too.
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and the answer back with its headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        still = scope["path"].startswith("/static/")

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                # Pages hold personal data: the back key must not show them after signing out.
                headers.setdefault("Cache-Control", "max-age=3600" if still else "no-store")
            await send(message)

        await self._app(scope, receive, answer)
