"""Whistles, incidents, rates and exports in the browser: who sees what, and what is told."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re

import openpyxl
import pytest
from site_world import UNIT, Site
from starlette.testclient import TestClient
from test_casework_pages import CALLER, XSS, filed
from test_ticket_actions import OFFICE, do

from bot.casework.handling import Handling
from bot.casework.incidents import Incidents
from bot.casework.notices import Notices
from bot.casework.surveys import Surveys
from bot.casework.whistles import Whistles
from bot.web.accounts import Role
from bot.web.rates_pages import period_before

POLICE = "公安交通管理部门"


@pytest.fixture
def unit(site: Site) -> TestClient:
    return site.as_role(Role.UNIT)


@pytest.fixture
def supervisor(site: Site) -> TestClient:
    return site.as_role(Role.SUPERVISOR)


def member_of(site: Site, unit: str, name: str) -> TestClient:
    """A browser of somebody who works for another unit."""
    return site.as_role(Role.UNIT, name, unit)


def told(answer: str) -> str:
    said = re.search(r'class="(?:good|bad|note) told" role="\w+">([^<]*)', answer)
    assert said, answer
    return said[1]


# --- whistles -----------------------------------------------------------------------------------


@pytest.fixture
def whistle(site: Site) -> int:
    number = filed(site)
    ledger = site.house.tickets.ledger
    Handling(ledger).accept(number, f"unit:{UNIT}")
    return Whistles(ledger).blow(
        number,
        f"unit:{UNIT}",
        reason=f"占道开挖，联系{CALLER}",
        departments=[OFFICE, POLICE],
        be_there_by=site.clock() + dt.timedelta(hours=2),
    )


def step(who: TestClient, whistle: int, name: str, **given: str) -> str:
    answer = who.post(f"/casework/whistles/{whistle}/{name}", data=given)
    if answer.status_code == 303:
        answer = who.get(answer.headers["location"])
    return told(answer.text)


def test_a_department_that_is_called_checks_in_and_acts_and_the_unit_closes(
    site: Site, unit: TestClient, whistle: int
) -> None:
    office = member_of(site, OFFICE, "jiedao")
    page = office.get("/casework/whistles").text
    assert "占道开挖" in page
    assert CALLER not in page
    # The ticket itself is not the department's.
    assert "/casework/tickets/" not in page
    assert "先报到" in step(office, whistle, "act", department=OFFICE, note="围挡")
    assert step(office, whistle, "check-in", department=OFFICE) == "已报到。"
    assert step(office, whistle, "act", department=OFFICE, note="设置围挡") == "已记录行动。"
    assert "请写明" in step(unit, whistle, "close", note=" ")
    assert step(unit, whistle, "close", note="已抢修完毕") == "已销哨。"
    assert "已抢修完毕" not in office.get("/casework/whistles").text
    assert "销哨" in office.get("/casework/whistles?closed=yes").text


def test_nobody_checks_in_for_others(site: Site, whistle: int) -> None:
    office = member_of(site, OFFICE, "jiedao")
    stranger = member_of(site, "市燃气集团", "ranqi")
    assert "没有叫" in step(stranger, whistle, "check-in", department="市燃气集团")
    for who in (stranger, office):
        assert "只能由" in step(who, whistle, "check-in", department=POLICE)
    assert "占道开挖" not in stranger.get("/casework/whistles").text
    assert "不能销哨" in step(office, whistle, "close", note="完了")


def test_late_departments_are_named(site: Site, whistle: int) -> None:
    office = member_of(site, OFFICE, "jiedao")
    step(office, whistle, "check-in", department=OFFICE)
    site.clock.tick(hours=3, minutes=5)
    page = site.as_role(Role.ANALYST).get("/casework/whistles").text
    assert f"迟到或未到：{POLICE}" in page
    assert "未到，已超时1小时5分" in page
    assert re.search(rf"<td>{OFFICE}</td><td>1</td><td>1</td><td>0</td><td>0</td><td>100.0%", page)
    assert re.search(rf"<td>{POLICE}</td><td>1</td><td>0</td><td>0</td><td>1</td><td>0.0%", page)


# --- incidents ----------------------------------------------------------------------------------


@pytest.fixture
def incident(site: Site) -> int:
    for number in range(3):
        filed(site, place="朝阳区望京街道", text=f"{number}号楼停水", caller=f"1381234567{number}")
    (id,) = Incidents(site.house.tickets.ledger).sweep()
    return id


def incident_step(who: TestClient, id: int, name: str, **given: str) -> str:
    answer = who.post(f"/casework/incidents/{id}/{name}", data=given)
    if answer.status_code == 303:
        answer = who.get(answer.headers["location"])
    return told(answer.text)


def test_an_incident_is_told_to_callers_and_closed_for_all(
    site: Site, supervisor: TestClient, incident: int
) -> None:
    assert "3件" in supervisor.get("/casework/incidents").text
    said = incident_step(supervisor, incident, "tell", text="正在抢修，预计八点恢复", unit=UNIT)
    assert said == "已保存，之后来电的市民会听到。"
    known = Incidents(site.house.tickets.ledger).known("water.outage", "朝阳区望京街道")
    assert known
    assert known.text == "正在抢修，预计八点恢复"
    assert "请写明" in incident_step(supervisor, incident, "close", text="")
    assert "都会收到通知" in incident_step(supervisor, incident, "close", text="已恢复供水")
    assert len(Notices(site.house.tickets.engine).unsent("citizen")) == 3
    answer = supervisor.post(f"/casework/incidents/{incident}/tell", data={"text": "又停了"})
    assert answer.status_code == 403


def test_tickets_are_put_to_an_incident_and_taken_out(
    site: Site, supervisor: TestClient, incident: int
) -> None:
    other = filed(site, place="望京西园三区")
    assert incident_step(supervisor, incident, "join", number=other) == "已并入。"
    assert other in supervisor.get(f"/casework/incidents/{incident}").text
    assert incident_step(supervisor, incident, "leave", number=other) == "已移出。"
    assert "没有这个工单" in incident_step(supervisor, incident, "leave", number=other)
    assert "没有这个工单" in incident_step(supervisor, incident, "join", number="261125999999")


def test_a_unit_sees_and_speaks_for_its_own_incidents_alone(
    site: Site, unit: TestClient, incident: int
) -> None:
    assert incident_step(unit, incident, "tell", text="正在抢修").startswith("已保存")
    other = member_of(site, "市燃气集团", "ranqi")
    assert "停水" not in other.get("/casework/incidents").text
    assert other.get(f"/casework/incidents/{incident}").status_code == 404
    assert (
        other.post(f"/casework/incidents/{incident}/close", data={"text": "x"}).status_code == 404
    )
    joined = unit.post(f"/casework/incidents/{incident}/join", data={"number": "1"})
    assert joined.status_code == 403


# --- rates --------------------------------------------------------------------------------------


def served(site: Site, solved: bool, score: int) -> None:
    """A ticket from dispatch to the citizen's word."""
    number = filed(site)
    handling, who = Handling(site.house.tickets.ledger), f"unit:{UNIT}"
    handling.accept(number, who)
    handling.contact(number, who, "reached")
    handling.resolve(number, who, "修好了")
    Surveys(site.house.tickets.ledger).answer(number, solved, score, "agent:8001", "agent")


def test_rates_show_their_numbers_their_formula_and_how_they_changed(
    site: Site, supervisor: TestClient
) -> None:
    served(site, False, 2)
    served(site, True, 5)
    site.clock.tick(days=10)
    served(site, True, 5)
    supervisor = site.as_role(Role.SUPERVISOR, "later")
    page = supervisor.get("/casework/rates?since=2026-12-01&until=2026-12-10").text
    row = page[page.index(f"<td>{UNIT}</td>") :]
    assert "<b>100.0%</b>" in row
    assert "1/1" in row
    assert "升50.0" in row
    assert "综合得分" in page
    assert "0.2 × 响应率 + 0.4 × 解决率 + 0.4 × 满意率" in page
    assert "2026-11-21 至 2026-11-30" in page
    assert "合计" in page


def test_a_unit_sees_its_own_rates_alone(site: Site, unit: TestClient) -> None:
    served(site, True, 5)
    assert UNIT in unit.get("/casework/rates").text
    other = member_of(site, "市燃气集团", "ranqi").get("/casework/rates").text
    assert f"<td>{UNIT}" not in other
    assert "合计" not in other


@pytest.mark.parametrize(
    "query", ["since=x", "since=2026-12-31&until=2026-12-01", "since=2020-01-01"]
)
def test_a_period_that_makes_no_sense_gives_this_month(unit: TestClient, query: str) -> None:
    assert unit.get(f"/casework/rates?{query}").status_code == 200


@pytest.mark.parametrize(
    ("first", "last", "before"),
    [
        ((2026, 11, 1), (2026, 11, 30), ((2026, 10, 1), (2026, 10, 31))),
        ((2026, 3, 1), (2026, 3, 31), ((2026, 2, 1), (2026, 2, 28))),
        ((2026, 11, 1), (2026, 11, 10), ((2026, 10, 22), (2026, 10, 31))),
        ((2026, 11, 5), (2026, 11, 5), ((2026, 11, 4), (2026, 11, 4))),
    ],
)
def test_a_month_is_held_against_the_month_before_and_days_against_as_many_days(
    first: tuple[int, int, int],
    last: tuple[int, int, int],
    before: tuple[tuple[int, int, int], tuple[int, int, int]],
) -> None:
    found = period_before(dt.date(*first), dt.date(*last))
    assert found == (dt.date(*before[0]), dt.date(*before[1]))


# --- exports ------------------------------------------------------------------------------------


def test_an_export_has_what_the_filter_shows_with_numbers_hidden_and_is_audited(
    site: Site, unit: TestClient
) -> None:
    mine = filed(site, text=f"停水，打{CALLER}")
    filed(site, category="garbage.uncollected", title="垃圾", place="朝阳区望京街道")
    answer = unit.get("/casework/export", params={"tab": "all", "kind": "csv"})
    assert 'filename="tickets.csv"' in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["工单号"] for row in rows] == [mine]
    assert CALLER not in answer.text
    row = site.house.audit.newest(1)[0]
    assert (row.actor, row.action, row.detail) == ("unit1", "exported", "tab=all")


def test_an_export_opens_in_a_spreadsheet(site: Site, unit: TestClient) -> None:
    number = filed(site, text="=1+1")
    content = unit.get("/casework/export?kind=xlsx").content
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert cells[0][0] == "工单号"
    assert (cells[1][0], cells[1][4]) == (number, "'=1+1")


def test_an_export_that_is_too_large_says_what_to_do(
    site: Site, unit: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.web.casework_pages.EXPORTED", 1)
    filed(site)
    filed(site)
    answer = unit.get("/casework/export")
    assert answer.status_code == 422
    assert "缩小范围" in answer.text


# --- all of them --------------------------------------------------------------------------------


def test_what_people_write_can_be_no_markup(
    site: Site, unit: TestClient, supervisor: TestClient, whistle: int, incident: int
) -> None:
    incident_step(supervisor, incident, "tell", text=XSS)
    do(site, unit, site.house.tickets.newest()[-1].number, "note", note=XSS)
    pages = [
        supervisor.get("/casework/incidents").text,
        supervisor.get(f"/casework/incidents/{incident}").text,
        supervisor.post(f"/casework/whistles/{whistle}/close", data={"note": XSS}).text,
        supervisor.get(f"/casework/rates?since={XSS}").text,
    ]
    for page in pages:
        assert "<img" not in page
        assert not re.search(r"<script(?![^>]*src=)", page)
