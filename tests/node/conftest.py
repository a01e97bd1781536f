"""A node of its own for each test: empty folders and free ports."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from bot.config import Settings
from bot.node.types import Say


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def free_port() -> int:
    """A port on loopback where nothing listens."""
    return _free_port()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in ("REDIS_URL", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    ports = {
        name: _free_port()
        for name in (
            "sip_port",
            "ami_port",
            "agi_port",
            "audio_port",
            "http_port",
            "ws_port",
            "redis_port",
        )
    }
    # Said outright, so that the environment of whoever runs the tests does not matter.
    return Settings(
        home=tmp_path / "home",
        state=tmp_path / "state",
        asr="auto",
        tts="auto",
        vosk_model=None,
        bind="127.0.0.1",
        **ports,  # type: ignore[arg-type]
    )


@pytest.fixture
def said() -> list[str]:
    """What was said to the operator."""
    return []


@pytest.fixture
def say(said: list[str]) -> Say:
    return said.append
