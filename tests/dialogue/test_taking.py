"""Taking a ticket: only what is missing is asked for, and nothing said is lost."""

from __future__ import annotations

from dialogue.world import ANGRY, Caller, small_line

from bot.dialogue.types import (
    Failed,
    Filed,
    HungUp,
    KeepDraft,
    Port,
    Profile,
    Remember,
    SendText,
    TransferReason,
)
from bot.understanding.schema import Policy


def test_a_request_is_acknowledged_placed_read_back_filed_and_numbered(caller: Caller) -> None:
    caller.says(("water.outage", 0.9), text="我家停水了")
    assert caller.hears == ["停水的事我来登记。", "<ask_place>"]
    assert "朝阳区" in caller.listens.expect
    caller.says(text="望京西园三区", place="望京西园三区")
    assert caller.hears == ["核对：停水，在望京西园三区，打尾号8000。"]
    ticket = caller.agrees().ticket
    assert (ticket.category, ticket.text) == ("water.outage", "我家停水了")
    assert (ticket.place, ticket.unit, ticket.urgency) == ("望京西园三区", "水务局", "high")
    assert caller.is_filed("261124000017").hears == [
        "工单号261124000017。",
        "261124000017。",
        "<anything_else>",
    ]


def test_everything_said_in_one_sentence_is_only_read_back(caller: Caller) -> None:
    caller.says(("street.noise", 0.9), place="朝阳区", time="2026-11-24 晚上")
    assert caller.hears == ["噪声的事我来登记。", "核对：噪声，在朝阳区，昨天晚上，打尾号8000。"]


def test_since_when_is_asked_where_the_pack_wants_to_know(caller: Caller) -> None:
    caller.says(("street.noise", 0.9), place="朝阳区")
    assert caller.hears == ["噪声的事我来登记。", "<ask_since>"]
    assert caller.says(text="好几天了", duration="几天").agrees().ticket.since == "几天"


def test_more_than_was_asked_for_is_welcome(caller: Caller) -> None:
    caller.says(("street.noise", 0.9)).says(text="x", place="朝阳区", time="2026-11-20")
    assert caller.hears == ["核对：噪声，在朝阳区，11月20日，打尾号8000。"]


def test_a_place_may_be_called_anything(caller: Caller) -> None:
    caller.says(("water.outage", 0.9)).says(("fund.query", 0.3), text="就在老槐树底下")
    assert caller.agrees().ticket.place == "就在老槐树底下"


def test_a_request_without_a_place_is_read_back_at_once(caller: Caller) -> None:
    assert caller.says(("app.fault", 0.9)).agrees().ticket.place == ""


def test_a_caller_whose_number_is_withheld_is_asked_for_one() -> None:
    caller = Caller(small_line(), number="").says(("app.fault", 0.9))
    assert caller.hears == ["我来登记。", "<ask_phone>"]
    caller.says(text="13900139000", phone="13900139000")
    assert caller.hears == ["核对：网站故障，打13900139000。"]
    assert caller.agrees().ticket.phone == "13900139000"


def test_a_number_may_be_keyed_in() -> None:
    caller = Caller(small_line(), number="").says(("app.fault", 0.9)).presses("13900139000")
    assert caller.agrees().ticket.phone == "13900139000"


def test_who_will_not_leave_a_number_gets_a_ticket_all_the_same() -> None:
    caller = Caller(small_line(), number="").says(("app.fault", 0.9)).refuses()
    assert caller.agrees().ticket.phone == ""


def test_not_knowing_is_an_answer(caller: Caller) -> None:
    caller.says(("street.noise", 0.9), place="朝阳区").says(text="说不清楚")
    assert caller.agrees().ticket.since == ""


def test_a_new_value_corrects_what_was_read_back(caller: Caller) -> None:
    caller.says(("water.outage", 0.9), place="朝阳区").says(text="不对，海淀区", place="海淀区")
    assert caller.hears == ["核对：停水，在海淀区，打尾号8000。"]
    assert caller.agrees().ticket.place == "海淀区"


def test_a_bare_no_is_asked_what_is_wrong(caller: Caller) -> None:
    caller.says(("water.outage", 0.9), place="朝阳区").refuses()
    assert caller.hears == ["<ask_correction>"]
    assert caller.says(text="地点不对").hears == ["<ask_place>"]
    caller.says(text="海淀区", place="海淀区")
    assert caller.agrees().ticket.place == "海淀区"


def test_the_kind_of_ticket_can_be_corrected_too(caller: Caller) -> None:
    caller.says(("water.outage", 0.9), place="朝阳区").says(("street.noise", 0.8), text="不是停水")
    assert caller.says(text="昨天", time="2026-11-24").agrees().ticket.category == "street.noise"


def test_silence_at_the_question_for_the_place_takes_what_there_is(caller: Caller) -> None:
    caller.says(("water.outage", 0.9)).is_silent().is_silent()
    assert caller.hears == ["核对：停水，打尾号8000。"]


def test_a_ticket_that_was_read_back_to_silence_is_filed(caller: Caller) -> None:
    assert caller.says(("app.fault", 0.9)).is_silent().is_silent().ticket.category == "app.fault"


def test_the_hash_key_skips_a_question(caller: Caller) -> None:
    assert caller.says(("water.outage", 0.9)).presses("#").presses("1").ticket.place == ""


def test_wanting_to_report_something_is_asked_what(caller: Caller) -> None:
    assert caller.says(("command.new_ticket", 0.9)).hears == ["<ask_what>"]
    assert caller.says(("water.outage", 0.9)).hears == ["停水的事我来登记。", "<ask_place>"]


def test_what_was_said_while_two_kinds_were_told_apart_is_kept(caller: Caller) -> None:
    caller.says(("water.outage", 0.6), text="家里的水不来了", place="朝阳区").agrees()
    ticket = caller.agrees().ticket
    assert (ticket.text, ticket.place) == ("家里的水不来了", "朝阳区")


def test_a_ticket_that_cannot_be_stored_goes_to_a_person_and_is_kept(caller: Caller) -> None:
    caller.says(("app.fault", 0.9)).agrees().happens(Failed(Port.TICKET))
    assert caller.transfer.reason is TransferReason.FAILURE
    assert caller.hears == ["<filing_failed_transfer>"]
    assert isinstance(caller.notes[0], KeepDraft)


def test_half_a_ticket_is_kept_when_the_caller_hangs_up(caller: Caller) -> None:
    caller.says(("water.outage", 0.9), text="停水了").happens(HungUp())
    assert caller.notes == [KeepDraft("water.outage", "", "停水了", phone="13800138000")]


def test_half_a_ticket_goes_along_to_a_person(caller: Caller) -> None:
    caller.says(("water.outage", 0.9), text="停水了").says(("fire", 0.9))
    assert isinstance(caller.notes[0], KeepDraft)
    assert caller.transfer.reason is TransferReason.EMERGENCY


def test_a_finished_ticket_leaves_no_draft(caller: Caller) -> None:
    caller.says(("app.fault", 0.9)).agrees().is_filed().happens(HungUp())
    assert caller.notes == []


def test_the_number_is_sent_as_text_as_well(caller: Caller) -> None:
    caller.says(("app.fault", 0.9)).agrees().is_filed("261124000017")
    assert caller.notes == [SendText("13800138000", "工单号261124000017。")]


def test_a_caller_is_asked_once_whether_to_be_remembered() -> None:
    caller = Caller(small_line(), profile=Profile()).says(("app.fault", 0.9)).agrees().is_filed()
    assert caller.hears[-1] == "<ask_consent>"
    caller.agrees()
    assert caller.notes == [Remember(consent=True)]
    assert caller.hears == ["<consent_given>", "<anything_else>"]
    assert caller.says(("app.fault", 0.9)).agrees().is_filed().hears[-1] == "<anything_else>"


def test_a_brief_policy_files_what_was_clearly_heard_without_reading_it_back() -> None:
    caller = Caller(small_line(Policy(read_back=False)))
    assert caller.says(("water.outage", 0.95), place="朝阳区").ticket.place == "朝阳区"


def test_an_angry_caller_can_file_as_well(caller: Caller) -> None:
    caller.says(("app.fault", 0.9), moods=(ANGRY,))
    assert caller.hears[0] == "给您添麻烦了。"
    assert caller.agrees().ticket.category == "app.fault"


def test_what_is_known_of_the_matter_already_is_told_with_the_number(caller: Caller) -> None:
    caller.says(("app.fault", 0.9)).agrees().happens(Filed("261124000017", "已有五人反映。"))
    assert caller.hears == [
        "工单号261124000017。",
        "261124000017。",
        "已有五人反映。",
        "<anything_else>",
    ]
