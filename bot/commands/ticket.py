"""``hotline ticket``: file, find, show and work on tickets.

Leaves to others: every rule (``bot/casework``), how a ticket looks (``ticket_view.py``), and
whistles (``whistle.py``).
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from bot.casework import export as exporting
from bot.casework import rates as rating
from bot.casework.audit import Audit
from bot.casework.errors import CaseworkError, UnknownTicket
from bot.casework.handling import Handling
from bot.casework.lifecycle import OPEN, RUNNING, TicketState
from bot.casework.models import Ticket
from bot.casework.search import finding
from bot.casework.surveys import OUTCOMES, Surveys
from bot.casework.tickets import TicketStore
from bot.casework.whistles import Whistles
from bot.casework.wording import STATES
from bot.commands import whistle
from bot.commands.casework import line_pack, local_time, opened, parse_day, parse_until
from bot.commands.output import console
from bot.commands.ticket_view import as_data, describe, ticket_table
from bot.observe import mask_number
from bot.understanding.schema import Category

app = typer.Typer(help="Tickets (工单): file, find, show, work on.", no_args_is_help=True)
app.add_typer(whistle.app, name="whistle")

Number = Annotated[str, typer.Argument(help="Number of the ticket.")]
Agent = Annotated[str, typer.Option("--by", help="Who does it, as role:name.")]
UnitBy = Annotated[
    str, typer.Option("--by", help="Who does it, as unit:NAME; default: the ticket's unit.")
]
Reveal = Annotated[
    bool, typer.Option("--reveal", help="Show personal numbers; needs --by and --reason.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why, in words.")]


@app.command()
def new(
    category: Annotated[str, typer.Option("--category", help="Id of the category.")],
    text: Annotated[str, typer.Option("--text", help="What the citizen says.")],
    place: Annotated[str, typer.Option("--place", help="Where.")] = "",
    caller: Annotated[str, typer.Option("--caller", help="Calling number.")] = "",
    phone: Annotated[str, typer.Option("--phone", help="Number to call back.")] = "",
    since: Annotated[str, typer.Option("--since", help="Since when.")] = "",
    urgency: Annotated[
        str, typer.Option("--urgency", help="low, normal, high, urgent; default: category's.")
    ] = "",
    line: Annotated[str, typer.Option("--line", help="Number of the line that it is of.")] = "",
    by: Agent = "agent",
) -> None:
    """File a ticket and print its number."""
    with opened() as store:
        pack = line_pack(line)
        known = {one.id: one for one in pack.intents if isinstance(one, Category)}
        one = known.get(category)
        if one is None:
            raise CaseworkError(
                f"There is no category {category!r} in the pack {pack.name}; "
                "“hotline ask TEXT” says which one a text is."
            )
        if urgency and urgency not in ("low", "normal", "high", "urgent"):
            raise CaseworkError(f"The urgency is low, normal, high or urgent, not {urgency!r}.")
        number = store.file(
            call_id=str(uuid.uuid4()),
            category=category,
            title=one.title,
            text=text,
            place=place,
            unit=pack.unit_name(one.unit),
            urgency=urgency or one.urgency,
            caller=caller,
            phone=phone,
            since=since,
            pack=pack.name,
            channel="agent",
            by=by,
        )
        typer.echo(number)


@app.command("list")
def list_tickets(
    state: Annotated[str, typer.Option("--state", help="Only those in this state.")] = "",
    unit: Annotated[str, typer.Option("--unit", help="Only those of a unit.")] = "",
    phone: Annotated[str, typer.Option("--phone", help="Only those of a number.")] = "",
    search: Annotated[str, typer.Option("--search", help="Only those that say all words.")] = "",
    overdue: Annotated[bool, typer.Option("--overdue", help="Only overdue ones.")] = False,
    due_within: Annotated[
        int, typer.Option("--due-within", help="Only those due within so many hours.", min=0)
    ] = 0,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    limit: Annotated[int, typer.Option("--limit", help="At most so many.", min=1)] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print plain data.")] = False,
) -> None:
    """Show tickets, newest first."""
    with opened() as store:
        where = _where(state, unit)
        if not (state or everything):
            where.append(Ticket.state.in_([one.value for one in OPEN]))
        if phone:
            where.append((Ticket.caller == phone) | (Ticket.phone == phone))
        if overdue:
            where.append(Ticket.due_at < store.ledger.now())
            where.append(Ticket.state.in_([one.value for one in RUNNING]))
        if search:
            with store.ledger.reading() as session:
                where += finding(session, search).where
        if due_within:
            ahead = store.ledger.now() + dt.timedelta(hours=due_within)
            where.append(Ticket.due_at.between(store.ledger.now(), ahead))
            where.append(Ticket.state.in_([one.value for one in RUNNING]))
        tickets = store.select(*where, limit=limit)
        zone = store.ledger.rules.clocks.zone
        if as_json:
            typer.echo(json.dumps([as_data(t) for t in tickets], ensure_ascii=False, indent=2))
        elif tickets:
            console().print(ticket_table(tickets, zone, store.ledger.now()))
        else:
            typer.echo("没有符合条件的工单。")


@app.command()
def show(
    number: Number,
    reveal: Reveal = False,
    by: Annotated[str, typer.Option("--by", help="Who looks, as role:name.")] = "",
    reason: Reason = "",
) -> None:
    """Tell in Chinese all that is known of a ticket."""
    with opened() as store:
        ticket = _known(store, number)
        if reveal:
            Audit(store.engine).reveal(by, f"ticket {number}", reason)
        boards = Whistles(store.ledger).board(open_only=False, number=number)
        zone = store.ledger.rules_of(ticket.pack).clocks.zone
        typer.echo(describe(ticket, store.events(number), boards, zone, reveal=reveal))


@app.command()
def dispatch(
    number: Number,
    unit: Annotated[str, typer.Option("--unit", help="Unit; default: by the rules.")] = "",
    why: Annotated[str, typer.Option("--why", help="Why this unit.")] = "",
    refuse: Annotated[str, typer.Option("--refuse", help="Refuse a return, and why.")] = "",
    by: Agent = "dispatcher",
) -> None:
    """Give a ticket to a unit; decide on a return (退单) by --unit or --refuse."""
    with opened() as store:
        ticket, handling = _known(store, number), Handling(store.ledger)
        if refuse:
            handling.refuse_return(number, by, refuse)
        elif ticket.state == TicketState.RETURNED:
            if not unit:
                raise CaseworkError("It was returned: name another --unit, or --refuse it.")
            handling.approve_return(number, by, unit, why)
        else:
            handling.dispatch(number, by, unit, why)
        _done(store, number)


@app.command()
def accept(number: Number, by: UnitBy = "") -> None:
    """Take a ticket (签收)."""
    with opened() as store:
        Handling(store.ledger).accept(number, _unit(store, number, by))
        _done(store, number)


@app.command()
def contact(
    number: Number,
    reached: Annotated[bool, typer.Option("--reached/--not-reached")] = True,
    note: Annotated[str, typer.Option("--note", help="What was said.")] = "",
    by: UnitBy = "",
) -> None:
    """Record that the unit called the citizen (响应)."""
    with opened() as store:
        outcome = "reached" if reached else "not_reached"
        Handling(store.ledger).contact(number, _unit(store, number, by), outcome, note)
        _done(store, number)


@app.command("return")
def return_ticket(number: Number, reason: Reason, by: UnitBy = "") -> None:
    """Say that a ticket is not the unit's own (退单)."""
    with opened() as store:
        Handling(store.ledger).return_(number, _unit(store, number, by), reason)
        _done(store, number)


@app.command()
def resolve(
    number: Number,
    result: Annotated[str, typer.Option("--result", help="What was done, in words.")],
    by: UnitBy = "",
) -> None:
    """Say that a ticket is done (办结)."""
    with opened() as store:
        Handling(store.ledger).resolve(number, _unit(store, number, by), result)
        _done(store, number)


@app.command()
def extend(
    number: Number,
    until: Annotated[
        str, typer.Option("--until", help="Ask for time till 2026-12-05, or “2026-12-05 18:00”.")
    ] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why more time is needed.")] = "",
    grant: Annotated[bool, typer.Option("--grant", help="Grant what was asked for.")] = False,
    refuse: Annotated[str, typer.Option("--refuse", help="Refuse it, and why.")] = "",
    by: Annotated[
        str, typer.Option("--by", help="Default: the unit asks, a supervisor decides.")
    ] = "",
) -> None:
    """Ask for more time (延期) by --until and --reason; decide on it by --grant or --refuse."""
    with opened() as store:
        handling, asked = Handling(store.ledger), _known(store, number).extension_to
        if until and reason and not (grant or refuse):
            zone = store.ledger.rules_of(_known(store, number).pack).clocks.zone
            unit = _unit(store, number, by)
            handling.ask_extension(number, unit, parse_until(until, zone), reason)
        elif grant and not (until or refuse):
            handling.extend(number, by or "supervisor")
        elif refuse and not (until or grant):
            if asked is None:
                raise CaseworkError("No extension was asked for.")
            handling.refuse_extension(number, by or "supervisor", refuse)
        else:
            raise CaseworkError("Say --until and --reason; or --grant; or --refuse and why.")
        _done(store, number)


@app.command()
def suspend(number: Number, reason: Reason, by: Agent = "supervisor") -> None:
    """Let the clock of a ticket stand still (挂起)."""
    with opened() as store:
        Handling(store.ledger).suspend(number, by, reason)
        _done(store, number)


@app.command()
def resume(number: Number, by: Agent = "supervisor") -> None:
    """Go on with a ticket that was suspended; its deadline moves by the time in between."""
    with opened() as store:
        Handling(store.ledger).resume(number, by)
        _done(store, number)


@app.command()
def callback(
    number: Annotated[str, typer.Argument(help="Number; without: who is to be called.")] = "",
    solved: Annotated[
        bool | None, typer.Option("--solved/--not-solved", help="What the citizen says.")
    ] = None,
    satisfied: Annotated[
        int | None, typer.Option("--satisfied", help="1 to 5.", min=1, max=5)
    ] = None,
    outcome: Annotated[
        str, typer.Option("--outcome", help=f"A try that came to nothing: {', '.join(OUTCOMES)}.")
    ] = "",
    note: Annotated[str, typer.Option("--note", help="The citizen's words.")] = "",
    by: Agent = "agent",
) -> None:
    """Show who is to be called back (回访), or record what came of it."""
    with opened() as store:
        surveys = Surveys(store.ledger)
        if not number:
            _who_to_call(surveys)
        elif solved is not None:
            surveys.answer(number, solved, satisfied, by, channel="agent", note=note)
            _done(store, number)
        elif outcome:
            surveys.attempt(number, outcome, by)
            _done(store, number)
        else:
            raise CaseworkError("Say --solved, --not-solved, or the --outcome of the try.")


@app.command()
def reopen(number: Number, reason: Reason, by: Agent = "agent") -> None:
    """Begin anew, because it is not solved."""
    with opened() as store:
        Handling(store.ledger).reopen(number, by, reason)
        _done(store, number)


@app.command()
def export(
    path: Annotated[Path, typer.Argument(help="File to write: .csv or .xlsx.")],
    since: Annotated[str, typer.Option("--since", help="Filed on this day or later.")] = "",
    until: Annotated[str, typer.Option("--until", help="Filed before this day.")] = "",
    state: Annotated[str, typer.Option("--state", help="Only those in this state.")] = "",
    unit: Annotated[str, typer.Option("--unit", help="Only those of a unit.")] = "",
    reveal: Reveal = False,
    by: Annotated[str, typer.Option("--by", help="Who exports, as role:name.")] = "",
    reason: Reason = "",
) -> None:
    """Write tickets into a table; personal numbers are hidden unless --reveal."""
    with opened() as store:
        zone = store.ledger.rules.clocks.zone
        where = _where(state, unit)
        if since:
            where.append(Ticket.filed_at >= parse_day(since, zone))
        if until:
            where.append(Ticket.filed_at < parse_day(until, zone))
        if reveal:
            said = " ".join(f"{k}={v}" for k, v in (("since", since), ("until", until)) if v)
            Audit(store.engine).reveal(by, f"export {path.name} {said}".strip(), reason)
        count = exporting.write(path, store.stream(*where), zone, reveal)
        typer.echo(f"已导出 {count} 件工单：{path}")


@app.command()
def rates(
    since: Annotated[str, typer.Option("--since", help="First day; default: 30 days ago.")] = "",
    until: Annotated[str, typer.Option("--until", help="Day after the last.")] = "",
) -> None:
    """Show 响应率, 解决率, 满意率 and the score of every unit."""
    with opened() as store:
        rules = store.ledger.rules
        zone, now = rules.clocks.zone, store.ledger.now()
        begin = parse_day(since, zone) if since else now - dt.timedelta(days=30)
        end = parse_day(until, zone) if until else now
        table = Table("承办单位", "派单", "退单", "响应率", "解决率", "满意率", "按时办结", "得分")
        for one in rating.read(store.ledger, begin, end):
            score = one.score(rules.weights)
            shares = (one.response_rate, one.solution_rate, one.satisfaction_rate)
            table.add_row(
                escape(one.unit),
                str(one.dispatched),
                str(one.returned),
                *(_share(share) for share in (*shares, one.on_time_rate)),
                "—" if score is None else f"{score:.1f}",
            )
        console().print(table)


def _share(share: float | None) -> str:
    return "—" if share is None else f"{share:.1%}"


def _where(state: str, unit: str) -> list[Any]:
    where: list[Any] = []
    if state:
        by_title = {title: one for one, title in STATES.items()}
        try:
            where.append(Ticket.state == (by_title.get(state) or TicketState(state)).value)
        except ValueError:
            known = "、".join(f"{one}（{title}）" for one, title in STATES.items())
            raise CaseworkError(f"There is no state {state!r}; there are: {known}.") from None
    if unit:
        where.append(Ticket.unit == unit)
    return where


def _known(store: TicketStore, number: str) -> Ticket:
    ticket = store.get(number)
    if ticket is None:
        raise UnknownTicket(f"There is no ticket {number}. Check the number.")
    return ticket


def _unit(store: TicketStore, number: str, by: str) -> str:
    return by or f"unit:{_known(store, number).unit}"


def _done(store: TicketStore, number: str) -> None:
    ticket = _known(store, number)
    due = local_time(ticket.due_at, store.ledger.rules_of(ticket.pack).clocks.zone)
    state = STATES[TicketState(ticket.state)]
    typer.echo(f"工单 {number}：{state}，承办单位 {ticket.unit or '未定'}，时限 {due or '无'}")


def _who_to_call(surveys: Surveys) -> None:
    asked = surveys.due()
    if not asked:
        typer.echo("现在没有要回访的工单。")
        return
    table = Table("工单号", "类别", "承办单位", "电话", "已试次数")
    for one in asked:
        table.add_row(
            one.number, one.title, escape(one.unit), mask_number(one.phone), str(one.attempts)
        )
    console().print(table)
