"""One SIP phone in a process of its own: ``python -m bot.telephony.phone_process``.

pjsua2 allows one endpoint per process and aborts the process on misuse, so each phone lives
alone and is driven by JSON lines: requests come on stdin as ``{"id", "do", …}``; answers go
out on stdout as ``{"id", "ok"}`` or ``{"id", "error"}``, events as ``{"event", …}``. The first
request must be ``start``. The process ends when stdin closes. It needs no sound device.

All SIP happens on the main thread. Sound comes and goes on pjsua2's media clock: at every tick
of 20 ms one frame is spoken and one is heard, so a place in the recording is a moment in time
for both. Leaves to others: every decision (``phone.py``).
"""

from __future__ import annotations

import base64
import json
import os
import queue
import sys
import threading
import time
from typing import Any, TextIO

import pjsua2 as pj

#: Codec names of the public API and their names in pjsua2.
CODECS = {"PCMU": "PCMU/8000/1", "PCMA": "PCMA/8000/1", "G722": "G722/16000/1"}
BUSY = 486
DECLINED = 603


class Sound(pj.AudioMediaPort):  # type: ignore[misc]
    """Microphone and ear of one phone. Its callbacks run on the media thread."""

    def __init__(self, rate: int) -> None:
        super().__init__()
        self.rate = rate
        self.frame_bytes = rate // 50 * 2
        self.lock = threading.Lock()
        self.live = False
        self.calls = 0
        """Calls so far; tells recordings apart."""
        self.heard = bytearray()
        self.waiting: list[tuple[int, bytes]] = []
        self.place = 0
        self.start = 0.0
        self.spoken: list[tuple[int, float, float]] = []
        """(clip, start, end) of what was spoken; seconds of the recording."""

    def now(self) -> float:
        """Seconds of the recording so far."""
        return len(self.heard) / 2 / self.rate

    def reset(self) -> None:
        """Forget the last call. Clips that wait to be spoken are kept."""
        with self.lock:
            self.live = False
            self.calls += 1
            self.heard.clear()
            self.spoken.clear()

    def onFrameRequested(self, frame: Any) -> None:  # noqa: N802
        """Give the next 20 ms to speak."""
        with self.lock:
            if not (self.live and self.waiting):
                frame.type = pj.PJMEDIA_FRAME_TYPE_NONE
                return
            clip, pcm = self.waiting[0]
            if self.place == 0:
                self.start = self.now()
            chunk = pcm[self.place : self.place + self.frame_bytes]
            self.place += self.frame_bytes
            if self.place >= len(pcm):
                self.spoken.append((clip, self.start, self.start + len(pcm) / 2 / self.rate))
                self.waiting.pop(0)
                self.place = 0
        frame.type = pj.PJMEDIA_FRAME_TYPE_AUDIO
        frame.buf = pj.ByteVector(chunk.ljust(self.frame_bytes, b"\0"))
        frame.size = self.frame_bytes

    def onFrameReceived(self, frame: Any) -> None:  # noqa: N802
        """Keep 20 ms that were heard; a missing frame is silence."""
        if self.live:
            pcm = bytes(frame.buf) if frame.type == pj.PJMEDIA_FRAME_TYPE_AUDIO else b""
            with self.lock:
                self.heard += pcm[: self.frame_bytes].ljust(self.frame_bytes, b"\0")


class Line(pj.Call):  # type: ignore[misc]
    """One call, in or out."""

    def __init__(self, desk: Desk, call_id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(desk.account, call_id)
        self.desk = desk
        self.begun = time.monotonic()

    def onCallState(self, prm: Any) -> None:  # noqa: ARG002, N802
        """Tell the parent how far the call is."""
        info = self.getInfo()
        after = time.monotonic() - self.begun
        sip = {"call_id": info.callIdString, "after": after}
        if info.state in (pj.PJSIP_INV_STATE_EARLY, pj.PJSIP_INV_STATE_CALLING):
            if info.role == pj.PJSIP_ROLE_UAS:
                return
            state = "ringing" if info.state == pj.PJSIP_INV_STATE_EARLY else "calling"
            self.desk.tell(event="state", state=state, **sip)
        elif info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            self.desk.sound.live = True
            self.desk.tell(event="state", state="answered", **sip)
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.desk.sound.live = False
            self.desk.over = self
            self.desk.tell(
                event="state",
                state="ended",
                code=info.lastStatusCode,
                reason=info.lastReason,
                **sip,
            )

    def onCallMediaState(self, prm: Any) -> None:  # noqa: ARG002, N802
        """Join the call's audio with the phone's microphone and ear."""
        # Kept by name: its list of media is freed together with it.
        info = self.getInfo()
        for index, media in enumerate(info.media):
            active = media.status in (
                pj.PJSUA_CALL_MEDIA_ACTIVE,
                pj.PJSUA_CALL_MEDIA_REMOTE_HOLD,
            )
            if media.type == pj.PJMEDIA_TYPE_AUDIO and active:
                audio = self.getAudioMedia(index)
                self.desk.sound.startTransmit(audio)
                audio.startTransmit(self.desk.sound)


class Account(pj.Account):  # type: ignore[misc]
    """Who the phone is; registered or not."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk

    def onRegState(self, prm: Any) -> None:  # noqa: N802
        """Tell the parent whether the registrar took us."""
        self.desk.tell(
            event="registered", ok=self.getInfo().regIsActive, code=prm.code, reason=prm.reason
        )

    def onIncomingCall(self, prm: Any) -> None:  # noqa: N802
        """Let it ring, or refuse it when busy."""
        line = Line(self.desk, prm.callId)
        if self.desk.busy or self.desk.line is not None:
            self.desk.refused.append(line)
            line.hangup(_status(BUSY))
            return
        self.desk.take(line)


class Desk:
    """The phone: one account, at most one call, and the talk with the parent."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self.out_lock = threading.Lock()
        self.requests: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.endpoint = pj.Endpoint()
        self.line: Line | None = None
        self.over: Line | None = None
        self.refused: list[Line] = []
        self.busy = False
        self.answer_after: float | None = None
        self.answer_at: float | None = None

    def tell(self, **message: Any) -> None:
        """Write one line to the parent."""
        with self.out_lock:
            self.out.write(json.dumps(message) + "\n")
            self.out.flush()

    def read(self) -> None:
        """Pass the parent's requests on (its own thread); ``None`` when the parent is gone."""
        for text in sys.stdin:
            self.requests.put(json.loads(text))
        self.requests.put(None)

    def run(self) -> None:
        """Serve until the parent closes stdin."""
        threading.Thread(target=self.read, daemon=True).start()
        started = False
        while True:
            try:
                request = self.requests.get(block=not started)
            except queue.Empty:
                self.endpoint.libHandleEvents(10)
                self.tidy()
                continue
            if request is None:
                break
            number, name = request.pop("id"), request.pop("do")
            try:
                answer = getattr(self, f"do_{name}")(**request)
                self.tell(id=number, ok=answer)
            except pj.Error as error:
                self.tell(id=number, error=f"{error.reason} ({error.title})")
            except Exception as error:
                self.tell(id=number, error=f"{type(error).__name__}: {error}")
            started = True
        self.close()

    def tidy(self) -> None:
        """Answer when it is time, and let go of calls that are over."""
        if self.answer_at is not None and time.monotonic() >= self.answer_at:
            self.do_answer()
        if self.over is not None:
            if self.over is self.line:
                self.line, self.answer_at = None, None
            self.over = None
        self.refused.clear()

    def take(self, line: Line) -> None:
        """Ring for an incoming call."""
        self.line = line
        self.sound.reset()
        info = line.getInfo()
        self.tell(event="incoming", caller=info.remoteUri, call_id=info.callIdString)
        line.answer(_status(180))
        if self.answer_after is not None:
            self.answer_at = time.monotonic() + self.answer_after

    def do_start(
        self,
        *,
        username: str,
        password: str,
        server: str,
        display: str,
        register: bool,
        codecs: list[str],
        address: str,
        port: int,
        answer_after: float | None,
        busy: bool,
        rate: int,
    ) -> dict[str, Any]:
        """Bring the phone up; tell its own SIP address."""
        self.answer_after, self.busy = answer_after, busy
        config = pj.EpConfig()
        config.uaConfig.threadCnt = 0
        config.uaConfig.userAgent = "hotline-test-phone"
        config.logConfig.level = config.logConfig.consoleLevel = 1
        media = config.medConfig
        media.clockRate = media.sndClockRate = rate
        media.audioFramePtime, media.channelCount = 20, 1
        media.ecTailLen, media.noVad = 0, True
        self.endpoint.libCreate()
        self.endpoint.libInit(config)
        self.endpoint.audDevManager().setNullDev()
        for codec in self.endpoint.codecEnum2():
            self.endpoint.codecSetPriority(codec.codecId, 0)
        for rank, codec_name in enumerate(codecs):
            self.endpoint.codecSetPriority(CODECS[codec_name], 200 - rank)
        transport = pj.TransportConfig()
        transport.boundAddress, transport.port = address, port
        bound = self.endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
        self.endpoint.libStart()
        own = self.endpoint.transportGetInfo(bound).localName

        user = username or "phone"
        account = pj.AccountConfig()
        account.idUri = f'"{display or user}" <sip:{user}@{server}>'
        if register:
            account.regConfig.registrarUri = f"sip:{server}"
            account.regConfig.timeoutSec = 300
        if password:
            account.sipConfig.authCreds.append(
                pj.AuthCredInfo("digest", "*", username, 0, password)
            )
        rtp = account.mediaConfig.transportConfig
        rtp.boundAddress, rtp.port = address, 0
        self.account = Account(self)
        self.account.create(account)
        self.sound = Sound(rate)
        form = pj.MediaFormatAudio()
        form.init(pj.PJMEDIA_FORMAT_PCM, rate, 1, 20000, 16)
        self.sound.createPort("phone", form)
        return {"uri": f"sip:{user}@{own}"}

    def do_call(self, *, uri: str, identity: str) -> None:
        """Place a call; ``identity`` goes into P-Asserted-Identity."""
        self.tidy()
        if self.line is not None:
            raise RuntimeError("there is a call already")
        self.sound.reset()
        prm = pj.CallOpParam(True)
        if identity:
            header = pj.SipHeader()
            header.hName, header.hValue = "P-Asserted-Identity", f"<{identity}>"
            prm.txOption.headers.append(header)
        line = Line(self)
        line.makeCall(uri, prm)
        self.line = line

    def do_answer(self) -> None:
        """Pick up."""
        self.answer_at = None
        self.current().answer(_status(200))

    def do_hangup(self, *, code: int) -> None:
        """End, cancel or refuse the call (``code`` is sent when it was not answered yet)."""
        if self.line is not None and self.line is not self.over:
            self.line.hangup(_status(code))

    def do_speak(self, *, clip: int, pcm: str) -> None:
        """Speak after what is waiting already."""
        with self.sound.lock:
            self.sound.waiting.append((clip, base64.b64decode(pcm)))

    def do_silence(self) -> None:
        """Stop speaking and forget what is waiting."""
        with self.sound.lock:
            if self.sound.waiting and self.sound.place:
                clip, _ = self.sound.waiting[0]
                self.sound.spoken.append((clip, self.sound.start, self.sound.now()))
            self.sound.waiting.clear()
            self.sound.place = 0

    def do_press(self, *, digits: str) -> float:
        """Send keypad digits by RFC 4733; tell when the first one began."""
        self.current().dialDtmf(digits)
        return self.sound.now()

    def do_heard(self, *, since: int) -> dict[str, Any]:
        """The recording from byte ``since`` on, and what was spoken."""
        with self.sound.lock:
            pcm = base64.b64encode(self.sound.heard[since:]).decode()
            return {"call": self.sound.calls, "pcm": pcm, "spoken": list(self.sound.spoken)}

    def current(self) -> Line:
        """The call there is."""
        if self.line is None or self.line is self.over:
            raise RuntimeError("there is no call")
        return self.line

    def close(self) -> None:
        """Hang up and unregister, then leave at once: pjsua2's own teardown may abort."""
        until = time.monotonic() + 1.0
        try:
            if self.line is not None and self.line is not self.over:
                self.line.hangup(pj.CallOpParam())
            if self.account.getInfo().regIsConfigured:
                self.account.setRegistration(False)
            while time.monotonic() < until and (
                (self.line is not None and self.over is None) or self.account.getInfo().regIsActive
            ):
                self.endpoint.libHandleEvents(10)
        except (pj.Error, AttributeError):
            pass
        os._exit(0)


def _status(code: int) -> Any:
    prm = pj.CallOpParam()
    prm.statusCode = code
    return prm


def main() -> None:
    """Keep stdout for the protocol: pjsua2 prints on file descriptor 1, which becomes stderr."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    Desk(out).run()


if __name__ == "__main__":
    main()
