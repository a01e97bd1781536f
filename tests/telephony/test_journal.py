"""The written record of a call: whole after every turn, and never in the caller's way."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

from bot.agents.types import Turn
from bot.speech.types import Utterance
from bot.telephony.calls import Call
from bot.telephony.journal import Exchange, Journal, Spent, add_talk, find_call, read_call
from bot.understanding.types import Candidate, Care, IntentKind, Mood, Understanding

CALL = Call("7f3c", "PJSIP/citizen-1", "13800138000", "12345", sip_call_id="abc@phone")


def said(text: str = "我家停水了") -> Exchange:
    understanding = Understanding(
        text,
        text,
        (Candidate("water.outage", IntentKind.CATEGORY, "停水", 0.91234, ("共有词：停水",)),),
        {"district": "朝阳区"},
        moods=(Mood("anger", Care.OFFER, ("气死",), "含有“气死”，来电人很生气"),),
    )
    utterance = Utterance(text, 0.8765, "whisper", decode_seconds=0.31234)
    return Exchange.of(utterance, understanding, 10.123, 11.456, Spent(0.45, 0.0, 0.3004, 0.004))


def test_a_turn_holds_what_was_heard_what_it_means_and_why() -> None:
    turn = said()
    assert (turn.text, turn.intent, turn.confidence) == ("我家停水了", "water.outage", 0.912)
    assert turn.slots == {"district": "朝阳区"}
    assert turn.spent == {"endpoint": 0.45, "words": 0.0, "decode": 0.3, "understand": 0.004}
    assert turn.candidates[0]["reasons"] == ["共有词：停水"]
    assert turn.moods == ["含有“气死”，来电人很生气"]


def test_the_record_is_whole_after_every_turn_of_the_caller(tmp_path: Path) -> None:
    journal = Journal(tmp_path, CALL)
    journal.bot_said("您好", "greeting", 0.0)
    journal.caller_said(said())
    record = read_call(tmp_path, CALL.id)
    assert record is not None
    assert [turn["who"] for turn in record["turns"]] == ["bot", "caller"]
    assert record["outcome"] == ""
    assert list(tmp_path.glob("*.part")) == []


def test_the_wait_is_noted_at_the_words_that_were_answered(tmp_path: Path) -> None:
    journal = Journal(tmp_path, CALL)
    journal.caller_said(said("头一句"))
    journal.answered_after(0.8123)
    journal.bot_said("好的", "x", 12.0)
    journal.caller_said(said("第二句"))
    assert [turn.get("answer_latency") for turn in journal.turns] == [0.812, None, None]


def test_only_this_account_can_read_a_record(tmp_path: Path) -> None:
    Journal(tmp_path, CALL).close("answered")
    assert stat.S_IMODE((tmp_path / f"{CALL.id}.json").stat().st_mode) == 0o600


def test_a_record_that_cannot_be_written_costs_the_record_not_the_call(tmp_path: Path) -> None:
    (tmp_path / "calls").write_text("in the way")
    Journal(tmp_path / "calls", CALL).close("answered")
    assert read_call(tmp_path / "calls", CALL.id) is None


def test_a_call_is_found_by_its_sip_call_id_the_newest_first(tmp_path: Path) -> None:
    for number, name in enumerate(("older", "newer")):
        Journal(tmp_path, Call(name, "c", "", "12345", sip_call_id="abc@phone")).close(name)
        os.utime(tmp_path / f"{name}.json", (number, number))
    found = find_call(tmp_path, "abc@phone")
    assert found is not None
    assert found["outcome"] == "newer"
    assert find_call(tmp_path, "nobody") is None


def test_a_damaged_record_is_none_rather_than_an_error(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text(json.dumps({"id": "bad"})[:-3])
    assert read_call(tmp_path, "bad") is None


def test_what_was_said_to_an_agent_is_put_beside_the_bots_part(tmp_path: Path) -> None:
    journal = Journal(tmp_path, CALL)
    journal.caller_said(said())
    journal.close("transferred")
    add_talk(tmp_path, CALL.id, (Turn("agent", "您好", 61.0),))
    add_talk(tmp_path, CALL.id, (Turn("agent", "您好", 61.0), Turn("caller", "停水了", 63.5)))
    record = read_call(tmp_path, CALL.id)
    assert record is not None
    assert [(turn["who"], turn["text"]) for turn in record["talk"]] == [
        ("agent", "您好"),
        ("caller", "停水了"),
    ]
    assert len(record["turns"]) == 1
    add_talk(tmp_path, "another", (Turn("agent", "您好", 61.0),))
    assert read_call(tmp_path, "another") is None
