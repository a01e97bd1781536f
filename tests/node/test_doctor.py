"""The doctor finds what is wrong and says what to do about it."""

from __future__ import annotations

import datetime as dt
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import typer

from bot.commands.doctor import calendars, report
from bot.config import Settings
from bot.node.doctor import Finding, examine
from bot.node.secrets import load_secrets, secrets_path


def by_part(settings: Settings) -> dict[str, Finding]:
    return {finding.part: finding for finding in examine(settings)}


def test_a_node_that_was_never_set_up_is_told_how_to_be(settings: Settings) -> None:
    found = by_part(settings)
    assert found["Python"].state == "ok"
    assert found["AMI and AGI packages"].state == "ok"
    assert found["recogniser"].state == "fail"
    assert found["ports"].state == "ok"
    assert found["line"].detail == "not running"
    for finding in found.values():
        assert finding.state == "ok" or finding.advice, f"{finding.part} gives no advice"


def test_secrets_that_others_can_read_are_a_failure(settings: Settings) -> None:
    load_secrets(settings)
    assert by_part(settings)["secrets"].state == "ok"
    secrets_path(settings).chmod(0o644)
    finding = by_part(settings)["secrets"]
    assert finding.state == "fail"
    assert finding.advice == f"chmod 600 {secrets_path(settings)}"


def test_an_operators_redis_that_does_not_answer_is_a_failure(settings: Settings) -> None:
    away = settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{settings.redis_port}/0"})
    finding = by_part(away)["Redis"]
    assert finding.state == "fail"
    assert "REDIS_URL" in finding.advice


def test_a_running_line_is_seen_and_its_ports_are_not_called_taken(settings: Settings) -> None:
    class Healthy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", settings.http_port), Healthy) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        found = by_part(settings)
        server.shutdown()
    assert found["line"].state == "ok"
    assert found["ports"].state == "ok"


def test_a_report_fails_when_a_part_fails(capsys: pytest.CaptureFixture[str]) -> None:
    report([Finding("a", "ok"), Finding("b", "warn")], as_json=True)
    assert [part["state"] for part in json.loads(capsys.readouterr().out)] == ["ok", "warn"]
    with pytest.raises(typer.Exit) as caught:
        report([Finding("a", "fail", "1.0", "broken", "mend it")], as_json=False)
    assert caught.value.exit_code == 1
    assert "mend it" in capsys.readouterr().out


def test_texts_that_can_not_be_signed_are_a_failure(settings: Settings) -> None:
    assert by_part(settings)["texts"].state == "ok"
    gateway = settings.model_copy(update={"sms_url": "https://gateway.example/send"})
    assert "HOTLINE_SMS_SECRET" in by_part(gateway)["texts"].advice
    signed = gateway.model_copy(update={"sms_secret": "s", "public_url": "http://12345.example"})
    assert by_part(signed)["texts"].state == "warn"


def test_days_off_that_are_not_known_yet_are_a_warning_in_time() -> None:
    early = calendars(Settings(), dt.date(2026, 9, 1))
    assert {one.state for one in early} == {"ok"}
    beijing, baltimore = calendars(Settings(), dt.date(2026, 11, 30))
    assert (beijing.state, baltimore.state) == ("warn", "ok")
    assert "2027" in beijing.detail
    assert "rest_days" in beijing.advice
