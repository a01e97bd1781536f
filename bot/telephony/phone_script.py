"""A whole call by script: hear the greeting, say each clip, hear each answer, hang up.

Every time in the report is taken from the recording and is in seconds from the answer.
Leaves to others: the phone itself (``phone.py``) and what the words were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.telephony.listening import RATE, answer_latency, speech_bounds, speech_segments, stop_time
from bot.telephony.phone import CallEndedError, Mark, Phone, PhoneTimeoutError

#: Silence, in seconds, after which the bot is taken to have finished.
FINISHED = 0.6
#: Less sound than this, in seconds, is no answer: the rest of a prompt that was just stopped.
LEAST = 0.4


@dataclass(frozen=True, slots=True)
class TurnReport:
    """One thing said or pressed, and the answer to it."""

    digits: str
    """Keys that were pressed; "" when something was said."""
    speech: tuple[float, float]
    """When the caller's own speech began and ended, without silence around it."""
    latency: float | None
    """From the end of ``speech`` to the first sound of the answer; None if there was none."""
    heard: tuple[float, float] | None
    """When the answer began and ended."""
    stopped_after: float | None
    """How long the bot spoke on into ``speech``; only of turns that barge in."""


@dataclass(frozen=True, slots=True)
class CallReport:
    """How a scripted call went."""

    call_id: str
    """SIP Call-ID."""
    answered_after: float
    greeting: tuple[float, float] | None
    turns: tuple[TurnReport, ...]
    end_code: int
    """SIP status; 200 when either side hung up."""
    ended_by_line: bool
    """Whether the line hung up before the script was done."""
    heard: bytes = field(repr=False)
    """All that was heard: slin, 8 kHz."""


def run_script(
    phone: Phone,
    clips: Sequence[bytes],
    *,
    digits: str = "",
    barge_in_after: float | None = None,
    patience: float = 20.0,
) -> CallReport:
    """Go through a call that was dialled on ``phone``.

    Args:
        phone: has dialled already.
        clips: slin audio of the caller's utterances, in order.
        digits: keys that are pressed after the last clip was answered.
        barge_in_after: begin each clip this many seconds into what the bot is just saying,
            rather than after it.
        patience: seconds the caller waits for an answer to begin, and for it to end.

    Raises:
        PhoneError: the call was not answered, or the phone failed. Silence is no error.
    """
    phone.wait_answered(patience)
    assert phone.answered_after is not None
    begun: list[tuple[Mark, tuple[float, float], str]] = []
    ended_by_line = False
    try:
        _hear(phone, 0.0, patience, barge_in_after if clips else None)
        for number, clip in enumerate(clips, 1):
            phone.speak(clip)
            mark = phone.wait_spoken(len(clip) / 2 / RATE + patience)
            first, last = speech_bounds(clip) or (0.0, len(clip) / 2 / RATE)
            speech = (mark.start + first, mark.start + last)
            begun.append((mark, speech, ""))
            barge = barge_in_after if number < len(clips) else None
            _hear(phone, speech[1], patience, barge)
        if digits:
            phone.press(digits)
            mark = phone.timeline[-1]
            begun.append((mark, (mark.start, mark.end), digits))
            _hear(phone, mark.end, patience, None)
    except CallEndedError:
        ended_by_line = True
    ended_by_line = ended_by_line or phone.state == "ended"
    phone.hangup()
    heard = phone.heard()
    starts = [speech[0] for _, speech, _ in begun] + [len(heard) / 2 / RATE]
    turns = tuple(
        _turn(heard, speech, keys, until, barge_in_after is not None and not keys)
        for (_, speech, keys), until in zip(begun, starts[1:], strict=True)
    )
    greeting = _span(heard, 0.0, starts[0])
    return CallReport(
        phone.call_id,
        phone.answered_after,
        greeting,
        turns,
        phone.end_code or 0,
        ended_by_line,
        heard,
    )


def _hear(phone: Phone, since: float, patience: float, barge: float | None) -> None:
    """Hear the bot out, or until it is time to barge in. A silent bot is waited for, no more."""
    try:
        begins = phone.wait_sound(patience, since)
        if barge is not None:
            phone.wait_until(begins + barge, patience + barge)
            return
        while True:
            # A sound that has just begun is too short to be told from a click.
            phone.wait_until(begins + FINISHED, patience)
            phone.wait_quiet(FINISHED, patience)
            ends = phone.now
            sounds = speech_segments(phone.heard()[_place(since) :])
            if sum(end - start for start, end in sounds) >= LEAST or phone.state == "ended":
                return
            begins = phone.wait_sound(patience, ends)
    except PhoneTimeoutError:
        return


def _turn(
    heard: bytes, speech: tuple[float, float], keys: str, until: float, barged: bool
) -> TurnReport:
    latency = answer_latency(heard[: _place(until)], speech[1])
    answer = None if latency is None else _span(heard, speech[1] + latency, until)
    stopped = stop_time(heard, speech[0]) if barged else None
    return TurnReport(keys, speech, latency, answer, stopped)


def _span(heard: bytes, start: float, until: float) -> tuple[float, float] | None:
    """First and last moment of sound in a stretch of the recording."""
    found = speech_segments(heard[_place(start) : _place(until)])
    return (round(start + found[0][0], 3), round(start + found[-1][1], 3)) if found else None


def _place(moment: float) -> int:
    return int(moment * RATE) * 2
