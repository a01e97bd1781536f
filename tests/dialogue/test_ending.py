"""How calls end: rating, callback, good-bye; and a call by keys alone."""

from __future__ import annotations

import datetime as dt

from dialogue.world import MORNING, Caller, small_line

from bot.dialogue.keypad import chosen
from bot.dialogue.state import Menu
from bot.dialogue.types import (
    BookCallback,
    Booked,
    CallStarted,
    Found,
    HungUp,
    LookUp,
    People,
    Rate,
    TransferReason,
)
from bot.understanding.schema import Policy

TOMORROW = dt.datetime(2026, 11, 26, 9, 0)


def test_nothing_else_leads_to_a_rating_and_a_goodbye(caller: Caller) -> None:
    assert caller.says(("fund.query", 0.9)).refuses().hears == ["<ask_rating>"]
    caller.says(text="五分")
    assert caller.hears == ["<thanks_rating>", "<goodbye>"]
    assert caller.notes == [Rate(5, "", "standard")]
    assert caller.hung_up.outcome == "answered"


def test_a_rating_names_the_ticket_of_the_call(caller: Caller) -> None:
    caller.says(("app.fault", 0.9)).agrees().is_filed("261124000017").refuses().presses("4")
    assert caller.notes == [Rate(4, "261124000017", "standard")]
    assert caller.hung_up.outcome == "filed"


def test_who_comes_from_an_agent_is_only_asked_how_it_was(caller: Caller) -> None:
    caller.happens(CallStarted("13800138000", rating=True))
    assert caller.hears == ["<ask_rating>"]
    assert caller.presses("5").hears == ["<thanks_rating>", "<goodbye>"]


def test_a_low_rating_is_offered_a_person(caller: Caller) -> None:
    caller.says(("fund.query", 0.9)).refuses().presses("1")
    assert caller.hears == ["<sorry_rating>"]
    caller.presses("1")
    assert caller.transfer.reason is TransferReason.DISSATISFIED


def test_a_low_rating_is_offered_a_callback(caller: Caller) -> None:
    caller.says(("fund.query", 0.9)).refuses().says(text="很不满意").says(text="给我回电话吧")
    assert caller.hears == ["<ask_callback_time>"]


def test_who_does_not_rate_is_not_pressed(caller: Caller) -> None:
    caller.says(("fund.query", 0.9)).refuses().is_silent()
    assert caller.hears == ["<goodbye>"]


def test_a_new_question_may_come_instead_of_a_rating(caller: Caller) -> None:
    caller.says(("fund.query", 0.9)).refuses().says(("water.outage", 0.9))
    assert caller.hears[0] == "停水的事我来登记。"


def test_silence_after_an_answer_ends_the_call_in_good_order(caller: Caller) -> None:
    assert caller.says(("fund.query", 0.9)).is_silent().is_silent().hung_up.outcome == "answered"


def test_a_policy_may_leave_the_rating_out() -> None:
    caller = Caller(small_line(Policy(ask_rating=False))).says(("fund.query", 0.9)).refuses()
    assert caller.hears == ["<goodbye>"]


def test_a_callback_is_booked_at_the_time_and_number_agreed(caller: Caller) -> None:
    assert caller.says(("command.callback", 0.9), text="给我回电话").hears == [
        "<ask_callback_time>"
    ]
    assert caller.says(text="明天上午").hears == ["明天上午9点打8000？"]
    wish = caller.agrees().asks_for
    assert isinstance(wish, BookCallback)
    assert (wish.at.day, wish.phone) == (26, "13800138000")
    caller.happens(Booked(TOMORROW))
    assert caller.hears == ["明天上午9点回电。", "<goodbye>"]
    assert caller.hung_up.outcome == "callback"


def test_as_soon_as_possible_is_a_time(caller: Caller) -> None:
    wish = caller.says(("command.callback", 0.9)).says(text="尽快吧").agrees().asks_for
    assert isinstance(wish, BookCallback)
    assert wish.at == MORNING


def test_a_caller_without_a_number_is_asked_for_one() -> None:
    caller = Caller(small_line(), number="").says(("command.callback", 0.9)).says(text="尽快")
    assert caller.hears == ["<ask_callback_phone>"]
    assert caller.presses("13900139000").hears == ["尽快打9000？"]


def test_at_night_a_callback_is_offered_instead_of_a_person() -> None:
    caller = Caller(small_line(), people=People.NIGHT).says(("command.agent", 0.9))
    assert caller.hears == ["<night>"]
    assert caller.agrees().hears == ["<ask_callback_time>"]


def test_at_night_the_bot_goes_on_for_who_wants_no_callback() -> None:
    caller = Caller(small_line(), people=People.NIGHT).says(("command.agent", 0.9)).refuses()
    assert caller.hears == ["<night_go_on>"]
    assert caller.says(("water.outage", 0.9)).hears[0] == "停水的事我来登记。"


def test_in_a_full_queue_who_wants_no_callback_waits() -> None:
    caller = Caller(small_line(), people=People.FULL).says(("command.agent", 0.9))
    assert caller.hears == ["<queue_full>"]
    assert caller.refuses().transfer.reason is TransferReason.ASKED


def test_an_emergency_never_hears_that_nobody_is_there() -> None:
    caller = Caller(small_line(), people=People.NIGHT).says(("fire", 0.9))
    assert caller.transfer.reason is TransferReason.EMERGENCY


def test_a_ticket_can_be_looked_up_by_keys_alone(caller: Caller) -> None:
    assert caller.presses("8").hears == ["<keypad_top>"]
    assert caller.presses("1").asks_for == LookUp()
    assert caller.happens(Found(())).presses("261120000015").asks_for == LookUp("261120000015")


def test_a_ticket_can_be_filed_by_keys_alone(caller: Caller) -> None:
    caller.presses("#2")
    assert caller.hears == ["其他按1"]
    assert "停水按1" in caller.presses("1").hears[0]
    assert caller.presses("1").hears == ["停水的事我来登记。", "朝阳区按1，海淀区按2"]
    assert caller.presses("2").hears == ["核对：停水，在海淀区，打尾号8000。"]
    assert caller.presses("1").ticket.place == "海淀区"


def test_a_question_can_be_asked_by_keys_alone(caller: Caller) -> None:
    caller.presses("#31").presses("2")
    assert caller.hears[0] == "可以打 12329。"


def test_a_menu_longer_than_a_page_goes_on_with_9_and_comes_round() -> None:
    menu = Menu("ask", tuple("abcdef"), page=1)
    assert [chosen(menu, key) for key in "1239"] == ["e", "f", "", ""]


def test_hanging_up_after_the_rating_changes_nothing(caller: Caller) -> None:
    caller.says(("fund.query", 0.9)).refuses().presses("5").happens(HungUp())
    assert caller.hung_up.outcome == "caller_gone"
