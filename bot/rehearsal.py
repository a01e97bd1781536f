"""Scripted conversations: who says what, what the line must say and do. As text, and fast.

A script is a YAML file that reads as a conversation (``Script``); it is played through the
real understanding, policy and casework of a pack. The same files are played as real calls in
``tests/calls``. Leaves to others: sound, and finding the files (``commands/rehearse.py``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bot.dialogue.policy import Decision, decide, start
from bot.dialogue.types import (
    PORTS,
    Event,
    Failed,
    Filed,
    FileTicket,
    HangUp,
    Heard,
    HungUp,
    KeepDraft,
    Listen,
    Note,
    People,
    PeopleAre,
    Port,
    Pressed,
    Rate,
    Remember,
    Request,
    Say,
    SeekPerson,
    Silent,
    Transfer,
)
from bot.office import Contact, Office
from bot.understanding.live import Knowledge
from bot.understanding.types import Understanding

#: Events that one thing the caller does may lead to without them: a chain of requests.
CHAIN = 6


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(_Model):
    """One thing that happens. ``bot`` says what must be heard after the step before it."""

    bot: list[str] | str | None = None
    """Names of prompts or intents that the line says, in this order; or, after "~", a text
    that must be in what it says."""
    caller: str | None = None
    """What the caller says; ``{ticket}`` is the number of the last of the given tickets,
    ``{tail}`` its last four digits (in ``key`` too)."""
    barges_in: str | None = None
    """As caller, but while the bot is still speaking."""
    key: str | None = None
    """Keys, one after the other."""
    silence: int | None = None
    """Times that the caller's patience runs out."""
    noise: bool = False
    """Something is heard, but no words."""
    hangs_up: bool = False

    @model_validator(mode="after")
    def _one_thing(self) -> Step:
        given = self.model_dump(exclude_defaults=True)
        if len(given) != 1:
            raise ValueError(f"a step is one thing, this one is {sorted(given)}")
        return self


class OldTicket(_Model):
    """A ticket that the caller filed some days ago."""

    category: str
    text: str = "以前反映的事"
    place: str = ""


class Given(_Model):
    """What holds before the call."""

    consent: bool | None = None
    elder: bool = False
    tickets: list[OldTicket] = []
    people: People = People.THERE
    failing: list[Port] = []
    """Rooms that can't do their part."""


class Expect(_Model):
    """What must have come out. What is not stated is not checked."""

    outcome: str | None = None
    """As in ``HangUp``; ``transferred`` for a person."""
    reason: str | None = None
    """Why a person: a ``TransferReason``."""
    priority: int | None = None
    ticket: dict[str, str] | None = None
    """Fields of the last ``FileTicket`` that must hold these texts; empty for none at all."""
    tickets: int | None = None
    draft: dict[str, str] | None = None
    rating: int | None = None
    callback: bool | None = None
    consent: bool | None = None
    turns_at_most: int | None = None
    """Things the caller says or presses until the ticket is filed."""


class Script(_Model):
    """A conversation, from the ring to the end."""

    title: str
    line: str = "12345"
    caller: str = "13800138000"
    at: dt.datetime = dt.datetime(2026, 11, 25, 10, 0)
    policy: str = ""
    call: bool = False
    """Fit to be played as a real call, with a synthesised citizen."""
    given: Given = Given()
    talk: list[Step] = Field(min_length=1)
    expect: Expect = Expect()


@dataclass(slots=True)
class Report:
    """How a script went."""

    title: str
    lines: list[str] = field(default_factory=list)
    """The conversation, readable."""
    problems: list[str] = field(default_factory=list)
    turns: int = 0
    """Things the caller said or pressed."""
    turns_to_ticket: int | None = None


class ScriptError(Exception):
    """A file that is no script; the message says why."""


def read_script(path: Path) -> Script:
    """Read a script.

    Raises:
        ScriptError: with the file and what is wrong with it.
    """
    try:
        return Script.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise ScriptError(f"{path}: {error}") from error


class Rehearsal:
    """Plays one script. ``office`` should be one of its own: its tickets stay in it."""

    def __init__(self, script: Script, knowledge: Knowledge, office: Office) -> None:
        self._script = script
        self._knowledge = knowledge
        self._office = replace(office, clock=self._now)
        self._old: list[str] = []
        self._contact = Contact(
            f"rehearsal-{script.title}", script.caller, script.line, knowledge.pack.name
        )
        self._state = start(knowledge.pack)
        self._decision: Decision | None = None
        self._heard: list[Say] = []
        self._done: list[Any] = []
        self.report = Report(script.title)

    def play(self) -> Report:
        """Play the script to its end and compare with what is expected."""
        self._prepare()
        self._happens(self._office.opening(self._contact))
        if self._script.policy:
            # Nothing has been asked yet, so it is as if the lot had drawn this one.
            self._state = replace(self._state, policy=self._script.policy)
        for number, step in enumerate(self._script.talk, 1):
            if step.bot is None and self._over:
                self._problem(f"step {number}: the call is over already")
                break
            self._step(number, step)
        self._check()
        return self.report

    # --- before --------------------------------------------------------------------------

    def _prepare(self) -> None:
        given, pack = self._script.given, self._knowledge.pack
        if given.consent is not None:
            self._office.citizens.consent(self._script.caller, given.consent)
        if given.elder:
            self._office.citizens.remember(self._script.caller, elder=True)
        for number, old in enumerate(given.tickets):
            category = pack.intent(old.category)
            filed = self._office.carry_out(
                replace(self._contact, id=f"{self._contact.id}-old-{number}"),
                FileTicket(old.category, category.title, old.text, old.place),
            )
            assert isinstance(filed, Filed)
            self._old.append(filed.number)

    def _now(self) -> dt.datetime:
        return self._script.at.astimezone()

    # --- the conversation -------------------------------------------------------------------

    @property
    def _last(self) -> object:
        assert self._decision is not None
        return self._decision.actions[-1]

    @property
    def _over(self) -> bool:
        return isinstance(self._last, Transfer | HangUp)

    def _step(self, number: int, step: Step) -> None:
        if step.bot is not None:
            wanted = [step.bot] if isinstance(step.bot, str) else step.bot
            self._must_hear(number, wanted)
            return
        self._heard = []
        if step.caller is not None:
            self._says(step.caller)
        elif step.barges_in is not None:
            self._says(step.barges_in, barged_in=True)
        elif step.key is not None:
            for key in self._told(step.key):
                if self._over:
                    self._problem(f"step {number}: the call is over before key {key}")
                    break
                self._note(f"来电人：[{key}]")
                self._happens(Pressed(key))
            self.report.turns += 1
        elif step.silence is not None:
            for _ in range(step.silence):
                self._note("来电人：……")
                self._happens(Silent())
        elif step.noise:
            self._note("来电人：（听不清）")
            self._happens(Heard(Understanding("", "")))
            self.report.turns += 1
        elif step.hangs_up:
            self._note("来电人：（挂机）")
            self._happens(HungUp())

    def _told(self, text: str) -> str:
        """Put the number of the newest old ticket, or its last four digits, into a text."""
        number = self._old[-1] if self._old else ""
        return text.replace("{ticket}", number).replace("{tail}", number[-4:])

    def _says(self, text: str, *, barged_in: bool = False) -> None:
        text = self._told(text)
        about = self._last.about if isinstance(self._last, Listen) else ""
        said = self._knowledge.understander.understand(text, about=about, now=self._script.at)
        best = said.best
        meant = f"{best.intent} {best.confidence:.2f}" if best else "-"
        self._note(f"来电人：{text}    〔{meant}〕")
        self.report.turns += 1
        self._happens(Heard(said, barged_in=barged_in))

    def _happens(self, event: Event) -> None:
        for _ in range(CHAIN):
            self._decision = decide(self._state, event, self._knowledge.pack)
            self._state = self._decision.state
            for action in self._decision.actions:
                if isinstance(action, Say):
                    self._heard.append(action)
                    self._note(f"热线：{action.text}    〔{action.prompt}〕")
                elif not isinstance(action, Listen):
                    self._done.append(action)
                    if not isinstance(action, Request):
                        self._note(f"    → {action}")
                if isinstance(action, Note):
                    self._office.note(self._contact, action)
            last = self._last
            if not isinstance(last, Request):
                return
            event = self._answer(last)
        raise AssertionError("requests lead to requests without end")

    def _answer(self, request: Request) -> Event:
        given = self._script.given
        port = PORTS[type(request)]
        if port in given.failing:
            return Failed(port)
        if isinstance(request, SeekPerson) and given.people is not People.THERE:
            return PeopleAre(given.people)
        event = self._office.carry_out(self._contact, request)
        if isinstance(event, Filed) and self.report.turns_to_ticket is None:
            self.report.turns_to_ticket = self.report.turns
        return event

    # --- the verdict --------------------------------------------------------------------------

    def _note(self, line: str) -> None:
        self.report.lines.append(line)

    def _problem(self, text: str) -> None:
        self.report.problems.append(text)

    def _must_hear(self, number: int, wanted: list[str]) -> None:
        said = iter(self._heard)
        for one in wanted:
            found = (
                any(one[1:] in say.text for say in self._heard)
                if one.startswith("~")
                else any(say.prompt == one for say in said)
            )
            if not found:
                heard = ", ".join(say.prompt for say in self._heard) or "nothing"
                self._problem(f"step {number}: {one!r} was not heard, but {heard}")
                return

    def _check(self) -> None:
        expect = self._script.expect
        last = self._last
        outcome = "transferred" if isinstance(last, Transfer) else ""
        outcome = last.outcome if isinstance(last, HangUp) else outcome
        self._same("outcome", expect.outcome, outcome or "going on")
        if isinstance(last, Transfer):
            self._same("reason", expect.reason, last.reason.value)
            self._same("priority", expect.priority, last.priority)
        elif expect.reason is not None:
            self._problem(f"nobody was sent to a person, expected {expect.reason}")
        filed = [one for one in self._done if isinstance(one, FileTicket)]
        self._same("tickets", expect.tickets, len(filed))
        self._fields("ticket", expect.ticket, filed)
        drafts = [one for one in self._done if isinstance(one, KeepDraft)]
        self._fields("draft", expect.draft, drafts)
        ratings = [one.score for one in self._done if isinstance(one, Rate)]
        self._same("rating", expect.rating, ratings[-1] if ratings else None)
        booked = bool(self._office.callbacks.open_for(self._script.caller))
        self._same("callback", expect.callback, booked)
        consents = [one.consent for one in self._done if isinstance(one, Remember)]
        self._same("consent", expect.consent, consents[-1] if consents else None)
        most = expect.turns_at_most
        if most is not None and (self.report.turns_to_ticket or 99) > most:
            self._problem(f"ticket after {self.report.turns_to_ticket} turns, at most {most}")

    def _same(self, what: str, wanted: object, is_: object) -> None:
        if wanted is not None and wanted != is_:
            self._problem(f"{what} is {is_!r}, expected {wanted!r}")

    def _fields(self, what: str, wanted: dict[str, str] | None, made: list[Any]) -> None:
        if wanted is None:
            return
        if not wanted or not made:
            if bool(wanted) != bool(made):
                self._problem(f"{what}: {made or 'none'}, expected {wanted or 'none'}")
            return
        for name, text in wanted.items():
            value = str(getattr(made[-1], name))
            if text not in value:
                self._problem(f"{what}.{name} is {value!r}, expected {text!r}")


def rehearse(path: Path, knowledge: Callable[[str], Knowledge], office: Office) -> Report:
    """Play the script of a file; ``knowledge`` gives what answers a dialled number.

    Raises:
        ScriptError: the file is no script.
    """
    script = read_script(path)
    return Rehearsal(script, knowledge(script.line), office).play()
