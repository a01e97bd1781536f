"""What people can do with a ticket on its page: each action a form, offered when it may be done.

:data:`ACTIONS` is the whole list. Whether somebody may do one now is asked of the state machine
(``casework/lifecycle.py``), never decided here; every order names the version of the ticket that
it was given on. Leaves to others: checking what was filled in (``ticket_orders.py``), and showing
the forms (``templates/ticket.html``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.casework.errors import Conflict
from bot.casework.ledger import case_of
from bot.casework.lifecycle import Actor, EventKind, allowed
from bot.casework.models import Ticket
from bot.casework.surveys import Surveys
from bot.web import ticket_orders as orders
from bot.web.ticket_orders import PARTS, Order, Unclear
from bot.web.ticket_words import OUTCOMES

_K = EventKind


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
            Field("departments", "请哪些部门到场", "units"),
            Field("be_there_by", "到场时间", "moment"),
            Field("place", "地点（不填就是工单的地点）", "line", required=False),
        ),
        orders.blow_whistle,
    ),
    Action(
        "ask-extension",
        _K.EXTENSION_ASKED,
        "申请延期",
        "已提交延期申请，等待审批。",
        (Field("until", "延至", "moment"), _reason()),
        orders.ask_extension,
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
        orders.approve_return,
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
        orders.dispatch,
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
        orders.enter_answer,
    ),
    Action(
        "survey-tried",
        _K.SURVEY_TRIED,
        "回访未成",
        "已记录，稍后再回访。",
        (Field("outcome", "结果", "choice", choices=_TRIED),),
        lambda o: Surveys(o.store.ledger).attempt(o.number, o.get("outcome"), o.actor),
    ),
    Action(
        "resume",
        _K.RESUMED,
        "恢复办理",
        "已恢复，时限顺延。",
        (_NOTE,),
        orders.recorded(_K.RESUMED),
    ),
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
        orders.recategorise,
    ),
    Action(
        "merge",
        _K.MERGED,
        "合并",
        "已合并。",
        (Field("into", "并入哪个工单", "number"),),
        orders.merge,
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
        orders.split,
    ),
    Action("urge", _K.URGED, "催办", "已催办。", (_NOTE,), orders.recorded(_K.URGED)),
    Action("add", _K.ADDED, "补充情况", "已补充。", (_reason("情况"),), orders.recorded(_K.ADDED)),
    Action(
        "join",
        _K.INCIDENT_JOINED,
        "并入群体诉求",
        "已并入群体诉求。",
        (Field("incident", "群体诉求编号", "line"),),
        orders.join_incident,
        when=lambda ticket: ticket.incident_id is None,
    ),
    Action(
        "withdraw", _K.WITHDRAWN, "撤销", "已撤销。", (_reason(),), orders.recorded(_K.WITHDRAWN)
    ),
    Action("note", _K.NOTED, "备注", "已备注。", (_reason("内容"),), orders.recorded(_K.NOTED)),
)
BY_ID: Mapping[str, Action] = {one.id: one for one in ACTIONS}
