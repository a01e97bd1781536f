"""FastAGI as Asterisk speaks it, over a real socket."""

from __future__ import annotations

import socket
import threading
from importlib.metadata import distribution
from pathlib import Path

import pytest

from bot.speech.types import LINE_RATE, WIDE_RATE
from bot.telephony.agi import AgiServer, CallAgi, caller_number, sound_rate, take_call
from bot.telephony.calls import Call, CallBook, NextStop, Outcome, Purpose

CALL = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
ENVIRONMENT = (
    "agi_network: yes\nagi_request: call\nagi_channel: PJSIP/anonymous-00000001\n"
    "agi_callerid: 13800138000\nagi_extension: 12345\n\n"
)


class Asterisk:
    """A scripted peer that answers AGI commands and remembers them."""

    def __init__(self, port: int, answers: dict[str, str]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.file = self.socket.makefile("rw", encoding="utf-8", newline="\n")
        self.answers = answers
        self.commands: list[str] = []

    def run(self) -> None:
        self.file.write(ENVIRONMENT)
        self.file.flush()
        for line in self.file:
            self.commands.append(line.strip())
            answer = next(
                (text for start, text in self.answers.items() if line.startswith(start)),
                "200 result=1",
            )
            self.file.write(answer + "\n")
            self.file.flush()


def converse(outcome: Outcome, codec: str = "(alaw)") -> list[str]:
    book = CallBook()

    def on_call(agi: CallAgi) -> None:
        def sound_arrives() -> None:
            while (arrived := book.arrive(CALL)) is None:
                pass
            arrived[1].set_result(outcome)

        threading.Thread(target=sound_arrives, daemon=True).start()
        take_call(agi, book, 9092)

    server = AgiServer(0, on_call)
    server.start()
    asterisk = Asterisk(
        server.server_address[1],
        {
            'GET VARIABLE "HOTLINE_CALL"': f"200 result=1 ({CALL})",
            'GET FULL VARIABLE "${CHANNEL(audio': f"200 result=1 ({codec})",
            "GET FULL VARIABLE": "200 result=1 (abc@127.0.0.1)",
            "EXEC": "200 result=0",
        },
    )
    asterisk.run()
    server.stop()
    return asterisk.commands


def test_a_call_is_dialled_to_the_audio_socket_in_the_form_that_keeps_the_caller() -> None:
    commands = converse(Outcome(NextStop.GOODBYE, "answered"))
    assert f'EXEC Dial "AudioSocket/127.0.0.1:9092/{CALL}/c(slin),,g"' in commands


def test_a_wideband_telephone_is_dialled_at_sixteen_kilohertz() -> None:
    commands = converse(Outcome(NextStop.GOODBYE, "answered"), "(g722)")
    assert f'EXEC Dial "AudioSocket/127.0.0.1:9092/{CALL}/c(slin16),,g"' in commands


@pytest.mark.parametrize(
    ("formats", "rate"),
    [
        ("(g722)", WIDE_RATE),
        ("(opus|alaw)", WIDE_RATE),
        ("(alaw|g722)", LINE_RATE),
        ("(ulaw)", LINE_RATE),
        ("", LINE_RATE),
        ("(nothing)", LINE_RATE),
    ],
)
def test_the_codec_in_use_decides_how_much_of_a_voice_there_is(formats: str, rate: int) -> None:
    assert sound_rate(formats) == rate


def test_the_bot_takes_off_the_timer_before_it_talks() -> None:
    commands = converse(Outcome(NextStop.GOODBYE, "answered"))
    timer = commands.index('SET VARIABLE "TIMEOUT(absolute)" "0"')
    assert timer < next(i for i, line in enumerate(commands) if line.startswith("EXEC"))


def test_a_caller_who_needs_a_person_is_sent_to_the_holding_place_with_the_reason() -> None:
    commands = converse(Outcome(NextStop.PEOPLE, "transferred", "asked"))
    assert commands[-2:] == [
        f'SET VARIABLE "HOTLINE_HELD" "{CALL}/12345/asked"',
        'SET VARIABLE "HOTLINE_NEXT" "people"',
    ]


def test_a_caller_who_got_an_answer_is_sent_to_the_goodbye() -> None:
    assert converse(Outcome(NextStop.GOODBYE, "answered"))[-1] == (
        'SET VARIABLE "HOTLINE_NEXT" "bye"'
    )


def test_a_call_that_comes_back_for_its_rating_says_so_and_which_call_it_was() -> None:
    book = CallBook()
    seen: list[Call] = []

    def on_call(agi: CallAgi) -> None:
        def sound_arrives() -> None:
            while (arrived := book.arrive(CALL)) is None:
                pass
            seen.append(arrived[0])
            arrived[1].set_result(Outcome(NextStop.GOODBYE, "rated"))

        threading.Thread(target=sound_arrives, daemon=True).start()
        take_call(agi, book, 9092, Purpose.RATING)

    server = AgiServer(0, on_call)
    server.start()
    Asterisk(
        server.server_address[1],
        {
            'GET VARIABLE "HOTLINE_CALL"': f"200 result=1 ({CALL})",
            'GET VARIABLE "HOTLINE_RATED"': "200 result=1 (the-first-call)",
            'GET VARIABLE "HOTLINE_DID"': "200 result=1 (12345)",
            "GET FULL VARIABLE": "200 result=1 (abc@127.0.0.1)",
            "EXEC": "200 result=0",
        },
    ).run()
    server.stop()
    assert [(call.purpose, call.rated, call.did) for call in seen] == [
        (Purpose.RATING, "the-first-call", "12345")
    ]


def test_a_broken_peer_costs_its_own_thread_only() -> None:
    server = AgiServer(0, lambda agi: take_call(agi, CallBook(), 9092))
    server.start()
    for rubbish in (b"", b"\n\n", b"\xff\xfe: \n\n", b"agi_channel: x\n\n"):
        with socket.create_connection(server.server_address, timeout=5) as peer:
            peer.sendall(rubbish)
    with socket.create_connection(server.server_address, timeout=5) as peer:
        peer.sendall(ENVIRONMENT.encode())
        assert peer.recv(100).startswith(b"GET VARIABLE")
    server.stop()


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ("13800138000", "13800138000"),
        ("+8613800138000", "+8613800138000"),
        ("unknown", ""),
        ("", ""),
        ("<script>", ""),
        ("1 or 1=1", ""),
    ],
)
def test_a_caller_number_is_digits_or_nothing(given: str, number: str) -> None:
    assert caller_number(given) == number


@pytest.mark.parametrize("name", ["pyst2", "asterisk-ami"])
def test_both_packages_that_share_the_name_asterisk_are_whole(name: str) -> None:
    files = [file for file in distribution(name).files or () if file.suffix == ".py"]
    assert len(files) > 4
    for file in files:
        path = Path(str(file.locate()))
        assert path.exists(), f"{name} lost {file}; run `make clean setup`"
        if path.name != "__init__.py":
            assert path.stat().st_size == (file.size or path.stat().st_size), file
