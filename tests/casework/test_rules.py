"""The pack's rules, as casework understands them: where tickets go, and by when."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from casework.world import HOUR, make_world

from bot.casework.clocks import Clock
from bot.casework.dispatch import Decision, decide
from bot.casework.notices import Notices
from bot.casework.rules import Rules
from bot.casework.surveys import Surveys
from bot.rules import casework_rules
from bot.understanding.office import Office
from bot.understanding.pack import PackError, load_pack

ROOT = Path(__file__).resolve().parents[2]


@cache
def beijing() -> Rules:
    return casework_rules(load_pack(ROOT / "grammars" / "beijing12345"))


def sent(category: str, place: str, confidence: float = 0.95) -> Decision:
    rules = beijing()
    return decide(rules.dispatch, category, rules.locate(place), confidence, "提议的单位")


@pytest.mark.parametrize(
    ("category", "place", "unit"),
    [
        ("garbage.uncollected", "望京西园三区", "望京街道办事处"),
        ("garbage.uncollected", "良乡镇政府旁边", "良乡镇人民政府"),
        ("property.management", "学院路街道", "学院路街道办事处"),
        ("food.unsafe", "朝阳区酒仙桥路", "朝阳区市场监督管理局"),
        ("street_light.broken", "天通苑北一区", "昌平区城市管理委员会"),
        ("water.outage", "", "市自来水集团"),
        ("hotline.praise", "", "市民热线服务中心"),
    ],
)
def test_a_ticket_goes_to_the_unit_of_its_place_and_subject(
    category: str, place: str, unit: str
) -> None:
    decision = sent(category, place)
    assert (decision.unit, decision.automatic) == (unit, True)


def test_what_belongs_to_the_subdistrict_needs_one() -> None:
    decision = sent("garbage.uncollected", "海淀区")
    assert (decision.automatic, decision.unit) == (False, "提议的单位")
    assert "请坐席核实街道或乡镇" in decision.why


def test_who_is_not_sure_of_the_category_lets_an_agent_look() -> None:
    decision = sent("garbage.uncollected", "望京西园三区", confidence=0.6)
    assert (decision.automatic, decision.unit) == (False, "望京街道办事处")
    assert "60%" in decision.why


def test_every_category_of_the_pack_has_a_rule() -> None:
    rules = beijing()
    for category in rules.dispatch.subjects:
        decision = sent(category, "朝阳区望京街道")
        assert decision.automatic, (category, decision)
        assert "{" not in decision.unit


def test_the_city_s_own_deadlines_are_used() -> None:
    clocks = beijing().clocks
    assert clocks.limit("road.manhole", "urgent").hours == 2
    assert clocks.limit("garbage.bin", "low").working
    assert not clocks.limit("food.unsafe", "high").working
    assert clocks.zone == "Asia/Shanghai"


def test_a_pack_without_rules_has_no_automatic_dispatch() -> None:
    pack = load_pack(ROOT / "grammars" / "baltimore311")
    rules = casework_rules(replace(pack, office=Office()))
    category = next(iter(rules.dispatch.subjects))
    assert not decide(rules.dispatch, category, rules.locate(""), 1.0).automatic


# --- two packs on one line -----------------------------------------------------------------


def baltimore() -> Rules:
    return casework_rules(load_pack(ROOT / "grammars" / "baltimore311"))


@pytest.mark.parametrize(
    ("category", "place", "unit"),
    [
        ("pothole.repair", "Canton", "交通局"),
        ("rats.infestation", "", "卫生局"),
        ("staff.praise", "", "市长办公室市民事务处"),
        ("parking.complaint", "Inner Harbor", "停车管理局"),
        ("parking.complaint", "Hampden", "交通局"),
    ],
)
def test_another_city_sends_its_tickets_by_its_own_rules(
    category: str, place: str, unit: str
) -> None:
    rules = baltimore()
    decision = decide(rules.dispatch, category, rules.locate(place), 0.95)
    assert (decision.unit, decision.automatic) == (unit, True)


def test_what_nobody_could_name_is_looked_at_by_an_agent() -> None:
    rules = baltimore()
    decision = decide(rules.dispatch, "other.request", rules.locate("Canton"), 1.0, "311呼叫中心")
    assert (decision.unit, decision.automatic) == ("311呼叫中心", False)


def test_a_ticket_is_dispatched_and_timed_by_the_rules_of_its_own_pack(tmp_path: Path) -> None:
    world = make_world(f"sqlite:///{tmp_path}/two.db", beijing(), baltimore311=baltimore())
    here = world.file(pack="beijing12345", urgency="high")
    there = world.file(category="pothole.repair", place="Canton", pack="baltimore311", unit="")
    gone = world.file(text="别的", pack="closed_line", urgency="high")
    tickets = {number: world.store.get(number) for number in (here, there, gone)}
    assert all(tickets.values())
    units = [ticket.unit for ticket in tickets.values() if ticket]
    assert units == ["市自来水集团", "交通局", "市自来水集团"]
    ticket = tickets[there]
    assert ticket
    # Sunday evening in Baltimore, when it is Monday morning in Beijing.
    assert ticket.number.startswith("261122")
    assert ticket.due_at == world.now + 168 * HOUR


def test_the_clock_escalates_a_ticket_along_the_chain_of_its_own_pack(tmp_path: Path) -> None:
    world = make_world(f"sqlite:///{tmp_path}/two.db", beijing(), baltimore311=baltimore())
    number = world.file(category="pothole.repair", place="Canton", pack="baltimore311", unit="")
    world.wait(168 * HOUR + 49 * HOUR)
    Clock(world.store.ledger).tick()
    told = [notice.recipient for notice in Notices(world.store.engine).unsent()]
    assert told == [
        "交通局",
        "承办部门主管 Department supervisor",
        "311呼叫中心质量科 311 quality desk",
    ]
    assert world.kinds(number)[2:] == ["overdue", "escalated", "escalated"]


def test_citizens_of_each_city_are_called_in_its_own_daytime(tmp_path: Path) -> None:
    world = make_world(f"sqlite:///{tmp_path}/two.db", beijing(), baltimore311=baltimore())
    numbers = [
        world.file(pack="beijing12345"),
        world.file(category="pothole.repair", place="Canton", pack="baltimore311", unit=""),
    ]
    for number in numbers:
        ticket = world.store.get(number)
        assert ticket
        world.handling.accept(number, f"unit:{ticket.unit}")
        world.handling.resolve(number, f"unit:{ticket.unit}", "好了")
    surveys = Surveys(world.store.ledger)
    world.wait(3 * HOUR)  # noon in Beijing, 23:00 in Baltimore
    assert [one.number for one in surveys.due()] == numbers[:1]
    world.wait(11 * HOUR)  # 23:00 in Beijing, 10:00 in Baltimore
    assert [one.number for one in surveys.due()] == numbers[1:]


def test_a_rule_that_names_nothing_is_refused_where_it_stands(tmp_path: Path) -> None:
    for file in (ROOT / "grammars" / "baltimore311").rglob("*.yaml"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "office.yaml").write_text(
        """casework:
  zone: Asia/Shanghai
  dispatch:
    offices: {街道: "{strasse}"}
    rules:
      - {categories: [nothing], to: nobody, why: x}
"""
    )
    with pytest.raises(PackError) as caught:
        load_pack(tmp_path)
    told = "\n".join(str(problem) for problem in caught.value.problems)
    assert "office.yaml:6" in told
    assert "no unit “nobody”" in told
    assert "no group “nothing”" in told
    assert "“{strasse}” is not known" in told


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("surveys: {by: text}", "“text” is missing"),
        ("surveys: {by: text, text: '{place}', text_sensitive: 好}", "“text” has {'place'}"),
        ("surveys: {mobile: '1[3'}", "no regular expression"),
        ("texting: {instead: {good_bye: 再见}}", "there is no prompt “good_bye”"),
    ],
)
def test_rules_of_texting_that_can_not_be_followed_are_refused(
    tmp_path: Path, written: str, why: str
) -> None:
    for file in (ROOT / "grammars" / "baltimore311").rglob("*.yaml"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "dispatch.yaml").write_text(f"casework:\n  {written}\n")
    with pytest.raises(PackError) as caught:
        load_pack(tmp_path)
    assert why in "\n".join(str(problem) for problem in caught.value.problems)


def test_a_time_zone_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "office.yaml").write_text("casework: {zone: Beijing}\n")
    with pytest.raises(PackError, match="time zone"):
        load_pack(tmp_path)


def test_deadlines_in_hours_do_not_depend_on_the_calendar() -> None:
    rules = beijing()
    assert rules.clocks.respond.hours == 24
    assert rules.surveys.retry_after[1] == dt.timedelta(hours=24)
