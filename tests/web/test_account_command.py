from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.casework.tickets import TicketStore
from bot.cli import app
from bot.commands.account import first_admin
from bot.config import Settings
from bot.database import open_database
from bot.web.accounts import Accounts, Role
from bot.web.audit import Audit


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("HOTLINE_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return Settings()


def accounts_of(settings: Settings) -> Accounts:
    return Accounts(TicketStore(open_database(settings)).engine)


def test_set_up_makes_the_first_administrator_once(settings: Settings) -> None:
    once = first_admin(settings)
    assert accounts_of(settings).check("admin", once, "here").role is Role.ADMIN
    assert accounts_of(settings).check("admin", once, "here").must_change
    assert first_admin(settings) == ""


def test_an_account_is_added_listed_given_a_new_password_and_closed(settings: Settings) -> None:
    run = CliRunner().invoke
    added = run(app, ["account", "add", "zhang", "--extension", "8001"])
    assert re.search(r"one-time password [a-z0-9-]{19}", added.stdout), added.output
    listed = run(app, ["account", "list"]).stdout
    assert "zhang" in listed
    assert "坐席" in listed
    assert "待改密码" in listed
    assert "one-time password" in run(app, ["account", "passwd", "zhang"]).stdout
    assert run(app, ["account", "lock", "zhang"]).exit_code == 0
    known = accounts_of(settings).get("zhang")
    assert known is not None
    assert known.locked
    log = Audit(accounts_of(settings).engine).newest()
    assert [row.action for row in log] == ["account_locked", "password_reset", "account_added"]


@pytest.mark.parametrize(
    "wrong",
    [
        ["account", "add", "zhang", "--extension", "9999"],
        ["account", "add", "<script>"],
        ["account", "passwd", "nobody"],
        ["account", "lock", "nobody"],
    ],
)
def test_what_cannot_be_done_is_said_with_a_reason(wrong: list[str]) -> None:
    answer = CliRunner().invoke(app, wrong)
    assert answer.exit_code == 1
    assert "Error: " in answer.output


def test_an_account_of_a_unit_is_made_by_the_units_id_or_name(settings: Settings) -> None:
    run = CliRunner().invoke
    for name, unit in (("wang", "water_company"), ("zhao", "市自来水集团")):
        made = run(app, ["account", "add", name, "--role", "unit", "--unit", unit])
        assert made.exit_code == 0, made.output
        account = accounts_of(settings).get(name)
        assert account is not None
        assert (account.role, account.unit) == (Role.UNIT, "市自来水集团")


def test_a_unit_that_does_not_exist_or_that_every_district_has_is_refused(
    settings: Settings,
) -> None:
    for unit in ("nobody", "urban_management", ""):
        refused = CliRunner().invoke(
            app, ["account", "add", "wang", "--role", "unit", "--unit", unit]
        )
        assert refused.exit_code == 1
        assert "unit" in refused.output
    assert accounts_of(settings).get("wang") is None
