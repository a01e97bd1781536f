"""Sending what the line tells programs outside: signed JSON, to back offices and text gateways.

The signature is ``Hotline-Signature: t=UNIX_SECONDS,v1=HEX``, where HEX is the HMAC-SHA256 of
``UNIX_SECONDS.BODY`` under the webhook's secret (RFC 2104). A receiver recomputes it over the
bytes it got, refuses old times, and answers 2xx; it must bear the same ``id`` twice. Leaves to
others: what is sent to whom, and when again (``casework/outbox.py``, ``casework/texts.py``).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import httpx

from bot.casework.posting import Parcel

#: Seconds that a receiver has.
TIMEOUT = 10.0
#: Seconds by which a signature's time may be off.
TOLERANCE = 300
HEADER = "Hotline-Signature"


@dataclass(frozen=True, slots=True)
class Sent:
    """What one round came to."""

    delivered: int = 0
    failed: int = 0


def sign(secret: str, body: bytes, at: int) -> str:
    """Return the header's value for a body sent ``at`` (Unix seconds)."""
    return f"t={at},v1={_mac(secret, body, at)}"


def verify(secret: str, body: bytes, header: str, now: float) -> bool:
    """Tell whether a body came from us lately: what a receiver should do."""
    parts = dict(part.split("=", 1) for part in header.split(",") if "=" in part)
    if not parts.get("t", "").isdecimal() or abs(now - int(parts["t"])) > TOLERANCE:
        return False
    return hmac.compare_digest(
        _mac(secret, body, int(parts["t"])).encode(), parts.get("v1", "").encode()
    )


def _mac(secret: str, body: bytes, at: int) -> str:
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


class Sendable(Protocol):
    """An outbox (``casework``)."""

    def take(self) -> list[Parcel]:
        """Return what is due, and keep others from it meanwhile."""

    def delivered(self, id: int) -> None:
        """Record that it arrived."""

    def failed(self, id: int, error: str) -> None:
        """Record that it did not."""


class Sender:
    """Sends what is due. Blocks; call :meth:`round` again and again."""

    def __init__(self, outbox: Sendable, now: Callable[[], float] = time.time) -> None:
        self._outbox = outbox
        self._now = now
        # No redirects: the secret's owner is who was registered.
        self._http = httpx.Client(timeout=TIMEOUT, follow_redirects=False)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def round(self) -> Sent:
        """Send every delivery that is due now, once.

        Raises:
            CaseworkError: the database cannot be used.
        """
        delivered = failed = 0
        for parcel in self._outbox.take():
            problem = self._send(parcel)
            if problem:
                self._outbox.failed(parcel.id, problem)
                failed += 1
            else:
                self._outbox.delivered(parcel.id)
                delivered += 1
        return Sent(delivered, failed)

    def _send(self, parcel: Parcel) -> str:
        body = json.dumps(parcel.body, ensure_ascii=False).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Hotline-Delivery": str(parcel.id),
            "Hotline-Attempt": str(parcel.attempt),
            HEADER: sign(parcel.secret, body, int(self._now())),
        }
        try:
            answer = self._http.post(parcel.url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"{type(error).__name__}: {error}"
        return "" if answer.is_success else f"HTTP {answer.status_code}"
