"""What a line does again and again beside its calls, each in a thread and for ever.

Something that fails is tried again at the next round: a database, Redis or Asterisk that is away
comes back. Leaves to others: what is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict

import structlog

from bot.web.webhooks import Sendable, Sender

log = structlog.get_logger(__name__)


async def again(what: str, every: float, work: Callable[[], object]) -> None:
    """Do ``work`` every so many seconds, the first time at once, until cancelled."""
    while True:
        try:
            done = await asyncio.to_thread(work)
            log.debug(f"{what}.done", result=str(done))
        except Exception as error:
            log.warning(f"{what}.not_done", error=str(error))
        await asyncio.sleep(every)


def sending(what: str, outbox: Sendable) -> Callable[[], object]:
    """Return the work of sending all that is due in an outbox."""
    sender = Sender(outbox)

    def work() -> int:
        delivered = 0
        while True:
            sent = sender.round()
            if sent.failed:
                log.warning(f"{what}.failed", **asdict(sent))
            delivered += sent.delivered
            if not sent.delivered:
                return delivered

    return work
