"""What people can do with a ticket on its page: each action a form, offered when it may be done.

:data:`ACTIONS` is the whole list. Whether somebody may do one now is asked of the state machine
(``casework/lifecycle.py``), never decided here; every order names the version of the ticket that
it was given on. Leaves to others: the rules, and showing the forms (``templates/ticket.html``).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from bot.casework.errors import Conflict
from bot.casework.handling import Handling
from bot.casework.incidents import Incidents
from bot.casework.ledger import case_of
from bot.casework.lifecycle import Actor, EventKind, allowed
from bot.casework.models import Ticket
from bot.casework.surveys import Surveys
from bot.casework.tickets import TicketStore
from bot.casework.whistles import Whistles
from bot.understanding.pack import Pack
from bot.understanding.schema import Category
from bot.web.ticket_words import OUTCOMES
from bot.web.units import unit_named

#: Tickets that one can be split into.
PARTS = (1, 2, 3)
_K = EventKind


class Unclear(Exception):  # noqa: N818
    """What was filled in can't be meant; ``message`` is Chinese and says what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an action's form."""

    name: str
    label: str
    sort: str = "words"
    """``words``, ``line``, ``unit``, ``units``, ``moment``, ``number``, ``category``,
    ``superior`` or ``choice``."""
    required: bool = True
    choices: Mapping[str, str] | None = None


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


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done with a ticket."""

    id: str
    """In addresses."""
    kind: EventKind
    """What it records: whether that may happen is the lifecycle's to say."""
    title: str
    done: str
    """What is said when it was done."""
    fields: tuple[Field, ...]
    run: Callable[[Order], object]
    when: Callable[[Ticket], bool] = lambda _: True
    """What has to be so besides."""


def known_unit(pack: Pack, given: str) -> str:
    """Return a unit's name (Unclear: there is no such unit)."""
    name = unit_named(pack, given)
    if name is None:
        raise Unclear(f"没有叫“{given}”的单位，请从列表中选择。")
    return name


def possible(ticket: Ticket, actor: Actor | None) -> list[Action]:
    """Return what somebody may do with a ticket as it is now."""
    if actor is None:
        return []
    case = case_of(ticket)
    return [one for one in ACTIONS if allowed(case, one.kind, actor) and one.when(ticket)]


def carry_out(action: Action, order: Order) -> None:
    """Do an action.

    Raises:
        Unclear: a field is missing or can't be meant.
        Conflict, IllegalTransition, UnknownTicket, CaseworkError: as of casework.
    """
    for field in action.fields:
        value = order.get(field.name)
        if field.required and not value:
            raise Unclear(f"请填写“{field.label}”。")
        if value and field.choices and value not in field.choices:
            raise Unclear(f"请选择“{field.label}”。")
    # The ledger looks once more, under its lock; here for the orders that name no version.
    if order.ticket.version != order.expected:
        raise Conflict(f"Ticket {order.number} was changed meanwhile.")
    action.run(order)


# --- the orders that take more than a line ----------------------------------------------------


def _recorded(kind: EventKind) -> Callable[[Order], object]:
    """An order that records one thing and says no more than a note."""

    def run(order: Order) -> int:
        ledger = order.store.ledger
        note = order.get("note")
        return ledger.record(order.number, kind, order.actor, note, expected=order.expected)

    return run


def _dispatch(order: Order) -> None:
    unit = order.unit("unit") if order.get("unit") else order.handling.proposal(order.ticket).unit
    if not unit:
        raise Unclear("派单规则定不了承办单位，请选择单位。")
    order.handling.dispatch(order.number, order.actor, unit, order.get("note"), order.expected)


def _approve_return(order: Order) -> None:
    unit = order.unit("unit")
    if unit == order.ticket.unit:
        raise Unclear(f"{unit}刚申请退单，请改派其他单位，或者驳回退单。")
    order.handling.approve_return(
        order.number, order.actor, unit, order.get("note"), order.expected
    )


def _ask_extension(order: Order) -> None:
    until = order.moment("until")
    if order.ticket.due_at and until <= order.ticket.due_at:
        raise Unclear("延期后的时限要晚于现在的时限。")
    order.handling.ask_extension(
        order.number, order.actor, until, order.get("note"), order.expected
    )


def _blow(order: Order) -> None:
    names = [part for part in re.split(r"[\s,，、;；]+", order.get("departments")) if part]
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


def _recategorise(order: Order) -> None:
    category = _category(order, "category")
    order.handling.recategorise(
        order.number, order.actor, category.id, category.title, order.expected
    )


def _category(order: Order, name: str) -> Category:
    for intent in order.pack.intents:
        if isinstance(intent, Category) and intent.id == order.get(name):
            return intent
    raise Unclear("请选择类别。")


def _merge(order: Order) -> None:
    into = order.get("into")
    if into == order.number:
        raise Unclear("不能并入它自己，请填写另一个工单号。")
    if order.store.get(into) is None:
        raise Unclear(f"没有工单{into}，请核对工单号。")
    order.handling.merge(order.number, order.actor, into, order.expected)


def _split(order: Order) -> None:
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


def _answered(order: Order) -> None:
    score = order.get("satisfied")
    Surveys(order.store.ledger).answer(
        order.number,
        order.get("solved") == "yes",
        int(score) if score else None,
        order.actor,
        "agent",
        order.get("note"),
    )


def _join(order: Order) -> None:
    written = order.get("incident")
    if not re.fullmatch(r"[0-9]{1,9}", written):
        raise Unclear("请填写群体诉求的编号。")
    Incidents(order.store.ledger).add(int(written), order.number, order.actor)


def _reason(label: str = "原因") -> Field:
    return Field("note", label)


_NOTE = Field("note", "说明", required=False)
_UNIT = Field("unit", "承办单位", "unit")
_REACHED = {name: OUTCOMES[name] for name in ("reached", "not_reached")}
_TRIED = {name: OUTCOMES[name] for name in ("no_answer", "busy", "refused", "failed")}
_SOLVED = {"yes": "已解决", "no": "没有解决"}
_SCORES = {"5": "5分 非常满意", "4": "4分 满意", "3": "3分 一般", "2": "2分 不满意", "1": "1分"}

#: Everything that can be done, the most usual first.
ACTIONS: tuple[Action, ...] = (
    Action(
        "accept",
        _K.ACCEPTED,
        "签收",
        "已签收。",
        (_NOTE,),
        lambda o: o.handling.accept(o.number, o.actor, o.get("note"), o.expected),
    ),
    Action(
        "contact",
        _K.CONTACTED,
        "联系市民",
        "已记录联系情况。",
        (Field("outcome", "结果", "choice", choices=_REACHED), _NOTE),
        lambda o: o.handling.contact(
            o.number, o.actor, o.get("outcome"), o.get("note"), o.expected
        ),
    ),
    Action(
        "progress",
        _K.PROGRESSED,
        "报告进展",
        "已记录进展。",
        (_reason("进展"),),
        lambda o: o.handling.progress(o.number, o.actor, o.get("note"), o.expected),
    ),
    Action(
        "resolve",
        _K.RESOLVED,
        "办结",
        "已办结，稍后回访市民。",
        (_reason("办理结果"),),
        lambda o: o.handling.resolve(o.number, o.actor, o.get("note"), o.expected),
    ),
    Action(
        "whistle",
        _K.WHISTLED,
        "吹哨",
        "已吹哨，相关部门会收到通知。",
        (
            _reason("事由"),
            Field("departments", "请哪些部门到场（一行一个）", "units"),
            Field("be_there_by", "到场时间", "moment"),
            Field("place", "地点（不填就是工单的地点）", "line", required=False),
        ),
        _blow,
    ),
    Action(
        "ask-extension",
        _K.EXTENSION_ASKED,
        "申请延期",
        "已提交延期申请，等待审批。",
        (Field("until", "延至", "moment"), _reason()),
        _ask_extension,
    ),
    Action(
        "return",
        _K.RETURNED,
        "申请退单",
        "已提交退单申请；批准以前仍由本单位负责。",
        (_reason("退单理由"),),
        lambda o: o.handling.return_(o.number, o.actor, o.get("note"), o.expected),
    ),
    Action(
        "approve-return",
        _K.RETURN_APPROVED,
        "同意退单并改派",
        "已改派。",
        (_UNIT, _NOTE),
        _approve_return,
    ),
    Action(
        "refuse-return",
        _K.RETURN_REFUSED,
        "驳回退单",
        "已驳回，仍由原单位承办。",
        (_reason(),),
        lambda o: o.handling.refuse_return(o.number, o.actor, o.get("note"), o.expected),
    ),
    Action(
        "dispatch",
        _K.DISPATCHED,
        "派单",
        "已派单。",
        (Field("unit", "承办单位", "unit", required=False), _NOTE),
        _dispatch,
    ),
    Action(
        "extend",
        _K.EXTENDED,
        "同意延期",
        "已同意延期。",
        (_NOTE,),
        lambda o: o.handling.extend(o.number, o.actor, o.get("note"), o.expected),
        when=lambda ticket: ticket.extension_to is not None,
    ),
    Action(
        "refuse-extension",
        _K.EXTENSION_REFUSED,
        "驳回延期",
        "已驳回延期，时限不变。",
        (_reason(),),
        lambda o: o.handling.refuse_extension(o.number, o.actor, o.get("note"), o.expected),
        when=lambda ticket: ticket.extension_to is not None,
    ),
    Action(
        "survey",
        _K.SURVEYED,
        "登记回访结果",
        "已登记回访结果。",
        (
            Field("solved", "市民说", "choice", choices=_SOLVED),
            Field("satisfied", "满意度", "choice", required=False, choices=_SCORES),
            Field("note", "市民的话", required=False),
        ),
        _answered,
    ),
    Action(
        "survey-tried",
        _K.SURVEY_TRIED,
        "回访未成",
        "已记录，稍后再回访。",
        (Field("outcome", "结果", "choice", choices=_TRIED),),
        lambda o: Surveys(o.store.ledger).attempt(o.number, o.get("outcome"), o.actor),
    ),
    Action("resume", _K.RESUMED, "恢复办理", "已恢复，时限顺延。", (_NOTE,), _recorded(_K.RESUMED)),
    Action(
        "suspend",
        _K.SUSPENDED,
        "挂起",
        "已挂起，时限停止计算。",
        (_reason(),),
        lambda o: o.handling.suspend(o.number, o.actor, o.get("note"), o.expected),
    ),
    Action(
        "escalate",
        _K.ESCALATED,
        "升级督办",
        "已升级督办。",
        (Field("to", "报给", "superior"), _reason()),
        lambda o: o.handling.escalate(
            o.number, o.actor, o.get("to")[:64], o.get("note"), o.expected
        ),
    ),
    Action(
        "reopen",
        _K.REOPENED,
        "重新办理",
        "已重新办理，时限重新计算。",
        (_reason(),),
        lambda o: o.handling.reopen(o.number, o.actor, o.get("note"), o.expected),
    ),
    Action(
        "close",
        _K.CLOSED,
        "不经回访结案",
        "已结案。",
        (_reason(),),
        lambda o: o.handling.close(o.number, o.actor, o.get("note"), o.expected),
    ),
    Action(
        "recategorise",
        _K.RECATEGORISED,
        "更改类别",
        "已更改类别。",
        (Field("category", "类别", "category"),),
        _recategorise,
    ),
    Action(
        "merge",
        _K.MERGED,
        "合并",
        "已合并。",
        (Field("into", "并入哪个工单", "number"),),
        _merge,
    ),
    Action(
        "split",
        _K.SPLIT,
        "拆分",
        "已拆分。",
        tuple(
            field
            for n in PARTS
            for field in (
                Field(f"text{n}", f"第{n}件诉求", required=n < PARTS[-1]),
                Field(f"category{n}", "类别", "category", required=n < PARTS[-1]),
            )
        ),
        _split,
    ),
    Action("urge", _K.URGED, "催办", "已催办。", (_NOTE,), _recorded(_K.URGED)),
    Action("add", _K.ADDED, "补充情况", "已补充。", (_reason("情况"),), _recorded(_K.ADDED)),
    Action(
        "join",
        _K.INCIDENT_JOINED,
        "并入群体诉求",
        "已并入群体诉求。",
        (Field("incident", "群体诉求编号", "line"),),
        _join,
        when=lambda ticket: ticket.incident_id is None,
    ),
    Action("withdraw", _K.WITHDRAWN, "撤销", "已撤销。", (_reason(),), _recorded(_K.WITHDRAWN)),
    Action("note", _K.NOTED, "备注", "已备注。", (_reason("内容"),), _recorded(_K.NOTED)),
)
BY_ID: Mapping[str, Action] = {one.id: one for one in ACTIONS}
