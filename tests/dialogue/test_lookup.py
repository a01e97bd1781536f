"""Tickets filed before: found by number or by caller, told, urged, added to, withdrawn."""

from __future__ import annotations

from dialogue.world import OLD, OTHER, PRIVATE, Caller, small_line

from bot.dialogue.types import Change, Changed, ChangeTicket, Found, LookUp, Profile, Remember


def test_the_callers_own_tickets_are_found_by_their_number(caller: Caller) -> None:
    assert caller.says(("command.lookup", 0.9)).asks_for == LookUp()
    caller.happens(Found((OLD,)))
    assert caller.hears == [
        "11月20日停水：承办单位正在处理。",
        "水务局，后天。",
        "<ticket_options>",
    ]


def test_asking_how_a_ticket_stands_is_looked_up_rather_than_explained(caller: Caller) -> None:
    assert caller.says(("ticket.progress", 0.9)).asks_for == LookUp()


def test_a_ticket_number_that_was_said_is_looked_up(caller: Caller) -> None:
    assert caller.says(("command.lookup", 0.9), ticket="261120000015").asks_for == LookUp(
        "261120000015"
    )


def test_without_a_ticket_of_theirs_the_number_is_asked_for(caller: Caller) -> None:
    caller.says(("command.lookup", 0.9)).happens(Found(()))
    assert caller.hears == ["<no_ticket_of_yours>", "<ask_ticket_number>"]
    assert caller.presses("261120000015").asks_for == LookUp("261120000015")


def test_a_wrong_number_is_asked_for_again_and_then_given_up(caller: Caller) -> None:
    caller.says(("command.lookup", 0.9)).happens(Found(()))
    for _ in range(2):
        caller.presses("261120000019").happens(Found(()))
        assert caller.hears == ["<number_not_found>"]
    caller.presses("261120000019").happens(Found(()))
    assert caller.hears == ["<number_not_found_end>", "<anything_else>"]


def test_who_does_not_know_the_number_is_told_of_a_person(caller: Caller) -> None:
    caller.says(("command.lookup", 0.9)).happens(Found(())).says(text="不记得了")
    assert caller.hears == ["<no_number>", "<anything_else>"]


def test_several_tickets_are_named_to_choose_from(caller: Caller) -> None:
    caller.says(("command.lookup", 0.9)).happens(Found((OLD, OTHER)))
    assert caller.hears == ["停水，噪声？"]
    assert caller.says(text="第二个").hears[0].endswith("噪声：已派单。")


def test_a_ticket_is_urged_on(caller: Caller) -> None:
    caller.says(("command.urge", 0.9)).happens(Found((OLD,)))
    assert caller.asks_for == ChangeTicket("261120000015", Change.URGE)
    assert caller.happens(Changed()).hears == ["<urged>", "<anything_else>"]


def test_a_ticket_that_was_just_told_of_can_be_urged_by_voice_or_key(caller: Caller) -> None:
    caller.says(("command.lookup", 0.9)).happens(Found((OLD,)))
    before = caller.state
    assert caller.says(text="帮我催一下").asks_for == ChangeTicket("261120000015", Change.URGE)
    caller.state = before
    assert caller.presses("1").asks_for == ChangeTicket("261120000015", Change.URGE)


def test_something_is_added_to_a_ticket_in_the_callers_words(caller: Caller) -> None:
    caller.says(("command.append", 0.9)).happens(Found((OLD,)))
    assert caller.hears == ["补充停水？"]
    caller.says(("fund.query", 0.9), text="今天整栋楼都停了")
    assert caller.asks_for == ChangeTicket("261120000015", Change.APPEND, "今天整栋楼都停了")


def test_a_ticket_is_withdrawn_only_after_a_yes(caller: Caller) -> None:
    caller.says(("command.withdraw", 0.9)).happens(Found((OLD,)))
    assert caller.hears == ["撤销停水？"]
    assert caller.agrees().asks_for == ChangeTicket("261120000015", Change.WITHDRAW)


def test_a_ticket_is_kept_after_a_no(caller: Caller) -> None:
    caller.says(("command.withdraw", 0.9)).happens(Found((OLD,))).refuses()
    assert caller.hears == ["<not_withdrawn>", "<anything_else>"]


def test_what_can_not_be_changed_any_more_is_said_so(caller: Caller) -> None:
    caller.says(("command.urge", 0.9)).happens(Found((OLD,))).happens(Changed(done=False))
    assert caller.hears[0] == "<not_changeable>"


def test_nothing_is_told_of_a_sensitive_ticket_before_its_number_is_shown(caller: Caller) -> None:
    caller.says(("command.lookup", 0.9)).happens(Found((PRIVATE,)))
    assert caller.hears == ["<verify>"]
    assert caller.says(text="零零二二").hears == ["<verify_again>"]
    assert "家事" in caller.says(text="零零二一").hears[0]


def test_who_can_not_show_it_is_told_nothing(caller: Caller) -> None:
    caller.says(("command.lookup", 0.9)).happens(Found((PRIVATE,))).presses("1111").presses("2222")
    assert caller.hears == ["<not_verified>", "<anything_else>"]


def test_a_returning_caller_hears_of_their_open_ticket_first() -> None:
    caller = Caller(small_line(), profile=Profile(consent=True), tickets=(OLD,))
    assert caller.hears == ["<greeting>", "停水？"]
    assert caller.agrees().hears[0].endswith("承办单位正在处理。")


def test_a_returning_caller_may_want_something_else() -> None:
    caller = Caller(small_line(), profile=Profile(consent=True), tickets=(OLD,))
    assert caller.says(("fund.query", 0.9)).hears[0] == "可以打 12329。"


def test_a_returning_caller_is_not_told_what_a_sensitive_ticket_is_about() -> None:
    caller = Caller(small_line(), profile=Profile(consent=True), tickets=(PRIVATE,))
    assert caller.hears == ["<greeting>", "<returning_sensitive>"]
    assert caller.agrees().hears == ["<verify>"]


def test_a_caller_is_forgotten_after_a_yes(caller: Caller) -> None:
    assert caller.says(("command.forget", 0.9)).hears == ["<confirm_forget>"]
    assert caller.agrees().notes == [Remember(forget=True)]
