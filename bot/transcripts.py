"""Writes down what caller and agent say to each other, while they talk.

Here the rooms meet: the queue says who talks with whom, a tap a side brings the sound, the
ears make words of it when no caller of the bot needs them, and the words go back to the queue,
which tells the pages. What the caller says is also read for what it is about, so that the
agent's suggestions follow the talk. A part that fails costs words, never the conversation.
Leaves to others: showing it (``web/desk_pages.py``).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from bot.agents.changes import SAID, Change
from bot.agents.queue import AgentQueue, QueueUnavailable
from bot.agents.types import Candidates, EntryState, QueueEntry, Turn
from bot.observe import Metrics
from bot.speech.ears import Ears
from bot.speech.types import SpeechError
from bot.telephony.tap import Overheard, Tap, Taps
from bot.understanding.types import IntentKind, Understanding

log = structlog.get_logger(__name__)

#: Seconds for which an utterance waits for a thread that no caller needs; then it stays
#: unwritten. Words that come later than that help nobody who is talking.
PATIENCE = 20.0
#: Utterances of one conversation that wait to be recognised; of more the oldest are dropped.
MOST_WAITING = 12
#: How often, and after how many seconds each, words are offered to a Redis that is away.
TRIES, PAUSE = 30, 1.0
#: Seconds in which the taps of a conversation that is over must have told what they had.
LAST_WORDS = 2.0
#: Candidates that are kept of what a caller says.
KEPT = 3

WORTH_KNOWING = (IntentKind.FAQ, IntentKind.CATEGORY)
Reads = Callable[[str], Candidates]
"""What a caller's words are about, best first; empty when they say nothing certain."""


def subjects(understanding: Understanding, sure: float) -> Candidates:
    """Return what words are about, if that is certain enough and something to help with."""
    best = understanding.best
    if best is None or best.confidence < sure or best.kind not in WORTH_KNOWING:
        return ()
    return tuple(
        (one.intent, one.title, round(one.confidence, 3)) for one in understanding.candidates[:KEPT]
    )


@dataclass
class _Conversation:
    """Two who talk. It ends when the work that is left is done."""

    entry: QueueEntry
    began_at: float = 0.0
    """Unix time of the call's beginning."""
    taps: list[Tap] = field(default_factory=list)
    waiting: deque[Overheard] = field(default_factory=deque)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    on_hold: bool = False
    over: bool = False

    def overhear(self, speech: Overheard) -> None:
        self.waiting.append(speech)
        self.news.set()

    def end(self) -> None:
        for tap in self.taps:
            tap.close()
        self.over = True
        self.news.set()


class Transcripts:
    """The conversations of this node, followed as they begin and end. One event loop."""

    def __init__(
        self,
        queue: AgentQueue,
        taps: Taps,
        ears: Ears,
        reads: Reads,
        began_at: Callable[[str], float],
        file: Callable[[str, Sequence[Turn]], None],
        metrics: Metrics,
        node: str = "",
        most: int = 20,
    ) -> None:
        """``reads``, ``began_at`` and ``file`` may block.

        ``began_at``: Unix time of a call's beginning, by its id. ``file`` gets all that was
        said to agents in a call when one of them is off it.

        ``most``: conversations that are followed at the same time; each costs a few per cent
        of a processor while somebody speaks. The others are followed as these end.
        """
        self._queue = queue
        self._taps = taps
        self._ears = ears
        self._reads = reads
        self._began_at = began_at
        self._file = file
        self._metrics = metrics
        self._node = node
        self._most = most
        self._talks: dict[tuple[str, str], _Conversation] = {}
        self._attending: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def watch(self) -> None:
        """Follow the queue for ever."""
        self._loop = asyncio.get_running_loop()
        async for change in self._queue.changes_async():
            if change.state == SAID or not self._concerns(change):
                continue
            try:
                joined = await asyncio.to_thread(self._queue.list, EntryState.JOINED)
                self.follow(joined)
            except QueueUnavailable:
                continue  # whoever talks is looked at again when it is back
            except Exception:
                log.exception("transcripts.failed", advice="conversations go on without")

    def follow(self, joined: list[QueueEntry]) -> None:
        """Tap those who talk and are not tapped, and leave those who talk no more."""
        talking = {
            (entry.id, entry.leg): entry
            for entry in joined
            if entry.channel and entry.node == self._node and entry.leg
        }
        for key in [key for key in self._talks if key not in talking]:
            self._talks.pop(key).end()
        for key, entry in talking.items():
            if key not in self._talks and len(self._talks) < self._most:
                talk = self._talks[key] = _Conversation(entry)
                attending = asyncio.create_task(self._attend(talk))
                self._attending.add(attending)  # the loop itself holds tasks only weakly
                attending.add_done_callback(self._attending.discard)

    def _concerns(self, change: Change) -> bool:
        """Whether somebody may have begun to talk, or have stopped."""
        followed = any(one == change.id for one, _ in self._talks)
        return followed or change.state in ("", EntryState.JOINED)

    def hold(self, entry_id: str, on: bool) -> None:
        """A caller was put on hold, or talks again: nothing is heard meanwhile. Thread-safe."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._hold, entry_id, on)

    def _hold(self, entry_id: str, on: bool) -> None:
        for (one, _), talk in self._talks.items():
            if one == entry_id:
                talk.on_hold = on

    async def close(self) -> None:
        """Leave all conversations."""
        for talk in self._talks.values():
            talk.end()
        for task in self._attending:
            task.cancel()
        await asyncio.gather(*self._attending, return_exceptions=True)

    async def _attend(self, talk: _Conversation) -> None:
        """Tap both sides, then write down one utterance after the other, as they end."""
        entry = talk.entry
        talk.began_at = await asyncio.to_thread(self._began_at, entry.id) or entry.queued_at
        for leg, who in ((entry.channel, "caller"), (entry.leg, "agent")):
            tap = await self._taps.open(leg, who, talk.overhear, lambda: talk.on_hold)
            talk.taps.append(tap)
            if talk.over:
                tap.close()
        await self._write_down(talk)
        # Whoever hung up may have done so in the middle of a word.
        endings = [asyncio.create_task(tap.ended.wait()) for tap in talk.taps]
        _, late = await asyncio.wait(endings, timeout=LAST_WORDS)
        for ending in late:
            ending.cancel()
        await self._write_down(talk)
        try:
            said = await asyncio.to_thread(self._queue.said, entry.id)
            await asyncio.to_thread(self._file, entry.id, said)
        except QueueUnavailable as error:
            log.warning("transcripts.not_filed", entry=entry.id, error=str(error))

    async def _write_down(self, talk: _Conversation) -> None:
        while talk.waiting or not talk.over:
            if not talk.waiting:
                talk.news.clear()
                await talk.news.wait()
                continue
            speech = talk.waiting.popleft()
            late = len(talk.waiting) >= MOST_WAITING
            try:
                await self._utterance(talk, speech, None if late else await self._words(speech))
            except Exception:
                log.exception("transcripts.utterance_lost", entry=talk.entry.id)

    async def _words(self, speech: Overheard) -> str | None:
        """What was said; "" if it was no speech, None if nobody had time to find out."""
        try:
            utterance = await self._ears.overhear(speech.pcm, speech.rate, PATIENCE)
        except SpeechError as error:
            log.warning("transcripts.not_recognised", error=str(error))
            return None
        return None if utterance is None else utterance.text

    async def _utterance(self, talk: _Conversation, speech: Overheard, text: str | None) -> None:
        self._metrics.overheard_total.labels(result="skipped" if text is None else "heard").inc()
        if text == "":
            return
        at = round(max(0.0, speech.at - talk.began_at), 2)
        await self._keep(talk.entry.id, Turn(speech.who, text or "", at))
        if text and speech.who == "caller":
            about = await asyncio.to_thread(self._reads, text)
            if about:
                await asyncio.to_thread(self._queue.update, talk.entry.id, heard=about)

    async def _keep(self, entry_id: str, turn: Turn) -> None:
        for _ in range(TRIES):
            try:
                await asyncio.to_thread(self._queue.say, entry_id, turn)
            except QueueUnavailable:
                await asyncio.sleep(PAUSE)
            else:
                return
        log.warning("transcripts.not_kept", entry=entry_id)
