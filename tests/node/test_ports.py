"""A port in use is told with its number, its purpose, its holder and what to do."""

from __future__ import annotations

import os
import re
import socket

import pytest

from bot.config import Settings
from bot.node.ports import check_ports, ports_of
from bot.node.types import SetupError


def test_free_ports_pass(settings: Settings) -> None:
    check_ports(settings)


@pytest.mark.parametrize("port_name", ["ami_port", "agi_port", "audio_port", "redis_port"])
def test_a_taken_tcp_port_is_told_with_holder_and_variable(
    settings: Settings, port_name: str
) -> None:
    number = getattr(settings, port_name)
    with socket.create_server(("127.0.0.1", number)), pytest.raises(SetupError) as caught:
        check_ports(settings)
    message = str(caught.value)
    assert f"Port {number}/tcp" in message
    assert f"HOTLINE_{port_name.upper()}" in message
    assert f"process {os.getpid()}" in message
    assert "\n" not in message


def test_a_taken_sip_port_is_seen_over_udp_too(settings: Settings) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", settings.sip_port))
        with pytest.raises(SetupError, match=re.escape(f"{settings.sip_port}/udp")):
            check_ports(settings)


def test_every_taken_port_is_told_at_once(settings: Settings) -> None:
    with (
        socket.create_server(("127.0.0.1", settings.ami_port)),
        socket.create_server(("127.0.0.1", settings.http_port)),
        pytest.raises(SetupError, match=r"AMI_PORT(.|\n)*HTTP_PORT"),
    ):
        check_ports(settings)


def test_an_operators_own_redis_needs_no_port_of_ours(settings: Settings) -> None:
    theirs = settings.model_copy(update={"redis_url": "redis://example:6379/0"})
    assert settings.redis_port in {port.number for port in ports_of(settings)}
    assert settings.redis_port not in {port.number for port in ports_of(theirs)}
