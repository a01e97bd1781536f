"""What an agent sees of a call: the caller's card, the suggestions, the ticket to correct.

Pure but for the looking up of tickets. Leaves to others: showing it (``templates/call.html``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.agents.types import Candidates, QueueEntry
from bot.casework.citizens import Citizens
from bot.casework.desk_models import WrapUpRow
from bot.casework.tickets import TicketStore, TicketSummary
from bot.understanding.pack import Pack
from bot.understanding.schema import Category, Faq
from bot.web.records import OUTCOMES, Records

URGENCIES = {"low": "一般", "normal": "普通", "high": "较急", "urgent": "紧急"}
REASONS = {
    "asked": "要求转人工",
    "not_understood": "没有听懂",
    "emergency": "可能危及安全",
    "no_input": "没有说话",
    "failure": "系统故障",
    "busy": "机器人忙",
    "bot_lost": "机器人中断",
    "callback": "约定回电",
}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One thing that the caller may want, with what there is to say about it."""

    intent: str
    title: str
    percent: int
    answer: str
    """To be read out; "" when there is none."""
    detail: str
    source: str
    is_category: bool
    """It becomes a ticket."""


@dataclass(frozen=True, slots=True)
class TicketForm:
    """A ticket as far as the bot knows it."""

    category: str
    unit: str
    place: str
    urgency: str
    text: str
    phone: str


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of a caller."""

    tickets: Sequence[TicketSummary]
    talks: Sequence[tuple[WrapUpRow, str]]
    """Earlier conversations, each with its outcome in Chinese."""
    last_rating: int | None


def card_of(
    caller: str, tickets: TicketStore, citizens: Citizens, records: Records, call_id: str
) -> Card:
    """Look a caller up. A withheld number is nobody's."""
    profile = citizens.profile(caller) if caller else None
    talks = [row for row in records.of_caller(caller) if row.call_id != call_id]
    return Card(
        tickets.of_caller(caller, open_only=False),
        [(row, OUTCOMES.get(row.outcome, row.outcome)) for row in talks],
        profile.last_rating if profile else None,
    )


def suggestions_of(candidates: Candidates, pack: Pack) -> list[Suggestion]:
    """Return candidates with the pack's answers; those that the pack lost stay titles."""
    known = {intent.id: intent for intent in pack.intents}
    found = []
    for intent_id, title, confidence in candidates:
        intent = known.get(intent_id)
        answer = detail = source = ""
        if isinstance(intent, Faq):
            answer, detail, source = intent.answer, intent.detail, intent.source
        elif isinstance(intent, Category):
            answer = f"可为市民登记工单，由{pack.unit_name(intent.unit)}办理。"
        found.append(
            Suggestion(
                intent_id,
                title,
                round(confidence * 100),
                answer,
                detail,
                source,
                isinstance(intent, Category),
            )
        )
    return found


def ticket_form_of(entry: QueueEntry, pack: Pack, record: dict[str, Any] | None) -> TicketForm:
    """Fill the form with intent, place, unit and urgency as the bot heard them."""
    categories = {intent.id: intent for intent in pack.intents if isinstance(intent, Category)}
    best = next((one for one, _, _ in entry.candidates if one in categories), "")
    category = categories.get(best)
    said = "，".join(
        turn.text.rstrip("。，") for turn in entry.transcript if turn.who == "caller" and turn.text
    )
    return TicketForm(
        category=best,
        unit=pack.unit_name(category.unit) if category else "",
        place=slot_of(record, "place"),
        urgency=category.urgency if category else "normal",
        text=said,
        phone=entry.caller,
    )


def slot_of(record: dict[str, Any] | None, name: str) -> str:
    """Return what the caller last said of a slot, "" when they did not."""
    turns = record["turns"] if record else []
    for turn in reversed(turns):
        value = (turn.get("slots") or {}).get(name)
        if value:
            return str(value)
    return ""


def asked_for(entry: QueueEntry) -> str:
    """Return the caller's words that the candidates were made of, for learning."""
    said = [turn.text for turn in entry.transcript if turn.who == "caller" and turn.text]
    spoken = [text for text in said if not text.startswith("[")]
    # The last thing they say is often that they want a person; the longest is what about.
    return max(spoken, key=len, default="")
