"""Orders of people at a ticket's page, checked for sense and handed to casework.

What a form can't mean is told in Chinese, before anything is done. Leaves to others: which orders
there are and when (``ticket_actions.py``), the rules (``casework``).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from bot.casework.handling import Handling
from bot.casework.incidents import Incidents
from bot.casework.lifecycle import Actor, EventKind
from bot.casework.models import Ticket
from bot.casework.surveys import Surveys
from bot.casework.tickets import TicketStore
from bot.casework.whistles import Whistles
from bot.understanding.pack import Pack
from bot.understanding.schema import Category
from bot.web.units import unit_named

#: Tickets that one can be split into.
PARTS = (1, 2, 3)


class Unclear(Exception):  # noqa: N818
    """What was filled in can't be meant; ``message`` is Chinese and says what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Order:
    """Somebody wants an action done."""

    store: TicketStore
    pack: Pack
    ticket: Ticket
    actor: Actor
    expected: int
    """Version of the ticket that they saw."""
    given: Mapping[str, str]

    @property
    def number(self) -> str:
        """Number of the ticket."""
        return self.ticket.number

    @property
    def handling(self) -> Handling:
        """The work on tickets."""
        return Handling(self.store.ledger)

    def get(self, name: str) -> str:
        """Return what a field says, "" when it is empty."""
        return self.given.get(name, "").strip()

    def moment(self, name: str) -> dt.datetime:
        """Return a local time that a field says (Unclear: it is none)."""
        zone = ZoneInfo(self.store.ledger.rules_of(self.ticket.pack).clocks.zone)
        try:
            moment = dt.datetime.fromisoformat(self.get(name)).replace(tzinfo=zone)
            return moment.astimezone(dt.UTC)
        except (ValueError, OverflowError) as error:
            raise Unclear("请填写日期和时间，例如2026-12-01 18:00。") from error

    def unit(self, name: str) -> str:
        """Return the unit that a field names (Unclear: there is none of that name)."""
        return known_unit(self.pack, self.get(name))


def known_unit(pack: Pack, given: str) -> str:
    """Return a unit's name (Unclear: there is no such unit)."""
    name = unit_named(pack, given)
    if name is None:
        raise Unclear(f"没有叫“{given}”的单位，请从列表中选择。")
    return name


def recorded(kind: EventKind) -> Callable[[Order], object]:
    """Return the carrying out of an order that records one thing and a note."""

    def run(order: Order) -> int:
        ledger = order.store.ledger
        note = order.get("note")
        return ledger.record(order.number, kind, order.actor, note, expected=order.expected)

    return run


def dispatch(order: Order) -> None:
    """Give a ticket to a unit; without one, to that which the rules propose."""
    unit = order.unit("unit") if order.get("unit") else order.handling.proposal(order.ticket).unit
    if not unit:
        raise Unclear("派单规则定不了承办单位，请选择单位。")
    order.handling.dispatch(order.number, order.actor, unit, order.get("note"), order.expected)


def approve_return(order: Order) -> None:
    """Agree with a return and give the ticket to another unit."""
    unit = order.unit("unit")
    if unit == order.ticket.unit:
        raise Unclear(f"{unit}刚申请退单，请改派其他单位，或者驳回退单。")
    order.handling.approve_return(
        order.number, order.actor, unit, order.get("note"), order.expected
    )


def ask_extension(order: Order) -> None:
    """Ask for more time."""
    until = order.moment("until")
    if order.ticket.due_at and until <= order.ticket.due_at:
        raise Unclear("延期后的时限要晚于现在的时限。")
    order.handling.ask_extension(
        order.number, order.actor, until, order.get("note"), order.expected
    )


def blow_whistle(order: Order) -> None:
    """Call departments to a place."""
    names = [line.strip() for line in order.get("departments").splitlines() if line.strip()]
    departments = [known_unit(order.pack, name) for name in names]
    by = order.moment("be_there_by")
    if by <= order.store.ledger.now():
        raise Unclear("到场时间要晚于现在。")
    if order.actor.name in departments:
        raise Unclear("不能给自己的单位吹哨，请填写其他部门。")
    Whistles(order.store.ledger).blow(
        order.number,
        order.actor,
        reason=order.get("note"),
        departments=departments,
        be_there_by=by,
        place=order.get("place"),
        expected=order.expected,
    )


def recategorise(order: Order) -> None:
    """Put the category right."""
    category = _category(order, "category")
    order.handling.recategorise(
        order.number, order.actor, category.id, category.title, order.expected
    )


def _category(order: Order, name: str) -> Category:
    for intent in order.pack.intents:
        if isinstance(intent, Category) and intent.id == order.get(name):
            return intent
    raise Unclear("请选择类别。")


def merge(order: Order) -> None:
    """Go on with another ticket."""
    into = order.get("into")
    if into == order.number:
        raise Unclear("不能并入它自己，请填写另一个工单号。")
    if order.store.get(into) is None:
        raise Unclear(f"没有工单{into}，请核对工单号。")
    order.handling.merge(order.number, order.actor, into, order.expected)


def split(order: Order) -> None:
    """File the parts as tickets of their own, and end the whole."""
    ticket = order.ticket
    written = [n for n in PARTS if order.get(f"text{n}")]
    parts = [(_category(order, f"category{n}"), order.get(f"text{n}")) for n in written]
    if len(parts) < 2:
        raise Unclear("请至少写明两件诉求，才能拆分。")
    if (ticket.category, ticket.text) in {(category.id, text) for category, text in parts}:
        raise Unclear("拆分出的诉求不能与原工单完全一样，请改写。")
    # Filing the same part again gives the same ticket: whoever is refused below repeats safely.
    numbers = [
        order.store.file(
            call_id=ticket.call_id,
            category=category.id,
            title=category.title,
            text=text,
            place=ticket.place,
            urgency=ticket.urgency,
            caller=ticket.caller,
            since=ticket.since,
            phone=ticket.phone,
            pack=ticket.pack,
            channel=ticket.channel,
            by=order.actor,
            parent_id=ticket.id,
        )
        for category, text in parts
    ]
    order.handling.split(order.number, order.actor, numbers, order.expected)


def enter_answer(order: Order) -> None:
    """Take the word of a citizen whom an agent called."""
    score = order.get("satisfied")
    Surveys(order.store.ledger).answer(
        order.number,
        order.get("solved") == "yes",
        int(score) if score else None,
        order.actor,
        "agent",
        order.get("note"),
    )


def join_incident(order: Order) -> None:
    """Put the ticket to an incident."""
    written = order.get("incident")
    if not re.fullmatch(r"[0-9]{1,9}", written):
        raise Unclear("请填写群体诉求的编号。")
    Incidents(order.store.ledger).add(int(written), order.number, order.actor)
