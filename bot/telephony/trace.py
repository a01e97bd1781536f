"""A call's record as a person reads it: who said what, in which state, why, and how fast.

Leaves to others: writing the record (``journal.py``).
"""

from __future__ import annotations

from typing import Any

#: Reasons shown for what an utterance was taken for.
REASONS = 3


def traced(record: dict[str, Any]) -> list[str]:
    """Return the lines of a call's trace, in the order of time."""
    lines = [_head(record)]
    entries = [*((one["at"], 1, _turn(one)) for one in record.get("turns", ()))]
    entries += [(one["at"], 0, _step(one)) for one in record.get("decisions", ())]
    for _, _, some in sorted(entries, key=lambda entry: entry[:2]):
        lines += some
    outcome = f"结束：{record.get('outcome') or '（未完）'}"
    if record.get("ticket"):
        outcome += f"，工单 {record['ticket']}"
    if record.get("rating"):
        outcome += f"，评分 {record['rating']}"
    return [*lines, outcome]


def _head(record: dict[str, Any]) -> str:
    return f"呼入 {record['did']}，策略 {record.get('policy') or '-'}"


def _step(step: dict[str, Any]) -> list[str]:
    event = step["event"]["type"]
    moved = step["phase"] if step["phase"] == step["next"] else f"{step['phase']} → {step['next']}"
    return [f"{step['at']:7.2f}    〔{event}: {moved}〕"]


def _turn(turn: dict[str, Any]) -> list[str]:
    who = "热线" if turn["who"] == "bot" else "来电人"
    cut = f"（{turn['cut_at']:.2f} 秒处被打断）" if "cut_at" in turn else ""
    lines = [f"{turn['at']:7.2f} {who}：{turn['text']}{cut}"]
    if turn["who"] == "bot" or "candidates" not in turn:
        return lines
    for one in turn["candidates"][:2]:
        reasons = "；".join(one["reasons"][:REASONS])
        lines.append(f"           {one['intent']} {one['confidence']:.2f} {reasons}")
    facts = "，".join(f"{name}={value}" for name, value in turn["slots"].items())
    timing = f"识别 {turn['decode_seconds']:.2f} 秒"
    if turn.get("answer_latency") is not None:
        timing += f"，应答 {turn['answer_latency']:.2f} 秒"
    lines.append(
        "           " + "；".join(part for part in (facts, *turn["moods"], timing) if part)
    )
    return lines
