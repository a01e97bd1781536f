"""What callers are told while they wait, and when."""

from __future__ import annotations

from pathlib import Path

import pytest
from queue_world import FakeSwitchboard, RedisServer, an_entry

from bot.agents.desk import Desk
from bot.agents.presence import AgentState
from bot.agents.queue import AgentQueue
from bot.agents.types import EntryKind, EntryState, Stop
from bot.telephony import waiting
from bot.telephony.waiting import Announcer, announcement


class Prompts:
    """A pack's sentences."""

    def __init__(self) -> None:
        self.texts = {
            "no_agent": "没有坐席。",
            "next_in_line": "您是下一位。",
            "position": "前面还有{position}位。",
            "expected_wait": "大约{minutes}分钟。",
            "callback_offer": "按一回电。",
        }

    def prompt(self, id: str, **values: str) -> str:
        return self.texts[id].format(**values)


@pytest.mark.parametrize(
    ("position", "wait", "staffed", "callback", "said"),
    [
        (1, None, True, False, "您是下一位。"),
        (1, 20.0, True, True, "您是下一位。大约1分钟。按一回电。"),
        (4, 121.0, True, False, "前面还有3位。大约3分钟。"),
        (4, 3700.0, True, False, "前面还有3位。"),
        (2, None, False, True, "没有坐席。前面还有1位。按一回电。"),
    ],
)
def test_a_caller_is_told_where_they_stand(
    position: int, wait: float | None, staffed: bool, callback: bool, said: str
) -> None:
    assert announcement(Prompts(), position, wait, staffed=staffed, callback=callback) == said


def test_a_sentence_that_the_pack_lacks_is_left_out() -> None:
    few = Prompts()
    few.texts = {"next_in_line": "您是下一位。"}
    assert announcement(few, 1, 60.0, staffed=False, callback=True) == "您是下一位。"


@pytest.fixture
def desk(redis_server: RedisServer, switchboard: FakeSwitchboard) -> Desk:
    return Desk(AgentQueue(redis_server.url), switchboard, 20.0)


@pytest.fixture
def live_queue(redis_server: RedisServer) -> AgentQueue:
    return AgentQueue(redis_server.url)


class Watch:
    """The announcer's clock."""

    now = 1000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch()
    monkeypatch.setattr(waiting, "time", watch)
    return watch


@pytest.fixture
def announcer(desk: Desk, live_queue: AgentQueue, tmp_path: Path, watch: Watch) -> Announcer:
    return Announcer(desk, live_queue, lambda _: bytes(1600), Prompts, tmp_path / "s", 30.0)


def test_each_caller_hears_it_after_a_while_and_then_again(
    announcer: Announcer, live_queue: AgentQueue, switchboard: FakeSwitchboard, watch: Watch
) -> None:
    entry = an_entry("one")
    live_queue.enqueue(entry)
    for seconds in (0, 29, 1, 29, 1):
        watch.now += seconds
        announcer.look()
    assert switchboard.moves == [("send", entry.channel, Stop.ANNOUNCE)] * 2


def test_who_is_being_answered_or_called_back_hears_nothing(
    announcer: Announcer, live_queue: AgentQueue, switchboard: FakeSwitchboard, watch: Watch
) -> None:
    live_queue.enqueue(an_entry("rings"))
    live_queue.enqueue(an_entry("back", kind=EntryKind.CALLBACK))
    announcer.look()
    live_queue.presence.choose("8001", AgentState.ON_DUTY)
    live_queue.claim("8001", "rings")
    watch.now += 60
    announcer.look()
    assert switchboard.moves == []


def test_the_key_counts_only_after_the_offer(
    announcer: Announcer, live_queue: AgentQueue, switchboard: FakeSwitchboard, watch: Watch
) -> None:
    live_queue.enqueue(an_entry("one"))
    announcer.look()
    announcer.key_pressed("one", "1")
    watch.now += 60
    announcer.look()
    announcer.key_pressed("one", "2")
    entry = live_queue.get("one")
    assert entry is not None
    assert entry.kind is EntryKind.CALL
    announcer.key_pressed("one", "1")
    booked = live_queue.get("one")
    assert booked is not None
    assert (booked.kind, booked.state, booked.phone) == (
        EntryKind.CALLBACK,
        EntryState.WAITING,
        booked.caller,
    )


def test_a_switch_that_is_away_costs_an_announcement_and_nothing_more(
    announcer: Announcer, live_queue: AgentQueue, switchboard: FakeSwitchboard, watch: Watch
) -> None:
    live_queue.enqueue(an_entry("one"))
    announcer.look()
    watch.now += 60
    switchboard.down = True
    announcer.look()
    assert live_queue.waiting_count() == 1


def test_the_same_sentence_is_rendered_once(
    announcer: Announcer, live_queue: AgentQueue, watch: Watch, tmp_path: Path
) -> None:
    live_queue.enqueue(an_entry("one"))
    announcer.look()
    for _ in range(3):
        watch.now += 60
        announcer.look()
    assert len(list((tmp_path / "s").glob("*.wav"))) == 1
