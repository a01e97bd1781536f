"""A scripted SIP phone: calls the line, speaks, presses keys, and records what it hears.

Used by ``hotline call``, by the self-call of ``make run``, by tests and by the bench. Each
phone runs in a process of its own (``phone_process.py``); a phone that dies or hangs costs its
user a ``PhoneError``, never more than the given time. Sound is slin (signed 16-bit
little-endian mono) at the phone's rate; moments are seconds from the recording's first sample,
which is the moment of the answer, and are exact to 20 ms for what is spoken. Leaves to others:
measuring (``listening.py``) and what to say when (``phone_script.py``).
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from bot.config import CHECKOUT
from bot.telephony.listening import RATE, frame_levels, is_quiet, speech_segments

#: Seconds in which a phone must do what it is told, or be given up.
REPLY = 5.0
#: Seconds in which a registrar has to answer.
REGISTER = 5.0
#: Seconds between two looks at what was heard.
LOOK = 0.04
BUSY_HERE = 486
DECLINE = 603
_SAFE = re.compile(r"[0-9A-Za-z*#+._-]*")


class PhoneError(Exception):
    """The phone or its call did not do what was asked; the message says why."""


class PhoneTimeoutError(PhoneError):
    """What was waited for did not happen in time."""


class CallEndedError(PhoneError):
    """The call ended while something else was waited for."""


class Mark(NamedTuple):
    """Something the phone did, on the recording's clock."""

    kind: str
    """``speech``, or ``digits …``."""
    start: float
    end: float


class Phone:
    """One SIP phone with at most one call. Use as a context manager."""

    def __init__(
        self,
        username: str = "",
        password: str = "",
        server: str = "127.0.0.1:5060",
        *,
        register: bool = False,
        caller: str = "",
        codecs: Sequence[str] = ("PCMU", "PCMA"),
        local_port: int = 0,
        answer_after: float | None = None,
        busy: bool = False,
        rate: int = RATE,
    ) -> None:
        """Describe the phone; it starts with the ``with`` block.

        Args:
            username: account; "" calls as anybody.
            password: for digest authentication; "" for none.
            server: ``host:port`` (UDP) of the SIP server.
            register: whether calls can come in through the server.
            caller: number shown to the called side (display name, P-Asserted-Identity).
            codecs: of PCMU, PCMA, G722, best liked first.
            local_port: SIP port; 0 for any free one.
            answer_after: seconds of ringing before it answers by itself; None for never.
            busy: refuse every incoming call with 486.
            rate: samples per second in which it speaks and hears.
        """
        if not _SAFE.fullmatch(username + caller):
            raise PhoneError(f"{username or caller!r} is no account or number")
        self._start: dict[str, Any] = {
            "username": username,
            "password": password,
            "server": server,
            "display": caller,
            "register": register,
            "codecs": list(codecs),
            "port": local_port,
            "answer_after": answer_after,
            "busy": busy,
            "rate": rate,
        }
        self.rate = rate
        self.server = server
        self._caller = caller
        self._changed = threading.Condition()
        self._replies: dict[int, dict[str, Any]] = {}
        self._requests = 0
        self._clips = 0
        self._process: subprocess.Popen[str] | None = None
        self._gone = "it was not started"
        self._registration: dict[str, Any] | None = None
        self._recording = bytearray()
        self._recorded = 0
        self._spoken: list[tuple[int, float, float]] = []
        self._digits: list[Mark] = []
        self.uri = ""
        """SIP address at which this phone can be called directly."""
        self.state = "idle"
        """idle, calling, ringing, incoming, answered or ended."""
        self.call_id = ""
        """SIP Call-ID of the present or last call."""
        self.remote = ""
        """SIP address of who called in."""
        self.answered_after: float | None = None
        """Seconds from INVITE to answer."""
        self.end_code: int | None = None
        """SIP status with which the call ended; 200 for a plain hang-up."""
        self.end_reason = ""

    # --- the process -------------------------------------------------------------------

    def __enter__(self) -> Self:
        """Start the phone, and register if it was told to.

        Raises:
            PhoneError: it does not start, or the server does not take it.
        """
        host, _, port = self.server.rpartition(":")
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.connect((host, int(port)))
                address = probe.getsockname()[0]
        except (OSError, ValueError) as error:
            raise PhoneError(f"{self.server} is no host:port to call: {error}") from error
        self._stderr = tempfile.TemporaryFile()
        self._requests_out, theirs = socket.socketpair()
        self._requests_out.settimeout(REPLY)
        with theirs:
            # In a session of its own, so that Ctrl-C leaves it time to hang up.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bot.telephony.phone_process"],
                stdin=theirs.fileno(),
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                text=True,
                cwd=CHECKOUT,
                start_new_session=True,
            )
        self._gone = ""
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()
        try:
            self.uri = self._ask("start", timeout=20.0, address=address, **self._start)["uri"]
            if self._start["register"]:
                self._await_registration()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up, unregister and end the process."""
        self.close()

    def close(self) -> None:
        """End the phone; what it heard can still be asked for."""
        process = self._process
        if process is None:
            return
        if not self._gone:
            with contextlib.suppress(PhoneError):
                self._pull()
        self._gone = self._gone or "it was closed"
        self._process = None
        self._requests_out.close()
        try:
            process.wait(3.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._stderr.close()

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for text in lines:
                message = json.loads(text)
                with self._changed:
                    if "id" in message:
                        self._replies[message["id"]] = message
                    else:
                        self._on_event(message)
                    self._changed.notify_all()
        code = process.wait()
        with self._changed:
            self._gone = self._gone or f"its process died ({code}): {self._last_words()}"
            self._changed.notify_all()

    def _last_words(self) -> str:
        try:
            size = self._stderr.seek(0, 2)
            self._stderr.seek(max(0, size - 500))
            return self._stderr.read().decode(errors="replace").strip()
        except ValueError:
            return ""

    def _on_event(self, message: dict[str, Any]) -> None:
        if message["event"] == "registered":
            self._registration = message
            return
        self.call_id = message["call_id"] or self.call_id
        if message["event"] == "incoming":
            self._new_call("incoming")
            self.call_id, self.remote = message["call_id"], message["caller"]
            return
        self.state = message["state"]
        if self.state == "answered":
            self.answered_after = message["after"]
        elif self.state == "ended":
            self.end_code, self.end_reason = message["code"], message["reason"]

    def _new_call(self, state: str) -> None:
        self.state, self.call_id, self.remote = state, "", ""
        self.answered_after, self.end_code, self.end_reason = None, None, ""
        self._digits = []

    def _ask(self, do: str, timeout: float = REPLY, **details: Any) -> Any:
        """Have the process do something; return what it answers."""
        with self._changed:
            if self._gone:
                raise PhoneError(f"The phone is gone: {self._gone}")
            self._requests += 1
            number = self._requests
            request = json.dumps({"id": number, "do": do, **details}) + "\n"
            try:
                self._requests_out.sendall(request.encode())
            except OSError as error:
                self._gone = self._gone or f"it takes no orders any more ({error})"
                raise PhoneError(f"The phone is gone: {self._gone}") from error
        self._wait(lambda: number in self._replies, timeout, f"the phone's answer to {do!r}")
        reply = self._replies.pop(number)
        if "error" in reply:
            raise PhoneError(f"The phone could not {do}: {reply['error']}")
        return reply["ok"]

    def _wait(self, done: Callable[[], bool], timeout: float, what: str) -> None:
        """Wait until ``done``; a phone that is gone ends every wait."""
        with self._changed:
            self._changed.wait_for(lambda: done() or bool(self._gone), timeout)
            if done():
                return
            if self._gone:
                raise PhoneError(f"The phone is gone: {self._gone}")
        raise PhoneTimeoutError(f"Waited {timeout:.1f} s in vain for {what}; {self._situation()}")

    def _situation(self) -> str:
        if self.state == "ended":
            return f"the call ended with {self.end_code} {self.end_reason}"
        return f"the call is {self.state}"

    def _await_registration(self) -> None:
        what = f"{self.server} to register {self._start['username']}"
        self._wait(lambda: self._registration is not None, REGISTER, what)
        assert self._registration is not None
        if not self._registration["ok"]:
            code, reason = self._registration["code"], self._registration["reason"]
            raise PhoneError(
                f"{self.server} does not register {self._start['username']}: {code} {reason}"
            )

    # --- the call ----------------------------------------------------------------------

    def call(self, number: str) -> None:
        """Dial a number of the server, or a whole ``sip:`` address. Returns at once.

        Raises:
            PhoneError: there is a call already, or the number is none.
        """
        if not number.startswith("sip:"):
            if not number or not _SAFE.fullmatch(number):
                raise PhoneError(f"{number!r} is no number that can be dialled")
            number = f"sip:{number}@{self.server}"
        if self.state not in ("idle", "ended"):
            raise PhoneError(f"Cannot dial: {self._situation()}")
        self._new_call("calling")
        identity = f"sip:{self._caller}@{self.server}" if self._caller else ""
        self._ask("call", uri=number, identity=identity)

    def wait_answered(self, timeout: float = 10.0) -> None:
        """Wait until the call is answered (either way).

        Raises:
            CallEndedError: it was refused or given up; ``PhoneTimeoutError``: still ringing.
        """
        self._wait(lambda: self.state in ("answered", "ended"), timeout, "the call's answer")
        if self.answered_after is None:
            raise CallEndedError(f"Not answered: {self._situation()}")

    def wait_ended(self, timeout: float = 10.0) -> int:
        """Wait until the call is over; return ``end_code``."""
        self._wait(lambda: self.state == "ended", timeout, "the call's end")
        assert self.end_code is not None
        return self.end_code

    def hangup(self) -> None:
        """End or cancel the call, if there is one, and see it ended."""
        if self.state not in ("idle", "ended"):
            self._ask("hangup", code=DECLINE if self.state == "incoming" else 0)
            self.wait_ended(REPLY)

    def wait_incoming(self, timeout: float = 10.0) -> str:
        """Wait until somebody calls this phone; return their SIP address."""
        self._wait(lambda: bool(self.remote), timeout, "a call to come in")
        return self.remote

    def answer(self) -> None:
        """Pick up the incoming call."""
        self._ask("answer")
        self.wait_answered(REPLY)

    def reject(self, code: int = BUSY_HERE) -> None:
        """Refuse the incoming call."""
        self._ask("hangup", code=code)

    # --- speaking ----------------------------------------------------------------------

    def speak(self, sound: bytes | Path) -> None:
        """Say slin audio or a WAV after what is being said; returns at once.

        What is given before the answer is said from the answer on.

        Raises:
            SpeechError: the WAV cannot be used.
        """
        if isinstance(sound, Path):
            from bot.speech.audio import read_wav

            sound = read_wav(sound, self.rate)
        self._clips += 1
        self._ask("speak", clip=self._clips, pcm=base64.b64encode(sound).decode())

    def wait_spoken(self, timeout: float) -> Mark:
        """Wait until everything was said; return when the last of it was."""
        last = self._clips

        def said() -> bool:
            return bool(self._spoken) and self._spoken[-1][0] == last

        self._look(said, timeout, "the phone to finish speaking")
        if not said():
            raise CallEndedError(f"Did not finish speaking: {self._situation()}")
        return Mark("speech", *self._spoken[-1][1:])

    def stop_speaking(self) -> None:
        """Fall silent and forget what was still to be said."""
        self._ask("silence")

    def press(self, digits: str) -> None:
        """Press keys (RFC 4733 events); returns when they are on their way."""
        if not re.fullmatch(r"[0-9*#A-D]+", digits):
            raise PhoneError(f"{digits!r} are no keys of a phone: use 0-9, * and #")
        at = self._ask("press", digits=digits)
        self._digits.append(Mark(f"digits {digits}", at, at))

    # --- hearing -----------------------------------------------------------------------

    def heard(self, since: int = 0) -> bytes:
        """Everything heard since the answer (slin), or from byte ``since`` on."""
        if self._process is not None:
            self._pull()
        return bytes(self._recording[since:])

    @property
    def now(self) -> float:
        """Length of the recording so far, in seconds."""
        return len(self.heard()) / 2 / self.rate

    @property
    def timeline(self) -> list[Mark]:
        """What the phone said and pressed, in order."""
        if self._process is not None:
            self._pull()
        speech = [Mark("speech", start, end) for _, start, end in self._spoken]
        return sorted([*speech, *self._digits], key=lambda mark: mark.start)

    def heard_level(self, seconds: float) -> float:
        """Root mean square (of 32768) of the last ``seconds`` heard; 0 if there are none."""
        levels = frame_levels(self.heard()[-int(seconds * self.rate) * 2 :], self.rate)
        return float((levels**2).mean() ** 0.5) if len(levels) else 0.0

    def wait_sound(self, timeout: float, since: float | None = None) -> float:
        """Wait for sound at or after ``since`` (default: now); return when it began.

        Raises:
            CallEndedError: the call ended without; ``PhoneTimeoutError``: silence all along.
        """
        since = self.now if since is None else since
        place = int(since * self.rate) * 2

        def sounds() -> list[tuple[float, float]]:
            return speech_segments(bytes(self._recording[place:]), rate=self.rate)

        self._look(lambda: bool(sounds()), timeout, "a sound")
        found = sounds()
        if not found:
            raise CallEndedError(f"No sound: {self._situation()}")
        return since + found[0][0]

    def wait_quiet(self, min_silence: float = 0.5, timeout: float = 30.0) -> None:
        """Wait until nothing was heard for ``min_silence`` seconds, or the call is over."""
        tail = int((min_silence + 0.1) * self.rate) * 2
        self._look(
            lambda: is_quiet(bytes(self._recording[-tail:]), min_silence, self.rate),
            timeout,
            "silence",
        )

    def wait_until(self, moment: float, timeout: float = 60.0) -> None:
        """Wait until the recording is ``moment`` seconds long, or the call is over."""
        place = int(moment * self.rate) * 2
        self._look(lambda: len(self._recording) >= place, timeout, "time to pass")

    def _look(self, done: Callable[[], bool], timeout: float, what: str) -> None:
        """Look at what was heard until ``done`` or the call is over."""
        until = time.monotonic() + timeout
        while True:
            # Asked before looking: what was heard until the end has to be looked at once more.
            over = self.state == "ended"
            self._pull()
            if done() or over:
                return
            if time.monotonic() > until:
                raise PhoneTimeoutError(
                    f"Waited {timeout:.1f} s in vain for {what}; {self._situation()}"
                )
            time.sleep(LOOK)

    def _pull(self) -> None:
        """Fetch what was heard since the last look."""
        news = self._ask("heard", since=len(self._recording))
        if news["call"] != self._recorded:
            self._recording.clear()
            self._recorded = news["call"]
            news = self._ask("heard", since=0)
        self._recording += base64.b64decode(news["pcm"])
        self._spoken = [(clip, start, end) for clip, start, end in news["spoken"]]
