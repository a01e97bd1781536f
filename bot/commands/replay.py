"""``hotline replay``: recordings straight through speech, understanding and dialogue.

No Asterisk, no waiting: each WAV is a caller. Beside a WAV may lie a sidecar of the same
name (``.yaml``) whose ``expect`` says what must come out; the table, ``--json`` and
``--junit`` tell whether it did. Tickets go to a database that is thrown away afterwards.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any
from xml.etree import ElementTree

import typer
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from rich.table import Table

from bot.app import (
    contact_of,
    line_endings,
    load_ears,
    load_line_pack,
    load_recording,
    load_voice,
    open_office,
)
from bot.commands.output import console
from bot.config import Settings
from bot.observe import Metrics
from bot.speech.endpointing import Endpointer, EndpointSettings
from bot.speech.types import SpeechError
from bot.speech.vad import SileroVad
from bot.telephony.calls import Call
from bot.telephony.conversation import Conversation, Parts
from bot.telephony.journal import Journal
from bot.telephony.replay import ReplayLine
from bot.telephony.trace import traced
from bot.understanding.match import Understander
from bot.understanding.pack import PackError


class Expectation(BaseModel):
    """What a recording must lead to. What is not stated is not checked."""

    model_config = ConfigDict(extra="forbid")

    intents: list[str] | None = None
    """Intent of each thing the caller says, in order; "" where nothing may be understood."""
    reason: str | None = None
    """Why the caller goes to a person (a ``TransferReason``), "" for not at all."""
    ticket: bool | None = None
    """Whether a ticket is filed."""


@dataclass(slots=True)
class Verdict:
    """One replayed recording. Times in seconds."""

    file: str
    transcript: list[str] = field(default_factory=list)
    intents: list[str] = field(default_factory=list)
    confidences: list[float] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    outcome: str = ""
    reason: str = ""
    ticket: str = ""
    latency: float | None = None
    """Longest wait from end of speech to the end of its decoding."""
    took: float = 0.0
    problems: list[str] = field(default_factory=list)
    checked: bool = False
    trace: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing differs from what was expected."""
        return not self.problems


def replay(
    paths: Annotated[list[Path], typer.Argument(help="WAV files, or folders of them.")],
    trace: Annotated[
        bool, typer.Option(help="Print each conversation, with states, reasons and timings.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit XML report.")] = None,
) -> None:
    """Replay recordings through the line's own pipeline and compare with what is expected."""
    files = list(_recordings(paths))
    if not files:
        typer.echo("Error: no .wav file there.", err=True)
        raise typer.Exit(2)
    try:
        verdicts = replay_files(Settings(), files)
    except (SpeechError, PackError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
    if trace:
        for verdict in verdicts:
            typer.echo("\n".join([f"== {Path(verdict.file).name}", *verdict.trace, ""]))
    if as_json:
        for verdict in verdicts:
            typer.echo(json.dumps({**asdict(verdict), "ok": verdict.ok}, ensure_ascii=False))
    else:
        _print(verdicts)
    if junit:
        junit.write_bytes(_junit(verdicts))
    if not all(verdict.ok for verdict in verdicts):
        raise typer.Exit(1)


def replay_files(settings: Settings, files: Iterable[Path]) -> list[Verdict]:
    """Replay each file on its own; the engines are loaded once.

    Raises:
        SpeechError, PackError: the line's own parts cannot be loaded.
    """
    pack = load_line_pack(settings)
    ears, _ = load_ears(settings, pack)
    voice, _ = load_voice(settings)
    with tempfile.TemporaryDirectory() as folder:
        office = open_office(f"sqlite:///{folder}/replay.db", lambda _: pack)
        parts = Parts(
            book=pack,
            understander=Understander(pack),
            ears=ears,
            voice=voice,
            endpointer=lambda rate: Endpointer(EndpointSettings(), SileroVad(rate), rate),
            opening=lambda call: office.opening(contact_of(call)),
            carry_out=lambda call, request: office.carry_out(contact_of(call), request),
            note=lambda call, note: office.note(contact_of(call), note),
            escalate=lambda *_: None,
            caller_gone=lambda _: None,
            metrics=Metrics(),
            endings=line_endings(pack),
        )
        return [asyncio.run(_replay(file, parts)) for file in files]


async def _replay(file: Path, parts: Parts) -> Verdict:
    verdict = Verdict(str(file))
    began = time.monotonic()
    try:
        line = ReplayLine([load_recording(file)])
    except SpeechError as error:
        verdict.problems.append(str(error))
        return verdict
    call = Call(id=file.stem, channel="replay", caller="", did="12345")
    journal = Journal(None, call)
    outcome = await Conversation(call, line, parts, journal).run()
    verdict.took = round(time.monotonic() - began, 2)
    _fill(verdict, journal.turns)
    verdict.trace = traced(journal.as_dict())
    verdict.outcome, verdict.reason, verdict.ticket = outcome.label, outcome.reason, journal.ticket
    sidecar = file.with_suffix(".yaml")
    if sidecar.exists():
        verdict.checked = True
        verdict.problems += _compare(verdict, sidecar)
    return verdict


def _fill(verdict: Verdict, turns: list[dict[str, Any]]) -> None:
    for turn in turns:
        if turn["who"] == "bot":
            verdict.answers.append(turn["text"])
        elif "intent" in turn:
            verdict.transcript.append(turn["text"])
            verdict.intents.append(turn["intent"])
            verdict.confidences.append(turn["confidence"])
            wait = turn.get("answer_latency") or 0.0
            verdict.latency = max(verdict.latency or 0.0, wait + turn["decode_seconds"])


def _compare(verdict: Verdict, sidecar: Path) -> list[str]:
    try:
        content = yaml.safe_load(sidecar.read_text("utf-8")) or {}
        expect = Expectation.model_validate(content.get("expect", {}))
    except (OSError, yaml.YAMLError, ValidationError, AttributeError) as error:
        return [f"{sidecar}: cannot be used: {error}"]
    problems = []
    if expect.intents is not None and expect.intents != verdict.intents:
        problems.append(f"intents {verdict.intents}, expected {expect.intents}")
    if expect.reason is not None and expect.reason != verdict.reason:
        problems.append(f"goes to a person for {verdict.reason!r}, expected {expect.reason!r}")
    if expect.ticket is not None and expect.ticket != bool(verdict.ticket):
        problems.append(f"ticket {verdict.ticket or 'none'}, expected {expect.ticket}")
    return problems


def _recordings(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*.wav") if not p.name.endswith(".heard.wav"))
        else:
            yield path


def _print(verdicts: list[Verdict]) -> None:
    table = Table(show_lines=True)
    for column in ("file", "transcript", "intent", "confidence", "action", "latency", "verdict"):
        table.add_column(column)
    for one in verdicts:
        action = " ".join(
            word
            for word in (one.outcome, one.reason, one.ticket and f"ticket {one.ticket}")
            if word
        )
        table.add_row(
            Path(one.file).name,
            "\n".join(one.transcript) or "-",
            "\n".join(intent or "-" for intent in one.intents) or "-",
            "\n".join(f"{value:.2f}" for value in one.confidences),
            action,
            "-" if one.latency is None else f"{one.latency:.2f} s",
            "\n".join(one.problems) or ("as expected" if one.checked else "not checked"),
        )
    out = console()
    out.print(table)
    good = sum(one.ok for one in verdicts)
    out.print(f"{good} of {len(verdicts)} as expected")


def _junit(verdicts: list[Verdict]) -> bytes:
    suite = ElementTree.Element(
        "testsuite",
        name="hotline replay",
        tests=str(len(verdicts)),
        failures=str(sum(not one.ok for one in verdicts)),
    )
    for one in verdicts:
        case = ElementTree.SubElement(
            suite, "testcase", classname="replay", name=one.file, time=str(one.took)
        )
        for problem in one.problems:
            ElementTree.SubElement(case, "failure", message=problem)
        ElementTree.SubElement(case, "system-out").text = "\n".join(one.transcript)
    return bytes(ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True))
