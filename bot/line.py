"""A running line: every server and every background task of one node, until it is told to stop.

Leaves to others: what it is made of (``app.py``), and all rules.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import signal
from collections.abc import Collection, Mapping
from concurrent.futures import Future
from functools import partial
from importlib.metadata import version
from typing import Any
from zoneinfo import ZoneInfo

import structlog
import uvicorn

from bot.agents.calling_back import CallingBack
from bot.agents.desk import Desk
from bot.agents.directory import Directory
from bot.agents.queue import AgentQueue, QueueUnavailable
from bot.agents.talk import Talk
from bot.agents.types import Candidates, QueueEntry
from bot.app import (
    calls_folder,
    contact_of,
    line_endings,
    load_ears,
    load_line_pack,
    load_packs,
    load_recordings,
    load_voice,
    open_office,
    open_sounds,
    open_text_line,
    queue_entry,
    speak_prompts,
)
from bot.casework.api_keys import ApiKeys
from bot.casework.clocks import Clock
from bot.casework.outbox import Outbox
from bot.casework.retention import Policy, Retention
from bot.config import Settings
from bot.database import open_database
from bot.dialogue.types import Note, Remember, Transfer
from bot.node.browser_phone import sip_script
from bot.node.render import asterisk_dirs
from bot.node.secrets import load_secrets
from bot.observe import Metrics, configure_logging
from bot.office import Contact
from bot.practice import PREFIX, PracticeHall
from bot.promises import Promises, policy_of
from bot.rounds import again, sending
from bot.services import open311_services
from bot.speech.endpointing import Endpointer, EndpointSettings
from bot.speech.turns import Endings
from bot.speech.types import SpeechError
from bot.speech.vad import SileroVad, SparingVad
from bot.surveyor import Surveyor
from bot.telephony.agi import AgiServer, CallAgi, asked_for, take_call
from bot.telephony.audiosocket import AudioSocketLine, serve_audio
from bot.telephony.calls import Call, CallBook, Outcome, Purpose
from bot.telephony.conversation import Conversation, Parts
from bot.telephony.journal import Journal, add_talk, read_call
from bot.telephony.outgoing import Outgoing
from bot.telephony.phone import Phone
from bot.telephony.switchboard import AmiSwitchboard
from bot.telephony.tap import Taps
from bot.telephony.waiting import Announcer
from bot.texting import kind_of
from bot.training.records import TrainingRecords
from bot.training.room import TrainingRoom
from bot.training.speaking import speak
from bot.transcripts import Transcripts, subjects
from bot.understanding.live import Knowledge, LivePack
from bot.understanding.pack import Pack, PackError
from bot.web.accounts import Accounts
from bot.web.app import Reload, create_web
from bot.web.audit import Audit
from bot.web.backoffice import backoffice_app
from bot.web.feed import Feed
from bot.web.open311 import open311_app
from bot.web.pages import House
from bot.web.records import Records
from bot.web.sessions import Sessions
from bot.web.survey_pages import survey_pages
from bot.web.text_gate import text_gate

log = structlog.get_logger(__name__)

#: Seconds between two looks at whether the queue and Asterisk agree.
RECONCILE_EVERY = 2.0
#: Seconds between two looks at whether the line is quiet, and whether answers are missing.
QUIET_EVERY, LOOK_EVERY = 2.0, 60.0
#: Seconds between two looks at which sounds have been kept for long enough.
SWEEP_EVERY = 6 * 3600.0
#: Seconds between two looks at which personal fields have been kept for long enough.
FORGET_EVERY = 24 * 3600.0
#: Seconds between two looks at the deadlines of tickets.
TICK_EVERY = 60.0
#: Seconds between two looks at whether a back office or a citizen is to be sent something.
SEND_EVERY = 2.0
#: Seconds between two looks at whether a citizen has written.
ANSWER_EVERY = 1.0
#: Where a call's priority comes from when its bot was lost before it could say.
LOST_PRIORITY = 3


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
        self.queue = AgentQueue(settings.redis_address)
        self.switchboard = AmiSwitchboard(
            settings.ami_port,
            self.secrets.ami_password,
            listener=lambda: self,
            on_connected=lambda up: self.metrics.asterisk_connected.set(int(up)),
            outbound=settings.outbound,
        )
        self.outgoing = Outgoing(self.switchboard, settings.outbound, settings.dids[0])
        self.desk = Desk(
            self.queue,
            self.switchboard,
            settings.ring_seconds,
            node=settings.node,
            calling=self._calling_back(),
        )
        self.talk = Talk(
            self.desk,
            self.queue,
            self.switchboard,
            settings.ring_seconds,
            Directory(self._extensions, self._unit_numbers),
        )
        self.announcer = Announcer(
            self.desk,
            self.queue,
            self.voice.render,
            lambda: self.live().current.pack,
            asterisk_dirs(settings).sounds / "waiting",
            settings.announce_seconds,
        )
        self.book = CallBook()
        self.sounds = open_sounds(settings)
        self.taps = Taps(
            lambda leg, ear: self.switchboard.spy(leg, ear, settings.audio_port),
            lambda: Endpointer(EndpointSettings(), SparingVad(SileroVad())),
        )
        self.transcripts = Transcripts(
            self.queue,
            self.taps,
            self.ears,
            self._subjects,
            lambda call_id: (self._record(call_id) or {}).get("began_at", 0.0),
            lambda call_id, talk: add_talk(calls_folder(settings), call_id, talk),
            self.metrics,
            settings.node,
            settings.transcribed_talks,
        )
        self._talking = 0
        self._endings: dict[str, tuple[str, Endings]] = {}
        packs = load_packs(settings)
        # The new sentences of a new pack are spoken before the first caller wants them.
        self.packs = {pack.name: LivePack(pack, prepare=self._speak_ahead) for pack in packs}
        for pack in packs:
            self.voice.use(load_recordings(pack).sounds, pack.name)
            self._endings_of(pack)
            self.metrics.pack_in_use(pack.name, pack.version)
        self.office = open_office(
            open_database(settings),
            self._pack_of,
            lambda _: self.queue.waiting_count() >= settings.queue_limit,
            tuple(self.packs),
            texting=bool(settings.sms_url),
        )
        self.surveyor = Surveyor(
            self.office.surveys,
            self.outgoing.call_out,
            settings.dids[0],
            busy=lambda: self.queue.waiting_count() > 0,
            # Without a gateway everybody is called, whatever the pack says.
            by="call" if settings.sms_url else "",
        )
        self.text_line = open_text_line(settings, self.office, self._knowledge_of)
        self.promises = Promises(self.office.callbacks, self.queue, self._recall)
        self.practice = PracticeHall(
            AgentQueue(settings.redis_address, prefix=PREFIX),
            self.switchboard,
            self._synthetic_phone,
            partial(speak, self.voice),
            self._understood,
            TrainingRecords(self.office.tickets.engine),
            lambda: self.live().current.pack,
            settings.ring_seconds,
            settings.node,
            busy=lambda: self.ears.full,
        )

    def live(self, name: str = "") -> LivePack:
        """A pack by name; the main one by default."""
        return self.packs[name or self.settings.packs_of("")[0]]

    def _knowledge_of(self, name: str) -> Knowledge:
        """A pack by the name that a ticket or a call carries; the main one for any other."""
        return self.live(name if name in self.packs else "").current

    def _pack_of(self, name: str) -> Pack:
        return self._knowledge_of(name).pack

    def parts(self, call: Call) -> Parts:
        """What a call that begins now is made of. It keeps this pack to its end. May block."""
        names, office = self.settings.packs_of(call.did), self.office
        contact = contact_of(call, office.usual_pack(call.caller, names))
        knowledge = self.live(contact.pack).current
        return Parts(
            book=knowledge.pack,
            understander=knowledge.understander,
            ears=self.ears,
            voice=self.voice,
            endpointer=lambda rate: Endpointer(EndpointSettings(), SileroVad(rate), rate),
            opening=lambda _: office.opening(contact),
            carry_out=lambda _, request: office.carry_out(contact, request),
            note=lambda _, note: self._note(contact, note),
            escalate=self._escalate,
            caller_gone=lambda call: self.desk.caller_gone(call.id),
            metrics=self.metrics,
            endings=self._endings_of(knowledge.pack),
            keep_sound=lambda call, mark, pcm, rate: self.sounds.keep(
                call.caller, call.id, mark, pcm, rate
            ),
        )

    # --- the pack ----------------------------------------------------------------------

    def _endings_of(self, pack: Pack) -> Endings:
        version, endings = self._endings.get(pack.name, ("", None))
        if endings is None or version != pack.version:
            endings = line_endings(pack)
            self._endings[pack.name] = (pack.version, endings)
        return endings

    @property
    def _packs_in_use(self) -> list[Pack]:
        return [live.current.pack for live in self.packs.values()]

    def _speak_ahead(self, pack: Pack) -> None:
        self._endings_of(pack)
        speak_prompts(pack, self.voice, log.debug)
        log.info("pack.spoken_ahead", pack=pack.name)

    async def _speak_answers_ahead(self) -> None:
        """Render answers that nobody has asked for yet, while nobody talks."""
        while True:
            texts = [text for pack in self._packs_in_use for text in pack.spoken_texts()]
            missing = await asyncio.to_thread(self.voice.missing, texts)
            for sentence in missing:
                while self._talking:
                    await asyncio.sleep(QUIET_EVERY)
                try:
                    await asyncio.to_thread(self.voice.build, [sentence], log.debug)
                except SpeechError as error:
                    log.error("pack.not_spoken", error=str(error))
            if missing:
                log.info("pack.answers_spoken_ahead", sentences=len(missing))
            await asyncio.sleep(LOOK_EVERY)

    def reload(self) -> Reload:
        """Read the packs' files anew and use them for new calls. Blocks for some seconds.

        Returns what came of the main pack, or of the first other one that has changed.

        Raises:
            PackError: with all problems of a pack; its old version stays in use.
            SpeechError: a new sentence can't be spoken; the pack's old version stays in use.
        """
        done = [self._reload(live) for live in self.packs.values()]
        return next((one for one in done if one.version != one.previous), done[0])

    def _reload(self, live: LivePack) -> Reload:
        result = "failed"
        try:
            old, new = live.reload()
            result = "unchanged" if new is old else "changed"
        except PackError as error:
            result = "refused"
            log.error("pack.refused", problems=[str(problem) for problem in error.problems])
            raise
        finally:
            self.metrics.pack_reloads_total.labels(result=result).inc()
            self.metrics.pack_reload_ok.set(result in ("changed", "unchanged"))
        # Recordings are no part of the pack's version: they may be new though it is not.
        self.voice.use(load_recordings(new.pack).sounds, new.pack.name)
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

    def _escalate(self, transfer: Transfer, journal: Journal) -> None:
        entry = queue_entry(journal.as_dict(), transfer.reason.value, transfer.priority)
        self.desk.escalate(entry)
        log.info("call.escalated", reason=entry.reason, priority=entry.priority)

    def _note(self, contact: Contact, note: Note) -> None:
        self.office.note(contact, note)
        if isinstance(note, Remember) and note.forget:
            self.sounds.erase(contact.caller)

    def _subjects(self, text: str) -> Candidates:
        knowledge = self.live().current
        understanding = knowledge.understander.understand(text)
        return subjects(understanding, knowledge.pack.thresholds.clarify)

    def _record(self, call_id: str) -> dict[str, Any] | None:
        return read_call(calls_folder(self.settings), call_id)

    def _recall(self, call_id: str) -> QueueEntry | None:
        record = self._record(call_id)
        return queue_entry(record, "bot_lost", LOST_PRIORITY) if record else None

    def _calling_back(self) -> CallingBack | None:
        """How agents call citizens back; None without a way out."""
        if not self.settings.trunk:
            return None
        # Asked for when somebody is called: the office is made after this.
        policy = policy_of(lambda: self.office.tickets.ledger.rules)
        return CallingBack(self.queue, self.outgoing, self.settings.ring_seconds, policy)

    def _extensions(self) -> Collection[str]:
        # Read anew: `hotline agent add` gives a running line new agents.
        return load_secrets(self.settings).agent_passwords.keys()

    def _unit_numbers(self) -> Mapping[str, str]:
        """Units that can be rung, by number; none without a way out."""
        if not self.settings.trunk:
            return {}
        units = [unit for pack in self._packs_in_use for unit in pack.units]
        return {unit.phone: unit.name for unit in units if unit.phone}

    # --- what happens on the lines (``switchboard.Listener``) ---------------------------

    def caller_gone(self, entry_id: str) -> None:
        """A caller hung up."""
        self.desk.caller_gone(entry_id)

    def agent_gone(self, entry_id: str, leg: str, *, dropped: bool) -> None:
        """An agent's leg ended."""
        self.desk.agent_gone(entry_id, leg, dropped=dropped)
        self.practice.agent_gone(entry_id, leg, dropped=dropped)

    def consulted_gone(self, entry_id: str, leg: str) -> None:
        """Whoever an agent consulted hung up."""
        self.desk.consulted_gone(entry_id, leg)

    def key_pressed(self, entry_id: str, digit: str) -> None:
        """A caller who has left the bot pressed a key."""
        self.announcer.key_pressed(entry_id, digit)

    def caller_moved(self, entry_id: str, *, holding: bool) -> None:
        """A caller who has left the bot is with somebody, or hears music."""
        self.transcripts.hold(entry_id, holding)

    # --- practice calls ------------------------------------------------------------------

    def _synthetic_phone(self, caller: str) -> Phone:
        settings = self.settings
        host = "127.0.0.1" if settings.bind in ("0.0.0.0", "::") else settings.bind
        server = f"{host}:{settings.sip_port}"
        return Phone("practice", self.secrets.practice_password, server, caller=caller)

    def _understood(self, pcm: bytes) -> str:
        """Words of a trainee. Blocks; not for the event loop."""

        async def hear() -> str:
            hearing = self.ears.open()
            hearing.feed(pcm)
            return (await hearing.finish()).text

        return asyncio.run(hear())

    # --- pages -------------------------------------------------------------------------

    def house(self) -> House:
        """What the pages are made of."""
        engine = self.office.tickets.engine

        def password(extension: str) -> str:
            return load_secrets(self.settings).agent_passwords.get(extension, "")

        return House(
            accounts=Accounts(engine),
            sessions=Sessions(engine),
            audit=Audit(engine),
            records=Records(engine),
            tickets=self.office.tickets,
            citizens=self.office.citizens,
            queue=self.queue,
            desk=self.desk,
            talk=self.talk,
            floor=self.switchboard,
            metrics=self.metrics,
            feed=Feed(self.queue.changes_async),
            pack=lambda: self.live().current.pack,
            record=self._record,
            sound=self.sounds.find,
            phone_password=password,
            phone_url=self.settings.phone_address,
            sip_script=sip_script(self.settings),
            training=TrainingRoom(
                TrainingRecords(engine), partial(speak, self.voice), self.practice
            ),
        )

    # --- servers -----------------------------------------------------------------------

    def _on_agi(self, agi: CallAgi) -> None:
        wish = asked_for(agi)
        if wish == "waiting":
            self.announcer.play(agi)
        else:
            take_call(agi, self.book, self.settings.audio_port, Purpose(wish))

    async def _on_sound(self, call_id: str, line: AudioSocketLine) -> None:
        if await self.taps.arrive(call_id, line):
            return
        arrived = self.book.arrive(call_id)
        if arrived is None:
            log.warning("call.unknown", call=call_id)
            line.close()
            return
        call, future = arrived
        line.rate = call.rate
        with structlog.contextvars.bound_contextvars(call=call.id):
            log.info("call.began", caller=call.caller, did=call.did, rate=call.rate)
            journal = Journal(calls_folder(self.settings), call)
            self._talking += 1
            try:
                parts = await asyncio.to_thread(self.parts, call)
                outcome = await Conversation(call, line, parts, journal).run()
                await asyncio.to_thread(self._count, call, outcome)
            finally:
                self._talking -= 1
            log.info("call.ended", outcome=outcome.label, next=outcome.next.value)
        _resolve(future, outcome)

    def _count(self, call: Call, outcome: Outcome) -> None:
        """Count a citizen's call for the wallboard; not those that the line made itself."""
        if call.purpose is not Purpose.CALL:
            return
        today = dt.datetime.now(ZoneInfo(self.live().current.pack.office.zone)).date()
        try:
            self.queue.tally.count(outcome.label, today)
        except QueueUnavailable as error:
            log.warning("call.not_counted", error=str(error))

    async def _reconcile(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self.desk.reconcile, self._recall)
                await asyncio.to_thread(self.announcer.look)
                await asyncio.to_thread(self.promises.look)
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

    def health(self) -> dict[str, Any]:
        """Every part and whether it is well, for ``/healthz``."""
        packs = self._packs_in_use
        return {
            "asterisk": self.switchboard.connected,
            "redis": self.queue.reachable(),
            "asr": self.ears.name,
            "tts": self.voice.name,
            "pack": "、".join(f"{pack.name} {pack.version}" for pack in packs),
        }

    async def serve(self) -> None:
        """Serve calls until SIGTERM or SIGINT; SIGHUP reloads the pack."""
        settings = self.settings
        policy = Policy.of(settings.retention)
        audio = await serve_audio(settings.audio_port, self._on_sound)
        agi = AgiServer(settings.agi_port, self._on_agi)
        agi.start()
        self.switchboard.start()
        texts, office = self.text_line, self.office
        tickets = office.tickets
        erase = Retention(tickets.ledger).run
        rounds = [
            self._reconcile(),
            self._speak_answers_ahead(),
            again("sounds.swept", SWEEP_EVERY, self.sounds.sweep),
            again("tickets.watched", TICK_EVERY, Clock(tickets.ledger).tick),
            again("webhooks", SEND_EVERY, sending("webhooks", Outbox(tickets.engine))),
            again("retention.ran", FORGET_EVERY, partial(erase, policy, "system:retention")),
        ]
        if settings.transcribed_talks:
            rounds.append(self.transcripts.watch())
        if settings.trunk:
            rounds.append(again("surveys.called", settings.survey_seconds, self.surveyor.look))
        if settings.sms_url:
            rounds.append(again("surveys.texted", settings.survey_seconds, texts.texter.look))
            rounds.append(again("texts", SEND_EVERY, sending("texts", texts.texts)))
            rounds.append(again("texts.answered", ANSWER_EVERY, texts.correspondence.look))
        background = [asyncio.create_task(one) for one in rounds]
        web = create_web(
            self.desk,
            self.queue,
            self.metrics,
            self.health,
            self.reload,
            self.secrets.api_token,
            self.talk,
            self.house(),
            [
                survey_pages(office.surveys, lambda one: kind_of(self._pack_of(one.pack), one)),
                text_gate(texts.inbox, settings.sms_secret),
            ],
        )
        keys = ApiKeys(tickets.engine)
        web.mount(
            "/open311/v2",
            open311_app(tickets, keys, lambda: open311_services(self.live().current.pack)),
        )
        web.mount("/api/v1", backoffice_app(tickets, keys))
        server = uvicorn.Server(
            uvicorn.Config(
                web,
                host="127.0.0.1",
                port=settings.http_port,
                log_config=None,
                access_log=False,
                # Pages hold their connection open for news; they come back by themselves.
                timeout_graceful_shutdown=2,
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
            await self.transcripts.close()
            self.sounds.close()
            log.info("line.stopped")


def _resolve(future: Future[Outcome], outcome: Outcome) -> None:
    if not future.done():
        future.set_result(outcome)


def run_bot(settings: Settings) -> None:
    """Run the bot process until it is told to stop."""
    configure_logging(settings.log_level, settings.state / "log" / "bot.jsonl")
    asyncio.run(Line(settings).serve())
