"""A queue entry as flat text fields (Redis) and as JSON (HTTP, command line). Pure.

Leaves to others: where the fields are kept (``queue.py``) and who may see them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypedDict

from bot.agents.types import Candidates, EntryKind, EntryState, QueueEntry, TalkState, Turn

#: Digits of a priority and of a Unix time in microseconds in a place.
_PRIORITY_DIGITS, _TIME_DIGITS = 3, 18


class Changes(TypedDict, total=False):
    """What of an entry can be replaced while it lives; the names of ``QueueEntry``."""

    transcript: Sequence[Turn]
    candidates: Candidates
    heard: Candidates
    ticket: str
    extra: dict[str, str]
    skills: Iterable[str]
    channel: str
    node: str
    talk: TalkState
    muted: bool
    consult: str
    consulted: str


def changed_fields(changes: Changes) -> dict[str, str]:
    """Return what is stored of changes.

    Raises:
        ValueError: a skill is malformed.
    """
    fields: dict[str, str] = {}
    for name, value in changes.items():
        write = _WRITERS.get(name, str)
        fields[name] = write(value)
    return fields


def place_of(entry: QueueEntry) -> str:
    """Return the text that sorts entries: priority, then ``queued_at``, then id.

    Text is exact to the microsecond, where a sorted set's floating-point score that held
    both numbers would not be.

    Raises:
        ValueError: the priority or the time cannot be sorted.
    """
    if not 0 <= entry.priority < 10**_PRIORITY_DIGITS:
        raise ValueError(f"priority must be 0 to 999, not {entry.priority}")
    micros = round(entry.queued_at * 1e6)
    if not 0 <= micros < 10**_TIME_DIGITS:
        raise ValueError(f"queued_at must be a Unix time, not {entry.queued_at}")
    return f"{entry.priority:0{_PRIORITY_DIGITS}d}:{micros:0{_TIME_DIGITS}d}:{entry.id}"


def transcript_text(transcript: Sequence[Turn]) -> str:
    """Pack what was said."""
    return json.dumps([[t.who, t.text, t.at, t.mark] for t in transcript], ensure_ascii=False)


def said_text(turn: Turn) -> str:
    """Pack one thing that was said."""
    return json.dumps([turn.who, turn.text, turn.at, turn.mark], ensure_ascii=False)


def said_of(text: str) -> Turn:
    """Read back what ``said_text`` packed."""
    return Turn(*json.loads(text))


def candidates_text(candidates: Sequence[tuple[str, str, float]]) -> str:
    """Pack the candidates."""
    return json.dumps([list(one) for one in candidates], ensure_ascii=False)


def extra_text(extra: Mapping[str, str]) -> str:
    """Pack ``extra``."""
    return json.dumps(dict(extra), ensure_ascii=False)


def skills_text(skills: Iterable[str]) -> str:
    """Pack skills: the same text for the same skills, whatever their order.

    Raises:
        ValueError: one of them is empty or holds a space.
    """
    for skill in skills:
        if not skill or skill.split() != [skill]:
            raise ValueError(f"a skill is one word, such as lang:yue, not {skill!r}")
    return " ".join(sorted(skills))


def to_fields(entry: QueueEntry) -> dict[str, str]:
    """Return what is stored of an entry that is about to wait; its state is Redis's to keep."""
    return {
        "id": entry.id,
        "channel": entry.channel,
        "caller": entry.caller,
        "did": entry.did,
        "reason": entry.reason,
        "priority": str(entry.priority),
        "queued_at": repr(entry.queued_at),
        "place": place_of(entry),
        "transcript": transcript_text(entry.transcript),
        "candidates": candidates_text(entry.candidates),
        "heard": candidates_text(entry.heard),
        "ticket": entry.ticket,
        "extra": extra_text(entry.extra),
        "kind": entry.kind.value,
        "due_at": repr(entry.due_at),
        "phone": entry.phone,
        "tries": str(entry.tries),
        "skills": skills_text(entry.skills),
        "node": entry.node,
    }


def from_fields(fields: Mapping[str, str]) -> QueueEntry:
    """Read an entry back. How it finished, if it did, is ``extra["outcome"]``."""
    extra: dict[str, str] = json.loads(fields["extra"])
    if outcome := fields.get("outcome"):
        extra["outcome"] = outcome
    return QueueEntry(
        id=fields["id"],
        channel=fields["channel"],
        caller=fields["caller"],
        did=fields["did"],
        reason=fields["reason"],
        priority=int(fields["priority"]),
        queued_at=float(fields["queued_at"]),
        state=EntryState(fields["state"]),
        agent=fields["agent"],
        changed_at=float(fields["changed_at"]),
        transcript=tuple(Turn(*turn) for turn in json.loads(fields["transcript"])),
        candidates=_candidates(json.loads(fields["candidates"])),
        heard=_candidates(json.loads(fields.get("heard", "[]"))),
        ticket=fields["ticket"],
        extra=extra,
        kind=EntryKind(fields.get("kind", "call")),
        due_at=float(fields.get("due_at", 0.0)),
        phone=fields.get("phone", ""),
        tries=int(fields.get("tries", 0)),
        skills=frozenset(fields.get("skills", "").split()),
        rank=int(fields["place"][:_PRIORITY_DIGITS]),
        node=fields.get("node", ""),
        leg=fields.get("leg", ""),
        talk=TalkState(fields.get("talk") or TalkState.TOGETHER),
        muted=fields.get("muted") == "1",
        consult=fields.get("consult", ""),
        consulted=fields.get("consulted", ""),
    )


def to_json(entry: QueueEntry) -> dict[str, Any]:
    """Return an entry as plain data with the names of ``QueueEntry``."""
    return {
        **asdict(entry),
        "state": entry.state.value,
        "kind": entry.kind.value,
        "talk": entry.talk.value,
        "skills": sorted(entry.skills),
    }


def from_json(data: Mapping[str, Any]) -> QueueEntry:
    """Read back what ``to_json`` made.

    Raises:
        KeyError, TypeError, ValueError: it was something else.
    """
    return QueueEntry(
        **{
            **data,
            "state": EntryState(data["state"]),
            "kind": EntryKind(data["kind"]),
            "talk": TalkState(data["talk"]),
            "skills": frozenset(data["skills"]),
            "transcript": tuple(Turn(**turn) for turn in data["transcript"]),
            "candidates": _candidates(data["candidates"]),
            "heard": _candidates(data.get("heard", ())),
        }
    )


def _candidates(rows: Sequence[Sequence[Any]]) -> Candidates:
    return tuple((str(intent), str(title), float(sure)) for intent, title, sure in rows)


_WRITERS: dict[str, Callable[[Any], str]] = {
    "transcript": transcript_text,
    "candidates": candidates_text,
    "heard": candidates_text,
    "extra": extra_text,
    "skills": lambda skills: skills_text(frozenset(skills)),
    "muted": lambda on: "1" if on else "",
}
