"""Training as trainees and supervisors see it in a browser."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from fake_practice import FakePracticeCalls
from site_world import Site
from starlette.testclient import TestClient

from bot.speech.audio import write_wav
from bot.training.choosing import label_of
from bot.training.room import Stage
from bot.training.scoring import expected_of
from bot.training.types import Answer
from bot.web.accounts import Role
from bot.web.records import Correction

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


def test_a_real_call_can_be_heard_while_its_sound_is_kept_and_no_number_is_said(
    site: Site, trainee: TestClient, tmp_path: Path
) -> None:
    words = {"call-1": "我们小区停水两天了", "call-2": "我们停水了，电话13912345678"}
    for call, text in words.items():
        site.house.records.correct(Correction(call, "wang", text, "water.outage"))
        turns = [{"who": "bot", "text": "您好"}, {"who": "caller", "text": text, "mark": 2}]
        site.records[call] = {"caller": "13812345678", "turns": turns}
        sound = tmp_path / f"{call}.wav"
        write_wav(sound, bytes(3200))
        site.sounds["13812345678", call, 2] = sound
    page = trainee.get("/training").text
    second, first = re.findall(r"/training/drill/(recorded\.c\d+)", page)
    assert "<audio" in trainee.get(f"/training/drill/{first}").text
    assert trainee.get(f"/training/drill/{first}/sound").content[:4] == b"RIFF"
    assert site.house.audit.newest(1)[0].action == "heard_caller"
    assert "<audio" not in trainee.get(f"/training/drill/{second}").text
    assert trainee.get(f"/training/drill/{second}/sound").status_code == 404
    site.sounds.clear()  # kept no longer
    assert trainee.get(f"/training/drill/{first}/sound").status_code == 404


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


def begun(site: Site, trainee: TestClient, scenario: str = DRILL) -> str:
    answer = trainee.post("/training/practice", data={"scenario": scenario})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def calls_of(site: Site) -> FakePracticeCalls:
    calls = site.house.training.calls
    assert isinstance(calls, FakePracticeCalls)
    return calls


def test_a_practice_call_is_begun_taken_filed_and_pushed_to_its_result(
    site: Site, trainee: TestClient
) -> None:
    at, calls = begun(site, trainee), calls_of(site)
    assert calls.done == [("begin", "8001", DRILL)]
    page = trainee.get(at).text
    assert "练习队列" in page
    assert "一滴水都没有" not in page  # they have to listen
    early = trainee.post(f"{at}/ticket", data=right(site))
    assert (early.status_code, "请先接听来电" in early.text) == (409, True)
    assert trainee.post(f"{at}/claim").text == "已接通。"
    filed = trainee.post(f"{at}/ticket", data=right(site) | {"time": "今天", "phone": "138"})
    assert filed.status_code == 200
    assert [(one.intent, one.time, one.phone) for one in calls.filed] == [
        ("water.outage", "今天", "138")
    ]
    assert trainee.post(f"{at}/hang-up").status_code == 200
    calls.move(at.rpartition("/")[2], Stage.SCORED, result=7)
    stream = trainee.get(f"{at}/events").text
    assert '"stage": "scored"' in stream
    assert '"result": 7' in stream


def test_without_a_wish_what_was_never_tried_comes_first(site: Site, trainee: TestClient) -> None:
    begun(site, trainee, "")
    first = calls_of(site).done[0][2]
    levels = {one.id: one.level for one in site.house.pack().scenarios}
    assert levels[first] == 1


def test_nobody_on_real_duty_is_given_a_practice_call(site: Site, trainee: TestClient) -> None:
    trainee.post("/desk/duty", data={"state": "on_duty"})
    answer = trainee.post("/training/practice", data={"scenario": DRILL})
    assert answer.status_code == 409
    assert "先下岗" in answer.text


def test_a_refusal_is_told_in_its_own_words(site: Site, trainee: TestClient) -> None:
    calls_of(site).refusal = "已有4人在练习，请过一会儿再来。"
    answer = trainee.post("/training/practice", data={"scenario": DRILL})
    assert (answer.status_code, "已有4人" in answer.text) == (409, True)


def test_nobody_gets_into_another_trainees_practice(site: Site, trainee: TestClient) -> None:
    at = begun(site, trainee)
    other = site.as_role(Role.AGENT, "wu")
    assert other.get(at).status_code == 404
    for move in ("claim", "hang-up", "ticket", "give-up"):
        assert other.post(f"{at}/{move}", data=right(site)).status_code == 404
    assert calls_of(site).done == [("begin", "8001", DRILL)]


def test_a_pack_without_training_says_so(site: Site, trainee: TestClient) -> None:
    bare = replace(site.house.pack(), coaching=None, scenarios=())
    object.__setattr__(site.house, "pack", lambda: bare)
    answer = trainee.get("/training")
    assert answer.status_code == 404
    assert "没有培训内容" in answer.text
