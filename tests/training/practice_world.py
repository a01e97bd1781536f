"""Practice calls over a real Redis and a real database; telephone and switch are stand-ins."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from queue_world import FakeSwitchboard

from bot.agents.queue import AgentQueue
from bot.casework.storage import open_engine
from bot.casework.versions import prepare
from bot.practice import PREFIX, PracticeHall
from bot.telephony.phone import PhoneError
from bot.training.records import TrainingRecords
from bot.training.room import PracticeView, Stage
from bot.understanding.pack import Pack


class FakePhone:
    """A synthetic citizen's phone that hears silence and stays in its call until told."""

    def __init__(self, caller: str, trouble: str = "") -> None:
        self.caller = caller
        self.trouble = trouble
        self.state = "idle"
        self.dialled = ""

    def __enter__(self) -> FakePhone:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.state = "ended"

    def call(self, number: str) -> None:
        if self.trouble:
            raise PhoneError(self.trouble)
        self.dialled, self.state = number, "answered"

    def wait_answered(self, timeout: float) -> None:
        pass

    def heard(self, since: int = 0) -> bytes:
        return b""

    def speak(self, sound: bytes) -> None:
        pass

    def wait_spoken(self, timeout: float) -> None:
        pass

    def hangup(self) -> None:
        self.state = "ended"


class PracticeSwitch(FakeSwitchboard):
    """A switch on which the synthetic citizens are found."""

    def __init__(self) -> None:
        super().__init__()
        self.phones_of: list[FakePhone] = []

    def practising(self, number: str) -> str:
        known = [one for one in self.phones_of if one.dialled == number]
        return f"PJSIP/practice-{number}" if known else ""

    def hang_up(self, leg: str) -> None:
        super().hang_up(leg)
        for phone in self.phones_of:
            phone.state = "ended"


@dataclass
class World:
    """The hall under test."""

    hall: PracticeHall
    switch: PracticeSwitch
    records: TrainingRecords
    real_queue: AgentQueue
    phone_trouble: list[str]
    busy: threading.Event

    def phone(self) -> FakePhone:
        return self.switch.phones_of[-1]

    def reaches(self, trainee: str, id: str, *stages: Stage) -> PracticeView:
        """The practice, once it has come that far."""

        def there() -> PracticeView | None:
            view = self.hall.view(trainee, id)
            return view if view.stage in stages else None

        found: PracticeView = eventually(there)
        return found


def eventually(look: Callable[[], Any], timeout: float = 10.0) -> Any:
    until = time.monotonic() + timeout
    while not (found := look()):
        assert time.monotonic() < until, "it never came so far"
        time.sleep(0.01)
    return found


def make_world(folder: Path, redis_url: str, pack: Pack) -> World:
    engine = open_engine(f"sqlite:///{folder / 'practice.db'}")
    prepare(engine)
    records, switch, trouble, busy = (
        TrainingRecords(engine),
        PracticeSwitch(),
        [""],
        threading.Event(),
    )
    queue = AgentQueue(redis_url, prefix=PREFIX)

    def phone(caller: str) -> FakePhone:
        made = FakePhone(caller, trouble[0])
        switch.phones_of.append(made)
        return made

    hall = PracticeHall(
        queue,
        switch,
        cast(Any, phone),
        lambda temper, text: bytes(320),
        lambda pcm: "",
        records,
        lambda: pack,
        ring_seconds=5.0,
        busy=busy.is_set,
    )
    return World(hall, switch, records, AgentQueue(redis_url), trouble, busy)
