"""The written record of a call: who said what, what it was taken for, how long it took.

One JSON file a call in ``state/calls``, rewritten atomically after each turn, readable by
this account only; it outlives the bot, so that a caller whose bot was lost does not start
again from nothing. Leaves to others: masking (logs and exports) and tickets (``casework``).
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import structlog

from bot.agents.types import Turn
from bot.dialogue.log import event_to_json
from bot.dialogue.state import State
from bot.dialogue.types import Event
from bot.speech.types import Utterance
from bot.telephony.calls import Call
from bot.understanding.types import Understanding

log = structlog.get_logger(__name__)


class Spent(NamedTuple):
    """Where the time between a caller's words and the answer went, in seconds."""

    endpoint: float
    """From the last voiced sound until the utterance counted as over."""
    words: float
    """From then until its words and their meaning were known."""
    decode: float
    """Work on the words; some of it or all during the wait for the endpoint."""
    understand: float
    """Work on their meaning; likewise."""


@dataclass(slots=True)
class Exchange:
    """One thing the caller said, and what came of it. Times are seconds of the call."""

    text: str
    speech_confidence: float
    start: float
    end: float
    engine: str
    decode_seconds: float
    spent: dict[str, float] = field(default_factory=dict)
    """By the names of ``Spent``."""
    intent: str = ""
    kind: str = ""
    confidence: float = 0.0
    candidates: list[dict[str, Any]] = field(default_factory=list)
    slots: dict[str, str] = field(default_factory=dict)
    emergency: str = ""
    moods: list[str] = field(default_factory=list)
    """Feelings and risks that were heard, each with its reason, in Chinese."""
    answer_latency: float | None = None
    """Seconds from the end of the caller's speech to the first sound of the answer."""
    mark: int = 0
    """Number of the utterance by which its sound is found (``speech/archive.py``); 0: not kept."""

    @classmethod
    def of(
        cls,
        utterance: Utterance,
        understanding: Understanding,
        start: float,
        end: float,
        spent: Spent,
        mark: int = 0,
    ) -> Exchange:
        """Put together what ears and understanding made of one stretch of speech."""
        best = understanding.best
        return cls(
            text=utterance.text,
            speech_confidence=round(utterance.confidence, 3),
            start=round(start, 2),
            end=round(end, 2),
            engine=utterance.engine,
            decode_seconds=round(utterance.decode_seconds, 3),
            spent={name: round(seconds, 3) for name, seconds in spent._asdict().items()},
            intent=best.intent if best else "",
            kind=best.kind.value if best else "",
            confidence=round(best.confidence, 3) if best else 0.0,
            candidates=[
                {
                    "intent": candidate.intent,
                    "title": candidate.title,
                    "confidence": round(candidate.confidence, 3),
                    "reasons": list(candidate.reasons),
                }
                for candidate in understanding.candidates[:3]
            ],
            slots=dict(understanding.slots),
            emergency=understanding.emergency or "",
            moods=[mood.reason for mood in understanding.moods],
            mark=mark,
        )


class Journal:
    """The record of one call. Written by one conversation, a turn at a time."""

    def __init__(self, folder: Path | None, call: Call) -> None:
        """``folder`` None keeps the record in memory only (replay)."""
        self._path = folder / f"{call.id}.json" if folder else None
        self.call = call
        self.turns: list[dict[str, Any]] = []
        self.decisions: list[dict[str, Any]] = []
        self.policy = ""
        self.ticket = ""
        self.rating = 0
        self.outcome = ""

    def decided(self, event: Event, before: State, after: State, at: float) -> None:
        """An event came and led from one state to the next: enough to decide it all again."""
        self.policy = after.policy
        self.decisions.append(
            {
                "at": round(at, 2),
                "phase": before.phase.value,
                "next": after.phase.value,
                "event": event_to_json(event),
            }
        )

    def bot_said(self, text: str, prompt: str, at: float) -> None:
        """The bot begins to say ``text``."""
        self.turns.append({"who": "bot", "at": round(at, 2), "text": text, "prompt": prompt})

    def barged_in(self, at: float) -> None:
        """The caller cut the bot's last sentence short."""
        self.turns[-1]["cut_at"] = round(at, 2)

    def caller_pressed(self, key: str, at: float) -> None:
        """The caller pressed a key."""
        self.turns.append({"who": "caller", "at": round(at, 2), "text": f"[{key}]", "key": key})

    def caller_said(self, exchange: Exchange) -> None:
        """The caller said something; this also saves the record."""
        self.turns.append({"who": "caller", "at": exchange.start, **asdict(exchange)})
        self.save()

    def answered_after(self, latency: float) -> None:
        """The answer to the caller's last words began ``latency`` seconds after them."""
        for turn in reversed(self.turns):
            if turn["who"] == "caller":
                turn["answer_latency"] = round(latency, 3)
                return

    def filed(self, number: str) -> None:
        """A ticket was filed in this call."""
        self.ticket = number

    def close(self, outcome: str) -> None:
        """The conversation is over."""
        self.outcome = outcome
        self.save()

    def as_dict(self) -> dict[str, Any]:
        """The record as plain data."""
        return {
            **asdict(self.call),
            "outcome": self.outcome,
            "ticket": self.ticket,
            "policy": self.policy,
            "rating": self.rating,
            "turns": self.turns,
            "decisions": self.decisions,
        }

    def save(self) -> None:
        """Write the record. A full disk costs the record, never the call."""
        if self._path is None:
            return
        _write(self._path, self.as_dict())


def _write(path: Path, record: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(record, file, ensure_ascii=False)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        log.error("journal.not_saved", error=str(error), advice="free disk space")


def add_talk(folder: Path, call_id: str, talk: Sequence[Turn]) -> None:
    """Put what caller and agent said beside what the bot and the caller did, as ``talk``.

    The bot's part must be over. Nothing happens when there is no record.
    """
    record = read_call(folder, call_id)
    if record is not None:
        _write(folder / f"{call_id}.json", {**record, "talk": [asdict(turn) for turn in talk]})


def read_call(folder: Path, call_id: str) -> dict[str, Any] | None:
    """Return the record of one call, None when there is none or it cannot be read."""
    try:
        data: dict[str, Any] = json.loads((folder / f"{call_id}.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return data


def find_call(folder: Path, sip_call_id: str) -> dict[str, Any] | None:
    """Return the record of the call with this SIP Call-ID, looking at the newest first."""
    return next((call for call in _newest(folder) if call.get("sip_call_id") == sip_call_id), None)


def _newest(folder: Path) -> Iterator[dict[str, Any]]:
    files = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in files[:200]:
        call = read_call(folder, path.stem)
        if call is not None:
            yield call
