"""``hotline account``: who may sign in to the pages."""

from __future__ import annotations

import getpass
from typing import Annotated, NoReturn

import typer
from rich.markup import escape
from rich.table import Table

from bot.casework.tickets import CaseworkError, TicketStore
from bot.commands.casework import line_pack
from bot.commands.output import console
from bot.config import Settings
from bot.database import open_database
from bot.node.secrets import load_secrets
from bot.node.types import SetupError
from bot.understanding.pack import PackError
from bot.web.accounts import ROLE_NAMES, AccountError, Accounts, Role
from bot.web.audit import Audit
from bot.web.units import unit_named

app = typer.Typer(help="Accounts of the pages: add, list, passwd, lock.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="What they sign in with.")]


@app.command()
def add(
    name: Name,
    role: Annotated[Role, typer.Option(help="What they may do.")] = Role.AGENT,
    extension: Annotated[str, typer.Option(help="Of their telephone, if they take calls.")] = "",
    unit: Annotated[str, typer.Option(help="Id or name of the unit, for the role of units.")] = "",
) -> None:
    """Make an account, and print its one-time password."""
    accounts, audit = _open()
    try:
        if extension and extension not in load_secrets(Settings()).agent_passwords:
            _fail(
                f"There is no telephone {extension}; make it with `hotline agent add {extension}`."
            )
    except SetupError as error:
        _fail(str(error))
    try:
        password = accounts.add(name, role, extension, unit=_unit_of(unit))
    except AccountError as error:
        _fail(str(error))
    audit.write(_me(), "account_added", name, role.value)
    _show(name, password)


@app.command("list")
def list_accounts() -> None:
    """Show every account."""
    table = Table("用户名", "角色", "单位", "分机", "状态")
    for one in _open()[0].all():
        state = "已停用" if one.locked else "待改密码" if one.must_change else "正常"
        table.add_row(one.name, ROLE_NAMES[one.role], escape(one.unit), one.extension, state)
    console().print(table)


@app.command()
def passwd(name: Name) -> None:
    """Give an account a new one-time password; ends its sessions."""
    accounts, audit = _open()
    try:
        password = accounts.reset(name)
    except AccountError as error:
        _fail(str(error))
    audit.write(_me(), "password_reset", name)
    _show(name, password)


@app.command()
def lock(
    name: Name, undo: Annotated[bool, typer.Option("--undo", help="Open it again.")] = False
) -> None:
    """Close an account and end its sessions."""
    accounts, audit = _open()
    try:
        accounts.lock(name, not undo)
    except AccountError as error:
        _fail(str(error))
    audit.write(_me(), "account_unlocked" if undo else "account_locked", name)
    typer.echo(f"{name} is {'open' if undo else 'closed'}.")


def first_admin(settings: Settings) -> str:
    """Make the first account if there is none; return its one-time password, else "".

    Raises:
        AccountError, CaseworkError: the database cannot be used.
    """
    accounts = _accounts(settings)
    if accounts.all():
        return ""
    return accounts.add("admin", Role.ADMIN)


def _unit_of(given: str) -> str:
    """Return a unit's full name by its id or name."""
    if not given:
        return ""
    try:
        name = unit_named(line_pack(), given)
    except PackError as error:
        _fail(str(error))
    if name is None:
        _fail(
            f"There is no single unit {given!r}: give the id of a unit in the pack's units.yaml, "
            "or the full name that tickets are dispatched to, such as 望京街道办事处."
        )
    return name


def _accounts(settings: Settings) -> Accounts:
    settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    tickets = TicketStore(open_database(settings))
    tickets.create_schema()
    return Accounts(tickets.engine)


def _open() -> tuple[Accounts, Audit]:
    try:
        accounts = _accounts(Settings())
    except (AccountError, CaseworkError) as error:
        _fail(str(error))
    return accounts, Audit(accounts.engine)


def _me() -> str:
    return f"shell:{getpass.getuser()}"


def _show(name: str, password: str) -> None:
    typer.echo(f"{name}: one-time password {password}")
    typer.echo("It is shown only now, and has to be changed at the first sign-in.")


def _fail(why: str) -> NoReturn:
    typer.echo(f"Error: {why}", err=True)
    raise typer.Exit(1)
