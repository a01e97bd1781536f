"""Callers who drop, deny, go on, or ask in passing: found by rehearsing whole conversations."""

from __future__ import annotations

import dataclasses

import pytest
from dialogue.world import DESPERATE, OLD, Caller, small_line

from bot.dialogue.types import Change, ChangeTicket, Heard, KeepDraft, TransferReason
from bot.understanding.schema import Emergency
from bot.understanding.types import Candidate, IntentKind, Understanding


@pytest.fixture
def caller() -> Caller:
    return Caller(small_line())


def test_who_gives_the_place_when_asked_about_the_kind_has_agreed_to_it(caller: Caller) -> None:
    caller.says(("water.outage", 0.5)).says(text="朝阳区劲松五区", place="朝阳区劲松街道")
    assert caller.state.draft.category == "water.outage"
    assert caller.state.draft.place == "朝阳区劲松5区"


def test_a_report_that_is_dropped_half_way_leaves_nothing(caller: Caller) -> None:
    caller.says(("water.outage", 0.9)).says(("command.withdraw", 0.95), text="算了不投诉了")
    assert caller.hears == ["<ticket_dropped>", "<anything_else>"]
    assert not [note for note in caller.notes if isinstance(note, KeepDraft)]
    assert caller.state.unfinished is None


def test_not_remembering_is_no_wish_to_be_forgotten(caller: Caller) -> None:
    caller.says(("command.lookup", 0.95), text="查工单")
    caller.state = dataclasses.replace(caller.state, phase=caller.state.phase.WHICH_TICKET)
    caller.says(("command.forget", 0.7), text="我不记得了")
    assert caller.hears[0] == "<no_number>"


def test_thanks_are_no_place(caller: Caller) -> None:
    caller.says(("water.outage", 0.9)).says(("thanks", 0.95), text="谢谢")
    assert caller.hears == ["<thanks_reply>", "<ask_place>"]


def test_a_yes_is_no_place(caller: Caller) -> None:
    caller.says(("water.outage", 0.9)).agrees()
    assert caller.hears[-1] == "<ask_place>"


def test_silence_at_a_question_is_asked_about_without_starting_over(caller: Caller) -> None:
    caller.says(("water.outage", 0.9)).is_silent()
    assert caller.hears == ["<still_there>", "<ask_place>"]


def test_a_new_report_that_says_what_it_is_about_is_not_asked_for_it(caller: Caller) -> None:
    caller.says(("command.new_ticket", 0.9), ("water.outage", 0.8), text="我要反映停水")
    assert caller.state.draft.category == "water.outage"


def test_a_withdrawal_that_is_denied_is_left(caller: Caller) -> None:
    caller.state = dataclasses.replace(
        caller.state, phase=caller.state.phase.WITHDRAW, ticket=OLD, tickets=(OLD,)
    )
    denied = dataclasses.replace(caller.state)
    caller.says(("command.withdraw", 0.95), text="撤了吧")
    assert caller.asks_for == ChangeTicket(OLD.number, Change.WITHDRAW)
    caller.state = denied
    caller.says(("command.withdraw", 0.95), text="不撤了")
    assert caller.hears[0] == "<not_withdrawn>"


def test_a_wish_for_a_person_wins_over_a_doubt_about_danger(caller: Caller) -> None:
    caller.says(("fire", 0.5), ("command.agent", 0.95), text="我要跟真人说")
    assert caller.transfer.reason is TransferReason.ASKED
    assert caller.transfer.priority == 0


def test_a_plain_yes_is_no_cry_for_help(caller: Caller) -> None:
    caller.says(("water.outage", 0.5)).says(("fire", 0.6), ("command.yes", 0.95), text="我同意")
    assert caller.state.draft.category == "water.outage"


def test_who_wants_to_die_is_comforted_and_not_told_to_call_the_police() -> None:
    line = small_line()
    police = Emergency(
        id="crime", title="报警", words=("杀",), number="110", prompt="emergency_110"
    )
    caller = Caller(dataclasses.replace(line, intents=(*line.intents, police)))
    candidate = Candidate("crime", IntentKind.EMERGENCY, "报警", 0.95)
    said = Understanding("不想活了", "不想活了", (candidate,), {}, "crime", moods=(DESPERATE,))
    caller.happens(Heard(said))
    assert caller.hears == ["您别着急。"]
    assert caller.transfer.priority == 0


@pytest.mark.parametrize(
    ("answer", "score"), [("一分，太差了", 1), ("我给五分吧", 5), ("两分吧，不太满意", 2)]
)
def test_a_score_within_a_sentence_is_a_score(caller: Caller, answer: str, score: int) -> None:
    caller.state = dataclasses.replace(caller.state, phase=caller.state.phase.RATE, served=True)
    caller.says(text=answer)
    assert caller.state.rated == score


def test_saying_that_the_kind_is_wrong_is_no_new_kind(caller: Caller) -> None:
    caller.says(("water.outage", 0.9)).says(place="望京", text="望京").refuses()
    caller.says(("street.noise", 0.6), text="事情不对")
    assert caller.hears == ["<ask_what>"]
