"""The names under which a trainee chooses what a call is about. Pure."""

from __future__ import annotations

from bot.understanding.pack import Pack
from bot.understanding.schema import Category, Emergency, Faq

KINDS = (Category, Faq, Emergency)
"""What a call can be about, in the order in which it is offered."""


def label_of(intent: Category | Faq | Emergency) -> str:
    """Return the name under which an intent is chosen: those that are no ticket say so."""
    if isinstance(intent, Faq):
        return f"咨询：{intent.title}"
    return f"紧急：{intent.title}" if isinstance(intent, Emergency) else intent.title


def labels(pack: Pack) -> list[str]:
    """Return every name, tickets first."""
    return [label_of(one) for kind in KINDS for one in pack.intents if isinstance(one, kind)]


def intent_of(chosen: str, pack: Pack) -> str:
    """Return the id of an intent that was chosen by its name, "" for none."""
    for intent in pack.intents:
        if isinstance(intent, KINDS) and chosen.strip() == label_of(intent):
            return intent.id
    return ""
