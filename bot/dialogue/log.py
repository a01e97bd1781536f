"""Events as JSON, so that any call can be decided again from its record.

Leaves to others: where records are kept (``telephony/journal.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, get_args

from pydantic import TypeAdapter

from bot.dialogue.book import Book
from bot.dialogue.policy import Decision, decide, start
from bot.dialogue.types import Event

_ADAPTERS: dict[str, TypeAdapter[Event]] = {
    kind.__name__: TypeAdapter(kind) for kind in get_args(Event)
}


def event_to_json(event: Event) -> dict[str, Any]:
    """Return an event as plain data, with its type's name under ``type``."""
    name = type(event).__name__
    plain: dict[str, Any] = _ADAPTERS[name].dump_python(event, mode="json")
    return {"type": name, **plain}


def event_from_json(data: dict[str, Any]) -> Event:
    """Read back what ``event_to_json`` made.

    Raises:
        ValueError: it is not that.
    """
    fields = dict(data)
    adapter = _ADAPTERS.get(str(fields.pop("type", "")))
    if adapter is None:
        raise ValueError(f"no such event: {data.get('type')!r}")
    return adapter.validate_python(fields)


def replayed(events: Iterable[Event], book: Book) -> Iterator[Decision]:
    """Decide a whole call again, event by event."""
    state = start(book)
    for event in events:
        decision = decide(state, event, book)
        state = decision.state
        yield decision
