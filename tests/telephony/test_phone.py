"""The scripted phone against a real Asterisk: it calls, speaks, presses, hears and measures."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bot.config import Settings
from bot.node.asterisk import AsteriskInstall, find_or_fetch_asterisk
from bot.telephony.listening import RATE, answer_latency, speech_segments
from bot.telephony.phone import CallEndedError, Phone, PhoneError, PhoneTimeoutError
from bot.telephony.phone_script import run_script

pytestmark = pytest.mark.call
PASSWORD = "a-password-of-this-test"

MODULES = """[modules]
autoload=no
load=res_timing_timerfd.so
load=res_crypto.so
load=res_sorcery_config.so
load=res_sorcery_memory.so
load=res_sorcery_astdb.so
load=res_pjproject.so
load=res_rtp_asterisk.so
load=res_pjsip.so
load=res_pjsip_session.so
load=res_pjsip_sdp_rtp.so
load=res_pjsip_authenticator_digest.so
load=res_pjsip_endpoint_identifier_user.so
load=res_pjsip_registrar.so
load=res_pjsip_caller_id.so
load=res_pjsip_nat.so
load=res_pjsip_pubsub.so
load=chan_pjsip.so
load=codec_ulaw.so
load=codec_alaw.so
load=codec_g722.so
load=codec_resample.so
load=bridge_simple.so
load=pbx_config.so
load=app_dial.so
load=app_echo.so
load=app_read.so
load=app_playtones.so
load=app_senddtmf.so
load=func_callerid.so
load=func_strings.so
"""
ACCOUNT = """
[{0}]
type = endpoint
context = test
disallow = all
allow = ulaw,alaw,g722
direct_media = no
auth = {0}
aors = {0}
trust_id_inbound = yes
[{0}]
type = auth
auth_type = userpass
username = {0}
password = {1}
[{0}]
type = aor
max_contacts = 1
remove_existing = yes
"""
#: 1 echo; 2 hangs up; 3 one second of greeting, then an echo; 4 says back how many keys came
#: as so many tones; 5 says the caller's number as keys; 6 rings for ever.
EXTENSIONS = """[test]
exten => 1,1,Answer()
 same => n,Echo()
exten => 2,1,Answer()
 same => n,Wait(0.5)
 same => n,Hangup()
exten => 3,1,Answer()
 same => n,Playtones(440)
 same => n,Wait(1)
 same => n,StopPlaytones()
 same => n,Echo()
exten => 4,1,Answer()
 same => n,Read(KEYS,,4,,,5)
 same => n(next),GotoIf($[${LEN(${KEYS})} = 0]?done)
 same => n,Playtones(${KEYS:0:1}00)
 same => n,Wait(0.4)
 same => n,StopPlaytones()
 same => n,Wait(0.5)
 same => n,Set(KEYS=${KEYS:1})
 same => n,Goto(next)
 same => n(done),Wait(1)
exten => 5,1,GotoIf($["${CALLERID(num)}" = "13800138000"]?1,1)
 same => n,Hangup(21)
exten => 6,1,Ringing()
 same => n,Wait(60)
exten => _80XX,1,Dial(PJSIP/${EXTEN},10)
 same => n,Hangup(${HANGUPCAUSE})
"""


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_configuration(root: Path, install: AsteriskInstall, port: int) -> Path:
    own = {
        name: root / name
        for name in ("astvarlibdir", "astdbdir", "astagidir", "astspooldir", "astrundir")
    }
    own["astlogdir"] = root
    for folder in own.values():
        folder.mkdir(exist_ok=True)
    directories = {
        "astetcdir": root,
        "astmoddir": install.module_dir,
        "astkeydir": install.data_dir,
        "astdatadir": install.data_dir,
        **own,
    }
    lines = "\n".join(f"{name} => {value}" for name, value in directories.items())
    (root / "asterisk.conf").write_text(f"[directories]\n{lines}\n")
    (root / "modules.conf").write_text(MODULES)
    (root / "extensions.conf").write_text(EXTENSIONS)
    (root / "rtp.conf").write_text("[general]\nrtpstart = 21000\nrtpend = 21999\n")
    (root / "logger.conf").write_text("[logfiles]\nmessages => warning,error\n")
    transport = f"[udp]\ntype = transport\nprotocol = udp\nbind = 127.0.0.1:{port}\n"
    accounts = "".join(ACCOUNT.format(name, PASSWORD) for name in ("tester", "8001", "8002"))
    (root / "pjsip.conf").write_text(transport + accounts)
    return root / "asterisk.conf"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``host:port`` of an Asterisk that echoes and joins phones."""
    install = find_or_fetch_asterisk(Settings(), print)
    port = free_port()
    conf = write_configuration(tmp_path_factory.mktemp("pbx"), install, port)
    environment = {**os.environ, **install.env}
    process = subprocess.Popen(
        install.command(conf, "-f"), env=environment, stdout=subprocess.DEVNULL
    )
    try:
        for _ in range(100):
            asked = subprocess.run(
                install.command(conf, "-rx", "core waitfullybooted"),
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            if "fully booted" in asked.stdout:
                break
            assert process.poll() is None, (conf.parent / "messages").read_text()
            time.sleep(0.1)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def citizen(server: str, **options: object) -> Phone:
    return Phone("tester", PASSWORD, server, **options)  # type: ignore[arg-type]


def agent(server: str, name: str = "8001", **options: object) -> Phone:
    return Phone(name, PASSWORD, server, register=True, **options)  # type: ignore[arg-type]


def tone(seconds: float, hertz: int = 440) -> bytes:
    place = np.arange(int(seconds * RATE)) / RATE
    return bytes((8000 * np.sin(2 * np.pi * hertz * place)).astype("<i2").tobytes())


def pitch(pcm: bytes) -> float:
    """Strongest frequency, in Hz."""
    sound = np.frombuffer(pcm, "<i2").astype(float)
    return float(np.argmax(np.abs(np.fft.rfft(sound))) * RATE / len(sound))


def part(pcm: bytes, start: float, end: float) -> bytes:
    return pcm[int(start * RATE) * 2 : int(end * RATE) * 2]


@pytest.mark.parametrize("codec", ["PCMU", "PCMA", "G722"])
def test_an_echo_is_heard_as_it_was_spoken_and_soon_after(server: str, codec: str) -> None:
    with citizen(server, codecs=[codec]) as phone:
        phone.call("1")
        phone.wait_answered(3.0)
        assert phone.answered_after is not None
        assert phone.answered_after < 1.0
        phone.wait_until(0.5)
        phone.speak(tone(1.0, 700))
        spoken = phone.wait_spoken(3.0)
        phone.wait_quiet(0.5, 5.0)
        heard = phone.heard()
    assert spoken.end - spoken.start == pytest.approx(1.0)
    [(start, end)] = speech_segments(heard)
    assert 0.0 <= start - spoken.start < 0.2
    assert end - start == pytest.approx(1.0, abs=0.05)
    assert pitch(part(heard, start + 0.1, end - 0.1)) == pytest.approx(700, abs=5)


def test_several_sounds_are_spoken_one_after_the_other(server: str) -> None:
    with citizen(server) as phone:
        phone.call("1")
        phone.speak(tone(0.3))
        phone.speak(bytes(int(0.5 * RATE) * 2))
        phone.speak(tone(0.2))
        phone.wait_spoken(5.0)
        marks = phone.timeline
        phone.wait_quiet(0.4, 5.0)
        assert len(speech_segments(phone.heard())) == 2
    assert [mark.kind for mark in marks] == ["speech"] * 3
    assert [b.start - a.end for a, b in pairwise(marks)] == [pytest.approx(0.0, abs=0.021)] * 2


def test_a_phone_falls_silent_when_told(server: str) -> None:
    with citizen(server) as phone:
        phone.call("1")
        phone.wait_answered()
        phone.speak(tone(10.0))
        phone.wait_sound(3.0, 0.0)
        phone.stop_speaking()
        phone.wait_quiet(0.4, 3.0)
        assert phone.timeline[0].end < 2.0


def test_pressed_keys_arrive_in_order(server: str) -> None:
    with citizen(server) as phone:
        phone.call("4")
        phone.wait_answered()
        phone.wait_until(0.3)
        phone.press("4796")
        pressed = phone.timeline[0]
        phone.wait_ended(15.0)
        heard = phone.heard()
    tones = [pitch(part(heard, a + 0.05, b - 0.05)) for a, b in speech_segments(heard)]
    assert tones == [pytest.approx(hertz, abs=15) for hertz in (400, 700, 900, 600)]
    assert pressed.kind == "digits 4796"
    assert 0.2 < pressed.start < 1.0


def test_the_caller_shows_the_number_it_was_given(server: str) -> None:
    with citizen(server, caller="13800138000") as phone:
        phone.call("5")
        phone.wait_answered()
    with citizen(server, caller="13900139000") as phone:
        phone.call("5")
        with pytest.raises(CallEndedError):
            phone.wait_answered()


def test_a_script_waits_for_each_answer_and_times_it(server: str) -> None:
    clips = [tone(0.8) + bytes(4000), tone(0.5)]
    with citizen(server) as phone:
        phone.call("3")
        report = run_script(phone, clips, patience=5.0)
    assert report.greeting is not None
    assert report.greeting[1] - report.greeting[0] == pytest.approx(1.0, abs=0.1)
    assert [turn.speech[1] - turn.speech[0] for turn in report.turns] == [
        pytest.approx(0.8, abs=0.02),
        pytest.approx(0.5, abs=0.02),
    ]
    # The echo begins while the clip is spoken, so nothing begins after its end.
    assert [turn.latency for turn in report.turns] == [None, None]
    assert report.turns[0].speech[0] > report.greeting[1] + 0.5
    assert report.end_code == 200
    assert not report.ended_by_line


def test_a_script_barges_in_when_told_to(server: str) -> None:
    with citizen(server) as phone:
        phone.call("3")
        report = run_script(phone, [tone(0.3)], barge_in_after=0.4, patience=2.0)
    assert report.greeting is not None
    [turn] = report.turns
    assert turn.speech[0] - report.greeting[0] == pytest.approx(0.4, abs=0.15)
    assert turn.stopped_after == pytest.approx(0.6, abs=0.2)


def test_a_line_that_hangs_up_is_reported_not_raised(server: str) -> None:
    with citizen(server) as phone:
        phone.call("2")
        report = run_script(phone, [tone(0.3)], patience=3.0)
    assert report.ended_by_line
    assert report.end_code == 200
    assert report.greeting is None


def test_an_agent_and_a_caller_hear_each_other_and_nothing_else(server: str) -> None:
    with agent(server, answer_after=0.3) as one, citizen(server, caller="13800138000") as other:
        other.call("8001")
        assert "13800138000" in one.wait_incoming(5.0)
        other.wait_answered(5.0)
        assert other.answered_after is not None
        assert other.answered_after >= 0.3
        one.wait_until(0.5)
        one.speak(tone(0.5, 500))
        other.wait_sound(3.0)
        one.wait_spoken(3.0)
        other.wait_quiet()
        other.speak(tone(0.5, 900))
        other.wait_spoken(3.0)
        one.wait_sound(3.0, 0.0)
        one.wait_quiet()
        by_one, by_other = one.heard(), other.heard()
        one.hangup()
        assert other.wait_ended(3.0) == 200
    for heard, hertz in ((by_one, 900), (by_other, 500)):
        [(start, end)] = speech_segments(heard)
        assert pitch(part(heard, start, end)) == pytest.approx(hertz, abs=10)


def test_a_busy_phone_refuses(server: str) -> None:
    with agent(server, busy=True), citizen(server) as caller:
        caller.call("8001")
        assert caller.wait_ended(5.0) == 486


def test_a_phone_that_rings_can_be_refused_or_answered_by_hand(server: str) -> None:
    with agent(server) as called, citizen(server) as caller:
        caller.call("8001")
        called.wait_incoming()
        called.reject()
        assert caller.wait_ended(5.0) == 486
        called.wait_ended(5.0)
        caller.call("8001")
        called.wait_incoming()
        called.answer()
        caller.wait_answered(3.0)


def test_a_second_call_begins_a_new_recording(server: str) -> None:
    with citizen(server) as phone:
        for _ in range(2):
            phone.call("1")
            phone.wait_answered()
            phone.speak(tone(0.3))
            phone.wait_spoken(3.0)
            phone.wait_quiet()
            assert len(speech_segments(phone.heard())) == 1
            phone.hangup()
            assert phone.end_code == 200


def test_what_was_heard_can_be_asked_for_after_the_phone_is_put_away(server: str) -> None:
    with citizen(server) as phone:
        phone.call("3")
        phone.wait_answered()
        phone.wait_sound(3.0, 0.0)
        phone.wait_quiet()
    assert len(speech_segments(phone.heard())) == 1


def test_a_wrong_password_is_refused_with_its_code(server: str) -> None:
    with Phone("tester", "wrong", server) as phone:
        phone.call("1")
        with pytest.raises(CallEndedError, match="401"):
            phone.wait_answered(5.0)
    with pytest.raises(PhoneError, match="does not register 8001: 401"), agent_wrong(server):
        pass


def agent_wrong(server: str) -> Phone:
    return Phone("8001", "wrong", server, register=True)


def test_an_unknown_number_is_not_found(server: str) -> None:
    with citizen(server) as phone:
        phone.call("9999")
        assert phone.wait_ended(5.0) == 404


def test_a_call_that_only_rings_can_be_given_up(server: str) -> None:
    with citizen(server) as phone:
        phone.call("6")
        with pytest.raises(PhoneTimeoutError, match="ringing"):
            phone.wait_answered(1.0)
        phone.hangup()
        assert phone.end_code == 487


def test_a_server_that_is_not_there_costs_no_more_than_the_time_given() -> None:
    with Phone("tester", PASSWORD, f"127.0.0.1:{free_port()}") as phone:
        phone.call("1")
        began = time.monotonic()
        with pytest.raises(PhoneError):
            phone.wait_answered(1.0)
        assert time.monotonic() - began < 2.0


@pytest.mark.parametrize("deadly", [signal.SIGKILL, signal.SIGSTOP])
def test_a_phone_that_dies_or_hangs_never_hangs_its_user(
    server: str, deadly: signal.Signals
) -> None:
    began = time.monotonic()
    with citizen(server) as phone:
        phone.call("1")
        phone.wait_answered()
        assert phone._process is not None
        phone._process.send_signal(deadly)
        with pytest.raises(PhoneError):
            phone.speak(tone(60.0))
    assert time.monotonic() - began < 25.0


def test_a_number_that_is_none_is_not_dialled() -> None:
    with pytest.raises(PhoneError, match="no account or number"):
        Phone(caller='1"\r\nX: y')
    with Phone() as phone, pytest.raises(PhoneError, match="no number"):
        phone.call("12 345;x")


def test_ten_phones_at_once_each_hear_their_own_sound(server: str) -> None:
    def ring(number: int) -> float:
        with citizen(server) as phone:
            phone.call("1")
            phone.wait_answered(5.0)
            phone.wait_until(0.5)
            phone.speak(tone(1.0, 400 + 50 * number))
            spoken = phone.wait_spoken(5.0)
            phone.wait_quiet(0.4, 5.0)
            heard = phone.heard()
        latency = answer_latency(heard, spoken.start)
        assert latency is not None
        assert latency < 0.3
        start = spoken.start + latency
        return pitch(part(heard, start + 0.1, start + 0.9))

    with ThreadPoolExecutor(10) as pool:
        pitches = list(pool.map(ring, range(10)))
    assert pitches == [pytest.approx(400 + 50 * number, abs=10) for number in range(10)]
