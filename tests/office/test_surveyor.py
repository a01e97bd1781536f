"""回访: whom the line calls, when, and what a try that reaches nobody leads to."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.casework.surveys import Asking
from bot.surveyor import LOST, Surveyor
from bot.telephony.ringing import CallOut

FIRST = Asking("261125000016", "13700137000", "停水", "", "市自来水集团", 0, "t1")
SECOND = Asking("261125000024", "13700137001", "噪声", "", "街道", 0, "t2")


@dataclass
class Register:
    """Stands in for ``Surveys``: who is due, and what was recorded."""

    asked: list[Asking]
    tries: list[tuple[str, str]] = field(default_factory=list)

    def due(self, by: str) -> list[Asking]:
        return self.asked

    def attempt(self, number: str, outcome: str, by: object, channel: str = "phone") -> None:
        self.tries.append((number, outcome))


@dataclass
class Exchange:
    """Stands in for Asterisk: every call goes the same way."""

    result: CallOut
    calls: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __call__(
        self, number: str, context: str, variables: dict[str, str], timeout: float
    ) -> tuple[CallOut, str]:
        self.calls.append((number, variables))
        return self.result, ""


def surveyor(register: Register, exchange: Exchange, **options: object) -> Surveyor:
    return Surveyor(register, exchange, "12345", **options)  # type: ignore[arg-type]


def test_each_citizen_who_is_due_is_called_and_told_apart_by_ticket() -> None:
    exchange = Exchange(CallOut.ANSWERED)
    assert surveyor(Register([FIRST, SECOND]), exchange).look() == 2
    assert [number for number, _ in exchange.calls] == ["13700137000", "13700137001"]
    assert exchange.calls[0][1]["HOTLINE_RATED"] == FIRST.number


def test_a_try_that_reaches_nobody_is_recorded() -> None:
    register = Register([FIRST])
    surveyor(register, Exchange(CallOut.NO_ANSWER)).look()
    assert register.tries == [(FIRST.number, "no_answer")]


def test_who_is_talking_now_is_not_called_again_unless_the_conversation_was_lost() -> None:
    register, exchange, now = Register([FIRST]), Exchange(CallOut.ANSWERED), [0.0]
    calls = surveyor(register, exchange, clock=lambda: now[0])
    assert (calls.look(), calls.look()) == (1, 0)
    assert register.tries == []
    now[0] = LOST + 1
    assert calls.look() == 1


def test_nobody_is_called_while_callers_wait_for_an_agent() -> None:
    exchange = Exchange(CallOut.ANSWERED)
    assert surveyor(Register([FIRST]), exchange, busy=lambda: True).look() == 0
    assert exchange.calls == []
