"""Training as trainees and supervisors see it in a browser."""

from __future__ import annotations

import re

import pytest
from site_world import Site
from starlette.testclient import TestClient

from bot.training.scoring import expected_of
from bot.training.types import Answer
from bot.web.accounts import Role
from bot.web.records import Correction
from bot.web.training_pages import label_of

DRILL = "utilities.no_water"


@pytest.fixture
def trainee(site: Site) -> TestClient:
    return site.as_role(Role.AGENT, "lin")


def right(site: Site, drill: str = DRILL) -> dict[str, str]:
    pack = site.house.pack()
    scenario = next(one for one in pack.scenarios if one.id == drill)
    best: Answer = expected_of(scenario, pack)
    return {
        "intent": label_of(pack.intent(best.intent)),  # type: ignore[arg-type]
        "unit": best.unit,
        "urgency": best.urgency,
        "handling": best.handling,
        "place": best.place,
    }


def result_of(browser: TestClient, drill: str = DRILL, **answer: str) -> str:
    sent = browser.post(f"/training/drill/{drill}", data=answer)
    assert sent.status_code == 303, sent.text
    return browser.get(sent.headers["location"]).text


def test_the_page_lists_every_scenario_without_its_answer(site: Site, trainee: TestClient) -> None:
    text = trainee.get("/training").text
    for scenario in site.house.pack().scenarios:
        assert scenario.title in text
        assert scenario.why not in text
    assert not re.search(r"<script(?![^>]*src=)", text)


def test_a_drill_can_be_heard_and_read(trainee: TestClient) -> None:
    text = trainee.get(f"/training/drill/{DRILL}").text
    assert "一滴水都没有" in text
    sound = trainee.get(f"/training/drill/{DRILL}/sound")
    assert (sound.headers["content-type"], sound.content[:4]) == ("audio/wav", b"RIFF")


def test_a_right_answer_is_scored_at_once_and_explained(site: Site, trainee: TestClient) -> None:
    text = result_of(trainee, **right(site))
    assert "100.0" in text
    assert "已通过" in text
    assert "自来水集团抢修" in text
    assert "100.0 分" in trainee.get("/training").text


def test_a_wrong_answer_is_told_what_would_have_been_right(site: Site, trainee: TestClient) -> None:
    text = result_of(trainee, **(right(site) | {"unit": "drainage", "place": "朝阳区"}))
    assert "由市自来水集团承办" in text
    assert "市排水集团" in text
    assert "楼号" in text


def test_a_drill_files_no_ticket_and_teaches_the_bot_nothing(
    site: Site, trainee: TestClient
) -> None:
    result_of(trainee, **right(site))
    assert site.house.tickets.of_caller("13800010001", open_only=False) == []
    assert site.house.records.corrections() == []
    assert site.house.queue.list() == []


def test_an_unknown_kind_is_refused_with_what_to_do(site: Site, trainee: TestClient) -> None:
    answer = trainee.post(f"/training/drill/{DRILL}", data=right(site) | {"intent": "没有这种"})
    assert answer.status_code == 422
    assert "从列表里选择" in answer.text


def test_a_real_call_becomes_a_drill_with_its_numbers_masked(
    site: Site, trainee: TestClient
) -> None:
    for text in ("我家停水了，电话是13912345678，望京花家地", "停水"):
        site.house.records.correct(
            Correction("call-1", "wang", text, "water.outage", "市自来水集团")
        )
    page = trainee.get("/training").text
    (drill,) = re.findall(r"/training/drill/(recorded\.c\d+)", page)
    shown = trainee.get(f"/training/drill/{drill}").text
    assert "13912345678" not in page + shown
    text = result_of(
        trainee,
        drill,
        intent="停水",
        unit="water_company",
        urgency="high",
        handling="filed",
    )
    assert "100.0" in text
    assert "真实来电" in text


def test_hostile_words_of_a_real_call_stay_words(site: Site, trainee: TestClient) -> None:
    attack = "<img src=x onerror=alert(1)>我家停水了"
    site.house.records.correct(Correction("call-1", "wang", attack, "water.outage"))
    assert "<img" not in trainee.get("/training").text


def test_a_trainee_sees_only_their_own_results(site: Site, trainee: TestClient) -> None:
    sent = trainee.post(f"/training/drill/{DRILL}", data=right(site))
    other = site.as_role(Role.AGENT, "wu")
    assert other.get(sent.headers["location"]).status_code == 404
    assert other.get("/training/progress/lin").status_code == 404
    assert other.get("/training/team").status_code == 403


def test_a_supervisor_sees_everybody_with_their_weak_parts(site: Site, trainee: TestClient) -> None:
    result_of(trainee, **(right(site) | {"place": ""}))
    supervisor = site.as_role(Role.SUPERVISOR)
    assert "地点 0%" in supervisor.get("/training/team").text
    page = supervisor.get("/training/progress/lin").text
    assert page.count("<svg") == 2
    assert "需加强" in page


def test_a_pack_without_training_says_so(site: Site, trainee: TestClient) -> None:
    from dataclasses import replace

    bare = replace(site.house.pack(), coaching=None, scenarios=())
    object.__setattr__(site.house, "pack", lambda: bare)
    answer = trainee.get("/training")
    assert answer.status_code == 404
    assert "没有培训内容" in answer.text
