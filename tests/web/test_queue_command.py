"""``hotline queue`` against a real Redis and the real HTTP side on a port of its own."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from queue_world import DIRECTORY, FakeSwitchboard, RedisServer, an_entry, free_port
from typer.testing import CliRunner, Result

from bot.agents.desk import Desk
from bot.agents.queue import AgentQueue
from bot.agents.talk import Talk
from bot.agents.types import EntryKind, EntryState, JoinResult
from bot.commands.queue import app
from bot.node.secrets import load_secrets
from bot.observe import Metrics
from bot.web.app import Reload, create_web


@pytest.fixture
def http_port(own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> int:
    """The port the command will look for the bot on; the environment of a node."""
    port = free_port()
    monkeypatch.setenv("HOTLINE_STATE", str(own_redis.settings.state))
    monkeypatch.setenv("HOTLINE_HTTP_PORT", str(port))
    monkeypatch.setenv("REDIS_URL", own_redis.url)
    monkeypatch.setenv("COLUMNS", "200")
    return port


@pytest.fixture
def bot(
    http_port: int,
    own_redis: RedisServer,
    desk: Desk,
    queue: AgentQueue,
    switchboard: FakeSwitchboard,
) -> Iterator[None]:
    """The bot's HTTP side, serving."""
    token = load_secrets(own_redis.settings).api_token
    web = create_web(
        desk,
        queue,
        Metrics(),
        dict,
        lambda: Reload("small", "1", "1"),
        token,
        Talk(desk, queue, switchboard, 20.0, DIRECTORY),
    )
    server = uvicorn.Server(uvicorn.Config(web, host="127.0.0.1", port=http_port, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 15
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    yield
    server.should_exit = True
    thread.join()


def hotline(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_the_list_shows_who_waits_even_when_the_bot_is_down(
    http_port: int, queue: AgentQueue
) -> None:
    queue.enqueue(an_entry("one", queued_at=time.time() - 125))
    shown = hotline("list")
    assert shown.exit_code == 0
    for text in ("2 分 0", "要求转人工", "138****5678", "我家停水了", "停水报修 62%", "one"):
        assert text in shown.output
    assert "13812345678" not in shown.output


def test_an_empty_queue_is_said_in_words(http_port: int) -> None:
    assert hotline("list").output == "没有等待的来电。\n"
    assert json.loads(hotline("list", "--json").output) == []


def test_the_list_as_data_hides_numbers_and_can_hold_finished_ones(
    http_port: int, queue: AgentQueue
) -> None:
    queue.enqueue(an_entry("gone"))
    queue.abandon("gone")
    queue.enqueue(an_entry("here"))
    rows = json.loads(hotline("list", "--json").output)
    assert [(row["id"], row["caller"]) for row in rows] == [("here", "138****5678")]
    rows = json.loads(hotline("list", "--json", "--all").output)
    assert {row["id"]: row["state"] for row in rows} == {"gone": "abandoned", "here": "waiting"}


def test_a_claim_tells_the_agent_all_that_is_known(bot: None, queue: AgentQueue) -> None:
    queue.enqueue(an_entry("one", ticket="20261124-0007"))
    told = hotline("claim", "--agent", "8001")
    assert told.exit_code == 0
    for text in ("市民：我家停水了", "停水报修（62%）", "20261124-0007", "已接通"):
        assert text in told.output
    assert [entry.agent for entry in queue.list(EntryState.JOINED)] == ["8001"]


def test_an_agent_who_does_not_answer_is_told_so(
    bot: None, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    queue.enqueue(an_entry("one"))
    switchboard.answer = JoinResult.NO_ANSWER
    told = hotline("claim", "--agent", "8001", "one")
    assert told.exit_code == 2
    assert "无人接听" in told.output


def test_done_frees_the_agent(bot: None, queue: AgentQueue) -> None:
    queue.enqueue(an_entry("one"))
    hotline("claim", "--agent", "8001")
    assert hotline("done", "one").output == "已结束。\n"
    assert hotline("done", "one").output == "这个来电早已结束。\n"


def test_refusals_are_said_in_chinese(bot: None, queue: AgentQueue) -> None:
    nobody = hotline("claim", "--agent", "8001")
    assert nobody.exit_code == 1
    assert "没有等待接听的来电" in nobody.output
    queue.enqueue(an_entry("one"))
    hotline("claim", "--agent", "8001")
    assert "坐席8001已有一个来电" in hotline("claim", "--agent", "8001").output
    assert "没有这个来电" in hotline("done", "nobody").output


def test_a_line_that_is_not_running_is_said_with_what_to_do(http_port: int) -> None:
    told = hotline("claim", "--agent", "8001")
    assert told.exit_code == 1
    assert "热线没有在运行" in told.output
    assert "hotline run" in told.output


def test_a_dead_redis_is_said_with_what_to_do(http_port: int, own_redis: RedisServer) -> None:
    own_redis.kill()
    told = hotline("list")
    assert told.exit_code == 1
    assert "连不上排队系统" in told.output
    assert "REDIS_URL" in told.output


def test_the_watch_shows_a_caller_who_comes_while_it_runs(
    http_port: int, queue: AgentQueue
) -> None:
    timer = threading.Timer(0.5, lambda: queue.enqueue(an_entry("comes")))
    timer.start()
    shown = hotline("watch", "--seconds", "2")
    assert shown.exit_code == 0, shown.output
    assert "comes" in shown.output
    assert "在岗坐席0人" in shown.output


def test_a_callback_is_taken_with_its_number(http_port: int, bot: None, queue: AgentQueue) -> None:
    queue.enqueue(an_entry("back", kind=EntryKind.CALLBACK, phone="13812345678"))
    taken = hotline("claim", "--agent", "8001")
    assert taken.exit_code == 0
    assert "回电号码：13812345678" in taken.output
    assert hotline("done", "back").exit_code == 0


def test_a_caller_is_transferred_and_given_back(
    http_port: int, bot: None, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    queue.enqueue(an_entry("one"))
    hotline("claim", "--agent", "8001")
    moved = hotline("transfer", "one", "--to", "8002")
    assert moved.exit_code == 0
    assert "已转给8002。" in moved.output
    back = hotline("transfer", "one", "--skill", "field:tax")
    assert back.exit_code == 0
    entry = queue.get("one")
    assert entry is not None
    assert (entry.state, entry.skills) == (EntryState.WAITING, {"field:tax"})
    refused = hotline("transfer", "one", "--to", "8002")
    assert refused.exit_code == 1
