"""FastAGI: Asterisk asks what to do with a call; one worker thread answers for each call.

Built on pyst2's ``AGI``, which was made for one process a call. Leaves to others: the sound
(``audiosocket.py``) and the conversation (``conversation.py``).
"""

from __future__ import annotations

import io
import re
import socket
import socketserver
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any

import structlog
from asterisk.agi import AGI, AGIException

from bot.speech.types import LINE_RATE, WIDE_RATE
from bot.telephony.calls import Call, CallBook, NextStop, Outcome, Purpose

log = structlog.get_logger(__name__)

#: Asterisk's names of codecs that carry more than 4 kHz of sound.
WIDEBAND = ("g722", "opus")
#: What the audio socket carries, by samples per second.
FORMATS = {LINE_RATE: "slin", WIDE_RATE: "slin16"}
#: Seconds to wait for a conversation to wind up after its sound has ended.
WIND_UP = 10.0


class _Discard(io.TextIOBase):
    """pyst2 writes a running commentary, with phone numbers; nobody reads it."""

    def write(self, text: str) -> int:
        return len(text)


class CallAgi(AGI):  # type: ignore[misc]
    """pyst2's AGI over a socket, in a thread.

    Its constructor installs a signal handler, which only a main thread may do, and which
    FastAGI has no use for.
    """

    def __init__(self, stdin: Any, stdout: Any) -> None:
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = _Discard()
        self._got_sighup = False
        self.env: dict[str, str] = {}
        self._get_agi_env()


def caller_number(agi_callerid: str) -> str:
    """The calling number without what is not a digit; "" when withheld or not a number."""
    return agi_callerid if re.fullmatch(r"\+?\d{3,20}", agi_callerid) else ""


def sound_rate(formats: str) -> int:
    """Samples per second worth taking from a telephone, by Asterisk's list of its formats.

    The list is like ``(g722|alaw)``, the one in use first; without a known one it is 8000.
    """
    return WIDE_RATE if formats.strip("()").split("|")[0] in WIDEBAND else LINE_RATE


def asked_for(agi: CallAgi) -> str:
    """The path of the request: what the dialplan wants of the bot."""
    return str(agi.env.get("agi_network_script", ""))


def take_call(
    agi: CallAgi, book: CallBook, audio_port: int, purpose: Purpose = Purpose.CALL
) -> None:
    """Give the caller to the conversation, wait for its end, tell the dialplan what is next.

    Raises:
        AGIException, OSError, ValueError: the caller or Asterisk is gone.
    """
    dialled = purpose is Purpose.CALL
    caller = agi.env.get("agi_callerid", "")
    if purpose is Purpose.SURVEY:
        # The number of the channel is ours: we have called.
        caller = agi.get_variable("HOTLINE_PHONE")
    call = Call(
        id=agi.get_variable("HOTLINE_CALL"),
        channel=agi.env["agi_channel"],
        caller=caller_number(caller),
        did=agi.env.get("agi_extension", "") if dialled else agi.get_variable("HOTLINE_DID"),
        sip_call_id=agi.get_full_variable("${CHANNEL(pjsip,call-id)}") or "",
        purpose=purpose,
        rated="" if dialled else agi.get_variable("HOTLINE_RATED"),
        rate=sound_rate(agi.get_full_variable("${CHANNEL(audionativeformat)}") or ""),
    )
    # The dialplan gave us a few seconds to show that we live (extensions.conf, "line").
    agi.set_variable("TIMEOUT(absolute)", "0")
    future = book.expect(call)
    try:
        sound = f"AudioSocket/127.0.0.1:{audio_port}/{call.id}/c({FORMATS[call.rate]})"
        agi.appexec("Dial", f"{sound},,g")
        outcome = _outcome(call, future)
        if outcome.next is NextStop.PEOPLE:
            agi.set_variable("HOTLINE_HELD", f"{call.id}/{call.did}/{outcome.reason}")
        agi.set_variable("HOTLINE_NEXT", outcome.next.value)
    finally:
        book.forget(call.id)


def _outcome(call: Call, future: Future[Outcome]) -> Outcome:
    try:
        return future.result(timeout=WIND_UP)
    except FutureTimeout:
        log.error("call.no_sound", call=call.id, advice="see Asterisk's log: AudioSocket failed")
        return Outcome(NextStop.LOST, "failed", "failure")


class _Handler(socketserver.BaseRequestHandler):
    server: AgiServer

    def handle(self) -> None:
        connection: socket.socket = self.request
        stdin = connection.makefile("r", encoding="utf-8", errors="replace", newline="\n")
        stdout = connection.makefile("w", encoding="utf-8", errors="replace", newline="\n")
        try:
            self.server.on_call(CallAgi(stdin, stdout))
        except (AGIException, OSError, ValueError, KeyError) as gone:
            # The caller hung up or Asterisk closed: the conversation has seen it as well.
            log.debug("agi.ended", why=f"{type(gone).__name__}: {gone}")


class AgiServer(socketserver.ThreadingTCPServer):
    """Listens on loopback for Asterisk's ``AGI(agi://…)``."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int, on_call: Callable[[CallAgi], None]) -> None:
        self.on_call = on_call
        super().__init__(("127.0.0.1", port), _Handler)

    def start(self) -> None:
        """Serve in a thread until ``stop``."""
        threading.Thread(target=self.serve_forever, name="agi", daemon=True).start()

    def stop(self) -> None:
        """Take no more calls."""
        self.shutdown()
        self.server_close()
