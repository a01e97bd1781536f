from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from queue_world import Clock, an_entry

from bot.agents.presence import GONE_AFTER, AgentState
from bot.agents.queue import AgentQueue


def state(queue: AgentQueue, agent: str = "8001") -> AgentState | None:
    found = queue.presence.get(agent)
    return found.state if found else None


def talk(queue: AgentQueue, agent: str = "8001") -> str:
    entry = an_entry()
    queue.enqueue(entry)
    queue.claim(agent, entry.id)
    queue.join(entry.id)
    return entry.id


def test_an_agent_goes_through_a_conversation_by_itself(queue: AgentQueue) -> None:
    queue.presence.choose("8001", AgentState.ON_DUTY)
    seen = [state(queue)]
    queue.enqueue(an_entry("one"))
    queue.claim("8001")
    seen.append(state(queue))
    queue.join("one")
    seen.append(state(queue))
    queue.close("one", "done")
    seen.append(state(queue))
    queue.presence.choose("8001", AgentState.ON_DUTY)
    seen.append(state(queue))
    assert seen == ["on_duty", "ringing", "talking", "wrap_up", "on_duty"]


def test_an_agent_who_did_not_answer_is_on_duty_again(queue: AgentQueue) -> None:
    queue.presence.choose("8001", AgentState.ON_DUTY)
    queue.enqueue(an_entry("one"))
    queue.claim("8001")
    queue.release("one")
    assert state(queue) is AgentState.ON_DUTY


def test_a_break_chosen_while_talking_begins_afterwards(queue: AgentQueue) -> None:
    queue.presence.choose("8001", AgentState.ON_DUTY)
    entry = talk(queue)
    queue.presence.choose("8001", AgentState.BREAK)
    assert state(queue) is AgentState.TALKING
    queue.close(entry, "done")
    assert state(queue) is AgentState.BREAK


def test_an_agent_whose_heartbeat_stops_is_gone_and_comes_back_as_they_were(
    queue: AgentQueue, clock: Clock
) -> None:
    queue.presence.choose("8001", AgentState.ON_DUTY)
    queue.presence.choose("8002", AgentState.ON_DUTY)
    clock.tick(GONE_AFTER)
    queue.presence.beat("8002", "8999")
    clock.tick(1)
    assert queue.presence.sweep() == ["8001"]
    assert queue.presence.sweep() == []
    assert (state(queue), state(queue, "8002")) == (AgentState.GONE, AgentState.ON_DUTY)
    assert queue.presence.staffing().serving == 1
    queue.presence.beat("8001")
    assert state(queue) is AgentState.ON_DUTY
    assert state(queue, "8999") is None


def test_an_agent_who_talks_is_there_without_a_heartbeat(queue: AgentQueue, clock: Clock) -> None:
    queue.presence.choose("8001", AgentState.ON_DUTY)
    talk(queue)
    clock.tick(600)
    assert queue.presence.sweep() == []
    assert state(queue) is AgentState.TALKING


def test_the_time_in_each_state_is_kept_by_the_day_in_china(
    queue: AgentQueue, clock: Clock
) -> None:
    began = datetime(2027, 1, 15, 23, 0, tzinfo=timezone(timedelta(hours=8)))
    clock.now = began.timestamp()
    queue.presence.choose("8001", AgentState.ON_DUTY)
    clock.tick(600)
    entry = talk(queue)
    clock.tick(240.5)
    queue.close(entry, "done")
    clock.tick(60)
    queue.presence.choose("8001", AgentState.BREAK)
    clock.tick(3600)
    queue.presence.choose("8001", AgentState.OFF)
    assert queue.presence.times(began.date()) == {
        "8001": {
            AgentState.OFF: 0.0,
            AgentState.ON_DUTY: 600.0,
            AgentState.RINGING: 0.0,
            AgentState.TALKING: 240.5,
            AgentState.WRAP_UP: 60.0,
        }
    }
    # The break ended after midnight, though in UTC it is still the day before.
    assert datetime.fromtimestamp(clock.now, UTC).date() == began.date()
    after = began.date() + timedelta(days=1)
    assert queue.presence.times(after) == {"8001": {AgentState.BREAK: 3600.0}}


def test_the_time_of_an_agent_who_is_gone_counts_to_the_last_heartbeat(
    queue: AgentQueue, clock: Clock
) -> None:
    queue.presence.choose("8001", AgentState.ON_DUTY)
    clock.tick(100)
    queue.presence.beat("8001")
    clock.tick(500)
    queue.presence.sweep()
    found = queue.presence.get("8001")
    assert found is not None
    assert (found.state, found.since) == (AgentState.GONE, clock.now - 500)


def test_an_agent_can_be_removed_unless_they_talk(queue: AgentQueue) -> None:
    queue.presence.choose("8001", AgentState.ON_DUTY)
    entry = talk(queue)
    assert not queue.presence.forget("8001")
    queue.close(entry, "done")
    assert queue.presence.forget("8001")
    assert queue.presence.all() == []


@pytest.mark.parametrize("extension", ["", "8", "80 01", "8001\nfoo", "a" * 4, "8" * 11])
def test_an_extension_is_a_number(queue: AgentQueue, extension: str) -> None:
    with pytest.raises(ValueError, match="extension"):
        queue.presence.choose(extension, AgentState.ON_DUTY)


def test_nobody_chooses_to_ring(queue: AgentQueue) -> None:
    with pytest.raises(ValueError, match="cannot choose"):
        queue.presence.choose("8001", AgentState.RINGING)


def test_an_agent_is_known_with_their_skills(queue: AgentQueue) -> None:
    queue.presence.teach("8001", ["lang:yue", "field:tax"])
    queue.presence.choose("8001", AgentState.BREAK)
    found = queue.presence.get("8001")
    assert found is not None
    assert found.skills == {"lang:yue", "field:tax"}
    assert (found.duty, found.entry) == (AgentState.BREAK, "")
