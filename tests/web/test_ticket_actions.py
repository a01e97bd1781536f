"""What can be done on a ticket's page, by whom and when, and how a refusal is told."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from site_world import UNIT, Site
from starlette.testclient import TestClient
from test_casework_pages import CALLER, XSS, filed

from bot.casework.handling import Handling
from bot.casework.incidents import Incidents
from bot.casework.ledger import case_of
from bot.casework.lifecycle import TABLE, EventKind, allowed
from bot.casework.models import Ticket
from bot.casework.notices import Notices
from bot.casework.whistles import Whistles
from bot.web.accounts import Account, Role
from bot.web.ticket_actions import ACTIONS, possible
from bot.web.ticket_pages import actor_of

OFFICE = "望京街道办事处"


@pytest.fixture
def unit(site: Site) -> TestClient:
    return site.as_role(Role.UNIT)


@pytest.fixture
def dispatcher(site: Site) -> TestClient:
    return site.as_role(Role.SUPERVISOR)


def ticket_of(site: Site, number: str) -> Ticket:
    ticket = site.house.tickets.get(number)
    assert ticket
    return ticket


def do(site: Site, who: TestClient, number: str, action: str, **given: str | list[str]) -> str:
    """Do something on the page as it is now; return what is said afterwards."""
    version = str(ticket_of(site, number).version)
    answer = who.post(f"/casework/tickets/{number}/do/{action}", data={"version": version, **given})
    if answer.status_code == 303:
        answer = who.get(answer.headers["location"])
    said = re.search(r'class="(?:good|bad) told" role="\w+">([^<]*)', answer.text)
    assert said, answer.text
    return said[1]


def state(site: Site, number: str) -> str:
    return ticket_of(site, number).state


def test_a_unit_takes_a_ticket_from_acceptance_to_resolution(site: Site, unit: TestClient) -> None:
    number = filed(site)
    assert do(site, unit, number, "accept") == "已签收。"
    assert do(site, unit, number, "contact", outcome="reached", note="已说明") == "已记录联系情况。"
    assert do(site, unit, number, "progress", note="正在开挖") == "已记录进展。"
    assert do(site, unit, number, "resolve", note="换了阀门") == "已办结，稍后回访市民。"
    assert state(site, number) == "resolved"
    page = unit.get(f"/casework/tickets/{number}").text
    assert "换了阀门" in page
    rows = site.house.audit.newest(20, action="handled_ticket")
    assert [row.detail for row in rows][::-1] == ["accept", "contact", "progress", "resolve"]


def test_a_return_is_reviewed_by_a_dispatcher(
    site: Site, unit: TestClient, dispatcher: TestClient
) -> None:
    number = filed(site)
    assert do(site, unit, number, "return", note=" ") == "请填写“退单理由”。"
    do(site, unit, number, "return", note="属于二次供水")
    assert do(site, dispatcher, number, "approve-return", unit=UNIT).startswith(f"{UNIT}刚申请退单")
    assert "没有叫“哪里”的单位" in do(site, dispatcher, number, "approve-return", unit="哪里")
    assert do(site, dispatcher, number, "approve-return", unit=OFFICE) == "已改派。"
    assert ticket_of(site, number).unit == OFFICE
    assert unit.get(f"/casework/tickets/{number}").status_code == 404


def test_a_refused_return_stays_where_it_is(
    site: Site, unit: TestClient, dispatcher: TestClient
) -> None:
    number = filed(site)
    do(site, unit, number, "return", note="不归我们")
    do(site, dispatcher, number, "refuse-return", note="首接负责")
    assert (state(site, number), ticket_of(site, number).unit) == ("dispatched", UNIT)


def test_a_dispatcher_follows_the_rules_proposal_or_chooses(
    site: Site, dispatcher: TestClient
) -> None:
    for given, to in (({}, UNIT), ({"unit": OFFICE, "note": "先由属地处理"}, OFFICE)):
        number = filed(site, confidence=0.1)
        assert "派单建议：市自来水集团" in dispatcher.get(f"/casework/tickets/{number}").text
        assert do(site, dispatcher, number, "dispatch", **given) == "已派单。"
        assert ticket_of(site, number).unit == to


def test_an_extension_is_asked_for_and_granted(
    site: Site, unit: TestClient, dispatcher: TestClient
) -> None:
    number = filed(site)
    ticket = ticket_of(site, number)
    assert ticket.due_at
    early = f"{site.clock():%Y-%m-%dT%H:%M}"
    asking = {"note": "等配件"}
    assert "晚于现在的时限" in do(site, unit, number, "ask-extension", until=early, **asking)
    assert "日期和时间" in do(site, unit, number, "ask-extension", until="明天", **asking)
    do(site, unit, number, "ask-extension", until="2026-12-20T18:00", **asking)
    assert do(site, dispatcher, number, "extend") == "已同意延期。"
    # 18:00 in Beijing.
    assert ticket_of(site, number).due_at == dt.datetime(2026, 12, 20, 10, tzinfo=dt.UTC)


def test_a_suspended_ticket_goes_on_later(
    site: Site, unit: TestClient, dispatcher: TestClient
) -> None:
    number = filed(site)
    do(site, unit, number, "accept")
    do(site, dispatcher, number, "suspend", note="等待汛期结束")
    assert state(site, number) == "suspended"
    assert do(site, dispatcher, number, "resume") == "已恢复，时限顺延。"
    assert state(site, number) == "accepted"


def test_an_escalation_is_told_to_somebody_higher_up(site: Site, dispatcher: TestClient) -> None:
    number = filed(site)
    do(site, dispatcher, number, "escalate", to="督办科", note="已催办三次")
    (notice,) = Notices(site.house.tickets.engine).unsent("role")
    assert notice.recipient == "督办科"
    assert "已催办三次" in notice.text


def test_a_unit_whistles_for_departments_that_exist(site: Site, unit: TestClient) -> None:
    number = filed(site)
    do(site, unit, number, "accept")
    form = {"note": "需要占道开挖", "be_there_by": "2026-11-25T12:00"}
    assert "没有叫“交警”" in do(site, unit, number, "whistle", departments="交警", **form)
    assert "不能给自己" in do(site, unit, number, "whistle", departments=UNIT, **form)
    past = form | {"be_there_by": "2026-11-24T12:00"}
    assert "晚于现在" in do(site, unit, number, "whistle", departments=OFFICE, **past)
    both = [OFFICE, "公安交通管理部门", ""]
    assert "已吹哨" in do(site, unit, number, "whistle", departments=both, **form)
    (board,) = Whistles(site.house.tickets.ledger).board()
    assert [one.department for one in board.called] == [OFFICE, "公安交通管理部门"]
    assert board.place == "朝阳区望京西园"


def test_tickets_are_merged_into_one_that_exists(site: Site, dispatcher: TestClient) -> None:
    first, second = filed(site), filed(site, text="还是停水")
    assert "不能并入它自己" in do(site, dispatcher, second, "merge", into=second)
    assert "没有工单" in do(site, dispatcher, second, "merge", into="261125999999")
    assert do(site, dispatcher, second, "merge", into=first) == "已合并。"
    assert state(site, second) == "merged"
    assert f'href="/casework/tickets/{first}"' in dispatcher.get(f"/casework/tickets/{second}").text


def test_a_ticket_is_split_into_several_that_are_dispatched_by_themselves(
    site: Site, dispatcher: TestClient
) -> None:
    number = filed(site, text="停水了，而且垃圾没人收")
    alone = {"text1": "停水了", "category1": "water.outage", "category2": "garbage.uncollected"}
    assert do(site, dispatcher, number, "split", **alone) == "请填写“第2件诉求”。"
    parts = alone | {"text2": "垃圾没人收"}
    assert do(site, dispatcher, number, "split", **parts) == "已拆分。"
    parent = ticket_of(site, number)
    found = site.house.tickets.select(Ticket.parent_id == parent.id)
    assert parent.state == "split"
    assert {one.title for one in found} > {"停水"}
    assert {one.caller for one in found} == {CALLER}


def test_an_agent_withdraws_what_the_citizen_takes_back(site: Site) -> None:
    number = filed(site)
    do(site, site.as_role(Role.AGENT), number, "withdraw", note="市民说来水了")
    assert state(site, number) == "withdrawn"


def test_an_agent_enters_what_the_citizen_says_of_the_result(site: Site, unit: TestClient) -> None:
    agent, number = site.as_role(Role.AGENT), filed(site)
    do(site, unit, number, "accept")
    do(site, unit, number, "resolve", note="修好了")
    do(site, agent, number, "survey", solved="no", satisfied="2", note="还是没有水")
    assert state(site, number) == "reopened"
    assert "没有解决，满意度2分" in agent.get(f"/casework/tickets/{number}").text


def test_a_ticket_joins_an_incident_by_its_id(site: Site, dispatcher: TestClient) -> None:
    for number in range(3):
        filed(site, place="朝阳区望京街道", text=f"停水{number}")
    incidents = Incidents(site.house.tickets.ledger)
    incidents.sweep()
    other = filed(site, place="望京西园三区")
    assert "编号" in do(site, dispatcher, other, "join", incident="x")
    assert "没有找到" in do(site, dispatcher, other, "join", incident="99")
    assert do(site, dispatcher, other, "join", incident="1") == "已并入群体诉求。"
    assert ticket_of(site, other).incident_id == 1


def test_who_decided_on_an_older_version_is_refused_and_keeps_what_was_typed(
    site: Site, unit: TestClient
) -> None:
    number = filed(site)
    do(site, unit, number, "accept")
    version = ticket_of(site, number).version
    site.house.tickets.urge(number, "citizen")
    answer = unit.post(
        f"/casework/tickets/{number}/do/resolve",
        data={"version": version, "note": "写了很久的办理结果"},
    )
    assert answer.status_code == 409
    assert "已被他人更改，请刷新" in answer.text
    assert "写了很久的办理结果</textarea>" in answer.text
    assert f'name="version" value="{version + 1}"' in answer.text
    assert state(site, number) == "accepted"


def test_an_order_without_a_version_changes_nothing(site: Site, unit: TestClient) -> None:
    number = filed(site)
    for version in ("", "x", "-1", "9" * 30):
        path = f"/casework/tickets/{number}/do/accept"
        assert unit.post(path, data={"version": version}).status_code == 409
    assert state(site, number) == "dispatched"


def test_what_the_state_does_not_allow_is_refused_in_chinese(site: Site, unit: TestClient) -> None:
    number = filed(site)
    assert "状态不允许" in do(site, unit, number, "resolve", note="办完了")
    assert unit.post(f"/casework/tickets/{number}/do/nothing").status_code == 404


def test_a_unit_cannot_touch_what_is_not_its_own(site: Site, unit: TestClient) -> None:
    number = filed(site, confidence=0.1)
    answer = unit.post(f"/casework/tickets/{number}/do/note", data={"version": 1, "note": "x"})
    assert answer.status_code == 404


def test_an_analyst_is_offered_nothing(site: Site) -> None:
    number = filed(site)
    page = site.as_role(Role.ANALYST).get(f"/casework/tickets/{number}").text
    assert "/do/" not in page


def test_what_is_offered_is_what_the_lifecycle_allows(site: Site) -> None:
    number = filed(site)
    Handling(site.house.tickets.ledger).accept(number, f"unit:{UNIT}")
    ticket = ticket_of(site, number)
    for role in (Role.UNIT, Role.AGENT, Role.SUPERVISOR):
        actor = actor_of(Account(1, "x", role, "8001", False, False, UNIT))
        assert actor
        offered = {one.kind for one in possible(ticket, actor)}
        may = {kind for kind in TABLE if allowed(case_of(ticket), kind, actor)}
        # Whistles are worked on at their board, leaving an incident at the incident; an
        # extension that nobody asked for is nothing to decide on.
        elsewhere = {
            EventKind.CHECKED_IN,
            EventKind.ACTED,
            EventKind.WHISTLE_CLOSED,
            EventKind.INCIDENT_LEFT,
            EventKind.EXTENDED,
            EventKind.EXTENSION_REFUSED,
        }
        assert offered == may - elsewhere, role


def test_every_action_has_an_id_of_its_own() -> None:
    assert len({one.id for one in ACTIONS}) == len(ACTIONS)


def test_what_is_typed_can_be_no_markup(site: Site, unit: TestClient) -> None:
    number = filed(site)
    do(site, unit, number, "accept", note=XSS)
    refused = unit.post(
        f"/casework/tickets/{number}/do/whistle",
        data={"version": 3, "note": XSS, "departments": XSS, "be_there_by": XSS},
    )
    for page in (unit.get(f"/casework/tickets/{number}").text, refused.text):
        assert "<img" not in page
        assert not re.search(r"<script(?![^>]*src=)", page)
    assert "<img" not in unit.get(f"/casework/tickets/{number}?done={XSS}").text


def test_a_caller_is_heard_again_by_those_who_work_on_the_ticket(
    site: Site, unit: TestClient, tmp_path: Path
) -> None:
    recording = tmp_path / "1.wav"
    recording.write_bytes(b"RIFF")
    site.sounds[(CALLER, "call-0", 1)] = recording
    turns = [
        {"who": "caller", "text": "停水了", "mark": 1},
        {"who": "caller", "text": "对", "mark": 2},
    ]
    site.records["call-0"] = {"turns": turns}
    number = filed(site)
    path = f"/casework/tickets/{number}"
    page = unit.get(path).text
    assert f'src="{path}/sound/1"' in page
    assert f'src="{path}/sound/2"' not in page
    assert unit.get(f"{path}/sound/1").content == b"RIFF"
    row = site.house.audit.newest(1)[0]
    assert (row.actor, row.action, row.subject) == ("unit1", "heard_caller", number)
    assert "没有录音" in unit.get(f"{path}/sound/2").text
