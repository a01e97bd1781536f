"""How fast the line answers, over real SIP, and what it costs: latency, memory, processor.

Run ``python -m tests.bench`` for all measurements, or this file alone. It starts a line of
its own, calls it with scripted phones, and takes every time from the callers' recordings.
The phones and the line share the machine, as a caller's phone never would: the true figures
are a little better.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent.parent
sys.path.insert(0, str(TESTS))

from running_line import RunningLine, start_line, stop_line  # noqa: E402

from bot.config import Settings  # noqa: E402
from bot.node.models import is_vosk_model, korean_folder, vosk_folder  # noqa: E402
from bot.speech.audio import read_wav  # noqa: E402
from bot.telephony.phone_script import CallReport, run_script  # noqa: E402

FIXTURES = TESTS / "fixtures"
#: Questions with an answer, after which the line listens again.
QUESTIONS = ("housing_fund_withdraw", "social_card", "id_card_lost")
#: Callers at once where many calls are placed: as many as are no strain.
AT_ONCE = 2
#: Seconds into an answer at which the next question begins.
BARGE_IN = 1.0


def percentiles(seconds: Sequence[float], unit: float = 1.0) -> str:
    """Median, 95th percentile and count, one line."""
    if len(seconds) < 2:
        return f"n={len(seconds)}"
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return f"p50 {cuts[49] * unit:7.2f}   p95 {cuts[94] * unit:7.2f}   n={len(seconds)}"


def row(name: str, value: str) -> None:
    """Print one measurement as soon as it is there."""
    print(f"{name:<58} {value}", flush=True)


def converse(
    line: RunningLine, turns: int, *, barge_in: bool, start: float = 0.0
) -> tuple[CallReport, dict[str, Any]]:
    """One call with ``turns`` questions, each over the answer before it, or after it."""
    time.sleep(start)
    clips = [read_wav(FIXTURES / f"{QUESTIONS[n % len(QUESTIONS)]}.wav") for n in range(turns)]
    with line.citizen() as phone:
        phone.call("12345")
        report = run_script(
            phone, clips, barge_in_after=BARGE_IN if barge_in else None, patience=30.0
        )
        return report, line.record(phone, timeout=15.0)


def latencies(report: CallReport) -> list[float]:
    """Seconds from the end of each question to the first sound of its answer."""
    return [turn.latency for turn in report.turns if turn.latency is not None]


def show_breakdown(record: dict[str, Any], waits: Sequence[float]) -> None:
    """Where the time from a question to its answer went, by the bot's own clock."""
    heard = [turn for turn in record["turns"] if turn.get("answer_latency") is not None]
    spent = [turn["spent"] for turn in heard]
    row("  waiting for the end, s", percentiles([one["endpoint"] for one in spent]))
    row("  then for words and meaning, s", percentiles([one["words"] for one in spent]))
    row("    decoding itself, begun in the wait, s", percentiles([one["decode"] for one in spent]))
    row("    understanding itself, s", percentiles([one["understand"] for one in spent]))
    first = [
        turn["answer_latency"] - one["endpoint"] - one["words"]
        for turn, one in zip(heard, spent, strict=True)
    ]
    row("  from there to the first sound sent, s", percentiles(first))
    own = statistics.median(turn["answer_latency"] for turn in heard)
    row(
        "  on the wire and in the phone, s (difference of medians)",
        f"{statistics.median(waits) - own:.2f}",
    )


def cost(line: RunningLine) -> dict[str, tuple[float, int, int]]:
    """Processor seconds, resident bytes and threads of each process of the line, by name."""
    parts = {}
    for name in ("bot", "asterisk", "redis"):
        process = line.child(name)
        times = process.cpu_times()
        parts[name] = (
            times.user + times.system,
            process.memory_info().rss,
            process.num_threads(),
        )
    return parts


def measure_greeting(line: RunningLine, calls: int) -> None:
    """From dialling to the first sample of the greeting."""
    waits = []
    for _ in range(calls):
        with line.citizen() as phone:
            phone.call("12345")
            phone.wait_answered()
            begins = phone.wait_sound(5.0, 0.0)
            waits.append((phone.answered_after or 0.0) + begins)
    row("INVITE -> first sample of the greeting, s", percentiles(waits))


def measure_long_call(line: RunningLine, turns: int) -> None:
    """One caller, many turns: latency, and whether the last turns cost what the first did."""
    converse(line, 2, barge_in=True)  # the first call also fills caches
    before = cost(line)
    began = time.monotonic()
    report, record = converse(line, turns, barge_in=True)
    minutes = (time.monotonic() - began) / 60
    after = cost(line)
    waits = latencies(report)
    row("end of speech -> first sample of the answer, 1 caller, s", percentiles(waits))
    third = len(waits) // 3
    row("  first third of the call", percentiles(waits[:third]))
    row("  last third of the call", percentiles(waits[-third:]))
    show_breakdown(record, waits)
    stops = [turn.stopped_after for turn in report.turns[1:] if turn.stopped_after is not None]
    row("speech over a prompt -> silence (barge-in), s", percentiles(stops))
    for name, (seconds, size, threads) in after.items():
        used = seconds - before[name][0]
        grown = (size - before[name][1]) / 1e6
        row(
            f"{name}: processor seconds a call minute; memory; threads",
            f"{used / minutes:.2f} s/min; {size / 1e6:.0f} MB ({grown:+.1f} in {turns} turns); "
            f"{threads} ({threads - before[name][2]:+d})",
        )


def measure_many(line: RunningLine, callers: int, turns: int) -> None:
    """Callers at once in natural conversation: each hears the answer out before going on."""
    before = cost(line)
    began = time.monotonic()
    with ThreadPoolExecutor(callers) as pool:
        calls = [
            pool.submit(converse, line, turns, barge_in=False, start=0.7 * number)
            for number in range(callers)
        ]
        done = [call.result() for call in calls]
    reports = [report for report, _ in done]
    refused = sum(record["turns"][0].get("prompt") == "busy" for _, record in done)
    took = time.monotonic() - began
    after = cost(line)
    waits = [wait for report in reports for wait in latencies(report)]
    missing = callers * turns - len(waits)
    row(
        f"end of speech -> answer, {callers} callers at once, s",
        percentiles(waits)
        + (f"   UNANSWERED {missing}" if missing else "")
        + (f"   SENT TO A PERSON AT ONCE {refused}" if refused else ""),
    )
    busy = sum(after[name][0] - before[name][0] for name in after) / took
    row(f"  cores used by the line, {callers} callers", f"{busy:.2f}")


def measure_many_calls(line: RunningLine, calls: int) -> None:
    """Calls of one question, some at once: does the last cost what the first did?"""
    tenth = max(2, calls // 10)

    def some(count: int) -> list[float]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            reports = pool.map(lambda _: converse(line, 1, barge_in=True)[0], range(count))
            return [wait for report in reports for wait in latencies(report)]

    first = some(tenth)
    before = cost(line)
    some(calls - 2 * tenth)
    last = some(tenth)
    row(f"end of speech -> answer, first {tenth} of {calls} calls, s", percentiles(first))
    row(f"  last {tenth}", percentiles(last))
    for name, (_, size, threads) in cost(line).items():
        grown = size / before[name][1] - 1
        row(
            f"  {name}: memory; threads, against after the first",
            f"{size / 1e6:.0f} MB ({grown:+.1%}); {threads} ({threads - before[name][2]:+d})",
        )


def measure_vosk(callers: Sequence[int]) -> None:
    """Callers at once with the streaming engine.

    With the Korean model, where there is no Chinese one: it works as hard on Chinese speech,
    of which it understands nothing, so each caller is asked again and then given to a person.
    """
    settings = Settings()
    model = vosk_folder(settings)
    model = model if is_vosk_model(model) else korean_folder(settings)
    with tempfile.TemporaryDirectory(prefix="hotline-bench-") as folder:
        state = Path(folder) / "state"
        line = start_line(state, HOTLINE_ASR="vosk", HOTLINE_VOSK_MODEL=str(model))
        try:
            row("recogniser", f"vosk, {model.name}")
            for count in callers:
                measure_many(line, count, 2)
        finally:
            stop_line(line)


def measure(turns: int, callers: Sequence[int], calls: int) -> None:
    """Start a line, measure it, stop it."""
    with tempfile.TemporaryDirectory(prefix="hotline-bench-") as folder:
        began = time.monotonic()
        line = start_line(Path(folder) / "state")
        row("boot: all processes up and answering, s", f"{time.monotonic() - began:.1f}")
        try:
            row("recogniser, voice", f"{line.health()['asr']}, {line.health()['tts']}")
            sizes = {name: size for name, (_, size, _) in cost(line).items()}
            total = sum(sizes.values()) / 1e6
            parts = ", ".join(f"{name} {size / 1e6:.0f}" for name, size in sizes.items())
            row("memory at rest (resident), MB", f"{total:.0f} ({parts})")
            measure_greeting(line, 20)
            measure_long_call(line, turns)
            for count in callers:
                measure_many(line, count, 4)
            if calls:
                measure_many_calls(line, calls)
        finally:
            stop_line(line)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=60, help="turns of the long call")
    parser.add_argument(
        "--callers", type=int, nargs="*", default=[4, 8], help="callers at once, each a row"
    )
    parser.add_argument(
        "--calls", type=int, default=0, help="calls of which the last are compared with the first"
    )
    parser.add_argument(
        "--vosk", type=int, nargs="*", default=[], help="callers at once with Vosk, each a row"
    )
    options = parser.parse_args()
    if options.vosk:
        measure_vosk(options.vosk)
        return
    measure(options.turns, options.callers, options.calls)


if __name__ == "__main__":
    main()
