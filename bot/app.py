"""The one composition root: puts the rooms together for a live line, a replay or a command.

Everything that is shared is made here and handed down; no other file makes an engine, a
queue or a store for the line. Leaves to others: all rules.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from concurrent.futures import Future
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog
import uvicorn

from bot.agents.desk import Desk
from bot.agents.queue import AgentQueue
from bot.agents.types import QueueEntry, Turn
from bot.casework.api_keys import ApiKeys
from bot.casework.clocks import Clock
from bot.casework.outbox import Outbox
from bot.casework.tickets import CaseworkError, TicketStore
from bot.config import Settings
from bot.database import open_database
from bot.dialogue.types import FileTicket, Transfer
from bot.node.render import asterisk_dirs
from bot.node.secrets import load_secrets
from bot.node.types import Say
from bot.observe import Metrics, configure_logging
from bot.rules import rules_of
from bot.services import open311_services
from bot.speech.audio import read_wav, write_wav
from bot.speech.ears import Ears
from bot.speech.endpointing import Endpointer, EndpointSettings
from bot.speech.engines import choose_recogniser, choose_synthesiser
from bot.speech.music import compose
from bot.speech.turns import Endings
from bot.speech.types import SpeechError
from bot.speech.vad import SileroVad
from bot.speech.voice import Voice
from bot.telephony.agi import AgiServer, take_call
from bot.telephony.audiosocket import AudioSocketLine, serve_audio
from bot.telephony.calls import Call, CallBook, Outcome
from bot.telephony.conversation import Conversation, Parts
from bot.telephony.journal import Journal, read_call
from bot.telephony.switchboard import AmiSwitchboard
from bot.understanding.live import LivePack
from bot.understanding.pack import Pack, PackError, load_pack
from bot.understanding.schema import expansions
from bot.web.app import Reload, create_web
from bot.web.backoffice import backoffice_app
from bot.web.open311 import open311_app
from bot.web.webhooks import Sender

log = structlog.get_logger(__name__)

#: Seconds between two looks at whether the queue and Asterisk agree.
RECONCILE_EVERY = 2.0
#: Seconds between two looks at whether the line is quiet, and whether answers are missing.
QUIET_EVERY, LOOK_EVERY = 2.0, 60.0
#: Seconds between two looks at the deadlines of tickets.
TICK_EVERY = 60.0
#: Seconds between two looks at whether a back office is to be told of something.
WEBHOOKS_EVERY = 2.0
#: Prompts that the dialplan plays by itself, when there is no bot to ask.
DIALPLAN_PROMPTS = ("apology_bot_lost", "caller_left")
#: Phrases of one intent from which the ends of sentences are learnt, so that none outweighs
#: the others.
PHRASES_OF_AN_INTENT = 40
#: Where a call's priority comes from when its bot was lost before it could say.
LOST_PRIORITY = 3


def calls_folder(settings: Settings) -> Path:
    """Where the records of calls lie."""
    return settings.state / "calls"


def load_line_pack(settings: Settings) -> Pack:
    """Read the line's pack.

    Raises:
        PackError: with every problem, by file and line.
    """
    return load_pack(settings.grammars / settings.pack)


def load_ears(settings: Settings, pack: Pack) -> tuple[Ears, str]:
    """Load the recogniser; also say in words which one, and why.

    Raises:
        SpeechError: there is none, with what to do.
    """
    recogniser, why = choose_recogniser(settings, hint=pack.bias_words())
    return Ears(recogniser, settings.speech_threads), f"{recogniser.name}: {why}"


def load_voice(settings: Settings) -> tuple[Voice, str]:
    """Load the synthesiser; also say in words which one, and why.

    Raises:
        SpeechError: there is none, with what to do.
    """
    synthesiser, why = choose_synthesiser(settings)
    return Voice(synthesiser, settings.home / "prompts"), f"{synthesiser.name}: {why}"


def line_endings(pack: Pack) -> Endings:
    """Learn from a pack's own phrases how its callers' sentences end."""
    return Endings(
        text for intent in pack.intents for text in expansions(intent)[:PHRASES_OF_AN_INTENT]
    )


def build_prompts(settings: Settings, say: Say) -> None:
    """Render every fixed prompt, the dialplan's own sounds and the hold music, once.

    The answers, some hundreds, are rendered by the running line while nobody calls.

    Raises:
        PackError, SpeechError: with what to do.
    """
    pack = load_line_pack(settings)
    voice, why = load_voice(settings)
    say(f"      voice {why}")
    voice.build(pack.prompt_texts(), say)
    dirs = asterisk_dirs(settings)
    for folder in (dirs.sounds, dirs.music):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for prompt in DIALPLAN_PROMPTS:
        # Asterisk takes the newest rendering; a prompt that was reworded is spoken anew.
        write_wav(dirs.sounds / f"{prompt}.wav", voice.render(pack.prompt(prompt)))
    if not any(dirs.music.iterdir()):
        write_wav(dirs.music / "hold.wav", compose())


def queue_entry(record: dict[str, Any], reason: str, priority: int) -> QueueEntry:
    """Turn the record of a call (``Journal.as_dict``) into what an agent gets to see."""
    turns = record["turns"]
    last: dict[str, Any] = next((turn for turn in reversed(turns) if turn.get("candidates")), {})
    return QueueEntry(
        id=record["id"],
        channel=record["channel"],
        caller=record["caller"],
        did=record["did"],
        reason=reason,
        priority=priority,
        queued_at=time.time(),
        transcript=tuple(Turn(turn["who"], turn["text"], turn["at"]) for turn in turns),
        candidates=tuple(
            (one["intent"], one["title"], one["confidence"]) for one in last.get("candidates", ())
        ),
        ticket=record["ticket"],
    )


class Line:
    """A running line: every server and every shared part of one node."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.secrets = load_secrets(settings)
        pack = load_line_pack(settings)
        self.metrics = Metrics()
        self.ears, why_ears = load_ears(settings, pack)
        self.voice, why_voice = load_voice(settings)
        log.info("engines.chosen", asr=why_ears, tts=why_voice)
        self.metrics.build_info.labels(
            version=version("hotline"), asr=self.ears.name, tts=self.voice.name
        ).set(1)
        self.tickets = TicketStore(
            open_database(settings), rules=rules_of(lambda: self.live.current.pack)
        )
        self.tickets.create_schema()
        self.queue = AgentQueue(settings.redis_address)
        self.switchboard = AmiSwitchboard(
            settings.ami_port,
            self.secrets.ami_password,
            on_caller_gone=lambda call_id: self.desk.caller_gone(call_id),
            on_agent_left=lambda call_id: self.desk.agent_left(call_id),
            on_connected=lambda up: self.metrics.asterisk_connected.set(int(up)),
        )
        self.desk = Desk(self.queue, self.switchboard, settings.ring_seconds)
        self.book = CallBook()
        self._talking = 0
        self._endings: dict[str, Endings] = {}
        # The new sentences of a new pack are spoken before the first caller wants them.
        self.live = LivePack(pack, prepare=self._speak_ahead)
        self._endings_of(pack)
        self.metrics.pack_in_use(pack.name, pack.version)

    def parts(self) -> Parts:
        """What a call that begins now is made of. It keeps this pack to its end."""
        knowledge = self.live.current
        return Parts(
            book=knowledge.pack,
            understander=knowledge.understander,
            ears=self.ears,
            voice=self.voice,
            endpointer=lambda: Endpointer(EndpointSettings(), SileroVad()),
            file_ticket=self._file_ticket,
            escalate=self._escalate,
            caller_gone=lambda call: self.desk.caller_gone(call.id),
            metrics=self.metrics,
            endings=self._endings_of(knowledge.pack),
        )

    # --- the pack ----------------------------------------------------------------------

    def _endings_of(self, pack: Pack) -> Endings:
        if pack.version not in self._endings:
            self._endings = {pack.version: line_endings(pack)}
        return self._endings[pack.version]

    def _speak_ahead(self, pack: Pack) -> None:
        self._endings_of(pack)
        count = self.voice.build(pack.prompt_texts(), log.debug)
        log.info("pack.spoken_ahead", sentences=count)

    async def _speak_answers_ahead(self) -> None:
        """Render answers that nobody has asked for yet, while nobody talks."""
        while True:
            missing = await asyncio.to_thread(
                self.voice.missing, self.live.current.pack.spoken_texts()
            )
            for sentence in missing:
                while self._talking:
                    await asyncio.sleep(QUIET_EVERY)
                try:
                    await asyncio.to_thread(self.voice.sentence, sentence)
                except SpeechError as error:
                    log.error("pack.not_spoken", error=str(error))
            if missing:
                log.info("pack.answers_spoken_ahead", sentences=len(missing))
            await asyncio.sleep(LOOK_EVERY)

    def reload(self) -> Reload:
        """Read the pack's files anew and use them for new calls. Blocks for some seconds.

        Raises:
            PackError: with all problems; the old pack stays in use.
            SpeechError: a new sentence can't be spoken; the old pack stays in use.
        """
        result = "failed"
        try:
            old, new = self.live.reload()
            result = "unchanged" if new is old else "changed"
        except PackError as error:
            result = "refused"
            log.error("pack.refused", problems=[str(problem) for problem in error.problems])
            raise
        finally:
            self.metrics.pack_reloads_total.labels(result=result).inc()
            self.metrics.pack_reload_ok.set(result in ("changed", "unchanged"))
        if new is not old:
            self.metrics.pack_in_use(new.pack.name, new.pack.version)
        log.info("pack.reloaded", pack=new.pack.name, version=new.pack.version, result=result)
        return Reload(new.pack.name, new.pack.version, old.pack.version)

    async def _reload_by_signal(self) -> None:
        # What went wrong is in the log and the measures: nobody waits for an answer.
        with contextlib.suppress(PackError):
            try:
                await asyncio.to_thread(self.reload)
            except SpeechError as error:
                log.error("pack.not_spoken", error=str(error))

    # --- ports of the conversation -----------------------------------------------------

    def _file_ticket(self, call: Call, request: FileTicket) -> str:
        return self.tickets.file(
            call_id=call.id,
            category=request.category,
            title=request.title,
            text=request.text,
            place=request.place,
            unit=request.unit,
            urgency=request.urgency,
            caller=call.caller,
        )

    def _escalate(self, transfer: Transfer, journal: Journal) -> None:
        entry = queue_entry(journal.as_dict(), transfer.reason.value, transfer.priority)
        self.desk.escalate(entry)
        log.info("call.escalated", reason=entry.reason, priority=entry.priority)

    def _recall(self, call_id: str) -> QueueEntry | None:
        record = read_call(calls_folder(self.settings), call_id)
        return queue_entry(record, "bot_lost", LOST_PRIORITY) if record else None

    # --- servers -----------------------------------------------------------------------

    async def _on_sound(self, call_id: str, line: AudioSocketLine) -> None:
        arrived = self.book.arrive(call_id)
        if arrived is None:
            log.warning("call.unknown", call=call_id)
            line.close()
            return
        call, future = arrived
        with structlog.contextvars.bound_contextvars(call=call.id):
            log.info("call.began", caller=call.caller, did=call.did)
            journal = Journal(calls_folder(self.settings), call)
            self._talking += 1
            try:
                outcome = await Conversation(call, line, self.parts(), journal).run()
            finally:
                self._talking -= 1
            log.info("call.ended", outcome=outcome.label, next=outcome.next.value)
        _resolve(future, outcome)

    async def _reconcile(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self.desk.reconcile, self._recall)
                self.metrics.queue_waiting.set(await asyncio.to_thread(self.queue.waiting_count))
                self.metrics.redis_up.set(1)
            except Exception as error:
                # Asterisk or Redis is away; the desk has said so, and the next look mends it.
                self.metrics.redis_up.set(0)
                log.debug("reconcile.failed", error=str(error))
            self.metrics.engine_jobs_waiting.set(self.ears.waiting)
            self.metrics.engine_wait_seconds.set(self.ears.expected_wait)
            self.metrics.engine_full.set(self.ears.full)
            await asyncio.sleep(RECONCILE_EVERY)

    async def _send_webhooks(self) -> None:
        sender = Sender(Outbox(self.tickets.engine))
        while True:
            try:
                sent = await asyncio.to_thread(sender.round)
                if sent.failed:
                    log.warning("webhooks.failed", **asdict(sent))
                if sent.delivered:
                    continue  # more may wait
            except CaseworkError as error:
                log.error("webhooks.not_sent", error=str(error))
            await asyncio.sleep(WEBHOOKS_EVERY)

    async def _watch_tickets(self) -> None:
        clock = Clock(self.tickets.ledger)
        while True:
            try:
                ticked = await asyncio.to_thread(clock.tick)
                log.debug("tickets.watched", **asdict(ticked))
            except CaseworkError as error:
                log.error("tickets.not_watched", error=str(error))
            await asyncio.sleep(TICK_EVERY)

    def health(self) -> dict[str, Any]:
        """Every part and whether it is well, for ``/healthz``."""
        pack = self.live.current.pack
        return {
            "asterisk": self.switchboard.connected,
            "redis": self.queue.reachable(),
            "asr": self.ears.name,
            "tts": self.voice.name,
            "pack": f"{pack.name} {pack.version}",
        }

    async def serve(self) -> None:
        """Serve calls until SIGTERM or SIGINT; SIGHUP reloads the pack."""
        settings = self.settings
        audio = await serve_audio(settings.audio_port, self._on_sound)
        agi = AgiServer(
            settings.agi_port, lambda agi: take_call(agi, self.book, settings.audio_port)
        )
        agi.start()
        self.switchboard.start()
        background = [
            asyncio.create_task(self._reconcile()),
            asyncio.create_task(self._speak_answers_ahead()),
            asyncio.create_task(self._watch_tickets()),
            asyncio.create_task(self._send_webhooks()),
        ]
        web = create_web(
            self.desk, self.queue, self.metrics, self.health, self.reload, self.secrets.api_token
        )
        keys = ApiKeys(self.tickets.engine)
        web.mount(
            "/open311/v2",
            open311_app(self.tickets, keys, lambda: open311_services(self.live.current.pack)),
        )
        web.mount("/api/v1", backoffice_app(self.tickets, keys))
        server = uvicorn.Server(
            uvicorn.Config(
                web, host="127.0.0.1", port=settings.http_port, log_config=None, access_log=False
            )
        )
        loop = asyncio.get_running_loop()
        serving = asyncio.create_task(server.serve())
        log.info("line.ready", dids=settings.dids, http_port=settings.http_port)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, lambda: setattr(server, "should_exit", True))
        reloads: set[asyncio.Task[None]] = set()

        def reload_soon() -> None:
            task = asyncio.create_task(self._reload_by_signal())
            reloads.add(task)  # the loop itself holds tasks only weakly
            task.add_done_callback(reloads.discard)

        loop.add_signal_handler(signal.SIGHUP, reload_soon)
        try:
            await serving
        finally:
            for task in background:
                task.cancel()
            agi.stop()
            audio.close()
            self.switchboard.stop()
            await asyncio.gather(*background, return_exceptions=True)
            log.info("line.stopped")


def _resolve(future: Future[Outcome], outcome: Outcome) -> None:
    if not future.done():
        future.set_result(outcome)


def load_recording(path: Path) -> bytes:
    """Read a WAV as line audio (SpeechError with the reason if it cannot be used)."""
    return read_wav(path)


def run_bot(settings: Settings) -> None:
    """Run the bot process until it is told to stop."""
    configure_logging(settings.log_level, settings.state / "log" / "bot.jsonl")
    asyncio.run(Line(settings).serve())
