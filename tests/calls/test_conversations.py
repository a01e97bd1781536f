"""Whole conversations as real SIP calls: citizens with synthetic voices, on one running line.

The scripts are those of ``tests/conversations`` marked ``call: true``; the same are played as
text in ``tests/dialogue``. What happened is read from the call's own record and from the
line's database.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from running_line import RunningLine, alike, eventually, start_line, stop_line

from bot.app import load_packs, open_office
from bot.config import Settings
from bot.database import open_database
from bot.dialogue.types import Filed, FileTicket, People
from bot.office import Contact, Office
from bot.rehearsal import Script, Step, read_script
from bot.speech.audio import read_wav
from bot.speech.citizen import telephone
from bot.speech.types import LINE_RATE
from bot.speech.voice import Voice
from bot.telephony.phone import CallEndedError, Phone, PhoneError, PhoneTimeoutError

pytestmark = [pytest.mark.call, pytest.mark.timeout(600)]

SCRIPTS = Path(__file__).parent.parent / "conversations"
FILES = [
    file
    for file in sorted(SCRIPTS.rglob("*.yaml"))
    if "call: true" in file.read_text("utf-8").splitlines()
]
MUMBLE = Path(__file__).parent.parent / "fixtures" / "mumble_twice.wav"
#: Calls that are placed at once: more would wait for each other on two cores.
TOGETHER = 7
#: Citizens of these who may be misheard at the first try.
MISHEARD = 4
#: Seconds of silence after which the bot has said all it wants to; it pauses less than this
#: between two sentences, even while the second one is still being made.
FINISHED = 1.5
#: Seconds a citizen waits for the bot to begin, longer than its own patience with silence.
PATIENCE = 25.0
#: Seconds into a sentence of the bot at which an impatient citizen breaks in.
BREAKS_IN = 1.2
#: Pitch of the citizens, in turn.
PITCHES = (1.0, 0.97)
#: Similarity in sound (0 to 100) at which a place is the one that was said.
SAME_PLACE = 60
#: Number that people never serve at the time of the test.
CLOSED = "12300"


def packs_with_a_closed_line(folder: Path) -> Path:
    """The line's packs, and a number of the first that is closed now and for hours to come."""
    shutil.copytree(Settings().grammars, folder)
    file = folder / "beijing12345" / "pack.yaml"
    whole = yaml.safe_load(file.read_text("utf-8"))
    opens = (dt.datetime.now() + dt.timedelta(hours=12)).hour
    hours = {"opens": f"{opens:02}:00", "closes": f"{opens:02}:30"}
    whole["pack"]["lines"].append({"did": CLOSED, "title": "夜间", "hours": [hours]})
    file.write_text(yaml.safe_dump(whole, allow_unicode=True), "utf-8")
    return folder


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLine]:
    folder = tmp_path_factory.mktemp("talks")
    running = start_line(
        folder / "state",
        HOTLINE_GRAMMARS=str(packs_with_a_closed_line(folder / "grammars")),
        HOTLINE_LINES=f'{{"12345": "", "12315": "", "311": "baltimore311", "{CLOSED}": ""}}',
    )
    yield running
    assert stop_line(running) == 0, running.log.read_text()


@pytest.fixture(scope="module")
def office(line: RunningLine) -> Iterator[Office]:
    """The line's own database."""
    packs = {pack.name: pack for pack in load_packs(Settings())}
    main = Settings().pack
    opened = open_office(open_database(line.settings), lambda name: packs[name or main])
    yield opened
    opened.close()


@dataclass
class Played:
    """What came of one script."""

    script: Script
    caller: str
    record: dict[str, Any]
    queued: tuple[str, int] | None = None
    """Reason and priority, if the caller was put into the queue."""
    old: list[str] = field(default_factory=list)
    problem: str = ""


class Citizen:
    """Plays one script on a phone."""

    def __init__(self, line: RunningLine, voice: Voice, script: Script, number: int) -> None:
        self._line, self._voice, self._script = line, voice, script
        self._pitch = PITCHES[number % len(PITCHES)]
        self.caller = f"1380020{number:04}"

    def prepare(self, office: Office) -> list[str]:
        given = self._script.given
        if given.consent is not None:
            office.citizens.consent(self.caller, given.consent)
        if given.elder:
            office.citizens.remember(self.caller, elder=True)
        old = []
        for count, one in enumerate(given.tickets):
            title = office.pack("").intent(one.category).title
            contact = Contact(f"old-{self.caller}-{count}", self.caller, "12345")
            request = FileTicket(one.category, title, one.text, one.place)
            filed = office.carry_out(contact, request)
            assert isinstance(filed, Filed)
            old.append(filed.number)
        return old

    def play(self, office: Office) -> Played:
        old = self.prepare(office)
        steps = [step for step in self._script.talk if step.bot is None]
        closed = self._script.given.people is People.NIGHT
        with self._line.citizen(self.caller) as phone:
            phone.call(CLOSED if closed else self._script.line)
            phone.wait_answered(20.0)
            with contextlib.suppress(CallEndedError):
                self._talk(phone, steps)
            if steps[-1].hangs_up:
                phone.hangup()
            record = self._line.record(phone, 30.0)
            queued = self._queued(record) if record["outcome"] == "transferred" else None
        return Played(self._script, self.caller, record, queued, old)

    def _talk(self, phone: Phone, steps: list[Step]) -> None:
        since = 0.0
        for step in steps:
            if step.silence is None:
                hear(phone, since, BREAKS_IN if step.barges_in else None)
            if said := step.caller or step.barges_in:
                sound = self._voice.render(said)
                phone.speak(telephone(sound, LINE_RATE, pitch=self._pitch))
                since = phone.wait_spoken(60.0).end
            elif step.noise:
                phone.speak(read_wav(MUMBLE))
                since = phone.wait_spoken(60.0).end
            elif step.key is not None:
                for key in step.key:
                    phone.press(key)
                    since = phone.timeline[-1].end
            elif step.silence is not None:
                # What is being said now, and then what is said because nothing was answered.
                for _ in range(step.silence):
                    hear(phone, since)
                    since = phone.now
            elif step.hangs_up:
                return
        hear(phone, since)

    def _queued(self, record: dict[str, Any]) -> tuple[str, int]:
        def entry() -> Any:
            return next((one for one in self._line.queue.list() if one.id == record["id"]), None)

        found = eventually(entry, 10.0)
        return found.reason, found.priority


def hear(phone: Phone, since: float, breaks_in: float | None = None) -> None:
    """Hear the bot out, or only until it is time to break in. A silent bot is no error."""
    try:
        begins = phone.wait_sound(PATIENCE, since)
        if breaks_in is not None:
            phone.wait_until(begins + breaks_in, PATIENCE)
            return
        phone.wait_until(begins + FINISHED, PATIENCE)
        phone.wait_quiet(FINISHED, 60.0)
    except PhoneTimeoutError:
        return


@pytest.fixture(scope="module")
def calls(line: RunningLine, office: Office, citizen_voice: Voice) -> dict[Path, Played]:
    """Every script, played as a call; some at once."""
    scripts = [read_script(file) for file in FILES]
    citizens = [
        Citizen(line, citizen_voice, script, number) for number, script in enumerate(scripts)
    ]
    begun = time.monotonic()

    def play(number: int) -> Played:
        # Not all at the same moment, as in life.
        time.sleep(max(0.0, number % TOGETHER - (time.monotonic() - begun)))
        try:
            return citizens[number].play(office)
        except (AssertionError, PhoneError) as error:
            # One call that went wrong is no reason to know nothing of the others.
            return Played(scripts[number], citizens[number].caller, {}, problem=str(error))

    with ThreadPoolExecutor(TOGETHER) as pool:
        played = list(pool.map(play, range(len(FILES))))
        # The small model mishears a synthetic voice now and then, and that is not what is
        # tested here: who was misheard calls once more, from another number.
        again = [number for number, one in enumerate(played) if not as_written(one, office)]
        for number in again:
            citizens[number] = Citizen(line, citizen_voice, scripts[number], number + len(FILES))
        for number, one in zip(again, pool.map(play, again), strict=True):
            played[number] = one
    assert len(again) <= MISHEARD, [FILES[number].stem for number in again]
    return dict(zip(FILES, played, strict=True))


def as_written(played: Played, office: Office) -> bool:
    try:
        check(played, office)
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_conversation_goes_as_it_is_written_when_it_is_a_call(
    calls: dict[Path, Played], office: Office, file: Path
) -> None:
    check(calls[file], office)


def check(played: Played, office: Office) -> None:
    """Compare a call with its script."""
    assert not played.problem, played.problem
    script, record = played.script, played.record
    expect, story = script.expect, told(record)
    must_be_heard(script, record)
    if expect.outcome is not None:
        assert record["outcome"] == expect.outcome, story
    if expect.reason is not None:
        assert played.queued is not None, story
        assert played.queued[0] == expect.reason, story
    if expect.priority is not None:
        assert played.queued is not None, story
        assert played.queued[1] == expect.priority, story
    if expect.rating is not None:
        assert record["rating"] == expect.rating, story
    if expect.callback is not None:
        assert bool(office.callbacks.open_for(played.caller)) == expect.callback, story
    filed = [one for one in office.tickets.of_caller(played.caller) if one.number not in played.old]
    if expect.tickets is not None:
        assert len(filed) == expect.tickets, story
    if expect.ticket:
        ticket = office.tickets.summary(record["ticket"])
        assert ticket is not None, story
        assert ticket.category == expect.ticket.get("category", ticket.category), story
        assert alike(ticket.place, expect.ticket.get("place", "")) >= SAME_PLACE or (
            "place" not in expect.ticket
        ), story
    if expect.draft:
        drafts = [one for one in office.tickets.drafts.open() if one.caller == played.caller]
        assert drafts, story
        kept = drafts[0].fields
        assert kept["category"] == expect.draft.get("category", kept["category"])
        assert alike(kept["text"], expect.draft.get("text", kept["text"])) >= SAME_PLACE
        assert alike(kept["place"], expect.draft.get("place", kept["place"])) >= SAME_PLACE


def must_be_heard(script: Script, record: dict[str, Any]) -> None:
    """Every sentence the script wants was said, in this order."""
    said = iter([turn for turn in record["turns"] if turn["who"] == "bot"])
    for step in script.talk:
        wanted = [step.bot] if isinstance(step.bot, str) else step.bot or []
        for name in wanted:
            if name.startswith("~"):
                # What is said in between may be repeated with what was recognised.
                continue
            assert any(turn["prompt"] == name for turn in said), f"{name}\n{told(record)}"


def test_an_impatient_citizen_cuts_the_bot_short(calls: dict[Path, Played]) -> None:
    impatient = [one for one in calls.values() if any(step.barges_in for step in one.script.talk)]
    assert impatient
    for played in impatient:
        assert any("cut_at" in turn for turn in played.record["turns"]), told(played.record)


def told(record: dict[str, Any]) -> str:
    """A call to read when a test fails."""
    lines = [
        f"{turn['at']:6.1f} {turn['who']}: {turn['text']}  "
        f"{turn.get('prompt') or turn.get('intent', '')} {turn.get('cut_at', '')}"
        for turn in record["turns"]
    ]
    return "\n".join([f"outcome {record['outcome']}", *lines])
