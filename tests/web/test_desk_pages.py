from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from markupsafe import escape
from queue_world import WATER, FakeSwitchboard, an_entry
from site_world import Site
from starlette.testclient import TestClient

from bot.agents.presence import AgentState
from bot.agents.types import EntryState, JoinResult, QueueEntry, Turn
from bot.speech.audio import write_wav
from bot.understanding.records import read_records
from bot.understanding.schema import Category
from bot.web.accounts import Role
from bot.web.control_bar import buttons_of
from bot.web.desk_pages import _talk_parts, call_of, desk_parts, desk_state, queue_html
from bot.web.sessions import SignedIn

XSS = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def category_of(site: Site) -> Category:
    return next(one for one in site.house.pack().intents if isinstance(one, Category))


@pytest.fixture
def entry(site: Site) -> QueueEntry:
    """A caller with a story, who waits."""
    category = category_of(site)
    made = an_entry(
        "call-1",
        transcript=(Turn("bot", "您好，请讲。", 0.5), Turn("caller", "我们小区停水两天了", 3.0)),
        candidates=((category.id, category.title, 0.62),),
    )
    site.records["call-1"] = {
        "turns": [{"who": "caller", "text": "我们小区停水两天了", "slots": {"place": "朝阳区望京"}}]
    }
    site.house.queue.enqueue(made)
    return made


@pytest.fixture
def agent(site: Site) -> TestClient:
    return site.as_role(Role.AGENT)


def me_of(site: Site, browser: TestClient) -> SignedIn:
    found = site.house.sessions.find(browser.cookies["hotline_session"])
    assert found
    return found


def state_of(site: Site, browser: TestClient) -> dict[str, Any]:
    return desk_state(*call_of(site.house, me_of(site, browser).account))


def claimed(site: Site, agent: TestClient, switchboard: FakeSwitchboard) -> None:
    agent.post("/desk/duty", data={"state": "on_duty"})
    answer = agent.post("/desk/claim", data={"entry": ""})
    assert (answer.status_code, answer.text) == (200, "已接通。")


def test_the_desk_is_a_page_in_chinese(agent: TestClient) -> None:
    page = agent.get("/desk").text
    assert 'lang="zh-CN"' in page
    assert "接听下一个" in page
    assert not re.search(r"<script(?![^>]*src=)", page)


def test_the_queue_shows_a_masked_number_and_what_it_is_about(
    site: Site, agent: TestClient, entry: QueueEntry
) -> None:
    html = queue_html(site.house, me_of(site, agent))
    assert "138****5678" in html
    assert "13812345678" not in html
    assert entry.candidates[0][1] in html


def test_going_on_duty_is_known_to_the_queue(site: Site, agent: TestClient) -> None:
    agent.post("/desk/duty", data={"state": "on_duty"})
    found = site.house.queue.presence.get("8001")
    assert found is not None
    assert found.state is AgentState.ON_DUTY


def test_a_claim_rings_the_agents_own_telephone(
    site: Site, agent: TestClient, entry: QueueEntry, switchboard: FakeSwitchboard
) -> None:
    claimed(site, agent, switchboard)
    assert [(who, phone) for who, phone, _ in switchboard.rung] == [("call-1", "8001")]
    assert state_of(site, agent)["entry"] == "call-1"


def test_a_telephone_that_is_not_answered_is_told(
    site: Site, agent: TestClient, entry: QueueEntry, switchboard: FakeSwitchboard
) -> None:
    switchboard.answer = JoinResult.NO_ANSWER
    answer = agent.post("/desk/claim", data={"entry": "call-1"})
    assert answer.status_code == 409
    assert "回到原来的位置" in answer.text


def test_a_call_shows_what_was_said_and_a_ticket_that_is_filled_in(
    site: Site, agent: TestClient, entry: QueueEntry, switchboard: FakeSwitchboard
) -> None:
    claimed(site, agent, switchboard)
    page = agent.get("/desk/call/call-1").text
    category = category_of(site)
    assert "我们小区停水两天了" in page
    assert 'value="朝阳区望京"' in page
    assert f'value="{site.house.pack().unit_name(category.unit)}"' in page
    assert re.search(rf'value="{re.escape(category.id)}"[^>]*selected', page)
    assert "13812345678" in page


def test_a_look_at_a_call_is_in_the_audit_log(
    site: Site, agent: TestClient, entry: QueueEntry, switchboard: FakeSwitchboard
) -> None:
    claimed(site, agent, switchboard)
    agent.get("/desk/call/call-1")
    row = site.house.audit.newest(1)[0]
    assert (row.actor, row.action, row.subject) == ("agent1", "looked_at_caller", "call-1")


def test_what_the_caller_said_to_the_bot_can_be_heard_again_and_that_is_in_the_audit_log(
    site: Site, agent: TestClient, switchboard: FakeSwitchboard, tmp_path: Path
) -> None:
    said = (Turn("caller", "我们小区停水两天了", 3.0, mark=1), Turn("caller", "转人工", 9.0))
    site.house.queue.enqueue(an_entry("call-1", transcript=said))
    sound = tmp_path / "1.wav"
    write_wav(sound, bytes(3200), 16000)
    site.sounds["13812345678", "call-1", 1] = sound
    claimed(site, agent, switchboard)
    page = agent.get("/desk/call/call-1").text
    assert re.findall(r'data-sound="(\d+)"', page) == ["1"]
    answer = agent.get("/desk/call/call-1/sound/1")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content == sound.read_bytes()
    row = site.house.audit.newest(1)[0]
    assert (row.actor, row.action, row.subject) == ("agent1", "heard_caller", "call-1")
    gone = agent.get("/desk/call/call-1/sound/2")
    assert gone.status_code == 404
    assert "没有录音" in gone.text


def test_nobody_hears_anothers_caller(site: Site, agent: TestClient, entry: QueueEntry) -> None:
    site.house.queue.claim("8002", "call-1")
    assert agent.get("/desk/call/call-1/sound/1").status_code == 403


def test_an_agent_cannot_look_at_anothers_caller(
    site: Site, agent: TestClient, entry: QueueEntry
) -> None:
    site.house.queue.claim("8002", "call-1")
    assert agent.get("/desk/call/call-1").status_code == 403


def test_what_the_agent_chose_is_kept_beside_what_the_bot_thought(
    site: Site, agent: TestClient, entry: QueueEntry, switchboard: FakeSwitchboard, tmp_path: Path
) -> None:
    claimed(site, agent, switchboard)
    others = [one for one in site.house.pack().intents if isinstance(one, Category)]
    chosen = others[-1]
    answer = agent.post(
        "/desk/call/call-1/ticket",
        data={
            "category": chosen.id,
            "text": "小区停水两天",
            "place": "朝阳区望京西园",
            "unit": "市自来水集团",
            "urgency": "high",
        },
    )
    assert answer.status_code == 200, answer.text
    number = site.house.tickets.newest(1)[0].number
    assert number in answer.text
    row = site.house.records.corrections()[0]
    assert (row.bot_intent, row.chosen_intent) == (entry.candidates[0][0], chosen.id)
    assert (row.chosen_unit, row.ticket) == ("市自来水集团", number)
    exported = tmp_path / "corrections.csv"
    exported.write_text(site.house.records.export(), "utf-8")
    read = read_records(exported, "text", "intent").rows[0]
    assert (read.text, read.intent) == ("我们小区停水两天了", chosen.id)


@pytest.mark.parametrize(
    "wrong", [{"category": "nothing.such"}, {"text": " "}, {"urgency": "at once"}]
)
def test_a_ticket_that_lacks_something_is_refused_in_chinese(
    site: Site,
    agent: TestClient,
    entry: QueueEntry,
    switchboard: FakeSwitchboard,
    wrong: dict[str, str],
) -> None:
    claimed(site, agent, switchboard)
    good = {"category": category_of(site).id, "text": "停水", "urgency": "normal"}
    answer = agent.post("/desk/call/call-1/ticket", data={**good, **wrong})
    assert answer.status_code == 422
    assert "请" in answer.text
    assert site.house.tickets.newest(1) == []


def test_wrap_up_follows_the_call_and_ends_with_an_outcome(
    site: Site, agent: TestClient, entry: QueueEntry, switchboard: FakeSwitchboard
) -> None:
    claimed(site, agent, switchboard)
    assert agent.post("/desk/call/call-1/talk", data={"move": "hang_up"}).status_code == 200
    state = state_of(site, agent)
    assert (state["state"], state["entry"], state["phase"]) == ("wrap_up", "call-1", "done")
    assert agent.post("/desk/call/call-1/wrap-up", data={"outcome": ""}).status_code == 422
    agent.post("/desk/call/call-1/wrap-up", data={"outcome": "answered", "note": "已解释"})
    state = state_of(site, agent)
    assert (state["state"], state["entry"]) == ("on_duty", "")
    assert site.house.records.of_caller("13812345678")[0].outcome == "answered"


def talk_of(site: Site, me: SignedIn, entry_id: str) -> dict[str, str]:
    """What the page is pushed of a conversation."""
    pushed: dict[str, str] = json.loads(_talk_parts(site.house, me, entry_id)["talk"])
    return pushed


def test_what_both_sides_say_is_pushed_and_still_there_at_wrap_up(
    site: Site, agent: TestClient, entry: QueueEntry, switchboard: FakeSwitchboard
) -> None:
    claimed(site, agent, switchboard)
    site.house.queue.say("call-1", Turn("agent", "您好，请讲", 63.0))
    site.house.queue.say("call-1", Turn("caller", "水还没有来", 66.0))
    site.house.queue.say("call-1", Turn("caller", "", 70.0))
    pushed = talk_of(site, me_of(site, agent), "call-1")
    assert pushed["entry"] == "call-1"
    assert re.findall(r"1:\d\d　(..)", pushed["talk"]) == ["坐席", "市民", "市民"]
    assert "没来得及转写" in pushed["talk"]
    agent.post("/desk/call/call-1/talk", data={"move": "hang_up"})
    assert "水还没有来" in agent.get("/desk/call/call-1").text


def test_suggestions_follow_what_the_caller_says_to_the_agent(
    site: Site, agent: TestClient, entry: QueueEntry, switchboard: FakeSwitchboard
) -> None:
    claimed(site, agent, switchboard)
    assert "刚才说到" not in agent.get("/desk/call/call-1").text
    faq = next(one for one in site.house.pack().intents if hasattr(one, "answer"))
    site.house.queue.update("call-1", heard=((faq.id, faq.title, 0.8),))
    pushed = talk_of(site, me_of(site, agent), "call-1")
    assert pushed["best"] == faq.id
    assert str(escape(faq.answer)) in pushed["heard"]
    page = agent.get("/desk/call/call-1").text
    assert page.index("刚才说到") < page.index("机器人认为")


def test_a_callers_words_and_names_are_shown_and_never_run(
    site: Site, agent: TestClient, switchboard: FakeSwitchboard
) -> None:
    hostile = an_entry(
        "call-2",
        caller=XSS,
        transcript=(Turn("caller", XSS, 1.0),),
        candidates=((XSS, XSS, 0.5),),
        reason=XSS,
    )
    talk = Turn("caller", XSS, 60.0)
    site.records["call-2"] = {"turns": [{"slots": {"place": XSS}}]}
    site.house.queue.enqueue(hostile)
    site.house.queue.say("call-2", talk)
    site.house.queue.update("call-2", heard=((XSS, XSS, 0.5),))
    site.house.tickets.file(
        call_id="old", category="x", title="停水", text=XSS, place=XSS, caller=XSS[:24]
    )
    site.house.records.wrap_up("call-0", "agent1", "answered", XSS, XSS[:24])
    supervisor = site.as_role(Role.SUPERVISOR)
    pushed = talk_of(site, me_of(site, agent), "call-2")
    seen = [
        queue_html(site.house, me_of(site, agent)),
        supervisor.get("/wallboard").text,
        supervisor.get("/desk/call/call-2").text,
        pushed["talk"],
        pushed["heard"],
    ]
    for page in seen:
        assert "<script>alert" not in page
        assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in seen[2]


def test_the_browsers_telephone_gets_its_own_account_and_that_is_written_down(
    site: Site, agent: TestClient
) -> None:
    answer = agent.get("/desk/phone").json()
    assert answer == {"user": "web-8001", "password": "secret", "url": "ws://127.0.0.1:8313/ws"}
    assert site.house.audit.newest(1)[0].action == "looked_at_phone"


def test_without_redis_the_agent_is_told_in_chinese(
    site: Site, agent: TestClient, own_redis: object
) -> None:
    own_redis.kill()  # type: ignore[attr-defined]
    answer = agent.post("/desk/claim", data={})
    assert answer.status_code == 503
    assert "暂时连不上" in answer.text


# --- the control bar ---------------------------------------------------------------------


def bar_of(site: Site, browser: TestClient) -> dict[str, str]:
    """The possible moves by their key, as pushed to the page."""
    entry = site.house.queue.get("call-1")
    assert entry
    return {one.key: one.move for one in buttons_of(entry) if one.possible}


def move(agent: TestClient, name: str, to: str = "") -> Any:
    return agent.post("/desk/call/call-1/talk", data={"move": name, "to": to})


def pushed(site: Site, agent: TestClient) -> dict[str, str]:
    return desk_parts(site.house, me_of(site, agent))[1]


def test_the_bar_says_who_is_on_hold_and_offers_what_fits(
    site: Site, agent: TestClient, entry: QueueEntry, switchboard: FakeSwitchboard
) -> None:
    claimed(site, agent, switchboard)
    assert "您正在与市民通话" in pushed(site, agent)["controls"]
    assert bar_of(site, agent) == {
        **{"C": "consult", "X": "transfer", "K": "hold", "M": "mute"},
        **{"Q": "give_back", "R": "rate", "H": "hang_up"},
    }
    assert move(agent, "hold").text == "已保持，市民在听等待音乐。"
    assert "市民在听等待音乐（保持中）" in pushed(site, agent)["controls"]
    assert bar_of(site, agent)["K"] == "resume"
    move(agent, "mute")
    assert "您已静音" in pushed(site, agent)["controls"]
    assert move(agent, "consult", WATER).status_code == 200
    assert "您正在与市自来水集团通话，市民在听等待音乐" in pushed(site, agent)["controls"]
    assert bar_of(site, agent) == {
        **{"X": "complete", "3": "conference", "K": "end_consult", "M": "unmute"}
    }
    move(agent, "conference")
    assert "三方通话：市民、您、市自来水集团" in pushed(site, agent)["controls"]
    assert move(agent, "complete").status_code == 200
    assert "controls" not in pushed(site, agent)
    assert state_of(site, agent)["phase"] == "done"


def test_the_list_of_whom_to_ask_puts_free_agents_first_and_never_oneself(
    site: Site, agent: TestClient, entry: QueueEntry, switchboard: FakeSwitchboard
) -> None:
    claimed(site, agent, switchboard)
    site.house.queue.presence.choose("8003", AgentState.ON_DUTY)
    listed = re.findall(r'option value="([0-9]+)"', pushed(site, agent)["parties"])
    assert listed == ["8003", "8002", "8004", WATER]


@pytest.mark.parametrize("to", ["", "13800138000", "8002@elsewhere"])
def test_the_desk_rings_nobody_who_is_not_listed(
    site: Site, agent: TestClient, entry: QueueEntry, switchboard: FakeSwitchboard, to: str
) -> None:
    claimed(site, agent, switchboard)
    for name in ("consult", "transfer"):
        answer = move(agent, name, to)
        assert (answer.status_code, "请先选择要咨询" in answer.text) == (422, True)
    assert switchboard.moves == []


def test_a_move_that_does_not_fit_is_refused_with_what_to_do(
    site: Site, agent: TestClient, entry: QueueEntry, switchboard: FakeSwitchboard
) -> None:
    claimed(site, agent, switchboard)
    move(agent, "consult", "8002")
    answer = move(agent, "rate")
    assert (answer.status_code, "请先结束咨询" in answer.text) == (409, True)


# --- the supervisor ----------------------------------------------------------------------


def test_the_wallboard_counts_who_waits(site: Site, entry: QueueEntry) -> None:
    page = site.as_role(Role.SUPERVISOR).get("/wallboard").text
    assert re.search(r"<span>等待</span><b>1</b>", page)
    assert "接通率" in page


def test_the_wallboard_shows_what_the_bot_solved_alone_in_seven_days(site: Site) -> None:
    today = dt.datetime.now(ZoneInfo("Asia/Shanghai")).date()
    for back, outcome in ((0, "answered"), (0, "transferred"), (6, "filed"), (7, "transferred")):
        site.house.queue.tally.count(outcome, today - dt.timedelta(days=back))
    page = site.as_role(Role.SUPERVISOR).get("/wallboard").text
    assert "<span>机器人自助率（7天）</span><b>67%</b>" in page


def test_a_supervisor_listens_in_and_that_is_written_down(
    site: Site, agent: TestClient, entry: QueueEntry, switchboard: FakeSwitchboard
) -> None:
    claimed(site, agent, switchboard)
    supervisor = site.as_role(Role.SUPERVISOR)
    assert supervisor.post("/wallboard/call-1/listen").status_code == 200
    assert site.floor.done == [("listen", "call-1", "8004")]
    row = site.house.audit.newest(1)[0]
    assert (row.actor, row.action, row.subject) == ("supervisor1", "listened", "call-1")


def test_a_supervisor_takes_an_entry_out(site: Site, entry: QueueEntry) -> None:
    site.as_role(Role.SUPERVISOR).post("/wallboard/call-1/remove")
    found = site.house.queue.get("call-1")
    assert found is not None
    assert found.state is EntryState.ABANDONED
    assert site.floor.done == [("drop", "call-1")]


def test_a_supervisor_gives_an_entry_to_somebody(
    site: Site, entry: QueueEntry, switchboard: FakeSwitchboard
) -> None:
    site.house.queue.presence.choose("8001", AgentState.ON_DUTY)
    answer = site.as_role(Role.SUPERVISOR).post("/wallboard/call-1/give", data={"agent": "8001"})
    assert "坐席8001：已接通" in answer.text


# --- the office --------------------------------------------------------------------------


def test_an_admin_makes_an_account_and_sees_its_password_once(site: Site) -> None:
    admin = site.as_role(Role.ADMIN)
    page = admin.post("/accounts", data={"name": "li", "role": "agent", "extension": "8001"}).text
    found = re.search(r'class="number">([a-z0-9-]{19})<', page)
    assert found
    assert found[1] not in admin.get("/accounts").text
    assert site.house.audit.newest(1)[0].action == "account_added"


def test_an_admin_cannot_close_their_own_account(site: Site) -> None:
    assert site.as_role(Role.ADMIN).post("/accounts/admin1/lock").status_code == 422


def test_a_cell_that_a_spreadsheet_would_run_is_exported_as_text(
    site: Site, agent: TestClient, switchboard: FakeSwitchboard
) -> None:
    site.house.queue.enqueue(an_entry("call-3", transcript=(Turn("caller", "=HYPERLINK(1)", 1.0),)))
    claimed(site, agent, switchboard)
    data = {"category": category_of(site).id, "text": "x", "urgency": "low"}
    assert agent.post("/desk/call/call-3/ticket", data=data).status_code == 200
    rows = list(csv.DictReader(io.StringIO(site.house.records.export())))
    assert rows[0]["text"] == "'=HYPERLINK(1)"
