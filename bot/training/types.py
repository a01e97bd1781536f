"""What a trainee does and what it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """Ways of training."""

    CALL = "call"
    """A conversation with a synthetic citizen."""
    DRILL = "drill"
    """A recording, or its words, to be classified."""


class Field(StrEnum):
    """Parts of the work that are scored, in the order in which they are told."""

    INTENT = "intent"
    UNIT = "unit"
    URGENCY = "urgency"
    HANDLING = "handling"
    PLACE = "place"
    TIME = "time"
    PHONE = "phone"
    ANSWERING = "answering"
    DURATION = "duration"
    GREETING = "greeting"
    CALMING = "calming"
    READ_BACK = "read_back"
    FAREWELL = "farewell"


FIELD_NAMES = {
    Field.INTENT: "诉求分类",
    Field.UNIT: "承办单位",
    Field.URGENCY: "紧急程度",
    Field.HANDLING: "处理方式",
    Field.PLACE: "地点",
    Field.TIME: "时间",
    Field.PHONE: "联系电话",
    Field.ANSWERING: "接听速度",
    Field.DURATION: "处理时长",
    Field.GREETING: "问候",
    Field.CALMING: "安抚情绪",
    Field.READ_BACK: "复述核对",
    Field.FAREWELL: "结束语",
}
HANDLINGS = {"filed": "登记工单", "answered": "当场解答", "transferred": "转紧急电话"}
LEVELS = {1: "入门", 2: "进阶", 3: "较难"}
URGENCIES = {"low": "一般", "normal": "普通", "high": "较急", "urgent": "紧急"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a trainee makes of a call."""

    intent: str = ""
    """Id."""
    unit: str = ""
    """Id."""
    urgency: str = ""
    handling: str = ""
    place: str = ""
    time: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """One thing said in a practice call."""

    who: str
    """``citizen`` or ``agent``."""
    text: str
    at: float
    """Seconds since the answer."""


@dataclass(frozen=True, slots=True)
class Talked:
    """How a practice call went, beside what was filed."""

    said: Sequence[Said] = ()
    answering: float | None = None
    """Seconds from the first ring to the answer; None when it was not answered."""
    duration: float | None = None
    """Seconds from the answer to the filing."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What one part of the work was worth."""

    field: Field
    points: float
    most: float
    given: str
    """What the trainee gave, in Chinese."""
    wanted: str
    """What was wanted, in Chinese."""
    advice: str = ""
    """How to do better; "" when there is nothing to do better."""

    @property
    def full(self) -> bool:
        """Whether nothing was lost."""
        return self.points >= self.most


@dataclass(frozen=True, slots=True)
class Score:
    """All marks of one practice."""

    marks: tuple[Mark, ...]
    passing: float
    why: str = ""
    """Why the right answer is right, in Chinese."""
    total: float = field(init=False)
    """Out of 100."""

    def __post_init__(self) -> None:
        most = sum(mark.most for mark in self.marks)
        points = sum(mark.points for mark in self.marks)
        object.__setattr__(self, "total", round(100 * points / most, 1) if most else 0.0)

    @property
    def passed(self) -> bool:
        """Whether it is good enough."""
        return self.total >= self.passing
