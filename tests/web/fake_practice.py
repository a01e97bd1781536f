"""A stand-in for practice calls, which need a telephone switch (``tests/calls`` has a real one)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bot.agents.types import JoinResult
from bot.training.room import PracticeRefused, PracticeView, Stage
from bot.training.types import Answer
from bot.understanding.scenarios import Scenario


@dataclass
class FakePracticeCalls:
    """Remembers what it was told; a test moves the practice on."""

    views: dict[str, PracticeView] = field(default_factory=dict)
    done: list[tuple[str, ...]] = field(default_factory=list)
    filed: list[Answer] = field(default_factory=list)
    refusal: str = ""

    def begin(self, trainee: str, extension: str, scenario: Scenario) -> str:
        if self.refusal:
            raise PracticeRefused(self.refusal)
        id = f"10000000000{len(self.views)}"
        self.views[id] = PracticeView(id, trainee, scenario, Stage.WAITING, 0.0)
        self.done.append(("begin", extension, scenario.id))
        return id

    def current(self, trainee: str) -> PracticeView | None:
        return next((one for one in self.views.values() if one.trainee == trainee), None)

    def view(self, trainee: str, id: str) -> PracticeView:
        found = self.views.get(id)
        if found is None or found.trainee != trainee:
            raise PracticeRefused("没有这个练习。")
        return found

    def move(self, id: str, stage: Stage, **more: object) -> None:
        self.views[id] = replace(self.views[id], stage=stage, **more)  # type: ignore[arg-type]

    def claim(self, trainee: str, id: str) -> JoinResult:
        self.move(id, Stage.TALKING)
        return JoinResult.JOINED

    def hang_up(self, trainee: str, id: str) -> None:
        self.done.append(("hang_up", id))

    def file(self, trainee: str, id: str, answer: Answer) -> None:
        if self.view(trainee, id).stage is Stage.WAITING:
            raise PracticeRefused("请先接听来电，再提交工单。")
        self.filed.append(answer)

    def give_up(self, trainee: str, id: str) -> None:
        self.done.append(("give_up", id))
