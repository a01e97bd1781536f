"""The pack's rules, as casework understands them: where tickets go, and by when."""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path

import pytest

from bot.casework.dispatch import Decision, decide
from bot.casework.rules import Rules
from bot.rules import casework_rules
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
    rules = casework_rules(load_pack(ROOT / "grammars" / "baltimore311"))
    category = next(iter(rules.dispatch.subjects))
    assert not decide(rules.dispatch, category, rules.locate(""), 1.0).automatic


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


def test_a_time_zone_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "office.yaml").write_text("casework: {zone: Beijing}\n")
    with pytest.raises(PackError, match="time zone"):
        load_pack(tmp_path)


def test_deadlines_in_hours_do_not_depend_on_the_calendar() -> None:
    rules = beijing()
    assert rules.clocks.respond.hours == 24
    assert rules.surveys.retry_after[1] == dt.timedelta(hours=24)
