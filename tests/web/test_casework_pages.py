"""The inbox and a ticket's page: who sees what, in words, and what stays hidden."""

from __future__ import annotations

import re
from typing import Any

import pytest
from site_world import UNIT, Site
from starlette.testclient import TestClient

from bot.casework.audit import Audit
from bot.casework.errors import CaseworkError
from bot.casework.handling import Handling
from bot.web.accounts import AccountError, Role
from bot.web.units import unit_named, unit_names

XSS = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
CALLER = "13812345678"


@pytest.fixture
def unit(site: Site) -> TestClient:
    return site.as_role(Role.UNIT)


def filed(site: Site, **fields: Any) -> str:
    """A ticket that the rules send to the unit of the tests."""
    values: dict[str, Any] = {
        "call_id": f"call-{len(site.house.tickets.newest(1000))}",
        "category": "water.outage",
        "title": "停水",
        "text": "我家停水了",
        "place": "朝阳区望京西园",
        "caller": CALLER,
    }
    number = site.house.tickets.file(**values | fields)
    ticket = site.house.tickets.get(number)
    assert ticket
    return number


def test_a_unit_signs_in_to_its_inbox(site: Site, unit: TestClient) -> None:
    number = filed(site)
    assert unit.get("/").headers["location"] == "/casework"
    page = unit.get("/casework").text
    assert number in page
    assert UNIT in page
    assert "剩余" in page


def test_a_unit_sees_no_ticket_of_others_and_none_that_is_not_dispatched(
    site: Site, unit: TestClient
) -> None:
    others = filed(site, category="garbage.uncollected", title="垃圾", place="朝阳区望京街道")
    proposed = filed(site, confidence=0.1)
    page = unit.get("/casework?tab=all").text
    for number in (others, proposed):
        assert number not in page
        assert unit.get(f"/casework/tickets/{number}").status_code == 404
        assert number in site.as_role(Role.ANALYST, f"an{number}").get("/casework?tab=all").text


def test_an_account_of_the_role_unit_has_a_unit_and_no_other_has(site: Site) -> None:
    with pytest.raises(AccountError):
        site.house.accounts.add("wang", Role.UNIT)
    with pytest.raises(AccountError):
        site.house.accounts.add("wang", Role.ANALYST, unit=UNIT)


def test_an_administrator_makes_an_account_of_a_unit_by_its_name_or_id(site: Site) -> None:
    admin = site.as_role(Role.ADMIN)
    for name, given in (("wang", UNIT), ("zhao", "water_company")):
        page = admin.post("/accounts", data={"name": name, "role": "unit", "unit": given}).text
        assert "一次性密码" in page
        account = site.house.accounts.get(name)
        assert account
        assert account.unit == UNIT
    answer = admin.post("/accounts", data={"name": "li", "role": "unit", "unit": "没有的单位"})
    assert answer.status_code == 422
    assert "没有叫“没有的单位”的单位" in answer.text


def test_units_are_those_that_the_packs_rules_can_dispatch_to(site: Site) -> None:
    pack = site.house.pack()
    names = unit_names(pack)
    assert {"市自来水集团", "朝阳区城市管理委员会", "望京街道办事处"} <= set(names)
    assert unit_named(pack, "water_company") == "市自来水集团"
    assert unit_named(pack, "urban_management") is None


def test_an_overdue_ticket_says_so_in_words(site: Site, unit: TestClient) -> None:
    filed(site, urgency="urgent")
    site.clock.tick(days=2)
    site.clock.tick(minutes=-30)
    unit = site.as_role(Role.UNIT, "later")
    assert re.search(
        r'href="/casework\?overdue=yes" >超期 <span class="count">1<', unit.get("/casework").text
    )
    page = unit.get("/casework?overdue=yes").text
    assert re.search(r'class="due over">已超期\d+天?\d*小时', page)


def test_a_search_for_a_whole_number_leads_to_the_ticket(site: Site, unit: TestClient) -> None:
    number = filed(site)
    answer = unit.get("/casework", params={"words": number})
    assert answer.headers["location"] == f"/casework/tickets/{number}"


def test_a_search_finds_words_in_whatever_state_and_says_when_there_are_none(
    site: Site, unit: TestClient
) -> None:
    number = filed(site, text="水管漏水三天了")
    assert number in unit.get("/casework", params={"words": "漏水"}).text
    assert "没有符合条件的工单" in unit.get("/casework", params={"words": "路灯"}).text


def test_a_page_leads_to_the_next_with_the_same_filter(site: Site, unit: TestClient) -> None:
    for number in range(45):
        filed(site, text=f"停水{number}")
    first = unit.get("/casework", params={"category": "water.outage"}).text
    link = re.search(r'href="(/casework\?[^"]*after=[^"]*)"', first)
    assert link
    second = unit.get(link[1].replace("&amp;", "&")).text
    assert first.count("/casework/tickets/") == 40
    assert second.count("/casework/tickets/") == 5


@pytest.mark.parametrize(
    "query", ["tab=x&state=y&since=z&until=9999-12-31", "after=x", "words=%00", "urgency=%00"]
)
def test_a_filter_that_makes_no_sense_breaks_nothing(unit: TestClient, query: str) -> None:
    assert unit.get(f"/casework?{query}").status_code == 200


def test_a_filter_that_is_too_long_is_refused_with_a_page(unit: TestClient) -> None:
    answer = unit.get("/casework", params={"words": "长" * 101})
    assert answer.status_code == 422
    assert "<html" in answer.text


def test_a_database_that_cannot_be_read_is_told_on_a_page(
    site: Site, unit: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise CaseworkError("The disk is gone.")

    monkeypatch.setattr("bot.web.casework_pages.Inbox.counts", broken)
    answer = unit.get("/casework")
    assert answer.status_code == 503
    assert "工单库暂时不能读取" in answer.text
    assert "disk" not in answer.text


def test_a_ticket_shows_its_life_in_words(site: Site, unit: TestClient) -> None:
    number = filed(site)
    handling = Handling(site.house.tickets.ledger)
    handling.accept(number, f"unit:{UNIT}")
    handling.contact(number, f"unit:{UNIT}", "not_reached", "电话没人接")
    page = unit.get(f"/casework/tickets/{number}").text
    for words in (f"派给{UNIT}，按规则自动派单", "签收", "未联系到市民", "电话没人接", "机器人"):
        assert words in page


def test_a_ticket_shows_the_call_that_it_came_from(site: Site, unit: TestClient) -> None:
    turns = [{"who": "caller", "text": f"我家停水了，电话{CALLER}", "at": 3.0}]
    talk = [{"who": "agent", "text": f"您的电话是{CALLER}，对吗", "at": 63.0}]
    site.records["call-0"] = {"turns": turns, "talk": talk}
    number = filed(site)
    page = unit.get(f"/casework/tickets/{number}").text
    assert "我家停水了，电话138****5678" in page
    assert re.search(r"坐席</span><br>您的电话是138\*{4}5678", page)


def test_personal_numbers_are_hidden_until_somebody_says_why(site: Site, unit: TestClient) -> None:
    number = filed(site, text=f"停水了，打{CALLER}找我", details={"name": "张三"})
    path = f"/casework/tickets/{number}"
    hidden = unit.get(path).text
    assert CALLER not in hidden + unit.get("/casework").text
    assert "张三" not in hidden
    assert unit.post(f"{path}/reveal", data={"reason": " "}).status_code == 422
    shown = unit.post(f"{path}/reveal", data={"reason": "联系市民"}).text
    assert shown.count(CALLER) >= 2
    assert "张三" in shown
    (entry,) = Audit(site.house.tickets.engine).entries()
    assert (entry.actor, entry.subject) == (f"unit:{UNIT}", f"ticket {number}")
    assert "联系市民" in entry.reason
    row = site.house.audit.newest(1)[0]
    assert (row.actor, row.action, row.subject) == ("unit1", "revealed", number)


def test_an_analyst_reads_tickets_and_reveals_none(site: Site) -> None:
    number = filed(site)
    analyst = site.as_role(Role.ANALYST)
    assert "显示并记录" not in analyst.get(f"/casework/tickets/{number}").text
    answer = analyst.post(f"/casework/tickets/{number}/reveal", data={"reason": "统计"})
    assert answer.status_code == 403


def test_a_look_at_a_ticket_is_in_the_audit_log(site: Site, unit: TestClient) -> None:
    number = filed(site)
    unit.get(f"/casework/tickets/{number}")
    row = site.house.audit.newest(1)[0]
    assert (row.actor, row.action, row.subject) == ("unit1", "looked_at_ticket", number)


def test_what_a_caller_says_can_be_no_markup(site: Site, unit: TestClient) -> None:
    hostile = [{"who": XSS, "text": XSS, "at": 3.0}]
    site.records["call-0"] = {"turns": hostile, "talk": hostile}
    number = filed(site, text=XSS, place=XSS, since=XSS, details={XSS: XSS})
    pages = [
        unit.get("/casework", params={"words": XSS[:90]}),
        unit.get(f"/casework/tickets/{number}"),
        unit.post(f"/casework/tickets/{number}/reveal", data={"reason": XSS}),
    ]
    for answer in pages:
        assert answer.status_code == 200
        assert "<img" not in answer.text
        assert not re.search(r"<script(?![^>]*src=)", answer.text)
