"""Recognition in a bounded pool, with an engine that does as each test says."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence

import pytest

from bot.speech.admission import Admission
from bot.speech.ears import BATCHES, Ears
from bot.speech.types import LINE_RATE, RecogniserStream, SpeechError, Utterance


class Engine:
    """Hears as many words as it got seconds of sound; blocks while ``gate`` is closed."""

    name = "scripted"

    def __init__(self, *, streaming: bool = False) -> None:
        self.streaming = streaming
        self.gate = threading.Event()
        self.gate.set()
        self.fails = False
        self.decoded: list[int] = []
        self.rates: list[int] = []
        self.running = self.most_running = 0
        self._lock = threading.Lock()

    def open(self, expect: Sequence[str] = (), rate: int = LINE_RATE) -> RecogniserStream:
        self.rates.append(rate)
        return Stream(self)

    def work(self) -> None:
        with self._lock:
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        try:
            self.gate.wait(5)
            if self.fails:
                raise RuntimeError("out of memory")
        finally:
            with self._lock:
                self.running -= 1


class Stream:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.bytes = 0

    def feed(self, pcm: bytes) -> str:
        self.bytes += len(pcm)
        if self.engine.streaming and pcm:
            self.engine.work()
        return f"{self.bytes}"

    def finish(self) -> Utterance:
        if not self.engine.streaming:
            self.engine.work()
        self.engine.decoded.append(self.bytes)
        return Utterance(f"{self.bytes}", 1.0, "scripted")


async def settle() -> None:
    """Let everything that can happen without time happen."""
    for _ in range(50):
        await asyncio.sleep(0.002)


async def test_what_was_fed_is_what_is_decoded() -> None:
    ears = Ears(Engine(), 1)
    hearing = ears.open()
    for _ in range(10):
        hearing.feed(bytes(320))
    assert (await hearing.finish()).text == "3200"
    assert ears.waiting == 0
    ears.close()


async def test_a_guess_at_a_pause_is_the_answer_if_the_caller_has_finished() -> None:
    engine = Engine()
    ears = Ears(engine, 1)
    hearing = ears.open()
    hearing.feed(bytes(3200))
    hearing.speculate()
    hearing.feed(bytes(640))  # only silence came after the pause
    assert (await hearing.so_far()).text == "3200"
    assert (await hearing.finish()).text == "3200"
    assert engine.decoded == [3200]
    ears.close()


async def test_a_guess_is_thrown_away_if_the_caller_goes_on() -> None:
    engine = Engine()
    engine.gate.clear()
    ears = Ears(engine, 1)
    hearing = ears.open()
    hearing.feed(bytes(3200))
    hearing.speculate()
    await settle()
    hearing.resume()
    hearing.feed(bytes(3200))
    engine.gate.set()
    assert (await hearing.finish()).text == "6400"
    ears.close()


async def test_a_guess_that_still_waits_costs_nothing_when_it_is_thrown_away() -> None:
    engine = Engine()
    engine.gate.clear()
    ears = Ears(engine, 1)
    blocker = asyncio.ensure_future(ears.open().finish())
    hearing = ears.open()
    hearing.feed(bytes(3200))
    await settle()
    hearing.speculate()
    await settle()
    hearing.resume()
    await settle()
    engine.gate.set()
    await blocker
    await settle()
    assert engine.decoded == [0]
    ears.close()


async def test_never_more_jobs_run_at_once_than_there_are_threads() -> None:
    engine = Engine()
    engine.gate.clear()
    ears = Ears(engine, 2)
    tasks = [asyncio.ensure_future(ears.open().finish()) for _ in range(8)]
    await settle()
    assert (ears.waiting, engine.running) == (8, 2)
    engine.gate.set()
    await asyncio.gather(*tasks)
    assert engine.most_running == 2
    assert ears.waiting == 0
    ears.close()


async def test_calls_take_turns_so_a_talkative_one_has_no_more_than_its_share() -> None:
    engine = Engine(streaming=True)
    engine.gate.clear()
    ears = Ears(engine, 1)
    talkative, brief = ears.open(), ears.open()
    for _ in range(50):
        talkative.feed(bytes(LINE_RATE * 2 // BATCHES))
    brief.feed(bytes(LINE_RATE * 2 // BATCHES))
    await settle()
    # One job each, however much was fed: the rest of it goes in one piece, later.
    assert ears.waiting == 2
    engine.gate.set()
    assert (await talkative.finish()).text == str(50 * LINE_RATE * 2 // BATCHES)
    assert (await brief.finish()).text == str(LINE_RATE * 2 // BATCHES)
    ears.close()


async def test_a_streaming_engine_tells_what_it_has_so_far() -> None:
    ears = Ears(Engine(streaming=True), 1)
    hearing = ears.open()
    hearing.feed(bytes(LINE_RATE * 2 // BATCHES))
    await settle()
    hearing.feed(bytes(320))
    hearing.speculate()
    assert (await hearing.so_far()).text == str(LINE_RATE * 2 // BATCHES + 320)
    assert hearing.partial == str(LINE_RATE * 2 // BATCHES + 320)
    hearing.feed(bytes(320))
    assert (await hearing.finish()).text == str(LINE_RATE * 2 // BATCHES + 640)
    ears.close()


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_failing_engine_is_named_and_the_next_utterance_is_heard(streaming: bool) -> None:
    engine = Engine(streaming=streaming)
    ears = Ears(engine, 1)
    engine.fails = True
    hearing = ears.open()
    hearing.feed(bytes(LINE_RATE * 2 // BATCHES))
    with pytest.raises(SpeechError, match=r"scripted failed: RuntimeError: out of memory"):
        await hearing.finish()
    engine.fails = False
    again = ears.open()
    again.feed(bytes(LINE_RATE * 2 // BATCHES))
    assert (await again.finish()).text == str(LINE_RATE * 2 // BATCHES)
    assert ears.waiting == 0
    ears.close()


async def test_a_call_that_is_gone_leaves_no_job_behind() -> None:
    engine = Engine()
    engine.gate.clear()
    ears = Ears(engine, 1)
    hearings = [ears.open() for _ in range(5)]
    for hearing in hearings:
        hearing.feed(bytes(3200))
        hearing.speculate()
    await settle()
    for hearing in hearings:
        hearing.cancel()
    await settle()
    assert ears.waiting == 0
    engine.gate.set()
    assert (await ears.open().finish()).text == "0"
    ears.close()


async def test_ears_are_full_while_jobs_wait_long_and_not_after() -> None:
    now = [100.0]
    engine = Engine()
    engine.gate.clear()
    ears = Ears(engine, 1, Admission(lambda: now[0]))
    assert not ears.full
    tasks = [asyncio.ensure_future(ears.open().finish()) for _ in range(3)]
    await settle()
    now[0] += 0.1
    assert not ears.full
    now[0] += 2.0
    assert ears.full
    engine.gate.set()
    await asyncio.gather(*tasks)
    assert ears.full  # they did wait, a moment ago
    now[0] += 60.0
    assert not ears.full
    ears.close()


def test_one_slow_job_does_not_close_the_door_but_many_do() -> None:
    now = [0.0]
    admission = Admission(lambda: now[0])

    def waits(seconds: float) -> None:
        job = admission.queued()
        now[0] += seconds
        admission.started(job)

    for _ in range(20):
        waits(0.0)
    waits(0.8)
    assert not admission.full
    for _ in range(20):
        waits(0.4)
    assert admission.full
    for _ in range(40):
        waits(0.0)
    assert not admission.full


def test_after_a_rush_the_door_opens_as_soon_as_those_callers_are_gone() -> None:
    now = [0.0]
    admission = Admission(lambda: now[0])
    for _ in range(20):
        job = admission.queued()
        now[0] += 2.0
        admission.started(job)
    assert admission.full
    now[0] += 12.0
    assert not admission.full


def test_a_dropped_job_is_not_waited_for() -> None:
    now = [0.0]
    admission = Admission(lambda: now[0])
    job = admission.queued()
    admission.dropped(job)
    admission.dropped(job)
    now[0] += 100
    assert admission.wait() == 0.0


async def test_hearing_does_not_hold_up_the_event_loop() -> None:
    engine = Engine(streaming=True)
    engine.gate.clear()
    ears = Ears(engine, 1)
    hearing = ears.open()
    began = time.monotonic()
    for _ in range(500):
        hearing.feed(bytes(320))
        await asyncio.sleep(0)
    assert time.monotonic() - began < 1.0
    engine.gate.set()
    await hearing.finish()
    ears.close()


async def test_what_is_overheard_is_decoded_while_nobody_calls() -> None:
    engine = Engine()
    ears = Ears(engine, 2)
    heard = await ears.overhear(bytes(320), 8000, 1.0)
    assert heard is not None
    assert heard.text == "320"
    wide = await ears.overhear(bytes(640), 16000, 1.0)
    assert wide is not None
    assert engine.decoded == [320, 640]
    assert engine.rates == [8000, 16000]
    ears.close()


async def test_what_is_overheard_leaves_a_thread_to_the_next_caller() -> None:
    engine = Engine()
    engine.gate.clear()
    ears = Ears(engine, 3)
    tasks = [asyncio.ensure_future(ears.overhear(bytes(n), 8000, 30.0)) for n in (2, 4, 6, 8)]
    await settle()
    assert engine.running == 2
    caller = asyncio.ensure_future(ears.open().finish())
    await settle()
    assert engine.running == 3
    engine.gate.set()
    await caller
    assert [one.text for one in await asyncio.gather(*tasks) if one] == ["2", "4", "6", "8"]
    ears.close()


@pytest.mark.parametrize("threads", [1, 2])
async def test_what_is_overheard_waits_while_callers_are_heard_and_is_given_up_in_time(
    threads: int,
) -> None:
    engine = Engine()
    engine.gate.clear()
    ears = Ears(engine, threads)
    caller = asyncio.ensure_future(ears.open().finish())
    await settle()
    patient = asyncio.ensure_future(ears.overhear(bytes(2), 8000, 30.0))
    assert await ears.overhear(bytes(4), 8000, 0.05) is None
    engine.gate.set()
    await caller
    heard = await patient
    assert heard is not None
    assert engine.decoded == [0, 2]
    ears.close()


async def test_nothing_is_overheard_while_the_ears_are_full() -> None:
    now = [0.0]
    admission = Admission(lambda: now[0])
    admission.queued()
    now[0] = 5.0
    engine = Engine()
    ears = Ears(engine, 4, admission)
    assert await ears.overhear(bytes(2), 8000, 0.05) is None
    assert engine.decoded == []
    ears.close()


async def test_an_engine_that_fails_at_something_overheard_hears_the_next() -> None:
    engine = Engine()
    engine.fails = True
    ears = Ears(engine, 1)
    with pytest.raises(SpeechError):
        await ears.overhear(bytes(2), 8000, 1.0)
    engine.fails = False
    assert await ears.overhear(bytes(2), 8000, 1.0) is not None
    assert ears.waiting == 0
    ears.close()
