"""``hotline call``: a real SIP call to the running line, from a scripted phone.

Says WAVs, presses keys, saves what it hears, and prints both sides of the exchange: what the
caller's recording shows (times, and words by recognising the recording) and what the bot wrote
down. ``prove_line`` is the same call as ``make run`` places to itself.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from bot.app import calls_folder, load_ears, load_line_pack
from bot.commands.output import console
from bot.config import Settings
from bot.node.secrets import load_secrets
from bot.node.types import SetupError
from bot.speech.audio import read_wav, write_wav
from bot.speech.types import SpeechError
from bot.telephony.journal import find_call
from bot.telephony.listening import RATE
from bot.telephony.phone import Phone, PhoneError, PhoneTimeoutError
from bot.telephony.phone_script import CallReport, run_script
from bot.understanding.pack import PackError

#: Seconds in which a running line answers.
ANSWER = 3.0
#: Seconds the bot may take to finish its record of a call that is over.
RECORD = 3.0
#: Number the testers' phone shows when none is given.
CALLER = "13800138000"


def call(
    files: Annotated[list[Path] | None, typer.Argument(help="WAVs to say, in order.")] = None,
    to: Annotated[str, typer.Option(help="Number to dial; default: the line's first.")] = "",
    dtmf: Annotated[str, typer.Option(help="Keys to press after the last WAV.")] = "",
    caller: Annotated[str, typer.Option("--from", help="Number to show.")] = CALLER,
    barge_in: Annotated[
        float | None,
        typer.Option(min=0.0, help="Begin to speak this many seconds into what the bot says."),
    ] = None,
    save: Annotated[
        Path | None, typer.Option(help="Where to save what is heard; default: beside the WAV.")
    ] = None,
    recognise: Annotated[bool, typer.Option(help="Put what is heard into words.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Call the running line, say WAVs, press keys, and show the exchange with timings."""
    settings = Settings()
    said = files or []
    target = save or (said[0].with_suffix(".heard.wav") if said else Path("call.heard.wav"))
    try:
        clips = [read_wav(file) for file in said]
        report = place_call(
            settings, clips, to=to, digits=dtmf, caller=caller, barge_in_after=barge_in
        )
        write_wav(target, report.heard)
    except (PhoneError, SetupError, SpeechError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
    except OSError as error:
        typer.echo(f"Error: cannot save {target}: {error.strerror}; see --save.", err=True)
        raise typer.Exit(1) from error
    record = exchange_of(settings, report)
    words, note = words_heard(settings, report) if recognise else ({}, "")
    if as_json:
        typer.echo(json.dumps(_as_data(report, said, words, record, target), ensure_ascii=False))
        return
    _print_heard(report, said, words)
    _print_record(record)
    typer.echo(f"Heard: {target}" + (f" ({note})" if note else ""))


def prove_line(settings: Settings, question: Path) -> None:
    """Ask the running line a question over SIP; print how it was understood and answered.

    Raises:
        SetupError: the line does not understand, or does not answer aloud; says which.
    """
    try:
        report = place_call(settings, [read_wav(question)])
    except (PhoneError, SpeechError) as error:
        raise SetupError(f"The self-call failed: {error}") from error
    record = exchange_of(settings, report)
    _print_record(record)
    turn = report.turns[0] if report.turns else None
    log = settings.state / "log" / "bot.log"
    if turn is None or turn.latency is None:
        raise SetupError(f"The self-call heard no answer to its question; see {log}.")
    if record is None or not any(said.get("intent") for said in record["turns"]):
        raise SetupError(f"The self-call's question was not understood; see {log}.")
    typer.echo(
        f"Answered {1000 * report.answered_after:.0f} ms after dialling; the answer began "
        f"{turn.latency:.2f} s after the end of the question."
    )


def place_call(
    settings: Settings,
    clips: Sequence[bytes],
    *,
    to: str = "",
    digits: str = "",
    caller: str = CALLER,
    barge_in_after: float | None = None,
) -> CallReport:
    """Call this node's line as its tester and go through the script.

    Raises:
        PhoneError: the line is not running, refuses the call, or the phone failed; says
            what to do.
        SetupError: the node's secrets cannot be read.
    """
    host = "127.0.0.1" if settings.bind in ("0.0.0.0", "::") else settings.bind
    server = f"{host}:{settings.sip_port}"
    password = load_secrets(settings).citizen_password
    number = to or settings.dids[0]
    with Phone("tester", password, server, caller=caller) as phone:
        phone.call(number)
        try:
            phone.wait_answered(ANSWER)
        except PhoneTimeoutError as error:
            raise PhoneError(
                f"Nobody answers at {server}: the line is not running. Start it with `make run`."
            ) from error
        except PhoneError as error:
            raise PhoneError(_why_refused(phone, number, settings) or str(error)) from error
        return run_script(phone, clips, digits=digits, barge_in_after=barge_in_after)


def _why_refused(phone: Phone, number: str, settings: Settings) -> str:
    if phone.end_code in (401, 403, 407):
        return (
            f"The line does not take the tester's password. It was started with another state "
            f"folder than {settings.state}; set HOTLINE_STATE to that one."
        )
    if phone.end_code == 404:
        return f"{number} is not a number of this line; it has {', '.join(settings.dids)}."
    if phone.end_code in (408, 503):
        return "The line is not running. Start it with `make run`."
    return ""


def exchange_of(settings: Settings, report: CallReport) -> dict[str, Any] | None:
    """The bot's own record of a call that is over (``Journal.as_dict``); None if it has none."""
    until = time.monotonic() + RECORD
    while True:
        record = find_call(calls_folder(settings), report.call_id)
        if (record and record["outcome"]) or time.monotonic() > until:
            return record
        time.sleep(0.1)


Span = tuple[float, float]


def words_heard(settings: Settings, report: CallReport) -> tuple[dict[Span, str], str]:
    """Recognise each thing that was heard; also say by which engine, or why by none."""
    spans = [report.greeting, *(turn.heard for turn in report.turns)]
    try:
        ears, _ = load_ears(settings, load_line_pack(settings))
    except (SpeechError, PackError) as error:
        return {}, f"not put into words: {error}"

    async def hear(span: Span) -> str:
        start, end = (int(moment * RATE) * 2 for moment in span)
        hearing = ears.open()
        hearing.feed(report.heard[start:end])
        return (await hearing.finish()).text

    async def hear_all() -> dict[Span, str]:
        return {span: await hear(span) for span in spans if span is not None}

    try:
        return asyncio.run(hear_all()), f"put into words by {ears.name}"
    except SpeechError as error:
        return {}, f"not put into words: {error}"
    finally:
        ears.close()


def _as_data(
    report: CallReport,
    files: Sequence[Path],
    words: dict[Span, str],
    record: dict[str, Any] | None,
    target: Path,
) -> dict[str, Any]:
    data = asdict(report)
    del data["heard"]
    data["heard_file"] = str(target)
    data["greeting_words"] = words.get(report.greeting, "") if report.greeting else ""
    for number, (turn, plain) in enumerate(zip(report.turns, data["turns"], strict=True)):
        plain["file"] = str(files[number]) if number < len(files) else ""
        plain["words"] = words.get(turn.heard, "") if turn.heard else ""
    return {"call": data, "record": record}


def _print_heard(report: CallReport, files: Sequence[Path], words: dict[Span, str]) -> None:
    title = f"The caller's side: answered after {1000 * report.answered_after:.0f} ms"
    if report.ended_by_line:
        title += "; the line hung up"
    table = Table(title=title, show_lines=True)
    for column in ("said", "from - to", "answer after", "heard", "words"):
        table.add_column(column)
    if report.greeting:
        table.add_row("", "", "", _span(report.greeting), words.get(report.greeting, ""))
    for number, turn in enumerate(report.turns):
        said = f"keys {turn.digits}" if turn.digits else files[number].name
        stopped = "" if turn.stopped_after is None else f"\nstopped in {turn.stopped_after:.2f} s"
        table.add_row(
            said + stopped,
            _span(turn.speech),
            "no answer" if turn.latency is None else f"{turn.latency:.2f} s",
            _span(turn.heard) if turn.heard else "-",
            words.get(turn.heard, "") if turn.heard else "",
        )
    console().print(table)


def _print_record(record: dict[str, Any] | None) -> None:
    if record is None:
        typer.echo("The bot has no record of this call.")
        return
    table = Table(title=f"The bot's side: call {record['id']}, {record['outcome'] or 'unfinished'}")
    for column in ("at", "who", "words", "intent", "confidence"):
        table.add_column(column)
    for turn in record["turns"]:
        sure = f"{turn['confidence']:.2f}" if turn.get("intent") else ""
        table.add_row(
            f"{turn['at']:.1f} s", turn["who"], turn["text"], turn.get("intent", ""), sure
        )
    console().print(table)
    if record["ticket"]:
        typer.echo(f"Ticket: {record['ticket']}")


def _span(span: Span) -> str:
    return f"{span[0]:.2f} - {span[1]:.2f} s"
