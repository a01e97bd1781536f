"""What caller and agent say to each other, written down beside the queue. Redis is real."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import pytest
from agents.queue_world import RedisServer, an_entry
from telephony.scripted import SILENCE, LoudnessVad, ScriptedLine, voice_like

from bot import transcripts
from bot.agents.queue import AgentQueue, QueueUnavailable
from bot.agents.types import (
    Candidates,
    EntryKind,
    EntryState,
    QueueEntry,
    SwitchboardError,
    Turn,
)
from bot.observe import Metrics
from bot.speech.ears import Ears
from bot.speech.endpointing import Endpointer, EndpointSettings
from bot.speech.types import LINE_RATE, RecogniserStream, Utterance
from bot.telephony.line import Tick
from bot.telephony.tap import Taps
from bot.transcripts import Transcripts, subjects
from bot.understanding.types import Candidate, IntentKind, Understanding

BEGAN = 1_000_000.0
#: Unix time of all that is overheard here.
NOW = BEGAN + 60
WATER: Candidates = (("water.outage", "停水", 0.9),)


class Engine:
    """Says the next of its sentences at each utterance; fails at "fail"."""

    name = "scripted"
    streaming = False

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def open(self, expect: Sequence[str] = (), rate: int = LINE_RATE) -> RecogniserStream:
        return self

    def feed(self, pcm: bytes) -> str:
        return ""

    def finish(self) -> Utterance:
        self.gate.wait(10)
        text = self.sentences.pop(0)
        if text == "fail":
            raise MemoryError
        return Utterance(text, 0.9, "scripted")


@dataclass
class World:
    """One line whose Asterisk is the test."""

    queue: AgentQueue
    engine: Engine
    ears: Ears
    transcripts: Transcripts
    taps: Taps
    spied: list[tuple[str, str]]
    filed: list[tuple[str, tuple[Turn, ...]]]
    refused: set[str] = field(default_factory=set)

    def joined(self, entry_id: str = "one", **more: object) -> QueueEntry:
        self.queue.enqueue(replace(an_entry(entry_id), **more))  # type: ignore[arg-type]
        self.queue.claim("8001", entry_id)
        self.queue.join(entry_id)
        found = self.queue.get(entry_id)
        assert found
        return found

    async def look(self) -> None:
        self.transcripts.follow(self.queue.list(EntryState.JOINED))
        talks = self.transcripts._talks
        await until(lambda: all(len(talk.taps) == 2 for talk in talks.values()))

    async def says(self, leg: str, seconds: float = 0.6, *, then: int = 50) -> None:
        """A leg's sound arrives: it speaks, is silent for some frames, and ends."""
        ear = next(ear for one, ear in self.spied if one == leg)
        frames = voice_like(seconds)
        await self.taps.arrive(ear, ScriptedLine(frames, lost_at=len(frames) + then))

    async def transcript(self, count: int, entry_id: str = "one") -> list[tuple[str, str]]:
        """Who said what, once there is so much."""
        for _ in range(500):
            said = await asyncio.to_thread(self.queue.said, entry_id)
            if len(said) >= count:
                return [(turn.who, turn.text) for turn in said]
            await asyncio.sleep(0.01)
        raise AssertionError(f"only {said}")


class Unfinished(ScriptedLine):
    """Somebody who is in the middle of a word until the line is closed."""

    async def tick(self) -> Tick:
        while len(self.sent) == 40 and not self.closed:
            await asyncio.sleep(0.001)
        return await super().tick()


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def world(redis: RedisServer) -> AsyncIterator[World]:
    redis.client.flushall()
    queue, engine = AgentQueue(redis.url), Engine()
    ears, spied, refused, filed = Ears(engine, 2), [], set(), []

    def spy(leg: str, ear: str) -> None:
        if leg in refused:
            raise SwitchboardError("gone")
        spied.append((leg, ear))

    taps = Taps(spy, lambda: Endpointer(EndpointSettings(), LoudnessVad()), clock=lambda: NOW)
    made = Transcripts(
        queue,
        taps,
        ears,
        lambda text: WATER if "水" in text else (),
        lambda _: BEGAN,
        lambda call_id, talk: filed.append((call_id, tuple(talk))),
        Metrics(),
    )
    yield World(queue, engine, ears, made, taps, spied, filed, refused)
    engine.gate.set()
    await made.close()
    ears.close()


async def test_both_sides_are_written_down_in_the_order_in_which_they_spoke(world: World) -> None:
    entry = world.joined()
    world.engine.sentences = ["您好", "我家停水了", "请问在哪里"]
    await world.look()
    assert [leg for leg, _ in world.spied] == [entry.channel, entry.leg]
    for leg in (entry.leg, entry.channel):
        await world.says(leg)
    said = await world.transcript(2)
    assert said == [("agent", "您好"), ("caller", "我家停水了")]
    assert world.queue.said("one")[0].at == pytest.approx(60 - 1.3, abs=0.2)


async def test_what_the_caller_says_is_read_for_what_it_is_about(world: World) -> None:
    entry = world.joined()
    world.engine.sentences = ["是水的问题吗", "对", "停水了"]
    await world.look()
    await world.says(entry.leg)
    await world.transcript(1)
    assert world.queue.get("one").heard == ()  # type: ignore[union-attr]
    ear = next(ear for leg, ear in world.spied if leg == entry.channel)
    twice = [*voice_like(0.6), *[SILENCE] * 60, *voice_like(0.6)]
    await world.taps.arrive(ear, ScriptedLine(twice, lost_at=200))
    await world.transcript(3)
    await until(lambda: world.queue.get("one").heard == WATER)  # type: ignore[union-attr]


async def test_a_conversation_is_tapped_once_however_often_it_is_looked_at(world: World) -> None:
    world.joined()
    await world.look()
    await world.look()
    assert len(world.spied) == 2


async def test_the_next_agent_of_a_caller_is_tapped_anew(world: World) -> None:
    entry = world.joined()
    await world.look()
    world.queue.give_back("one")
    await world.look()
    world.queue.claim("8002", "one")
    world.queue.join("one")
    await world.look()
    legs = [leg for leg, _ in world.spied]
    assert legs == [entry.channel, entry.leg, entry.channel, world.queue.get("one").leg]  # type: ignore[union-attr]


async def test_only_calls_on_this_node_are_tapped(world: World) -> None:
    world.joined(node="elsewhere")
    await world.look()
    assert world.spied == []


async def test_a_citizen_who_was_called_back_is_written_down_too(world: World) -> None:
    entry = world.joined(kind=EntryKind.CALLBACK)
    await world.look()
    assert [leg for leg, _ in world.spied] == [entry.channel, entry.leg]


async def test_a_callback_that_is_made_elsewhere_is_nobodys_to_overhear(world: World) -> None:
    world.joined(kind=EntryKind.CALLBACK, channel="")
    await world.look()
    assert world.spied == []


async def test_no_more_conversations_are_followed_at_once_than_the_machine_can_bear(
    world: World,
) -> None:
    world.transcripts._most = 1
    world.joined("one")
    world.queue.enqueue(an_entry("two"))
    world.queue.claim("8002", "two")
    world.queue.join("two")
    await world.look()
    assert len(world.spied) == 2
    world.queue.close("one", "agent_done")
    await world.look()
    assert len(world.spied) == 4


async def test_one_side_that_cannot_be_tapped_does_not_cost_the_other(world: World) -> None:
    entry = world.joined()
    world.refused.add(entry.leg)
    world.engine.sentences = ["我家停水了"]
    await world.look()
    await world.says(entry.channel)
    assert await world.transcript(1) == [("caller", "我家停水了")]


async def test_a_failing_engine_and_noise_cost_their_own_words_only(world: World) -> None:
    entry = world.joined()
    world.engine.sentences = ["fail", "", "您好"]
    await world.look()
    ear = world.spied[1][1]
    thrice = [*voice_like(0.5), *[SILENCE] * 60] * 3
    await world.taps.arrive(ear, ScriptedLine(thrice, lost_at=len(thrice)))
    assert entry.leg == world.spied[1][0]
    # That something was said that nobody could write down is told; noise is nothing.
    assert await world.transcript(2) == [("agent", ""), ("agent", "您好")]


async def test_of_too_much_to_recognise_the_oldest_is_left_out(world: World) -> None:
    world.joined()
    world.engine.sentences = [f"第{n}句" for n in range(30)]
    world.engine.gate.clear()
    await world.look()
    many = [*voice_like(0.4), *[SILENCE] * 45] * 15
    await world.taps.arrive(world.spied[0][1], ScriptedLine(many, lost_at=len(many)))
    world.engine.gate.set()
    said = await world.transcript(15)
    missing = [n for n, (_, text) in enumerate(said) if not text]
    assert 1 <= len(missing) <= 3
    assert missing == list(range(1, 1 + len(missing)))


async def test_words_are_kept_that_came_while_redis_was_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcripts, "PAUSE", 0.01)
    say, away = world.queue.say, [QueueUnavailable("away")] * 3

    def sometimes(entry_id: str, turn: Turn) -> bool:
        if away:
            raise away.pop()
        return say(entry_id, turn)

    monkeypatch.setattr(world.queue, "say", sometimes)
    entry = world.joined()
    world.engine.sentences = ["您好", "请讲"]
    await world.look()
    await world.says(entry.leg)
    assert await world.transcript(1) == [("agent", "您好")]


async def test_a_conversation_that_ends_before_its_taps_are_there_leaves_none_behind(
    world: World,
) -> None:
    world.joined()
    world.transcripts.follow(world.queue.list(EntryState.JOINED))
    world.transcripts.follow([])
    await asyncio.gather(*world.transcripts._attending)
    for _, ear in world.spied:
        line = ScriptedLine(voice_like(1.0))
        await world.taps.arrive(ear, line)
        assert line.closed
        assert line.sent == []


async def test_what_waits_on_hold_is_not_written_down(world: World) -> None:
    entry = world.joined()
    world.engine.sentences = ["您好"]
    task = asyncio.create_task(world.transcripts.watch())
    await until(lambda: len(world.spied) == 2)
    world.transcripts.hold("one", True)
    await asyncio.sleep(0)
    await world.says(entry.channel)
    world.transcripts.hold("one", False)
    await asyncio.sleep(0)
    await world.says(entry.leg)
    assert await world.transcript(1) == [("agent", "您好")]
    task.cancel()


async def test_the_end_of_a_conversation_ends_its_taps_and_its_last_words_are_kept(
    world: World,
) -> None:
    entry = world.joined()
    world.engine.sentences = ["再见"]
    await world.look()
    ear = next(ear for leg, ear in world.spied if leg == entry.channel)
    line = Unfinished(voice_like(1.0))
    arrived = asyncio.create_task(world.taps.arrive(ear, line))
    await until(lambda: len(line.sent) == 40)
    world.queue.close("one", "agent_done")
    world.transcripts.follow([])
    await asyncio.wait_for(arrived, 10)
    assert await world.transcript(1) == [("caller", "再见")]
    await until(lambda: bool(world.filed))
    assert world.filed == [("one", world.queue.said("one"))]


@pytest.mark.parametrize(
    ("kind", "confidence", "expected"),
    [
        (IntentKind.CATEGORY, 0.8, (("x", "停水", 0.8),)),
        (IntentKind.FAQ, 0.6, (("x", "停水", 0.6),)),
        (IntentKind.FAQ, 0.5, ()),
        (IntentKind.SMALL_TALK, 0.9, ()),
        (IntentKind.COMMAND, 0.9, ()),
    ],
)
def test_suggestions_follow_what_is_certain_and_can_be_helped_with(
    kind: IntentKind, confidence: float, expected: Candidates
) -> None:
    found = Understanding("t", "t", (Candidate("x", kind, "停水", confidence),))
    assert subjects(found, 0.6) == expected
    assert subjects(Understanding("t", "t", ()), 0.6) == ()


async def until(look: Callable[[], bool]) -> None:
    for _ in range(500):
        if look():
            return
        await asyncio.sleep(0.01)
    raise AssertionError
