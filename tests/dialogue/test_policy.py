"""Conversations: who says what, and what must follow."""

from __future__ import annotations

from typing import Any

from dialogue.world import ANGRY, DESPERATE, HASTY

from bot.dialogue.types import FilingFailed, HungUp, TransferReason


def test_a_caller_is_greeted_and_listened_to(caller: Any) -> None:
    assert caller.hears == ["<greeting>"]
    assert caller.listens


def test_a_clear_question_is_answered_and_more_is_offered(caller: Any) -> None:
    caller.says(("fund.withdraw", 0.9))
    assert caller.hears == ["可以在网上办。", "带身份证。", "<anything_else>"]
    assert caller.listens


def test_a_likely_question_is_confirmed_first(caller: Any) -> None:
    caller.says(("fund.withdraw", 0.6))
    assert caller.hears == ["您是想问公积金提取，对吗？"]
    assert "是的" in caller.listens.expect
    assert caller.says(("command.yes", 0.9)).hears[0] == "可以在网上办。"


def test_a_wrong_guess_is_not_insisted_on(caller: Any) -> None:
    caller.says(("fund.withdraw", 0.6)).says(("command.no", 0.9))
    assert caller.hears == ["<rephrase>"]
    assert caller.says(("fund.query", 0.9)).hears[0] == "可以打 12329。"


def test_two_close_questions_are_told_apart(caller: Any) -> None:
    caller.says(("fund.withdraw", 0.85), ("fund.query", 0.82))
    assert caller.hears == ["您是想问公积金提取，还是公积金查询？"]
    assert caller.says(text="第二个").hears[0] == "可以打 12329。"


def test_keys_choose_between_two_questions(caller: Any) -> None:
    caller.says(("fund.withdraw", 0.85), ("fund.query", 0.82))
    assert caller.presses("2").hears[0] == "可以打 12329。"


def test_naming_one_of_two_questions_chooses_it(caller: Any) -> None:
    caller.says(("fund.withdraw", 0.85), ("fund.query", 0.82))
    assert caller.says(("fund.query", 0.5)).hears[0] == "可以打 12329。"


def test_something_new_may_be_said_instead_of_an_answer(caller: Any) -> None:
    caller.says(("fund.withdraw", 0.6)).says(("water.outage", 0.9))
    assert caller.hears == ["停水的事我来登记。", "<ask_place>"]


def test_a_request_is_acknowledged_placed_filed_and_numbered(caller: Any) -> None:
    caller.says(("water.outage", 0.9), text="我家停水了")
    assert caller.hears == ["停水的事我来登记。", "<ask_place>"]
    assert "朝阳区" in caller.listens.expect
    ticket = caller.says(text="望京西园三区", place="望京西园三区").ticket
    assert (ticket.category, ticket.text, ticket.place) == (
        "water.outage",
        "我家停水了",
        "望京西园三区",
    )
    assert (ticket.unit, ticket.urgency) == ("水务局", "high")
    assert caller.is_filed("261124000017").hears == ["工单号261124000017。", "<anything_else>"]


def test_a_place_that_was_said_already_is_not_asked_for(caller: Any) -> None:
    caller.says(("water.outage", 0.9), place="朝阳区")
    assert caller.ticket.place == "朝阳区"
    assert caller.hears == ["停水的事我来登记。"]


def test_a_place_may_be_called_anything(caller: Any) -> None:
    caller.says(("water.outage", 0.9)).says(("fund.query", 0.3), text="就在老槐树底下")
    assert caller.ticket.place == "就在老槐树底下"


def test_a_request_without_a_place_is_filed_at_once(caller: Any) -> None:
    assert caller.says(("app.fault", 0.9)).ticket.place == ""


def test_a_caller_who_does_not_say_where_gets_their_ticket_all_the_same(caller: Any) -> None:
    assert caller.says(("water.outage", 0.9)).is_silent().is_silent().ticket.place == ""


def test_the_hash_key_skips_the_place(caller: Any) -> None:
    assert caller.says(("water.outage", 0.9)).presses("#").ticket.place == ""


def test_a_ticket_that_cannot_be_stored_goes_to_a_person(caller: Any) -> None:
    caller.says(("app.fault", 0.9)).happens(FilingFailed())
    assert caller.transfer.reason is TransferReason.FAILURE
    assert caller.hears == ["<filing_failed_transfer>"]


def test_misunderstood_twice_means_a_person(caller: Any) -> None:
    assert caller.mumbles().hears == ["<ask_again>"]
    assert caller.mumbles().transfer.reason is TransferReason.NOT_UNDERSTOOD
    assert caller.hears == ["<not_understood_transfer>"]


def test_being_understood_forgives_an_earlier_misunderstanding(caller: Any) -> None:
    caller.mumbles().says(("fund.query", 0.9)).mumbles()
    assert caller.hears == ["<ask_again>"]


def test_a_person_is_one_word_away(caller: Any) -> None:
    assert caller.says(("command.agent", 0.9)).transfer.reason is TransferReason.ASKED


def test_a_person_is_one_key_away(caller: Any) -> None:
    assert caller.presses("0").transfer.reason is TransferReason.ASKED


def test_an_emergency_is_told_its_number_and_joined_first_in_the_queue(caller: Any) -> None:
    caller.says(("water.outage", 0.9)).says(("fire", 0.9), text="着火了")
    assert caller.hears == ["<emergency_119>"]
    assert caller.transfer.reason is TransferReason.EMERGENCY
    assert caller.transfer.priority == 0


def test_a_doubtful_emergency_is_asked_about_first_and_believed_at_a_yes(caller: Any) -> None:
    caller.says(("fire", 0.5), ("water.outage", 0.45), text="屋里红彤彤的")
    assert caller.hears == ["<confirm_emergency>"]
    assert "是的" in caller.listens.expect
    assert caller.says(("command.yes", 0.9)).transfer.reason is TransferReason.EMERGENCY


def test_a_doubtful_emergency_is_asked_about_once_not_for_ever(caller: Any) -> None:
    caller.says(("fire", 0.5)).says(("command.no", 0.9))
    assert caller.hears == ["<rephrase>"]
    assert caller.says(("water.outage", 0.9)).hears[0] == "停水的事我来登记。"


def test_a_doubtful_emergency_does_not_break_into_the_question_for_a_place(caller: Any) -> None:
    caller.says(("water.outage", 0.9)).says(("fire", 0.5), text="火炬路八号")
    assert caller.ticket.place == "火炬路八号"


def test_silence_is_answered_then_keys_are_offered_then_a_person(caller: Any) -> None:
    assert caller.is_silent().hears == ["<no_input>"]
    assert caller.is_silent().hears == ["<no_input_keys>"]
    assert caller.is_silent().transfer.reason is TransferReason.NO_INPUT


def test_silence_after_an_answer_is_a_goodbye(caller: Any) -> None:
    caller.says(("fund.query", 0.9)).is_silent()
    assert caller.hears == ["<goodbye>"]
    assert caller.hung_up.outcome == "answered"


def test_nothing_else_is_a_goodbye(caller: Any) -> None:
    caller.says(("app.fault", 0.9)).is_filed().says(("command.no", 0.9))
    assert caller.hung_up.outcome == "filed"


def test_what_was_said_last_is_said_again(caller: Any) -> None:
    caller.says(("fund.withdraw", 0.9)).says(("command.repeat", 0.9))
    assert caller.hears == ["可以在网上办。", "带身份证。", "<anything_else>"]
    assert caller.presses("*").hears == ["可以在网上办。", "带身份证。", "<anything_else>"]


def test_a_question_repeated_is_still_the_question(caller: Any) -> None:
    caller.says(("fund.withdraw", 0.6)).says(("command.repeat", 0.9)).says(("command.yes", 0.9))
    assert caller.hears[0] == "可以在网上办。"


def test_thanks_is_answered_politely(caller: Any) -> None:
    assert caller.says(("thanks", 0.9)).hears == ["<thanks_reply>"]


def test_another_key_explains_the_keys(caller: Any) -> None:
    assert caller.presses("7").hears == ["<menu>"]


def test_a_caller_who_hangs_up_is_told_nothing(caller: Any) -> None:
    caller.happens(HungUp())
    assert caller.hears == []
    assert caller.hung_up.outcome == "caller_gone"


def test_an_angry_caller_is_answered_after_a_word_of_apology_said_once(caller: Any) -> None:
    caller.says(("fund.withdraw", 0.9), moods=(ANGRY,))
    assert caller.hears[:2] == ["给您添麻烦了。", "可以在网上办。"]
    caller.says(("fund.query", 0.9), moods=(ANGRY,))
    assert caller.hears[0] == "可以打 12329。"


def test_an_angry_caller_gets_a_person_after_one_misunderstanding(caller: Any) -> None:
    caller.says(("fund.withdraw", 0.9), moods=(ANGRY,)).mumbles()
    assert (caller.transfer.reason, caller.transfer.priority) == (TransferReason.NOT_UNDERSTOOD, 3)


def test_haste_is_remembered_until_a_person_is_wanted(caller: Any) -> None:
    caller.says(("fund.withdraw", 0.9), moods=(HASTY,))
    assert caller.hears[0] == "可以在网上办。"
    caller.says(("command.agent", 0.9))
    assert (caller.transfer.reason, caller.transfer.priority) == (TransferReason.ASKED, 4)


def test_a_caller_in_despair_gets_a_person_before_everybody_else(caller: Any) -> None:
    caller.says(("fund.withdraw", 0.9), moods=(DESPERATE,))
    assert caller.hears == ["您别着急。"]
    assert (caller.transfer.reason, caller.transfer.priority) == (TransferReason.EMERGENCY, 0)
