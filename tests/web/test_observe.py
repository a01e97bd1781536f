from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bot.observe import Metrics, configure_logging, mask_number, mask_text, mask_value

DIGITS = "0123456789０１２３４５６７８９零〇一幺二两三四五六七八九"
MOBILES = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
IDENTITIES = st.from_regex(r"[1-6][0-9]{5}(19|20)[0-9]{9}[0-9X]", fullmatch=True)
#: Text in which nothing else looks like part of a number.
WORDS = st.text(max_size=20).filter(
    lambda text: not any(c.isdecimal() or c in DIGITS for c in text)
)


def nested(secret: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """A secret somewhere deep in plain data."""
    return st.recursive(
        secret,
        lambda inner: (
            st.lists(inner, min_size=1, max_size=3)
            | st.tuples(inner, WORDS)
            | st.dictionaries(WORDS, inner, min_size=1, max_size=3)
            | st.dictionaries(secret, inner, min_size=1, max_size=2)
        ),
        max_leaves=6,
    )


@given(before=WORDS, number=MOBILES, after=WORDS)
def test_the_middle_of_a_mobile_number_is_hidden_in_any_text(
    before: str, number: str, after: str
) -> None:
    assert mask_text(before + number + after) == f"{before}{number[:3]}****{number[-4:]}{after}"


@given(before=WORDS, number=IDENTITIES, after=WORDS)
def test_birthday_and_region_of_an_identity_number_are_hidden(
    before: str, number: str, after: str
) -> None:
    masked = mask_text(before + number + after)
    assert masked == f"{before}{number[:3]}{'*' * 11}{number[-4:]}{after}"


@given(st.data(), MOBILES, IDENTITIES)
def test_no_depth_hides_a_number_from_masking(
    data: st.DataObject, mobile: str, identity: str
) -> None:
    value = data.draw(nested(st.sampled_from([mobile, f"电话{mobile}。", identity])))
    shown = repr(mask_value(value))
    assert mobile not in shown
    assert identity not in shown


@given(WORDS)
def test_other_text_is_left_as_it_is(text: str) -> None:
    assert mask_text(text) == text


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("+8613812345678", "+86138****5678"),
        ("138 1234 5678", "138****5678"),
        ("138-1234-5678", "138****5678"),
        ("一三八一二三四五六七八", "一三八****五六七八"),
        ("幺三八零零幺三八零零零", "幺三八****八零零零"),
        ("１３８１２３４５６７８", "１３８****５６７８"),
        ("工单20261124000017", "工单20261124000017"),
        ("请打12345", "请打12345"),
        ("0b9f5b0a-1381-4234-8678-138123456789", "0b9f5b0a-1381-4234-8678-138123456789"),
    ],
)
def test_numbers_as_people_and_recognisers_write_them(said: str, shown: str) -> None:
    assert mask_text(said) == shown


def test_a_number_inside_other_things_is_hidden() -> None:
    class Caller:
        def __repr__(self) -> str:
            return "<Caller 13812345678>"

    assert mask_value([13812345678, Caller(), b"13812345678", {"a": {13912345678}}]) == [
        "138****5678",
        "<Caller 138****5678>",
        "b'138****5678'",
        {"a": ["139****5678"]},
    ]
    assert mask_value({"seconds": 1.25, "turns": 7, "ok": True, "no": None}) == {
        "seconds": 1.25,
        "turns": 7,
        "ok": True,
        "no": None,
    }


def test_any_calling_number_is_masked_but_extensions_are_not() -> None:
    assert [mask_number(one) for one in ("01065128888", "13812345678", "8001", "")] == [
        "010****8888",
        "138****5678",
        "8001",
        "",
    ]


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "log" / "bot.jsonl"
    configure_logging("info", path)
    yield path
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if handler.name == "bot.observe":
            root.removeHandler(handler)
            handler.close()
    root.setLevel(logging.WARNING)
    structlog.reset_defaults()


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_every_line_of_a_call_carries_its_id_whoever_writes_it(log_file: Path) -> None:
    with structlog.contextvars.bound_contextvars(call="call-1"):
        structlog.get_logger("bot.telephony").info("call.began", caller="01065128888")
        logging.getLogger("somebody.else").warning("heard %s", "13812345678")
    structlog.get_logger("bot").info("line.ready")
    first, second, third = lines(log_file)
    assert (first["call"], first["event"], first["caller"]) == (
        "call-1",
        "call.began",
        "010****8888",
    )
    assert (first["level"], first["logger"]) == ("info", "bot.telephony")
    assert (second["call"], second["event"]) == ("call-1", "heard 138****5678")
    assert "call" not in third


def test_a_traceback_is_masked_too(log_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError("cannot call 13812345678")
    except ValueError:
        structlog.get_logger("bot").exception("failed")
        logging.getLogger("other").exception("failed")
    written = log_file.read_text("utf-8") + capsys.readouterr().err
    assert written.count("cannot call 138****5678") == 4
    assert "13812345678" not in written


def test_the_level_is_kept_and_configuring_again_repeats_nothing(log_file: Path) -> None:
    configure_logging("info", log_file)
    structlog.get_logger("bot").debug("details")
    structlog.get_logger("bot").info("once")
    assert [line["event"] for line in lines(log_file)] == ["once"]


def test_the_log_is_for_this_account_only(log_file: Path) -> None:
    assert log_file.stat().st_mode & 0o077 == 0


def test_two_sets_of_measures_do_not_disturb_each_other() -> None:
    one, two = Metrics(), Metrics()
    one.turns_total.inc()
    assert one.registry.get_sample_value("hotline_turns_total") == 1.0
    assert two.registry.get_sample_value("hotline_turns_total") == 0.0
