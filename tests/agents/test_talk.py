from __future__ import annotations

import pytest
from queue_world import DIRECTORY, WATER, FakeSwitchboard, an_entry

from bot.agents.desk import Desk
from bot.agents.directory import NotListed
from bot.agents.moves import Move, NotNow, moves_of
from bot.agents.queue import AgentBusy, AgentQueue, IllegalTransition, UnknownEntry
from bot.agents.talk import Talk
from bot.agents.types import EntryKind, EntryState, JoinResult, QueueEntry, TalkState


@pytest.fixture
def talk(desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard) -> Talk:
    return Talk(desk, queue, switchboard, 20.0, DIRECTORY)


@pytest.fixture
def joined(desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard) -> QueueEntry:
    """A caller who talks with 8001."""
    entry = an_entry("one")
    switchboard.channels.add(entry.channel)
    desk.escalate(entry)
    claim = desk.claim("8001")
    assert claim is not None
    return claim.entry


def state(queue: AgentQueue) -> tuple[str, str]:
    found = queue.get("one")
    assert found is not None
    return found.state.value, found.agent


def talk_state(queue: AgentQueue) -> TalkState:
    found = queue.get("one")
    assert found is not None
    return found.talk


def test_hold_and_resume_move_both_legs(
    talk: Talk, joined: QueueEntry, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    talk.hold("one")
    assert talk_state(queue) is TalkState.HELD
    talk.resume("one")
    assert talk_state(queue) is TalkState.TOGETHER
    assert switchboard.moves == [
        ("send", joined.channel, "on-hold", joined.leg, "agent-idle"),
        ("send", joined.leg, "agent-join"),
    ]


def test_an_agent_is_muted_until_the_caller_is_somebody_elses(
    talk: Talk, joined: QueueEntry, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    talk.mute("one", True)
    muted = queue.get("one")
    assert muted is not None
    assert muted.muted
    assert switchboard.moves == [("mute", joined.leg, "True")]
    talk.transfer("one", "8002")
    theirs = queue.get("one")
    assert theirs is not None
    assert not theirs.muted


def test_a_transfer_rings_the_other_agent_and_frees_the_first(
    talk: Talk, joined: QueueEntry, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    result = talk.transfer("one", "8002")
    assert (result.result, result.entry.agent) == (JoinResult.JOINED, "8002")
    assert state(queue) == ("joined", "8002")
    assert switchboard.moves == [
        ("send", joined.channel, "people"),
        ("hang_up", joined.leg),
    ]
    queue.enqueue(an_entry("two"))
    assert queue.claim("8001") is not None


def test_the_first_agents_leg_that_ends_late_does_not_end_the_transferred_call(
    talk: Talk, joined: QueueEntry, queue: AgentQueue, desk: Desk
) -> None:
    talk.transfer("one", "8002")
    desk.agent_gone("one", joined.leg, dropped=False)
    assert state(queue) == ("joined", "8002")


def test_a_transfer_that_nobody_answers_leaves_the_caller_at_their_place(
    talk: Talk, joined: QueueEntry, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    queue.enqueue(an_entry("two"))
    switchboard.answer = JoinResult.NO_ANSWER
    assert talk.transfer("one", "8002").result is JoinResult.NO_ANSWER
    assert state(queue) == ("waiting", "")
    assert queue.position("one") == 1


def test_a_transfer_to_an_agent_with_a_caller_changes_nothing(
    talk: Talk, joined: QueueEntry, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    queue.enqueue(an_entry("two"))
    queue.claim("8002", "two")
    with pytest.raises(AgentBusy):
        talk.transfer("one", "8002")
    assert state(queue) == ("joined", "8001")
    assert switchboard.moves == []


def test_a_caller_given_back_waits_for_whoever_can_help(
    talk: Talk, joined: QueueEntry, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    queue.presence.teach("8002", ["field:water"])
    queue.presence.teach("8003", ["field:tax"])
    talk.give_back("one", ["field:tax"])
    assert switchboard.moves == [("send", joined.channel, "people"), ("hang_up", joined.leg)]
    assert queue.claim("8002") is None
    assert queue.claim("8003") is not None


def test_a_department_is_asked_and_then_joined(
    talk: Talk, joined: QueueEntry, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    assert talk.consult("one", "8004") is JoinResult.JOINED
    asked = queue.get("one")
    assert asked is not None
    talk.conference("one")
    assert switchboard.moves == [
        ("send", joined.channel, "on-hold", joined.leg, "agent-calling"),
        ("consult", joined.leg, "8004", asked.consult),
        ("conference", joined.channel, joined.leg, asked.consult),
    ]
    assert talk_state(queue) is TalkState.CONFERENCE


def test_the_caller_stays_with_the_department_when_the_agent_leaves_or_drops(
    talk: Talk, joined: QueueEntry, queue: AgentQueue, desk: Desk
) -> None:
    talk.consult("one", "8004")
    talk.conference("one")
    desk.agent_gone("one", joined.leg, dropped=True)
    assert state(queue)[0] == "done"


def test_a_department_that_does_not_answer_brings_caller_and_agent_together_again(
    talk: Talk, joined: QueueEntry, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    switchboard.answer = JoinResult.NO_ANSWER
    assert talk.consult("one", "8004") is JoinResult.NO_ANSWER
    assert switchboard.moves[-1] == ("send", joined.leg, "agent-join")
    with pytest.raises(NotNow):
        talk.conference("one")


def test_a_consultation_can_be_ended_by_either(
    talk: Talk, joined: QueueEntry, queue: AgentQueue, desk: Desk, switchboard: FakeSwitchboard
) -> None:
    talk.consult("one", "8004")
    asked = queue.get("one")
    assert asked is not None
    talk.end_consult("one")
    assert switchboard.moves[-2:] == [
        ("send", joined.leg, "agent-join"),
        ("hang_up", asked.consult),
    ]
    talk.consult("one", "8004")
    again = queue.get("one")
    assert again is not None
    desk.consulted_gone("one", asked.consult)
    with_them = queue.get("one")
    assert with_them is not None
    assert with_them.consult == again.consult
    desk.consulted_gone("one", again.consult)
    alone = queue.get("one")
    assert alone is not None
    assert (alone.consult, alone.state) == ("", EntryState.JOINED)
    assert alone.talk is TalkState.HELD


def test_a_department_that_leaves_a_conference_leaves_agent_and_caller_together(
    talk: Talk, joined: QueueEntry, queue: AgentQueue, desk: Desk, switchboard: FakeSwitchboard
) -> None:
    talk.consult("one", WATER)
    talk.conference("one")
    asked = queue.get("one")
    assert asked is not None
    desk.consulted_gone("one", asked.consult)
    assert talk_state(queue) is TalkState.TOGETHER
    assert switchboard.moves[-1] == (
        *("send", joined.channel, "on-hold"),
        *(joined.leg, "agent-join"),
    )


def test_a_unit_is_rung_through_the_trunk_and_left_with_the_caller(
    talk: Talk, joined: QueueEntry, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    assert talk.transfer("one", WATER).result is JoinResult.JOINED
    leg = switchboard.moves[1][3]
    assert switchboard.moves[1:] == [
        ("consult", joined.leg, WATER, leg, "outside"),
        ("pass_on", joined.channel, leg, "unit"),
    ]
    found = queue.get("one")
    assert found is not None
    assert (found.state, found.extra["outcome"]) == (EntryState.DONE, "transferred")


def test_a_unit_that_does_not_answer_leaves_the_caller_with_the_agent(
    talk: Talk, joined: QueueEntry, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    switchboard.answer = JoinResult.NO_ANSWER
    assert talk.transfer("one", WATER).result is JoinResult.NO_ANSWER
    assert state(queue) == ("joined", "8001")
    assert switchboard.moves[-1] == ("send", joined.leg, "agent-join")


@pytest.mark.parametrize("all_three_talk", [False, True])
def test_an_agent_who_was_asked_becomes_the_callers_agent(
    talk: Talk,
    joined: QueueEntry,
    queue: AgentQueue,
    switchboard: FakeSwitchboard,
    all_three_talk: bool,
) -> None:
    talk.consult("one", "8002")
    asked = queue.get("one")
    assert asked is not None
    if all_three_talk:
        talk.conference("one")
    talk.complete("one")
    assert switchboard.moves[-1] == ("pass_on", joined.channel, asked.consult, "agent")
    theirs = queue.get("one")
    assert theirs is not None
    assert (theirs.state, theirs.agent, theirs.leg) == (EntryState.JOINED, "8002", asked.consult)
    assert theirs.talk is TalkState.TOGETHER
    queue.enqueue(an_entry("two"))
    assert queue.claim("8001") is not None


@pytest.mark.parametrize("number", ["13800138000", "110", "web-8001", "8009", "", "8002&8003"])
@pytest.mark.parametrize("move", ["consult", "transfer"])
def test_nobody_is_rung_who_is_not_listed(
    talk: Talk, joined: QueueEntry, switchboard: FakeSwitchboard, number: str, move: str
) -> None:
    with pytest.raises(NotListed):
        getattr(talk, move)("one", number)
    assert switchboard.moves == []


@pytest.mark.parametrize("when", ["ringing", "talking", "told"])
def test_an_agent_who_hangs_up_while_asking_leaves_the_caller_next_in_line(
    talk: Talk,
    joined: QueueEntry,
    queue: AgentQueue,
    desk: Desk,
    switchboard: FakeSwitchboard,
    when: str,
) -> None:
    def hangs_up(_: QueueEntry) -> None:
        desk.agent_gone("one", joined.leg, dropped=False)

    queue.enqueue(an_entry("two"))
    if when == "ringing":
        switchboard.while_ringing = hangs_up
        switchboard.answer = JoinResult.CALLER_GONE
    talk.consult("one", WATER)
    if when == "told":  # the other one's leg ends with the agent's, and may be told of first
        asked = queue.get("one")
        assert asked is not None
        desk.consulted_gone("one", asked.consult)
    if when != "ringing":
        hangs_up(joined)
    assert state(queue) == ("waiting", "")
    assert queue.position("one") == 1


def test_ringing_can_be_given_up(
    talk: Talk, joined: QueueEntry, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    switchboard.answer = JoinResult.AGENT_UNREACHABLE
    switchboard.while_ringing = lambda _: talk.end_consult("one")
    talk.consult("one", "8002")
    leg = switchboard.moves[1][3]
    assert switchboard.moves[-2:] == [("hang_up", leg), ("send", joined.leg, "agent-join")]
    assert talk_state(queue) is TalkState.TOGETHER


@pytest.mark.parametrize("move", ["hold", "give_back", "rate", "hang_up"])
def test_a_caller_on_hold_for_a_question_goes_nowhere_before_it_is_over(
    talk: Talk, joined: QueueEntry, switchboard: FakeSwitchboard, move: str
) -> None:
    talk.consult("one", "8002")
    before = list(switchboard.moves)
    with pytest.raises(NotNow):
        getattr(talk, move)("one")
    assert switchboard.moves == before


def test_a_caller_who_hangs_up_on_hold_ends_the_agents_leg_too(
    talk: Talk, joined: QueueEntry, desk: Desk, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    talk.hold("one")
    desk.caller_gone("one")
    assert state(queue)[0] == "done"
    assert switchboard.moves[-1] == ("hang_up", joined.leg)


def test_a_citizen_who_is_called_from_another_telephone_can_only_be_finished_with() -> None:
    entry = an_entry("one", kind=EntryKind.CALLBACK, state=EntryState.JOINED, channel="", leg="x")
    assert moves_of(entry) == {Move.HANG_UP}


def test_the_bot_takes_the_rating(
    talk: Talk, joined: QueueEntry, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    talk.rate("one")
    assert switchboard.moves == [("send", joined.channel, "rating"), ("hang_up", joined.leg)]
    found = queue.get("one")
    assert found is not None
    assert (found.state, found.extra["outcome"]) == (EntryState.DONE, "agent_done")


def test_an_agent_ends_the_conversation(
    talk: Talk, joined: QueueEntry, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    talk.hang_up("one")
    assert switchboard.moves == [("hang_up", joined.leg)]
    assert state(queue)[0] == "done"


def test_ending_a_conversation_on_hold_ends_the_callers_line_too(
    talk: Talk, joined: QueueEntry, queue: AgentQueue, switchboard: FakeSwitchboard
) -> None:
    talk.hold("one")
    talk.hang_up("one")
    assert switchboard.moves[-2:] == [("hang_up", joined.channel), ("hang_up", joined.leg)]
    assert state(queue)[0] == "done"


@pytest.mark.parametrize("move", ["hold", "resume", "give_back", "rate", "hang_up", "end_consult"])
def test_nobody_moves_a_caller_who_does_not_talk(
    talk: Talk, queue: AgentQueue, switchboard: FakeSwitchboard, move: str
) -> None:
    with pytest.raises(UnknownEntry):
        getattr(talk, move)("one")
    queue.enqueue(an_entry("one"))
    with pytest.raises(IllegalTransition):
        getattr(talk, move)("one")
    assert switchboard.moves == []
