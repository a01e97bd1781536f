"""One call, from the greeting to the good-bye, readable from top to bottom.

It moves sound between a line, the ears and the voice, and events and actions between them
and the dialogue policy. Every wait of a call is counted in 20 ms ticks, so that the same
code runs a live call and a replayed recording.

Leaves to others: when speech begins and ends (``speech/endpointing.py``), how long a pause
may be (``speech/turns.py``), what it means (``understanding``), what to do
(``dialogue/policy.py``), and where the caller goes next (``agi.py`` and the dialplan).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, get_args

import structlog

from bot.dialogue.book import Book
from bot.dialogue.policy import State, decide, start
from bot.dialogue.types import (
    PORTS,
    Action,
    BookCallback,
    CallStarted,
    ChangeTicket,
    Event,
    Failed,
    Filed,
    FileTicket,
    HangUp,
    Heard,
    HungUp,
    Listen,
    LookUp,
    Note,
    Pressed,
    Rate,
    Request,
    Say,
    SeekPerson,
    Silent,
    Transfer,
    TransferReason,
)
from bot.observe import Metrics
from bot.speech.ears import Ears, Hearing, result_of
from bot.speech.endpointing import (
    Endpointer,
    SpeechDismissed,
    SpeechEnded,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    SpeechSuspected,
)
from bot.speech.turns import Endings, Question, question, silence_needed
from bot.speech.types import FRAME_MS, SpeechError, Utterance, frame_bytes
from bot.telephony.calls import Call, NextStop, Outcome
from bot.telephony.journal import Exchange, Journal, Spent
from bot.telephony.line import Line, LineLostError
from bot.telephony.playback import Playback, faded, faded_in, louder
from bot.understanding.types import Understanding

log = structlog.get_logger(__name__)

T = TypeVar("T")
#: Seconds in which work counts as done at once, without letting a tick go by.
AT_ONCE = FRAME_MS / 2000
#: Silence sent after the last word before the sound is closed, in ticks: what is still in
#: the caller's jitter buffer is heard to its end.
LAST_WORD_TICKS = 15
#: What is done beside the conversation.
NOTES: tuple[type[Note], ...] = get_args(Note)


class Understands(Protocol):
    """Words to meaning (``understanding.match.Understander``)."""

    def understand(
        self,
        text: str,
        alternatives: Sequence[str] = (),
        speech_confidence: float = 1.0,
        about: str = "",
    ) -> Understanding:
        """Read one utterance; ``about`` is the question that was answered last."""


class Speaks(Protocol):
    """Words to sound (``speech.voice.Voice``)."""

    def stream(self, text: str, *, speed: float, rate: int) -> AsyncIterator[bytes]:
        """Yield pieces of slin at ``rate`` as they become ready."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What all calls share. The ports to other rooms are plain functions that may block."""

    book: Book
    understander: Understands
    ears: Ears
    voice: Speaks
    endpointer: Callable[[int], Endpointer]
    """Made for a line of so many samples a second."""
    opening: Callable[[Call], CallStarted]
    """What is known of a caller as the call begins; never raises for a dead database."""
    carry_out: Callable[[Call, Request], Event]
    """Ask another room for something; may raise when it can't."""
    note: Callable[[Call, Note], None]
    """Have something noted; never raises."""
    escalate: Callable[[Transfer, Journal], None]
    """Put the caller into the agents' queue; never raises for a dead queue."""
    caller_gone: Callable[[Call], None]
    """An escalated caller hung up."""
    metrics: Metrics
    endings: Endings = field(default_factory=lambda: Endings(()))
    """How the line's sentences end; without it every caller is waited for."""
    keep_sound: Callable[[Call, int, bytes, int], bool] = lambda *_: False
    """Keep an utterance, by its number in the call, as slin of so many samples a second; says
    whether it will be there to be heard. Never blocks."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """What was said, or was said so far, and what it means."""

    utterance: Utterance
    understanding: Understanding
    seconds: float
    """Spent on what it means."""


@dataclass(frozen=True, slots=True)
class _Spoken:
    """An utterance that has ended and waits for its words."""

    hearing: Hearing
    foresight: asyncio.Future[_Reading] | None
    ended: SpeechEnded


class Conversation:
    """The bot's side of one call."""

    def __init__(self, call: Call, line: Line, parts: Parts, journal: Journal) -> None:
        self._call = call
        self._line = line
        self._parts = parts
        self._journal = journal
        self._endpointer = parts.endpointer(line.rate)
        self._silence = bytes(frame_bytes(line.rate))
        self._ticks = 0
        self._keys: deque[str] = deque()
        self._expect: tuple[str, ...] = ()
        self._about = ""
        self._asked = Question.OPEN
        self._cut_short = False
        self._hearing: Hearing | None = None
        self._foresight: asyncio.Future[_Reading] | None = None
        self._suspected = False
        self._ended: deque[_Spoken] = deque()
        self._utterances = 0
        self._spoke_until: float | None = None
        self._escalated = False
        self._request: asyncio.Future[Event] | None = None

    async def run(self) -> Outcome:
        """Talk until the dialogue ends or the caller is gone. Never raises."""
        self._parts.metrics.calls_active.inc()
        try:
            outcome = await self._talk()
        except LineLostError as gone:
            log.info("call.caller_gone", why=str(gone))
            if self._escalated:
                await asyncio.to_thread(self._parts.caller_gone, self._call)
            outcome = Outcome(NextStop.GOODBYE, "caller_gone")
        except Exception:
            log.exception("call.failed", advice="the caller goes to a person")
            outcome = Outcome(NextStop.LOST, "failed", "failure")
        finally:
            self._forget()
            if self._hearing is not None:
                self._hearing.cancel()
            for spoken in self._ended:
                spoken.hearing.cancel()
            self._parts.metrics.calls_active.dec()
        self._parts.metrics.calls_total.labels(outcome=outcome.label).inc()
        await asyncio.to_thread(self._journal.close, outcome.label)
        self._line.close()
        return outcome

    # --- the conversation --------------------------------------------------------------

    async def _talk(self) -> Outcome:
        book = self._parts.book
        if self._parts.ears.full:
            return await self._refuse()
        state: State = start(book)
        event: Event = await self._while_waiting(asyncio.to_thread(self._parts.opening, self._call))
        while True:
            decision = decide(state, event, book)
            self._journal.decided(event, state, decision.state, self._now())
            state = decision.state
            try:
                result = await self._do(decision.actions)
            except LineLostError:
                state = await self._finish(state)
                gone = decide(state, HungUp(), book)
                self._journal.decided(HungUp(), state, gone.state, self._now())
                await self._take_notes(gone.actions)
                raise
            if isinstance(result, Outcome):
                return result
            event = result

    async def _finish(self, state: State) -> State:
        """Take in what another room was doing as the caller hung up: it is done all the same.

        So the number of a ticket goes to them by text, though they can't hear it any more.
        """
        request, self._request = self._request, None
        if request is None:
            return state
        event = await request
        decision = decide(state, event, self._parts.book)
        self._journal.decided(event, state, decision.state, self._now())
        await self._take_notes(decision.actions)
        return decision.state

    async def _refuse(self) -> Outcome:
        """Send the caller to a person at once: those who are talking fill the machine."""
        log.warning("call.refused", why="recognition is full", advice="add cores or a node")
        book = self._parts.book
        try:
            said = Say(book.prompt("busy"), "busy")
        except KeyError:
            said = Say(book.prompt("transfer"), "transfer")
        outcome = await self._do((said, Transfer(TransferReason.BUSY)))
        assert isinstance(outcome, Outcome)
        return outcome

    async def _do(self, actions: Sequence[Action]) -> Event | Outcome:
        """Carry out the actions of one turn; the last of them brings the next event."""
        last = actions[-1]
        if isinstance(last, Listen):
            self._expect, self._about = last.expect, last.about
            self._asked = question(last.expect, last.patience)
        if any(isinstance(action, NOTES) for action in actions):
            await self._while_waiting(self._take_notes(actions))
        if isinstance(last, Transfer):
            # Into the queue first: an agent may already look while the last sentence plays.
            self._escalated = True
            await self._while_waiting(asyncio.to_thread(self._parts.escalate, last, self._journal))
            self._parts.metrics.escalations_total.labels(reason=last.reason.value).inc()
        final = isinstance(last, Transfer | HangUp)
        await self._speak([one for one in actions if isinstance(one, Say)], final=final)
        match last:
            case Listen():
                return await self._listen(last.patience)
            case Transfer():
                await self._last_word()
                return Outcome(NextStop.PEOPLE, "transferred", last.reason.value)
            case HangUp():
                await self._last_word()
                return Outcome(NextStop.GOODBYE, last.outcome)
            case FileTicket() | LookUp() | ChangeTicket() | SeekPerson() | BookCallback():
                return await self._ask_for(last)
            case _:
                raise AssertionError(f"a turn may not end with {last}")

    async def _take_notes(self, actions: Sequence[Action]) -> None:
        for action in actions:
            if isinstance(action, NOTES):
                if isinstance(action, Rate):
                    self._journal.rating = action.score
                await asyncio.to_thread(self._parts.note, self._call, action)

    async def _speak(self, sayings: Sequence[Say], *, final: bool) -> None:
        """Say one after the other until the caller barges in; the next is made meanwhile."""
        ahead: deque[Playback] = deque()
        self._cut_short = False
        try:
            for number, action in enumerate(sayings):
                while len(ahead) < 2 and number + len(ahead) < len(sayings):
                    following = sayings[number + len(ahead)]
                    rate = self._line.rate
                    sound = self._parts.voice.stream(
                        following.text, speed=following.speed, rate=rate
                    )
                    ahead.append(Playback(sound, rate))
                if not await self._say(action, ahead.popleft(), final=final):
                    self._cut_short = True
                    return
        finally:
            for playback in ahead:
                await playback.stop()

    async def _say(self, action: Say, playback: Playback, *, final: bool) -> bool:
        """Speak; False when the caller barged in with speech or a key.

        The sentence before a transfer or a good-bye is played to its end.
        """
        self._journal.bot_said(action.text, action.prompt, self._now())
        try:
            if not self._line.realtime:
                await playback.made()
            held = False
            while not playback.over:
                await self._tick(prompt_playing=True)
                frame = self._silence if held else playback.next_frame()
                if not final and self._interrupted(action):
                    self._send(faded(frame))
                    self._parts.metrics.barge_ins_total.inc()
                    self._journal.barged_in(self._now())
                    return False
                hold = self._suspected and not final and not action.must_hear
                if hold and not held:
                    # Perhaps only "嗯": wait a moment, and go on where we were.
                    playback.put_back(frame)
                    frame = faded(frame)
                elif held and not hold:
                    frame = faded_in(playback.next_frame())
                held = hold
                self._note_answer(frame)
                self._send(louder(frame, action.gain))
        finally:
            await playback.stop()
        return True

    def _interrupted(self, action: Say) -> bool:
        speaking = self._hearing is not None or bool(self._ended)
        return bool(self._keys) or (speaking and not action.must_hear)

    async def _listen(self, patience: float) -> Event:
        """Wait for speech, a key, or ``patience`` seconds of nothing."""
        silent_ticks = 0
        while True:
            if self._keys:
                key = self._keys.popleft()
                self._journal.caller_pressed(key, self._now())
                return Pressed(key)
            if self._ended:
                return await self._understand(self._ended.popleft())
            if self._hearing is None:
                silent_ticks += 1
                if silent_ticks * FRAME_MS / 1000 > patience:
                    return Silent()
            else:
                silent_ticks = 0
            await self._tick()
            self._send(self._silence)

    async def _understand(self, spoken: _Spoken) -> Heard:
        metrics = self._parts.metrics
        start, end = spoken.ended.start, spoken.ended.end
        waited, over = self._now() - end, time.monotonic()
        self._utterances += 1
        mark = self._utterances
        kept = self._parts.keep_sound(self._call, mark, spoken.ended.pcm, self._line.rate)
        try:
            utterance = await self._while_waiting(spoken.hearing.finish())
        except SpeechError as error:
            log.error("speech.failed", error=str(error))
            utterance = Utterance("", 0.0, "none")
        metrics.recognition_seconds.observe(utterance.decode_seconds)
        reading = result_of(spoken.foresight)
        if reading is None or reading.utterance is not utterance:
            reading = await self._while_waiting(self._read(utterance))
        understanding = reading.understanding
        metrics.turns_total.inc()
        self._spoke_until = end
        spent = Spent(waited, time.monotonic() - over, utterance.decode_seconds, reading.seconds)
        exchange = Exchange.of(utterance, understanding, start, end, spent, mark if kept else 0)
        await self._while_waiting(asyncio.to_thread(self._journal.caller_said, exchange))
        log.info(
            "turn.heard",
            text=utterance.text,
            intent=exchange.intent,
            confidence=exchange.confidence,
            **exchange.spent,
        )
        return Heard(understanding, barged_in=self._cut_short)

    async def _read(self, utterance: Utterance) -> _Reading:
        began = time.monotonic()
        understanding = await asyncio.to_thread(
            self._parts.understander.understand,
            utterance.text,
            tuple(other.text for other in utterance.alternatives),
            utterance.confidence,
            self._about,
        )
        seconds = time.monotonic() - began
        self._parts.metrics.understanding_seconds.observe(seconds)
        return _Reading(utterance, understanding, seconds)

    async def _ask_for(self, request: Request) -> Event:
        """Have another room do something while the line stays alive."""
        self._request = asyncio.ensure_future(self._carry_out(request))
        event = await self._while_waiting(asyncio.shield(self._request))
        self._request = None
        return event

    async def _carry_out(self, request: Request) -> Event:
        name = type(request).__name__
        try:
            event = await asyncio.to_thread(self._parts.carry_out, self._call, request)
        except Exception:
            log.exception("request.failed", request=name, advice="the caller goes to a person")
            return Failed(PORTS[type(request)])
        if isinstance(event, Filed):
            self._journal.filed(event.number)
        log.info("request.done", request=name, result=type(event).__name__)
        return event

    # --- time and sound ----------------------------------------------------------------

    def _now(self) -> float:
        """Seconds since the sound began, by the caller's frames."""
        return self._ticks * FRAME_MS / 1000

    async def _tick(self, *, prompt_playing: bool = False) -> None:
        """Let 20 ms go by and take in what the caller did meanwhile."""
        tick = await self._line.tick()
        self._keys.extend(tick.keys)
        for frame in tick.frames:
            self._ticks += 1
            self._hear(frame, prompt_playing)
            if self._foresight is not None and not self._line.realtime:
                # No time goes by in a replay: what a live call would soon know, it knows now.
                await asyncio.wait([self._foresight])
            self._judge_pause()

    def _send(self, frame: bytes) -> None:
        self._endpointer.played(frame)
        self._line.send(frame)

    def _hear(self, frame: bytes, prompt_playing: bool) -> None:
        event = self._endpointer.feed(frame, prompt_playing=prompt_playing)
        self._suspected = isinstance(event, SpeechSuspected) or (
            self._suspected and not isinstance(event, SpeechDismissed | SpeechStarted)
        )
        if isinstance(event, SpeechStarted):
            self._hearing = self._parts.ears.open(self._expect, self._line.rate)
            self._hearing.feed(self._endpointer.audio_so_far())
            return
        if self._hearing is None:
            return
        self._hearing.feed(frame)
        if isinstance(event, SpeechPaused):
            self._hearing.speculate()
            self._foresight = asyncio.ensure_future(self._foresee(self._hearing))
        elif isinstance(event, SpeechResumed):
            self._hearing.resume()
            self._forget()
        elif isinstance(event, SpeechEnded):
            foresight, self._foresight = self._foresight, None
            self._ended.append(_Spoken(self._hearing, foresight, event))
            self._hearing = None

    async def _foresee(self, hearing: Hearing) -> _Reading:
        """Find out what was said before a pause, on the guess that it was all."""
        return await self._read(await hearing.so_far())

    def _judge_pause(self) -> None:
        """Let what was said so far decide how long the caller may be silent."""
        if self._hearing is None or self._foresight is None:
            return
        reading = result_of(self._foresight)
        if reading is None:
            return
        text, best = reading.utterance.text, reading.understanding.best
        meant = best is not None and best.confidence >= self._parts.book.thresholds.clarify
        whole = self._parts.endings.whole(text, meant=meant)
        self._endpointer.end_after(
            silence_needed(self._asked, text, expect=self._expect, whole=whole)
        )

    def _forget(self) -> None:
        """What was foreseen is not so."""
        if self._foresight is not None:
            self._foresight.cancel()
            self._foresight = None

    async def _while_waiting(self, work: Coroutine[Any, Any, T] | Awaitable[T]) -> T:
        """Keep the line alive, and the ears open, while something else is under way."""
        task = asyncio.ensure_future(work)
        if not self._line.realtime:
            return await task
        try:
            # Most of it is quick: the line makes up for a tick that is a little late, while a
            # tick for each step of a turn would be heard.
            await asyncio.wait([task], timeout=AT_ONCE)
            while not task.done():
                await self._tick()
                self._send(self._silence)
        except BaseException:
            task.cancel()
            raise
        return task.result()

    async def _last_word(self) -> None:
        for _ in range(LAST_WORD_TICKS):
            await self._tick()
            self._send(self._silence)

    def _note_answer(self, frame: bytes) -> None:
        """Measure the wait from the caller's last sound to the first sound of the answer."""
        if self._spoke_until is None or not any(frame):
            return
        latency = self._now() - self._spoke_until
        self._spoke_until = None
        self._parts.metrics.answer_latency_seconds.observe(latency)
        self._journal.answered_after(latency)
