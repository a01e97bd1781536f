"""What a trainee's work is worth, against the scripts that ship."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from bot.training.facts import phone_share, place_share, time_share
from bot.training.scoring import expected_of, intent_share, score
from bot.training.types import Answer, Field, Mark, Said, Score, Talked
from bot.understanding.pack import Pack
from bot.understanding.scenarios import Scenario

NOON = dt.datetime(2026, 11, 30, 12, 0)
WELL_SAID = (
    Said("agent", "您好，12345，请问有什么可以帮您？", 0.5),
    Said("citizen", "我家没水了。", 4.0),
    Said("agent", "您别着急，请问您在什么地方？", 7.0),
    Said("citizen", "望京。", 10.0),
    Said("agent", "我跟您核对一下，是望京花家地北里12号楼，对吗？", 13.0),
    Said("citizen", "对，没错。", 18.0),
    Said("agent", "已经帮您登记了，感谢您的来电，再见。", 21.0),
)
WELL = Talked(WELL_SAID, answering=4.0, duration=90.0)


def mark(result: Score, field: Field) -> Mark:
    return next(one for one in result.marks if one.field is field)


@pytest.mark.parametrize("drill", [True, False])
def test_the_reference_itself_gets_every_point_in_every_scenario(pack: Pack, drill: bool) -> None:
    for scenario in pack.scenarios:
        talked = None if drill else WELL
        result = score(expected_of(scenario, pack), scenario, pack, NOON, talked)
        lost = [one for one in result.marks if not one.full]
        assert not lost, (scenario.id, lost)
        assert (result.total, result.passed) == (100.0, True)
        assert result.why


def test_nothing_at_all_gets_no_points_and_advice_for_each(pack: Pack, no_water: Scenario) -> None:
    result = score(Answer(), no_water, pack, NOON, Talked())
    assert result.total == 0.0
    assert not result.passed
    assert all(one.advice for one in result.marks)


def test_a_near_kind_is_worth_part_and_names_the_right_one(pack: Pack, no_water: Scenario) -> None:
    answer = replace(expected_of(no_water, pack), intent="water.pipe")
    found = mark(score(answer, no_water, pack, NOON), Field.INTENT)
    assert 0 < found.points < found.most
    assert (found.given, found.wanted) == ("供水管漏水", "停水")
    assert "停水" in found.advice


def test_a_question_is_never_near_a_ticket(pack: Pack) -> None:
    assert intent_share("housing_fund.rent", "water.outage", pack) == 0.0
    assert intent_share("no.such", "water.outage", pack) == 0.0


def test_filing_an_emergency_as_a_ticket_is_no_pass(
    pack: Pack, scenarios: dict[str, Scenario]
) -> None:
    leak = scenarios["utilities.gas_leak_now"]
    answer = replace(
        expected_of(leak, pack), intent="gas.smell", unit="gas_company", handling="filed"
    )
    result = score(answer, leak, pack, NOON, WELL)
    assert not result.passed
    assert mark(result, Field.HANDLING).wanted == "转紧急电话"


def test_what_does_not_apply_does_not_count(pack: Pack, scenarios: dict[str, Scenario]) -> None:
    question = scenarios["rights.housing_fund"]
    fields = {one.field for one in score(Answer(), question, pack, NOON, WELL).marks}
    assert not fields & {Field.UNIT, Field.URGENCY, Field.PLACE, Field.CALMING, Field.READ_BACK}


@pytest.mark.parametrize(
    ("given", "least", "most"),
    [
        ("朝阳区望京街道花家地北里12号楼", 1.0, 1.0),
        ("望京花家地北里十二号楼", 0.7, 1.0),
        ("朝阳区望京街道花家地北里", 0.5, 0.8),
        ("朝阳区望京街道花家地北里21号楼", 0.5, 0.8),
        ("朝阳区", 0.1, 0.3),
        ("海淀区", 0.0, 0.0),
        ("", 0.0, 0.0),
    ],
)
def test_a_place_is_worth_its_parts(
    pack: Pack, no_water: Scenario, given: str, least: float, most: float
) -> None:
    assert least <= place_share(given, no_water.expect.place, pack.gazetteer) <= most


@pytest.mark.parametrize(
    ("given", "wanted", "share"),
    [
        ("今天早上6点", "今天早上六点", 1.0),
        ("11月30日早上六点", "今天早上六点", 1.0),
        ("今天上午九点", "今天早上六点", 0.6),
        ("昨天早上六点", "今天早上六点", 0.0),
        ("3天", "三天", 1.0),
        ("现在", "现在", 1.0),
        ("", "三天", 0.0),
    ],
)
def test_a_time_is_right_however_it_is_written(given: str, wanted: str, share: float) -> None:
    assert time_share(given, [wanted], NOON) == share


def test_a_citizens_own_words_for_a_time_are_as_good_as_the_scripts(
    pack: Pack, scenarios: dict[str, Scenario]
) -> None:
    sewage = scenarios["streets.sewage"]
    for given in ("前天开始", "三天", "11月28日"):
        answer = replace(expected_of(sewage, pack), time=given)
        assert mark(score(answer, sewage, pack, NOON, WELL), Field.TIME).full, given


def test_only_the_digits_of_a_number_count() -> None:
    assert phone_share("138 0001-0001", "13800010001") == 1.0
    assert phone_share("13800010002", "13800010001") == 0.0


def test_speed_is_worth_less_the_slower_it_was(pack: Pack, no_water: Scenario) -> None:
    def points(seconds: float | None) -> float:
        talked = replace(WELL, answering=seconds)
        answer = expected_of(no_water, pack)
        return mark(score(answer, no_water, pack, NOON, talked), Field.ANSWERING).points

    assert points(5) == points(10) == 5
    assert 0 < points(20) < 5
    assert points(40) == points(None) == 0
