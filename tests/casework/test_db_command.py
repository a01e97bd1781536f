"""``hotline db``, ``hotline key`` and ``hotline webhook`` as an operator types them."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.casework.errors import CaseworkError
from bot.casework.tickets import TicketStore
from bot.casework.versions import downgrade, newest
from bot.cli import app
from bot.config import Settings
from bot.database import examine_database, open_database


@pytest.fixture(autouse=True)
def state(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOTLINE_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("DATABASE_URL", database_url)
    return tmp_path / "state"


def hotline(*args: str, well: bool = True) -> Result:
    result = CliRunner().invoke(app, args)
    assert (result.exit_code == 0) is well, result.output
    return result


def store() -> TicketStore:
    one = TicketStore(open_database(Settings()))
    one.create_schema()
    return one


def filed() -> str:
    return store().file(call_id="c", category="x", title="x", text="x", caller="13800138000")


def test_a_backup_and_a_change_of_keys_lose_nothing(tmp_path: Path) -> None:
    number = filed()
    assert "bytes" in hotline("db", "backup", str(tmp_path / "backup")).output
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o600
    assert "1 fields are encrypted with the key k2" in hotline("db", "rekey").output
    assert [one.number for one in store().of_caller("13800138000")] == [number]
    hotline("db", "downgrade", "base", "--yes")
    engine = open_database(Settings())
    if engine.dialect.name == "sqlite":
        assert "not empty" not in hotline("db", "current").output
    hotline("db", "restore", str(tmp_path / "backup"))
    # The backup has the old key's values; finding by number wants them under the new one.
    hotline("db", "rekey", "--resume")
    assert [one.number for one in store().of_caller("13800138000")] == [number]


def test_the_doctor_names_the_database_its_size_and_its_last_backup(tmp_path: Path) -> None:
    filed()
    found = examine_database(Settings())
    assert (found.state, "last backup: none" in found.detail) == ("warn", True)
    assert "hotline db backup FILE" in found.advice
    hotline("db", "backup", str(tmp_path / "backup"))
    found = examine_database(Settings())
    assert found.state == "ok"
    assert str(tmp_path / "backup") in found.detail
    assert " MB;" in found.detail
    assert newest() in found.version


def test_the_doctor_sees_an_older_database_and_says_what_to_do(tmp_path: Path) -> None:
    filed()
    downgrade(open_database(Settings()), "0001")
    hotline("db", "backup", str(tmp_path / "backup"))
    found = examine_database(Settings())
    assert (found.state, "hotline db upgrade" in found.advice) == ("fail", True)


def test_a_database_that_is_not_made_yet_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'none.db'}")
    assert examine_database(Settings()).state == "ok"
    assert not (tmp_path / "none.db").exists()


def test_an_older_database_is_refused_until_it_is_upgraded() -> None:
    filed()
    downgrade(open_database(Settings()), "0001")
    with pytest.raises(CaseworkError, match="hotline db upgrade"):
        store()
    refused = hotline("key", "list", well=False)
    assert "hotline db upgrade" in refused.output
    hotline("db", "upgrade")
    assert len(store().newest()) == 1


def test_going_back_wants_to_be_confirmed() -> None:
    filed()
    assert "--yes" in hotline("db", "downgrade", "0001", well=False).output


def test_an_empty_policy_is_refused() -> None:
    filed()
    hotline("db", "retention", "--tickets", "0", well=False)
    assert "0 tickets" in hotline("db", "retention", "--dry-run").output


def test_a_hold_needs_a_ticket_that_exists() -> None:
    number = filed()
    hotline("db", "hold", number, "--reason", "诉讼")
    assert "no ticket" in hotline("db", "hold", "1", "--reason", "诉讼", well=False).output


def test_keys_and_webhooks_are_made_listed_and_ended() -> None:
    filed()
    key = hotline("key", "new", "unit", "望京街道办事处").output.strip()
    assert len(key) == 43
    listed = hotline("key", "list").output
    assert "望京街道办事处" in listed
    assert key not in listed
    hotline("key", "revoke", "1")
    assert "secret" in hotline("webhook", "add", "https://office.example/hook").output
    assert "office.example" in hotline("webhook", "list").output
    hotline("webhook", "remove", "1")
    assert "https://" in hotline("webhook", "add", "ftp://office", well=False).output
    assert "0 deliveries" in hotline("webhook", "retry").output
