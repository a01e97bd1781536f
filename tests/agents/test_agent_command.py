from __future__ import annotations

import pytest
from queue_world import RedisServer, an_entry
from typer.testing import CliRunner, Result

from bot.agents.presence import AgentState
from bot.agents.queue import AgentQueue
from bot.commands.agent import app
from bot.node.secrets import load_secrets


@pytest.fixture(autouse=True)
def node(redis_server: RedisServer, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_STATE", str(tmp_path))
    monkeypatch.setenv("HOTLINE_HOME", str(tmp_path))
    monkeypatch.setenv("REDIS_URL", redis_server.url)


def hotline(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_a_new_agent_gets_an_extension_and_a_password(redis_server: RedisServer) -> None:
    from bot.config import Settings

    added = hotline("add", "8009", "--skill", "lang:yue")
    assert added.exit_code == 0, added.output
    password = load_secrets(Settings()).agent_passwords["8009"]
    assert f"密码：{password}" in added.output
    assert "热线启动后生效" in added.output
    assert hotline("add", "8009").output == added.output
    known = AgentQueue(redis_server.url).presence.get("8009")
    assert known is not None
    assert known.skills == {"lang:yue"}


def test_an_agent_comes_and_goes(redis_server: RedisServer) -> None:
    assert hotline("on", "8001").output == "坐席8001：空闲。\n"
    assert hotline("break", "8001").output == "坐席8001：小休。\n"
    assert "小休" in hotline("list").output
    assert hotline("off", "8001").output == "坐席8001：未上岗。\n"


def test_a_break_taken_while_talking_is_announced_for_afterwards(
    redis_server: RedisServer,
) -> None:
    queue = AgentQueue(redis_server.url)
    queue.presence.choose("8001", AgentState.ON_DUTY)
    queue.enqueue(an_entry("one"))
    queue.claim("8001")
    assert hotline("break", "8001").output == "坐席8001：振铃中，通话结束后转为“小休”。\n"


@pytest.mark.parametrize(
    "arguments", [("add", "80 09"), ("on", "x"), ("add", "8009", "--skill", "a b")]
)
def test_what_cannot_be_is_refused_with_advice(arguments: tuple[str, ...]) -> None:
    refused = hotline(*arguments)
    assert refused.exit_code == 1
    assert "8009" in refused.output or "digits" in refused.output or "word" in refused.output


def test_without_redis_the_password_is_made_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    added = hotline("add", "8009")
    assert added.exit_code == 0
    assert "密码：" in added.output
    assert hotline("on", "8009").exit_code == 1
