"""Checking that the line's ports are free, and saying who holds one that is not."""

from __future__ import annotations

import socket
from dataclasses import dataclass

import psutil

from bot.config import Settings
from bot.node.types import SetupError


@dataclass(frozen=True, slots=True)
class Port:
    """One port that the line listens on."""

    number: int
    address: str
    kind: str
    """``tcp`` or ``udp``."""
    purpose: str
    variable: str
    """Environment variable that changes it."""


def ports_of(settings: Settings) -> list[Port]:
    """List every fixed port of a line (the RTP range is Asterisk's own to choose from)."""
    local = "127.0.0.1"
    ports = [
        Port(settings.sip_port, settings.bind, "udp", "SIP phones", "HOTLINE_SIP_PORT"),
        Port(settings.sip_port, settings.bind, "tcp", "SIP phones", "HOTLINE_SIP_PORT"),
        Port(settings.ami_port, local, "tcp", "Asterisk's manager (AMI)", "HOTLINE_AMI_PORT"),
        Port(settings.agi_port, local, "tcp", "call control (FastAGI)", "HOTLINE_AGI_PORT"),
        Port(settings.audio_port, local, "tcp", "call sound (AudioSocket)", "HOTLINE_AUDIO_PORT"),
        Port(settings.http_port, local, "tcp", "pages and API", "HOTLINE_HTTP_PORT"),
        Port(settings.ws_port, local, "tcp", "agents' browsers", "HOTLINE_WS_PORT"),
    ]
    if not settings.redis_url:
        ports.append(
            Port(settings.redis_port, local, "tcp", "the private Redis", "HOTLINE_REDIS_PORT")
        )
    return ports


def taken_ports(settings: Settings) -> list[str]:
    """Return one message for each port that cannot be had: which, what for, who, what to do."""
    messages = []
    for port in ports_of(settings):
        problem = _problem(port)
        if problem:
            messages.append(
                f"Port {port.number}/{port.kind} on {port.address}, for {port.purpose}, "
                f"{problem}. Stop that program, or set {port.variable} to a free port."
            )
    return messages


def check_ports(settings: Settings) -> None:
    """Make sure that the line can have its ports.

    Raises:
        SetupError: one or more are taken; the message has a line for each.
    """
    messages = taken_ports(settings)
    if messages:
        raise SetupError("\n".join(messages))


def _problem(port: Port) -> str:
    """Return "" if the port is free, else what stands in the way."""
    family = socket.AF_INET6 if ":" in port.address else socket.AF_INET
    kind = socket.SOCK_STREAM if port.kind == "tcp" else socket.SOCK_DGRAM
    with socket.socket(family, kind) as probe:
        if port.kind == "tcp":
            # A connection that was closed a moment ago does not make the port busy.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((port.address, port.number))
            if port.kind == "tcp":
                probe.listen(1)
        except PermissionError:
            return "needs root (ports below 1024 do)"
        except (OSError, OverflowError) as error:
            return f"cannot be had ({error}), {_holder(port)}"
    return ""


def _holder(port: Port) -> str:
    """Name the program that has the port, as far as this user may know."""
    try:
        for entry in psutil.net_connections(port.kind):
            listening = port.kind == "udp" or entry.status == psutil.CONN_LISTEN
            if listening and entry.laddr and entry.laddr.port == port.number and entry.pid:
                name = psutil.Process(entry.pid).name()
                return f"held by {name} (process {entry.pid})"
    except psutil.Error:
        pass
    return "held by a program that cannot be named"
