"""``hotline ticket`` and ``hotline clock``, as staff use them, on a database of their own."""

from __future__ import annotations

import csv
import datetime as dt
import json
from pathlib import Path

import pytest
from openpyxl import load_workbook
from sqlalchemy import create_engine
from typer.testing import CliRunner

from bot.casework.audit import Audit
from bot.casework.posting import PAUSES
from bot.casework.talks import Inbox
from bot.casework.texts import Texts
from bot.cli import app
from bot.commands.casework import opened

UNIT = "望京街道办事处"


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_STATE", str(tmp_path))
    monkeypatch.setenv("HOTLINE_PACK", "beijing12345")
    monkeypatch.delenv("DATABASE_URL", raising=False)


def run(*words: str) -> str:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def refused(*words: str) -> str:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    return result.stderr


def a_ticket(text: str = "垃圾三天没人收", place: str = "望京西园三区") -> str:
    words = ("--category", "garbage.uncollected", "--text", text, "--place", place)
    return run("ticket", "new", *words, "--caller", "13800138000")


def test_tickets_are_found_by_words() -> None:
    a_ticket(place="良乡西路")
    number = a_ticket("门口的垃圾箱坏了")
    listed = json.loads(run("ticket", "list", "--search", "望京 垃圾箱", "--json"))
    assert [one["number"] for one in listed] == [number]


def test_a_ticket_lives_its_whole_life_on_the_command_line() -> None:
    number = a_ticket()
    assert "已派单" in run("ticket", "list")
    run("ticket", "return", number, "--reason", "不属于本街道")
    run("ticket", "dispatch", number, "--refuse", "地址属于望京街道")
    assert "已签收" in run("ticket", "accept", number)
    run("ticket", "contact", number)
    blown = run(
        *("ticket", "whistle", "blow", number, "--reason", "联合清运"),
        *("--department", "城管", "--department", "住建"),
    )
    assert blown.startswith("哨声 1")
    run("ticket", "whistle", "check-in", "1", "--department", "城管")
    run("ticket", "whistle", "check-in", "1", "--department", "住建")
    assert "2/2" in run("ticket", "whistle", "board")
    run("ticket", "whistle", "act", "1", "--department", "城管", "--what", "清运两车")
    closed = run("ticket", "whistle", "close", "1", "--outcome", "完成", "--by", f"unit:{UNIT}")
    assert "全部按时到场" in closed
    run("ticket", "resolve", number, "--result", "已清运")
    assert "重新办理" in run("ticket", "callback", number, "--not-solved", "--note", "还有")
    run("ticket", "accept", number)
    run("ticket", "resolve", number, "--result", "全部清运")
    run("ticket", "callback", number, "--outcome", "no_answer")
    assert "已结案" in run("ticket", "callback", number, "--solved", "--satisfied", "5")
    assert "没有符合条件" in run("ticket", "list")
    told = run("ticket", "show", number)
    for piece in ("派单给望京街道办事处", "驳回退单", "吹哨：城管、住建", "已解决，满意度5分"):
        assert piece in told
    assert "50.0%" in run("ticket", "rates")
    run("ticket", "reopen", number, "--reason", "又堆满了")
    assert "重新办理" in run("ticket", "list", "--state", "reopened")


def test_numbers_are_hidden_unless_somebody_says_who_and_why(tmp_path: Path) -> None:
    number = a_ticket("打我电话13800138000")
    assert "13800138000" not in run("ticket", "show", number)
    assert "13800138000" not in run("ticket", "list", "--json")
    assert "Say who looks" in refused("ticket", "show", number, "--reveal")
    assert "Say why" in refused("ticket", "show", number, "--reveal", "--by", "agent:8001")
    shown = run("ticket", "show", number, "--reveal", "--by", "agent:8001", "--reason", "核实")
    assert shown.count("13800138000") == 2
    [entry] = Audit(create_engine(f"sqlite:///{tmp_path / 'hotline.db'}")).entries()
    assert (entry.actor, entry.subject, entry.reason) == (
        "agent:8001",
        f"ticket {number}",
        "核实",
    )


def test_an_export_reads_the_same_from_csv_and_xlsx_and_holds_no_formulas(tmp_path: Path) -> None:
    number = a_ticket("=HYPERLINK(1)\x07")
    run("ticket", "export", str(tmp_path / "t.csv"))
    run("ticket", "export", str(tmp_path / "t.xlsx"))
    with (tmp_path / "t.csv").open(encoding="utf-8-sig", newline="") as file:
        header, line = csv.reader(file)
    sheet = load_workbook(tmp_path / "t.xlsx").active
    assert sheet is not None
    first, second = ([str(c or "") for c in row] for row in sheet.iter_rows(values_only=True))
    assert header == first
    assert (line[0], line[4], line[-2]) == (number, "'=HYPERLINK(1)\x07", "138****8000")
    assert (second[0], second[4], second[-2]) == (number, "'=HYPERLINK(1)", "138****8000")


def test_an_export_with_numbers_is_audited(tmp_path: Path) -> None:
    a_ticket()
    out = str(tmp_path / "t.csv")
    assert "Say who" in refused("ticket", "export", out, "--reveal")
    run("ticket", "export", out, "--reveal", "--by", "supervisor:王", "--reason", "市里抽查")
    assert "13800138000" in Path(out).read_text(encoding="utf-8")
    [entry] = Audit(create_engine(f"sqlite:///{tmp_path / 'hotline.db'}")).entries()
    assert entry.subject == "export t.csv"


def test_an_export_takes_only_what_was_asked_for(tmp_path: Path) -> None:
    a_ticket()
    out = str(tmp_path / "t.csv")
    assert "0 件" in run("ticket", "export", out, "--until", "2020-01-01")
    assert "1 件" in run("ticket", "export", out, "--since", "2020-01-01", "--unit", UNIT)
    assert "2026-11-25" in refused("ticket", "export", out, "--since", "yesterday")
    assert ".xlsx" in refused("ticket", "export", str(tmp_path / "t.pdf"))


def test_what_looks_like_markup_is_shown_as_it_was_said() -> None:
    a_ticket(place="望京[/red]小区")
    assert "望京[/red]小区" in run("ticket", "list")


def test_every_mistake_says_what_to_do() -> None:
    number = a_ticket()
    assert "Check the number" in refused("ticket", "show", "123")
    assert "hotline ask" in refused("ticket", "new", "--category", "nix", "--text", "x")
    assert "已受理" in refused("ticket", "list", "--state", "nix")
    assert "must be: accepted" in refused("ticket", "resolve", number, "--result", "好了")
    assert "--solved" in refused("ticket", "callback", number)


def test_plain_data_is_json() -> None:
    number = a_ticket()
    [one] = json.loads(run("ticket", "list", "--json"))
    assert (one["number"], one["unit"], one["street"]) == (number, UNIT, "望京街道")


def test_a_look_at_the_clock_says_what_it_did() -> None:
    a_ticket()
    assert run("clock", "once").startswith("临期提醒 0，超期 0")


def test_texts_are_listed_masked_and_tried_anew(tmp_path: Path) -> None:
    with opened() as store:
        texts = Texts(store.ledger, "http://gateway", "s")
        texts.send("k1", "number", "13800138000", "工单号261124000017。")
        for _ in range(len(PAUSES) + 1):
            [row] = texts.newest()
            with store.ledger.transaction() as session:
                session.merge(row).next_at = store.ledger.now()
            [parcel] = texts.take()
            texts.failed(parcel.id, "HTTP 503")
    listed = run("text", "list", "--dead")
    assert "138****8000" in listed
    assert "13800138000" not in listed
    assert "HTTP 503" in listed
    assert "未发出 1" in listed
    assert "重新发送 1 条" in run("text", "retry")
    assert "待发 1" in run("text", "list")


def test_who_refuses_texts_on_the_telephone_is_noted_by_an_agent() -> None:
    assert "138****8000" in run("text", "refuse", "13800138000")
    with opened() as store:
        assert not Texts(store.ledger).send("k1", "number", "13800138000", "工单号。")
        run("text", "allow", "13800138000")
        assert Texts(store.ledger).send("k1", "number", "13800138000", "工单号。")


def test_more_time_is_asked_for_by_the_unit_and_granted_by_a_supervisor() -> None:
    number = a_ticket()
    asked = ("ticket", "extend", number, "--until", "2099-12-05", "--reason", "等待配件")
    assert "2099-12-05" not in run(*asked)
    assert "supervisor" in refused("ticket", "extend", number, "--grant", "--by", f"unit:{UNIT}")
    assert "2099-12-05 23:59" in run("ticket", "extend", number, "--grant")
    assert "No extension" in refused("ticket", "extend", number, "--refuse", "理由不足")
    assert "--until" in refused("ticket", "extend", number)
    assert "no moment" in refused(
        "ticket", "extend", number, "--until", "下周", "--reason", "等待配件"
    )


def test_the_clock_s_words_are_shown_and_what_is_due_is_listed() -> None:
    number = a_ticket()
    with opened() as store, store.ledger.transaction() as session:
        ticket = store.ledger.take(session, number)
        ticket.clock_from = store.ledger.now() - dt.timedelta(days=1)
        ticket.due_at = store.ledger.now() + dt.timedelta(hours=1)
    assert number in run("ticket", "list", "--due-within", "2")
    assert "临期提醒 1" in run("clock", "once")
    with opened() as store, store.ledger.transaction() as session:
        store.ledger.take(session, number).due_at = store.ledger.now() - dt.timedelta(days=2)
    ticked = run("clock", "once")
    assert "超期 1" in ticked
    assert number in run("ticket", "list", "--overdue")
    shown, told = run("ticket", "show", number), run("clock", "notices")
    for whom in ("承办单位负责人", "市民热线服务中心督办科"):
        assert whom in shown
        assert whom.replace(" ", "") in told.replace("\n", "").replace(" ", "") or whom[:6] in told


def test_a_suspended_ticket_stands_still_and_goes_on() -> None:
    number = a_ticket()
    run("ticket", "accept", number)
    assert "挂起" in run("ticket", "suspend", number, "--reason", "等待业主大会")
    assert "挂起" not in run("ticket", "resume", number)


def test_texts_that_came_in_are_listed_too() -> None:
    with opened() as store:
        Inbox(store.engine).receive("m1", "13800138000", "12345", "我家停水了")
    listed = run("text", "list", "--received")
    assert "138****8000" in listed
    assert "待回复 1" in listed


def test_a_ticket_is_filed_for_another_number_of_the_line_by_its_rules() -> None:
    wish = ("--category", "pothole.repair", "--text", "big pothole", "--place", "Canton")
    number = run("ticket", "new", *wish, "--line", "311")
    assert "交通局" in run("ticket", "show", number)
    assert "no number 999" in refused("ticket", "new", *wish, "--line", "999")
