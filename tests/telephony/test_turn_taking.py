"""Turn-taking in a call: who waits for whom, who is cut short, who is let in.

The line, the ears' engine, the voice and the pack are scripted; the conversation, the
endpointer and the pool are real. Sound carries the detector's opinion in its samples.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from dialogue.world import small_line
from telephony import office
from telephony.scripted import FRAME, SILENCE, LoudnessVad, ScriptedLine, voice_like

from bot.dialogue.types import Event, Filed, Request, SendText
from bot.observe import Metrics
from bot.speech.admission import Admission
from bot.speech.ears import Ears
from bot.speech.endpointing import Endpointer, EndpointSettings
from bot.speech.turns import Endings
from bot.speech.types import LINE_RATE, WIDE_RATE, RecogniserStream, Utterance, frame_bytes
from bot.telephony.calls import Call, NextStop, Outcome
from bot.telephony.conversation import Conversation, Parts
from bot.telephony.journal import Journal
from bot.telephony.line import LineLostError, Tick
from bot.understanding.schema import Policy
from bot.understanding.types import Candidate, IntentKind, Understanding


class Engine:
    """Hears what it is told to, at once or when its gate opens."""

    name = "scripted"
    streaming = False

    def __init__(self, text: str = "我家停水了") -> None:
        self.text = text
        self.fails = False
        self.gate = threading.Event()
        self.gate.set()

    def open(self, expect: Sequence[str] = (), rate: int = LINE_RATE) -> RecogniserStream:
        return self

    def feed(self, pcm: bytes) -> str:
        return ""

    def finish(self) -> Utterance:
        self.gate.wait(5)
        if self.fails:
            raise MemoryError("no memory")
        return Utterance(self.text, 0.9, "scripted")


class Understands:
    """Is as sure of every text as it is told to be."""

    def __init__(self, confidence: float) -> None:
        self.confidence = confidence

    def understand(
        self,
        text: str,
        alternatives: Sequence[str] = (),
        speech_confidence: float = 1.0,
        about: str = "",
    ) -> Understanding:
        best = Candidate("water.outage", IntentKind.CATEGORY, "停水", self.confidence)
        return Understanding(text, text, (best,) if text else (), speech_confidence=0.9)


class Speaks:
    """Says every text as a second of counting samples, so that it can be followed."""

    def __init__(self, seconds: float = 1.0) -> None:
        self.seconds = seconds
        self.texts: list[str] = []

    async def stream(self, text: str, *, speed: float, rate: int) -> AsyncIterator[bytes]:
        self.texts.append(text)
        count = int(self.seconds * rate)
        yield (np.arange(1, count + 1) % 20000).astype("<i2").tobytes()


@dataclass
class World:
    """One call and everything around it."""

    line: ScriptedLine
    engine: Engine
    voice: Speaks
    ears: Ears
    parts: Parts
    journal: Journal
    gone: list[Call] = field(default_factory=list)
    escalated: list[str] = field(default_factory=list)

    async def run(self) -> Outcome:
        outcome = await Conversation(self.journal.call, self.line, self.parts, self.journal).run()
        self.ears.close()
        return outcome

    def heard_at(self) -> float:
        """Seconds of the call at which the first thing heard was answered."""
        turn = next(turn for turn in self.journal.turns if turn.get("answer_latency") is not None)
        return float(turn["answer_latency"])


MakesWorld = Callable[..., World]


@pytest.fixture
def world() -> MakesWorld:
    def make(
        frames: list[bytes],
        *,
        text: str = "我家停水了",
        sure: float = 0.99,
        admission: Admission | None = None,
        prompt_seconds: float = 1.0,
        **line: object,
    ) -> World:
        engine, voice = Engine(text), Speaks(prompt_seconds)
        ears = Ears(engine, 1, admission)
        made: list[World] = []
        parts = Parts(
            book=small_line(),
            understander=Understands(sure),
            ears=ears,
            voice=voice,
            endpointer=lambda rate: Endpointer(EndpointSettings(), LoudnessVad(), rate),
            opening=office.opening,
            carry_out=office.carry_out,
            note=office.note,
            escalate=lambda transfer, _: made[0].escalated.append(transfer.reason.value),
            caller_gone=lambda call: made[0].gone.append(call),
            metrics=Metrics(),
            endings=Endings(("我家停水了", "小区停水了", "楼里停水了")),
        )
        journal = Journal(None, Call(id="c", channel="x", caller="", did="12345"))
        scripted = ScriptedLine(frames, **line)  # type: ignore[arg-type]
        made.append(World(scripted, engine, voice, ears, parts, journal))
        return made[0]

    return make


def quiet(seconds: float) -> list[bytes]:
    return [SILENCE] * round(seconds / FRAME)


async def test_a_whole_sentence_that_is_understood_is_answered_after_half_a_second(
    world: MakesWorld,
) -> None:
    w = world([*quiet(1.5), *voice_like(1.0)])
    await w.run()
    assert w.heard_at() == pytest.approx(0.5, abs=0.1)


async def test_words_that_hang_in_the_air_and_doubtful_ones_are_waited_for(
    world: MakesWorld,
) -> None:
    doubtful = world([*quiet(1.5), *voice_like(1.0)], text="我家庭睡觉", sure=0.3)
    hanging = world([*quiet(1.5), *voice_like(1.0)], text="我家停水了因为")
    await doubtful.run()
    await hanging.run()
    assert doubtful.heard_at() == pytest.approx(0.72, abs=0.1)
    assert hanging.heard_at() == pytest.approx(0.95, abs=0.1)


async def test_a_pause_in_an_unfinished_sentence_does_not_cut_it(world: MakesWorld) -> None:
    frames = [*quiet(1.5), *voice_like(0.8), *quiet(0.66), *voice_like(0.8)]
    w = world(frames, text="我家在")
    await w.run()
    assert sum(turn["who"] == "caller" for turn in w.journal.turns) == 1


async def test_speech_stops_the_prompt_within_a_fifth_of_a_second_and_softly(
    world: MakesWorld,
) -> None:
    w = world([*quiet(1.0), *voice_like(1.5)], prompt_seconds=4.0)
    await w.run()
    sound = np.frombuffer(b"".join(w.line.sent[:90]), "<i2")
    stopped = int(np.flatnonzero(sound)[-1])
    assert 1.05 < stopped / 8000 <= 1.2
    assert abs(int(sound[stopped])) < 200
    assert w.journal.turns[0]["who"] == "bot"
    assert w.journal.turns[0]["cut_at"] == pytest.approx(1.12, abs=0.05)


async def test_a_hum_makes_the_prompt_wait_and_go_on_where_it_was(world: MakesWorld) -> None:
    w = world([*quiet(1.0), *voice_like(0.3, hum=True)], prompt_seconds=2.0, lost_at=140)
    await w.run()
    sound = np.frombuffer(b"".join(w.line.sent), "<i2")
    assert "cut_at" not in w.journal.turns[0]
    pauses = [i for i in range(50, 70) if not any(w.line.sent[i])]
    assert pauses, "it waited"
    # Every part of the prompt was played, apart from the fades on both sides of the wait.
    count = 16000
    played = set(sound.tolist())
    missing = [n for n in range(1, count) if n % 20000 not in played]
    assert len(missing) <= 320


async def test_when_the_machine_is_full_the_caller_hears_at_once_of_a_person(
    world: MakesWorld,
) -> None:
    now = [0.0]
    admission = Admission(lambda: now[0])
    admission.queued()
    now[0] = 5.0
    w = world([], admission=admission)
    outcome = await w.run()
    assert (outcome.next, outcome.label) == (NextStop.PEOPLE, "transferred")
    assert w.escalated == ["busy"]
    assert len(w.voice.texts) == 1
    first = next(n for n, frame in enumerate(w.line.sent) if any(frame))
    assert first * FRAME <= 0.1


async def test_a_failing_engine_is_a_misunderstanding_not_the_end_of_the_call(
    world: MakesWorld,
) -> None:
    w = world([*quiet(1.5), *voice_like(1.0)])
    w.engine.fails = True
    outcome = await w.run()
    assert outcome.label in ("caller_gone", "transferred")
    assert any(turn["who"] == "caller" and turn["text"] == "" for turn in w.journal.turns)
    assert len(w.voice.texts) >= 2


@pytest.mark.parametrize("lost_at", [80, 120, 130, 160])
async def test_a_caller_who_vanishes_at_any_moment_leaves_no_job_behind(
    world: MakesWorld, lost_at: int
) -> None:
    w = world([*quiet(1.5), *voice_like(1.0)], lost_at=lost_at, realtime=True)
    w.engine.gate.clear()
    task = asyncio.ensure_future(w.run())
    outcome = await asyncio.wait_for(task, 10)
    assert outcome.label == "caller_gone"
    assert w.line.closed
    await asyncio.sleep(0.05)
    w.engine.gate.set()
    assert w.ears.waiting == 0


@pytest.mark.parametrize(
    "frame",
    [b"", b"\x01", bytes(2), bytes(640), b"\xff\x7f" * 160, b"\x00\x80" * 160],
    ids=["empty", "half a sample", "a sample", "two at once", "clipped high", "clipped low"],
)
async def test_odd_frames_are_lived_through(world: MakesWorld, frame: bytes) -> None:
    w = world([*quiet(0.5), *[frame] * 100], lost_at=200)
    assert (await w.run()).label in ("caller_gone", "transferred")


async def test_thirty_seconds_of_shouting_are_cut_into_utterances(world: MakesWorld) -> None:
    w = world([*quiet(1.5), *voice_like(30.0)], text="", lost_at=2500)
    await w.run()
    assert w.ears.waiting == 0
    assert sum(turn["who"] == "caller" for turn in w.journal.turns) >= 1


async def test_every_utterance_is_kept_as_sound_under_the_number_that_the_record_has(
    world: MakesWorld,
) -> None:
    w = world([*quiet(1.5), *voice_like(1.0), *quiet(6.0), *voice_like(0.5)])
    kept: list[tuple[str, int, float, int]] = []

    def keep(call: Call, mark: int, pcm: bytes, rate: int) -> bool:
        kept.append((call.id, mark, len(pcm) / 2 / rate, rate))
        return mark != 2  # the disk is full by then

    w.parts = replace(w.parts, keep_sound=keep)
    await w.run()
    assert [(call, mark, rate) for call, mark, _, rate in kept] == [("c", 1, 8000), ("c", 2, 8000)]
    assert kept[0][2] == pytest.approx(1.75, abs=0.5)
    said = [turn["mark"] for turn in w.journal.turns if turn["who"] == "caller"]
    assert said == [1, 0]


async def test_who_hangs_up_while_the_ticket_is_filed_gets_its_number_by_text(
    world: MakesWorld,
) -> None:
    w = world([*quiet(1.5), *voice_like(1.0)], text="小程序打不开", realtime=True)
    gone, notes = threading.Event(), []

    def carry_out(_: Call, request: Request) -> Event:
        w.line.lost_at = len(w.line.sent)
        gone.wait(5)
        return Filed("261124000017")

    class Fault(Understands):
        def understand(self, text: str, *_: object, **__: object) -> Understanding:
            best = Candidate("app.fault", IntentKind.CATEGORY, "小程序故障", 0.99)
            return Understanding(text, text, (best,))

    tick = w.line.tick

    async def lost_for_good() -> Tick:
        try:
            return await tick()
        except LineLostError:
            gone.set()
            raise

    w.line.tick = lost_for_good  # type: ignore[method-assign]
    w.journal.call = replace(w.journal.call, caller="13800138000")
    w.parts = replace(
        w.parts,
        book=small_line(Policy(read_back=False)),
        understander=Fault(0.99),
        carry_out=carry_out,
        note=lambda _, note: notes.append(note),
    )
    outcome = await w.run()
    assert outcome.label == "caller_gone"
    assert notes == [SendText("13800138000", "工单号261124000017。")]


async def test_a_wideband_caller_is_heard_kept_and_spoken_to_at_sixteen_kilohertz(
    world: MakesWorld,
) -> None:
    # Twice the samples at half the pitch: the same second at the higher rate.
    narrow = [*quiet(1.5), *voice_like(1.0)]
    wide = [np.repeat(np.frombuffer(frame, "<i2"), 2).tobytes() for frame in narrow]
    w = world([*wide, *[bytes(frame_bytes(WIDE_RATE))] * 300], rate=WIDE_RATE, lost_at=500)
    kept: list[tuple[float, int]] = []

    def keep(call: Call, mark: int, pcm: bytes, rate: int) -> bool:
        kept.append((len(pcm) / 2 / rate, rate))
        return True

    w.parts = replace(w.parts, keep_sound=keep)
    await w.run()
    assert kept == [(pytest.approx(1.75, abs=0.5), WIDE_RATE)]
    assert {len(frame) for frame in w.line.sent} == {frame_bytes(WIDE_RATE)}
    spoken = sum(any(frame) for frame in w.line.sent[:75]) * FRAME
    assert spoken == pytest.approx(w.voice.seconds, abs=0.1)
