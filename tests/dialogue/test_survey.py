"""回访: the line calls, asks whether it is solved, and takes the answer by voice or key."""

from __future__ import annotations

import pytest
from dialogue.world import OLD, PRIVATE, Caller, small_line

from bot.dialogue.types import HungUp, TakeSurvey, TransferReason


@pytest.fixture
def called() -> Caller:
    return Caller(small_line(), survey=OLD)


def test_a_citizen_hears_who_calls_and_why(called: Caller) -> None:
    assert called.hears == ["11月20日停水办好了。", "<survey_solved>"]


def test_solved_is_scored_and_noted(called: Caller) -> None:
    assert called.says(text="解决了").hears == ["<survey_satisfied>"]
    called.says(text="五分")
    assert called.notes == [TakeSurvey(OLD.number, True, 5)]
    assert called.hung_up.outcome == "surveyed"


def test_solved_is_no_wish_to_withdraw_the_ticket(called: Caller) -> None:
    assert called.says(("command.withdraw", 0.97), text="已经解决了").hears == [
        "<survey_satisfied>"
    ]


def test_not_solved_is_noted_in_the_citizens_words(called: Caller) -> None:
    assert called.says(text="没有解决").hears == ["<survey_unsolved>"]
    called.says(("water.outage", 0.9), text="晚上还是停水")
    assert called.notes == [TakeSurvey(OLD.number, False, None, "晚上还是停水")]
    assert called.hears == ["<survey_reopened>"]


def test_a_good_grade_says_that_it_is_solved(called: Caller) -> None:
    called.says(text="非常满意")
    assert called.notes == [TakeSurvey(OLD.number, True, 5)]
    assert called.hung_up.outcome == "surveyed"


def test_a_bad_grade_leaves_open_whether_it_is_solved_and_is_kept(called: Caller) -> None:
    assert called.says(text="不满意").hears == ["<survey_solved>"]
    assert called.refuses().hears == ["<survey_unsolved>"]
    called.says(text="还是停水")
    assert called.notes == [TakeSurvey(OLD.number, False, 2, "还是停水")]


def test_it_can_all_be_said_by_keys(called: Caller) -> None:
    called.presses("1").presses("4")
    assert called.notes == [TakeSurvey(OLD.number, True, 4)]


def test_a_key_that_means_nothing_here_leads_back_to_the_question(called: Caller) -> None:
    assert called.presses("7").hears == ["<survey_solved>"]
    assert called.presses("#").hears == ["<survey_solved>"]


def test_who_does_not_score_has_still_said_that_it_is_solved(called: Caller) -> None:
    assert called.agrees().is_silent().notes == [TakeSurvey(OLD.number, True)]


def test_who_does_not_say_what_is_not_solved_has_still_said_that_it_is_not(
    called: Caller,
) -> None:
    assert called.refuses().is_silent().notes == [TakeSurvey(OLD.number, False)]


def test_who_does_not_want_to_be_asked_is_let_go(called: Caller) -> None:
    called.says(text="不方便说")
    assert called.notes == [TakeSurvey(OLD.number, refused=True)]
    assert called.hears == ["<survey_declined>"]


def test_silence_is_asked_again_and_then_left_for_another_time(called: Caller) -> None:
    assert called.is_silent().hears == ["<still_there>", "<survey_solved>"]
    assert called.is_silent().notes == [TakeSurvey(OLD.number)]


def test_hanging_up_leaves_it_for_another_time(called: Caller) -> None:
    assert called.happens(HungUp()).notes == [TakeSurvey(OLD.number)]


def test_what_was_answered_is_not_undone_by_hanging_up(called: Caller) -> None:
    called.presses("1").presses("5")
    assert called.happens(HungUp()).notes == []


def test_a_person_can_be_had_here_too(called: Caller) -> None:
    called.says(("command.agent", 0.9))
    assert called.transfer.reason is TransferReason.ASKED
    assert TakeSurvey(OLD.number) in called.notes


def test_nothing_is_told_of_a_sensitive_ticket() -> None:
    assert Caller(small_line(), survey=PRIVATE).hears == ["<survey_sensitive>", "<survey_solved>"]
