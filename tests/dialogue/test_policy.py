"""Conversations: who says what, and what must follow. Tickets and endings have their own files."""

from __future__ import annotations

from dataclasses import replace

from dialogue.world import ANGRY, DESPERATE, HASTY, Caller, small_line

from bot.dialogue.types import HungUp, Profile, Say, TransferReason
from bot.understanding.schema import Policy


def test_a_caller_is_greeted_and_listened_to(caller: Caller) -> None:
    assert caller.hears == ["<greeting>"]
    assert caller.listens


def test_a_clear_question_is_answered_briefly_and_the_rest_is_offered(caller: Caller) -> None:
    caller.says(("fund.withdraw", 0.9))
    assert caller.hears == ["可以在网上办。", "<offer_details>"]
    assert caller.listens.about == "fund.withdraw"
    assert caller.agrees().hears == ["带身份证。", "<anything_else>"]


def test_who_does_not_want_the_rest_is_asked_for_something_else(caller: Caller) -> None:
    assert caller.says(("fund.withdraw", 0.9)).refuses().hears == ["<anything_else>"]


def test_another_question_may_be_asked_instead_of_hearing_the_rest(caller: Caller) -> None:
    caller.says(("fund.withdraw", 0.9)).says(("fund.query", 0.9))
    assert caller.hears == ["可以打 12329。", "<anything_else>"]


def test_a_likely_question_is_confirmed_first(caller: Caller) -> None:
    caller.says(("fund.withdraw", 0.6))
    assert caller.hears == ["您是想问公积金提取，对吗？"]
    assert "是的" in caller.listens.expect
    assert caller.agrees().hears[0] == "可以在网上办。"


def test_a_wrong_guess_is_not_insisted_on(caller: Caller) -> None:
    caller.says(("fund.withdraw", 0.6)).refuses()
    assert caller.hears == ["<rephrase>"]
    assert caller.says(("fund.query", 0.9)).hears[0] == "可以打 12329。"


def test_two_close_questions_are_told_apart(caller: Caller) -> None:
    caller.says(("fund.withdraw", 0.85), ("fund.query", 0.82))
    assert caller.hears == ["您是想问公积金提取，还是公积金查询？"]
    assert caller.says(text="第二个").hears[0] == "可以打 12329。"


def test_keys_choose_between_two_questions(caller: Caller) -> None:
    caller.says(("fund.withdraw", 0.85), ("fund.query", 0.82))
    assert caller.presses("2").hears[0] == "可以打 12329。"


def test_naming_one_of_two_questions_chooses_it(caller: Caller) -> None:
    caller.says(("fund.withdraw", 0.85), ("fund.query", 0.82))
    assert caller.says(("fund.query", 0.5)).hears[0] == "可以打 12329。"


def test_neither_of_two_leads_to_saying_it_anew(caller: Caller) -> None:
    caller.says(("fund.withdraw", 0.85), ("fund.query", 0.82))
    assert caller.says(text="都不是").hears == ["<rephrase>"]


def test_a_yes_to_this_or_that_is_no_answer(caller: Caller) -> None:
    caller.says(("fund.withdraw", 0.85), ("fund.query", 0.82)).agrees()
    assert caller.hears == ["您是想问公积金提取，还是公积金查询？"]


def test_something_new_may_be_said_instead_of_an_answer(caller: Caller) -> None:
    caller.says(("fund.withdraw", 0.6)).says(("water.outage", 0.9))
    assert caller.hears == ["停水的事我来登记。", "<ask_place>"]


def test_not_understood_is_asked_again_then_offered_what_is_likeliest_then_a_person(
    caller: Caller,
) -> None:
    assert caller.mumbles().hears == ["<ask_again>"]
    caller.says(("fund.withdraw", 0.2), ("water.outage", 0.1))
    assert caller.hears == ["是公积金提取还是停水？"]
    caller.says(text="呜哩哇啦")
    assert caller.transfer.reason is TransferReason.NOT_UNDERSTOOD
    assert caller.hears == ["<not_understood_transfer>"]


def test_with_nothing_likely_it_is_asked_again_in_other_words(caller: Caller) -> None:
    assert caller.mumbles().mumbles().hears == ["<ask_again_second>"]


def test_being_understood_forgives_an_earlier_misunderstanding(caller: Caller) -> None:
    caller.mumbles().says(("fund.query", 0.9)).mumbles()
    assert caller.hears == ["<ask_again>"]


def test_a_closed_question_that_was_not_answered_is_asked_again(caller: Caller) -> None:
    caller.says(("fund.withdraw", 0.9)).mumbles()
    assert caller.hears == ["<not_heard>", "<offer_details>"]


def test_a_noise_that_cuts_the_bot_short_is_not_the_callers_fault(caller: Caller) -> None:
    caller.says(("fund.withdraw", 0.9)).mumbles(barged_in=True)
    assert caller.hears == ["可以在网上办。", "<offer_details>"]
    assert caller.state.misses == 0


def test_an_answer_that_was_not_meant_leads_to_a_ticket_if_the_pack_says_so(
    caller: Caller,
) -> None:
    caller.says(("fund.query", 0.9)).says(("command.wrong", 0.9))
    assert caller.hears == ["登记网站故障？"]
    assert caller.agrees().hears[0] == "我来登记。"


def test_a_person_is_one_word_away(caller: Caller) -> None:
    assert caller.says(("command.agent", 0.9)).transfer.reason is TransferReason.ASKED


def test_a_person_is_one_key_away(caller: Caller) -> None:
    assert caller.presses("0").transfer.reason is TransferReason.ASKED


def test_an_emergency_is_told_its_number_and_joined_first_in_the_queue(caller: Caller) -> None:
    caller.says(("water.outage", 0.9)).says(("fire", 0.9), text="着火了")
    assert caller.hears == ["<emergency_119>"]
    assert caller.transfer.reason is TransferReason.EMERGENCY
    assert caller.transfer.priority == 0


def test_a_doubtful_emergency_is_asked_about_first_and_believed_at_a_yes(caller: Caller) -> None:
    caller.says(("fire", 0.5), ("water.outage", 0.45), text="屋里红彤彤的")
    assert caller.hears == ["<confirm_emergency>"]
    assert "是的" in caller.listens.expect
    assert caller.agrees().transfer.reason is TransferReason.EMERGENCY


def test_silence_after_the_question_for_danger_is_not_a_no(caller: Caller) -> None:
    caller.says(("fire", 0.5)).is_silent().is_silent()
    assert caller.transfer.reason is TransferReason.EMERGENCY


def test_a_doubtful_emergency_is_asked_about_once_not_for_ever(caller: Caller) -> None:
    caller.says(("fire", 0.5)).refuses()
    assert caller.hears == ["<go_ahead>"]
    assert caller.says(("water.outage", 0.9)).hears[0] == "停水的事我来登记。"
    assert caller.happens(HungUp()).hung_up


def test_a_doubtful_emergency_does_not_break_into_the_question_for_a_place(
    caller: Caller,
) -> None:
    caller.says(("water.outage", 0.9)).says(("fire", 0.5), text="火炬路八号").agrees()
    assert caller.ticket.place == "火炬路八号"


def test_silence_is_answered_then_keys_are_named_then_offered_then_a_person(
    caller: Caller,
) -> None:
    assert caller.is_silent().hears == ["<no_input>"]
    assert caller.is_silent().hears == ["<no_input_keys>"]
    assert caller.is_silent().hears == ["<keypad_top>"]
    assert caller.is_silent().transfer.reason is TransferReason.NO_INPUT


def test_what_was_said_last_is_said_again(caller: Caller) -> None:
    caller.says(("fund.withdraw", 0.9)).says(("command.repeat", 0.9))
    assert caller.hears == ["可以在网上办。", "<offer_details>"]
    assert caller.presses("*").hears == ["可以在网上办。", "<offer_details>"]


def test_a_question_repeated_is_still_the_question(caller: Caller) -> None:
    caller.says(("fund.withdraw", 0.6)).says(("command.repeat", 0.9)).agrees()
    assert caller.hears[0] == "可以在网上办。"


def test_slower_holds_for_the_rest_of_the_call(caller: Caller) -> None:
    caller.says(("command.slower", 0.9)).says(("fund.query", 0.9))
    assert all(say.speed < 1 for say in caller.actions if isinstance(say, Say))


def test_louder_holds_for_the_rest_of_the_call(caller: Caller) -> None:
    caller.says(("command.louder", 0.9)).says(("fund.query", 0.9))
    assert all(say.gain > 1 for say in caller.actions if isinstance(say, Say))


def test_back_leaves_what_was_begun(caller: Caller) -> None:
    caller.says(("water.outage", 0.9)).says(("command.back", 0.9))
    assert caller.hears == ["<back_ok>"]
    assert caller.happens(HungUp()).notes == []


def test_thanks_is_answered_politely(caller: Caller) -> None:
    assert caller.says(("thanks", 0.9)).hears == ["<thanks_reply>"]


def test_thanks_in_the_middle_does_not_lose_the_question(caller: Caller) -> None:
    caller.says(("water.outage", 0.9), place="朝阳区").says(("thanks", 0.9))
    assert caller.hears == ["<thanks_reply>", "核对：停水，在朝阳区，打尾号8000。"]


def test_a_caller_who_hangs_up_is_told_nothing(caller: Caller) -> None:
    caller.happens(HungUp())
    assert caller.hears == []
    assert caller.hung_up.outcome == "caller_gone"


def test_an_angry_caller_is_answered_after_a_word_of_apology_said_once(caller: Caller) -> None:
    caller.says(("fund.withdraw", 0.9), moods=(ANGRY,))
    assert caller.hears[:2] == ["给您添麻烦了。", "可以在网上办。"]
    caller.says(("fund.query", 0.9), moods=(ANGRY,))
    assert caller.hears[0] == "可以打 12329。"


def test_an_angry_caller_gets_a_person_after_one_misunderstanding(caller: Caller) -> None:
    caller.says(("fund.query", 0.9), moods=(ANGRY,)).mumbles()
    assert (caller.transfer.reason, caller.transfer.priority) == (TransferReason.NOT_UNDERSTOOD, 3)


def test_haste_is_remembered_until_a_person_is_wanted(caller: Caller) -> None:
    caller.says(("fund.withdraw", 0.9), moods=(HASTY,))
    assert caller.hears[0] == "可以在网上办。"
    caller.says(("command.agent", 0.9))
    assert (caller.transfer.reason, caller.transfer.priority) == (TransferReason.ASKED, 4)


def test_a_caller_in_despair_gets_a_person_before_everybody_else(caller: Caller) -> None:
    caller.says(("fund.withdraw", 0.9), moods=(DESPERATE,))
    assert caller.hears == ["您别着急。"]
    assert (caller.transfer.reason, caller.transfer.priority) == (TransferReason.EMERGENCY, 0)


def test_an_elder_hears_it_slower_shorter_and_gets_a_person_sooner() -> None:
    caller = Caller(small_line(), profile=Profile(elder=True))
    caller.says(("fund.withdraw", 0.9))
    assert caller.hears == ["可以在网上办。", "<anything_else>"]
    assert all(say.speed < 1 for say in caller.actions if isinstance(say, Say))
    caller.mumbles().mumbles()
    assert (caller.transfer.reason, caller.transfer.priority) == (TransferReason.NOT_UNDERSTOOD, 2)


def test_an_elder_hears_the_shorter_prompts_that_a_pack_has() -> None:
    book = small_line()
    book = replace(book, prompts=book.prompts | {"anything_else_elder": "还有事吗？"})
    caller = Caller(book, profile=Profile(elder=True)).says(("fund.query", 0.9))
    assert caller.hears == ["可以打 12329。", "还有事吗？"]
    assert Caller(book).says(("fund.query", 0.9)).hears[-1] == "<anything_else>"


def test_calls_are_led_by_the_policies_in_their_shares() -> None:
    book = small_line(Policy(share=3), Policy(name="brief", share=1, offer_details=False))
    led = [Caller(book, lot=lot / 8).state.policy for lot in range(8)]
    assert led == ["standard"] * 6 + ["brief"] * 2


def test_a_policy_may_say_all_of_an_answer_at_once() -> None:
    caller = Caller(small_line(Policy(offer_details=False)))
    assert caller.says(("fund.withdraw", 0.9)).hears == [
        "可以在网上办。",
        "带身份证。",
        "<anything_else>",
    ]
