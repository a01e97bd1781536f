"""Danger and distress: an emergency, a risk to a life, a mood that was heard.

Leaves to others: recognising them (``understanding``), and when they win (``policy.py``).
"""

from __future__ import annotations

from dataclasses import replace

from bot.dialogue.state import Phase
from bot.dialogue.turn import URGENT, Decision, Turn
from bot.dialogue.types import TransferReason
from bot.understanding.schema import Emergency
from bot.understanding.types import Candidate, Mood


def emergency(turn: Turn, intent_id: str) -> Decision:
    """Say which number to dial, and bring a person before everybody else who waits."""
    try:
        intent = turn.book.intent(intent_id)
    except KeyError:
        intent = None
    prompt = intent.prompt if isinstance(intent, Emergency) else "transfer_emergency"
    turn.say_text(turn.text(prompt), prompt, must_hear=True)
    return turn.transfer(TransferReason.EMERGENCY, URGENT)


def comfort(turn: Turn, mood: Mood) -> Decision:
    """A risk to a life: a person at once, before everybody else."""
    text = _mood_prompt(turn, mood) or turn.text("transfer_emergency")
    turn.set(care=mood.care)
    turn.say_text(text, mood.prompt, must_hear=True)
    return turn.transfer(TransferReason.EMERGENCY, URGENT)


def soothed(turn: Turn, moods: tuple[Mood, ...], decision: Decision) -> Decision:
    """Say first that the mood was heard, once for each, if the dialogue goes on."""
    if decision.state.phase in (Phase.OVER, Phase.PORT):
        return decision
    new = [mood for mood in moods if mood.name not in turn.state.answered_moods]
    heard_mood = next((mood for mood in new if _mood_prompt(turn, mood)), None)
    if heard_mood is None:
        return decision
    names = tuple(mood.name for mood in new)
    answered = (*decision.state.answered_moods, *names)
    decision = replace(decision, state=replace(decision.state, answered_moods=answered))
    return turn.first(heard_mood.prompt, decision)


def sure(turn: Turn, candidate: Candidate) -> bool:
    """Whether a candidate is acted on without asking."""
    return candidate.confidence >= turn.book.thresholds.accept


def for_police(turn: Turn, intent_id: str) -> bool:
    """Whether an emergency is one for the police."""
    try:
        intent = turn.book.intent(intent_id)
    except KeyError:
        return False
    return isinstance(intent, Emergency) and intent.number == "110"


def _mood_prompt(turn: Turn, mood: Mood) -> str:
    try:
        return turn.text(mood.prompt) if mood.prompt else ""
    except KeyError:
        return ""
