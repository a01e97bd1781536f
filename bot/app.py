"""Puts the rooms together: every shared part, made from the settings, for whoever needs it.

The one composition root, for a live line (``line.py``), a replay, a chat, a rehearsal or a
command: no other file makes an engine, a pack or a database for the line. Leaves to others:
all rules, and running (``line.py``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Engine

from bot.agents.types import QueueEntry, Turn
from bot.casework.callbacks import Callbacks
from bot.casework.citizens import Citizens
from bot.casework.incidents import Incidents
from bot.casework.ratings import Ratings
from bot.casework.surveys import Surveys
from bot.casework.talks import Inbox, Talks
from bot.casework.texts import Texts
from bot.casework.tickets import TicketStore
from bot.config import Settings
from bot.correspondence import Correspondence
from bot.node.render import asterisk_dirs
from bot.node.types import Say
from bot.office import Contact, Office, no_text, nobody_waits
from bot.rules import rule_book
from bot.speech import recordings
from bot.speech.archive import SoundArchive
from bot.speech.audio import read_wav, write_wav
from bot.speech.ears import Ears
from bot.speech.engines import choose_recogniser, choose_synthesiser
from bot.speech.music import compose
from bot.speech.turns import Endings
from bot.speech.types import ELDER_SPEED
from bot.speech.voice import Voice
from bot.telephony.calls import Call, Purpose
from bot.texting import Texter
from bot.understanding.live import Knowledge
from bot.understanding.pack import Pack, load_pack
from bot.understanding.schema import expansions, placeholders

log = structlog.get_logger(__name__)

#: Prompts that the dialplan plays by itself, when there is no bot to ask.
DIALPLAN_PROMPTS = ("apology_bot_lost", "caller_left", "agent_dropped", "callback_in_turn")
#: What a pack has for certain, where it lacks one of those.
INSTEAD = {"agent_dropped": "apology_bot_lost", "callback_in_turn": "goodbye"}
#: Phrases of one intent from which the ends of sentences are learnt, so that none outweighs
#: the others.
PHRASES_OF_AN_INTENT = 40


def calls_folder(settings: Settings) -> Path:
    """Where the records of calls lie."""
    return settings.state / "calls"


def open_sounds(settings: Settings) -> SoundArchive:
    """Where the sound of what callers said is kept for a while."""
    return SoundArchive(settings.state / "sounds", settings.sound_days)


def load_line_pack(settings: Settings, did: str = "") -> Pack:
    """Read the pack that usually answers a dialled number; the main one by default.

    Raises:
        PackError: with every problem, by file and line.
    """
    return load_pack(settings.grammars / settings.packs_of(did)[0])


def load_packs(settings: Settings) -> list[Pack]:
    """Read the packs of all numbers, the main one first, each once.

    Raises:
        PackError: with every problem, by file and line.
    """
    names = (name for did in ("", *settings.dids) for name in settings.packs_of(did))
    return [load_pack(settings.grammars / name) for name in dict.fromkeys(names)]


def open_office(
    database: str | Engine,
    pack_of: Callable[[str], Pack],
    queue_full: Callable[[str], bool] = nobody_waits,
    names: Sequence[str] = ("",),
    *,
    texting: bool = False,
) -> Office:
    """Open the database for what dialogues ask of other rooms.

    ``names`` are those of all packs by which tickets are worked on, the main one first;
    ``texting`` says whether there is a gateway that sends texts.

    Raises:
        CaseworkError: it cannot be used.
    """
    tickets = TicketStore(database, rules=rule_book(lambda: [pack_of(name) for name in names]))
    tickets.create_schema()
    engine = tickets.engine
    return Office(
        tickets,
        Citizens(engine),
        Ratings(engine),
        Callbacks(engine),
        Incidents(tickets.ledger),
        Surveys(tickets.ledger),
        pack_of,
        queue_full,
        Texts(tickets.ledger).send if texting else no_text,
    )


@dataclass(frozen=True, slots=True)
class TextLine:
    """What talks with citizens by text."""

    inbox: Inbox
    texts: Texts
    texter: Texter
    correspondence: Correspondence


def open_text_line(
    settings: Settings, office: Office, knowledge: Callable[[str], Knowledge]
) -> TextLine:
    """Return the parts of texting; ``knowledge`` is a pack's, by its name."""
    ledger = office.tickets.ledger
    inbox, talks = Inbox(ledger.engine, ledger.now), Talks(ledger.engine, ledger.now)
    texts = Texts(ledger, settings.sms_url, settings.sms_secret)
    texter = Texter(office.surveys, texts, lambda name: knowledge(name).pack, settings.public_url)
    answers = Correspondence(office, inbox, talks, texts, knowledge, settings.packs_of)
    return TextLine(inbox, texts, texter, answers)


def contact_of(call: Call, pack: str = "") -> Contact:
    """Return who is on a call, as the office sees it; ``pack`` is the one that answers."""
    contact = Contact(call.id, call.caller, call.did, pack)
    match call.purpose:
        case Purpose.RATING:
            # What is rated is the call before, which an agent sent back to be asked.
            return replace(contact, id=call.rated or call.id, rating=True)
        case Purpose.SURVEY:
            return replace(contact, survey=call.rated)
    return contact


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


def load_recordings(pack: Pack) -> recordings.Recordings:
    """Read what people have recorded for a pack; what can't be used is in the result."""
    cues = [
        recordings.Cue(id, variant, text, fixed=not placeholders(text))
        for id, variant, text in pack.wordings()
    ]
    return recordings.load(pack.folder / recordings.FOLDER, cues)


def speak_prompts(pack: Pack, voice: Voice, say: Say) -> None:
    """Take a pack's recordings into use and render its other fixed prompts, slowly too.

    Raises:
        SpeechError: with what to do.
    """
    found = load_recordings(pack)
    for trouble in (*found.problems, *found.stale):
        log.warning("recording.not_used", reason=trouble)
    voice.use(found.sounds, pack.name)
    for speed in (1.0, ELDER_SPEED):
        voice.build(pack.prompt_texts(), say, speed=speed)


def build_prompts(settings: Settings, say: Say) -> None:
    """Render every fixed prompt, the dialplan's own sounds and the hold music, once.

    The answers, some hundreds, are rendered by the running line while nobody calls.

    Raises:
        PackError, SpeechError: with what to do.
    """
    packs = load_packs(settings)
    pack = packs[0]
    voice, why = load_voice(settings)
    say(f"      voice {why}")
    for one in packs:
        speak_prompts(one, voice, say)
    dirs = asterisk_dirs(settings)
    for folder in (dirs.sounds, dirs.music):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for prompt in DIALPLAN_PROMPTS:
        # Asterisk takes the newest rendering; a prompt that was reworded is spoken anew.
        known = prompt if prompt in pack.prompts else INSTEAD.get(prompt, prompt)
        write_wav(dirs.sounds / f"{prompt}.wav", voice.render(pack.prompt(known)))
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
        transcript=tuple(
            Turn(turn["who"], turn["text"], turn["at"], turn.get("mark", 0)) for turn in turns
        ),
        candidates=tuple(
            (one["intent"], one["title"], one["confidence"]) for one in last.get("candidates", ())
        ),
        ticket=record["ticket"],
    )


def load_recording(path: Path) -> bytes:
    """Read a WAV as line audio (SpeechError with the reason if it cannot be used)."""
    return read_wav(path)
