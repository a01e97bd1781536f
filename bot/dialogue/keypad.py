"""The line by keys alone, for people who can't or won't speak: a menu made from the pack.

0 is a person, * says it again, # goes back, 9 turns the page. Leaves to others: what
happens with the choice (``policy.py``).
"""

from __future__ import annotations

from bot.dialogue.state import Menu, Phase
from bot.dialogue.turn import LONG_PATIENCE, Decision, Turn
from bot.understanding.schema import Category, Faq
from bot.understanding.types import IntentKind

#: Choices on a page: more are too long to listen to (12 seconds).
PAGE = 4
MORE = "9"


def top(turn: Turn) -> Decision:
    """Offer what the line does: look up, report, ask."""
    turn.set(menu=Menu("top", ("lookup", "report", "ask")), keyed="", choices=())
    turn.say("keypad_top")
    return turn.listen(Phase.MENU, patience=LONG_PATIENCE)


def fields(turn: Turn, name: str) -> Decision:
    """Offer the fields of city life that hold tickets ("report") or questions ("ask")."""
    kind = IntentKind.CATEGORY if name == "report" else IntentKind.FAQ
    used = {one.group for one in turn.book.of_kind(kind) if isinstance(one, Category | Faq)}
    return _offer(turn, Menu(name, tuple(g.id for g in turn.book.groups if g.id in used)))


def items_of(turn: Turn, name: str, group: str) -> Decision:
    """Offer the kinds of ticket ("category"), or questions ("question"), of a field."""
    kind = IntentKind.CATEGORY if name == "category" else IntentKind.FAQ
    ids = tuple(
        one.id
        for one in turn.book.of_kind(kind)
        if isinstance(one, Category | Faq) and one.group == group
    )
    return _offer(turn, Menu(name, ids))


def districts(turn: Turn) -> Decision:
    """Offer the pack's districts."""
    names = tuple(place.name for place in turn.book.places if place.kind == "district")
    return _offer(turn, Menu("district", names))


def page(turn: Turn, menu: Menu, by: int = 0) -> Decision:
    """Offer a page of a menu; after the last comes the first."""
    pages = max(1, -(-len(menu.items) // PAGE))
    return _offer(turn, Menu(menu.name, menu.items, (menu.page + by) % pages))


def chosen(menu: Menu, digit: str) -> str:
    """Return the item under a key, "" for none."""
    if not "1" <= digit <= str(PAGE):
        return ""
    index = menu.page * PAGE + int(digit) - 1
    return menu.items[index] if index < len(menu.items) else ""


def _offer(turn: Turn, menu: Menu) -> Decision:
    turn.set(menu=menu, keyed="")
    shown = menu.items[menu.page * PAGE : (menu.page + 1) * PAGE]
    spoken = [
        turn.text("keypad_item", title=_title(turn, menu.name, item), number=str(key))
        for key, item in enumerate(shown, 1)
    ]
    more = len(menu.items) > PAGE
    turn.say("keypad_more" if more else "keypad_items", items="，".join(spoken))
    return turn.listen(Phase.MENU, patience=LONG_PATIENCE)


def _title(turn: Turn, name: str, item: str) -> str:
    if name in ("report", "ask"):
        return next((group.title for group in turn.book.groups if group.id == item), item)
    return item if name == "district" else turn.book.intent(item).title
