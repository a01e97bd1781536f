"""What the pages of training are made of, and the port of practice calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bot.agents.types import JoinResult
from bot.training.records import TrainingRecords
from bot.training.types import Answer
from bot.understanding.scenarios import Scenario, Temper


class Stage(StrEnum):
    """Where a practice call stands."""

    CALLING = "calling"
    """The synthetic citizen dials."""
    WAITING = "waiting"
    """They wait in the practice queue."""
    TALKING = "talking"
    ENDED = "ended"
    """The talk is over, the ticket not sent."""
    SCORED = "scored"
    FAILED = "failed"
    """The practice could not go on; nothing is scored."""


@dataclass(frozen=True, slots=True)
class PracticeView:
    """A practice call as its trainee sees it."""

    id: str
    trainee: str
    scenario: Scenario
    stage: Stage
    since: float
    """Unix time of the last change of stage, seconds."""
    filed: bool = False
    result: int = 0
    """Id of what was kept, once scored."""
    trouble: str = ""
    """What went wrong, in Chinese."""


class PracticeRefused(Exception):  # noqa: N818
    """A practice call cannot be had now; the message is Chinese and says what to do."""


class PracticeCalls(Protocol):
    """Practice calls (implemented by ``bot/practice.py``). Thread-safe.

    Methods that take an id raise PracticeRefused when there is no such practice of this
    trainee any more.
    """

    def begin(self, trainee: str, extension: str, scenario: Scenario) -> str:
        """Have a synthetic citizen call; return the practice's id.

        Raises:
            PracticeRefused: they have one already, or there is no room for more.
        """

    def current(self, trainee: str) -> PracticeView | None:
        """Return the practice that a trainee has not finished."""

    def view(self, trainee: str, id: str) -> PracticeView:
        """Return a practice as it stands."""

    def claim(self, trainee: str, id: str) -> JoinResult:
        """Ring the trainee's telephone and join them with the citizen. Blocks."""

    def hang_up(self, trainee: str, id: str) -> None:
        """End the talk."""

    def file(self, trainee: str, id: str, answer: Answer) -> None:
        """Send the ticket; the score follows as soon as the talk is over."""

    def give_up(self, trainee: str, id: str) -> None:
        """End the practice without a score."""


@dataclass(frozen=True)
class TrainingRoom:
    """Everything that training needs of the line."""

    records: TrainingRecords
    speak: Callable[[Temper, str], bytes]
    """What a citizen of that temper says (slin, 8 kHz). Blocks; may raise SpeechError."""
    calls: PracticeCalls
