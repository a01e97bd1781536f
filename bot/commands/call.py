"""``hotline call``: a real SIP call by a scripted phone that speaks recordings.

It saves what it heard beside the recording and prints the exchange: what was said, what the
bot took it for, what it answered, and how long everything took. Leaves to others: the phone
(``telephony/phone.py``) and what a good answer is.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bot.app import calls_folder, load_recording
from bot.config import Settings
from bot.node.secrets import load_secrets
from bot.node.types import SetupError
from bot.speech.audio import write_wav
from bot.speech.types import SpeechError
from bot.telephony.journal import find_call
from bot.telephony.phone import Phone, PhoneError
from bot.telephony.phone_script import CallReport, run_script

#: Seconds to wait for the bot's record of a call that has ended.
RECORD_WAIT = 5.0


def call(
    files: Annotated[list[Path], typer.Argument(help="WAVs: what the caller says, in order.")],
    to: Annotated[str, typer.Option(help="Number to dial.")] = "12345",
    dtmf: Annotated[str, typer.Option(help="Keys to press after the last WAV.")] = "",
    caller: Annotated[str, typer.Option("--from", help="Number to call from.")] = "",
    barge_in: Annotated[
        float | None, typer.Option(help="Speak this many seconds into what the bot says.")
    ] = None,
    save: Annotated[Path | None, typer.Option(help="Where to keep what was heard.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Call the running line, speak the WAVs, and print the exchange with its timings."""
    settings = Settings()
    try:
        clips = [load_recording(file) for file in files]
        report, record = place(settings, clips, to, dtmf, caller, barge_in)
    except (SpeechError, PhoneError, SetupError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
    heard = save or files[0].with_suffix(".heard.wav")
    write_wav(heard, report.heard)
    if as_json:
        shown = {**asdict(report), "heard": str(heard), "record": record}
        typer.echo(json.dumps(shown, ensure_ascii=False))
    else:
        show(report, record)
        typer.echo(f"What the caller heard: {heard}")


def place(
    settings: Settings,
    clips: list[bytes],
    to: str = "12345",
    digits: str = "",
    caller: str = "",
    barge_in: float | None = None,
) -> tuple[CallReport, dict[str, Any]]:
    """Place a call by script; return what the phone and what the bot know of it.

    The bot's record is empty when the bot runs with another state folder.

    Raises:
        PhoneError: the line does not answer; SetupError: its passwords cannot be read.
    """
    secrets = load_secrets(settings)
    server = f"{settings.bind}:{settings.sip_port}"
    with Phone("tester", secrets.citizen_password, server, caller=caller) as phone:
        try:
            phone.call(to)
            report = run_script(phone, clips, digits=digits, barge_in_after=barge_in)
        except PhoneError as error:
            raise PhoneError(
                f"No call to {to} at {server}: {error} Is the line running? Start it with "
                "`make run`."
            ) from error
    return report, exchange_of(settings, report.call_id)


def exchange_of(settings: Settings, sip_call_id: str) -> dict[str, Any]:
    """The bot's own record of a call that has just ended; empty when there is none."""
    deadline = time.monotonic() + RECORD_WAIT
    while time.monotonic() < deadline:
        record = find_call(calls_folder(settings), sip_call_id)
        if record and record["outcome"]:
            return record
        time.sleep(0.1)
    return find_call(calls_folder(settings), sip_call_id) or {}


def show(report: CallReport, record: dict[str, Any]) -> None:
    """Print the exchange as a table."""
    table = Table(title=f"answered after {report.answered_after * 1000:.0f} ms", show_lines=True)
    for column in ("at", "who", "said", "taken for", "confidence", "timing"):
        table.add_column(column, overflow="fold")
    for turn in record.get("turns", ()):
        timing = ""
        if "decode_seconds" in turn:
            wait = turn["answer_latency"]
            answered = "" if wait is None else f"answered {wait:.2f} s after the last word; "
            timing = f"{answered}recognised in {turn['decode_seconds']:.2f} s"
        elif "cut_at" in turn:
            timing = f"interrupted at {turn['cut_at']:.1f} s"
        table.add_row(
            f"{turn['at']:.1f} s",
            "热线" if turn["who"] == "bot" else "市民",
            turn["text"] or "（听不清）",
            turn.get("intent", turn.get("prompt", "")),
            f"{turn['confidence']:.2f}" if "confidence" in turn else "",
            timing,
        )
    Console().print(table)
    waits = [turn.latency for turn in report.turns if turn.latency is not None]
    heard = ", ".join(f"{wait:.2f} s" for wait in waits) or "never"
    print(f"Heard at the phone, end of speech to first sound of the answer: {heard}.")
    if record.get("outcome"):
        print(f"The call ended: {record['outcome']} {record['ticket']}".rstrip() + ".")


def prove_line(settings: Settings, question: Path) -> None:
    """Place one call with a recorded question and show that it was answered by voice.

    Raises:
        SetupError: it was not answered, with what is known of why.
    """
    try:
        report, record = place(settings, [load_recording(question)])
    except (PhoneError, SpeechError) as error:
        raise SetupError(f"The line does not answer its own call: {error}") from error
    show(report, record)
    asked = next((turn for turn in record.get("turns", ()) if "intent" in turn), None)
    if asked is None or not report.turns or report.turns[0].heard is None:
        raise SetupError(
            f"The line took its own call but did not answer; see {settings.state / 'log'}."
        )
    answers = [turn["text"] for turn in record["turns"] if turn["who"] == "bot"][1:]
    print(f"Recognised question: {asked['text']}")
    print(f"Intent: {asked['intent']}, confidence {asked['confidence']:.2f}")
    print(f"Spoken answer: {''.join(answers)}")
