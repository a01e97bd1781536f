"""Overhearing a conversation: what is heard, when it was said, and that nothing is harmed."""

from __future__ import annotations

import numpy as np
import pytest
from telephony.scripted import FRAME, SILENCE, LoudnessVad, ScriptedLine, voice_like

from bot.agents.types import SwitchboardError
from bot.speech.endpointing import Endpointer, EndpointSettings
from bot.telephony.tap import Overheard, Taps


class Spy:
    """A switchboard that notes which legs it is to spy on."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.refuses = False

    def __call__(self, leg: str, ear: str) -> None:
        if self.refuses:
            raise SwitchboardError("That telephone line has ended already.")
        self.asked.append((leg, ear))


@pytest.fixture
def spy() -> Spy:
    return Spy()


@pytest.fixture
def taps(spy: Spy) -> Taps:
    return Taps(spy, lambda: Endpointer(EndpointSettings(), LoudnessVad()), clock=lambda: 1000.0)


def quiet(seconds: float) -> list[bytes]:
    return [SILENCE] * round(seconds / FRAME)


async def test_what_a_side_says_is_told_with_its_sound_and_when_it_began(
    taps: Taps, spy: Spy
) -> None:
    heard: list[Overheard] = []
    await taps.open("PJSIP/8001-1", "agent", heard.append)
    ((leg, ear),) = spy.asked
    assert leg == "PJSIP/8001-1"
    line = ScriptedLine([*quiet(1.0), *voice_like(1.0), *quiet(2.0), *voice_like(0.5)], lost_at=400)
    assert await taps.arrive(ear, line)
    assert [(one.who, one.rate) for one in heard] == [("agent", 8000)] * 2
    # The clock stands still: an utterance is known a second and a half after it began.
    assert heard[0].at == pytest.approx(1000 - 1.68, abs=0.1)
    assert len(heard[0].pcm) / 2 / 8000 == pytest.approx(0.3 + 1.0 + 0.68, abs=0.15)
    assert np.abs(np.frombuffer(heard[0].pcm, "<i2")).max() > 3000
    assert set(line.sent) == {SILENCE}
    assert line.closed


async def test_the_last_words_before_a_leg_ends_are_heard(taps: Taps, spy: Spy) -> None:
    heard: list[Overheard] = []
    await taps.open("leg", "caller", heard.append)
    await taps.arrive(spy.asked[0][1], ScriptedLine([*quiet(0.5), *voice_like(0.8)], lost_at=60))
    assert len(heard) == 1


async def test_on_hold_nobody_is_overheard(taps: Taps, spy: Spy) -> None:
    heard: list[Overheard] = []
    line = ScriptedLine([*voice_like(1.0), *quiet(1.0), *voice_like(1.0)], lost_at=250)
    await taps.open("leg", "caller", heard.append, deaf=lambda: len(line.sent) > 80)
    await taps.arrive(spy.asked[0][1], line)
    assert len(heard) == 1


async def test_a_leg_that_cannot_be_had_is_one_that_says_nothing(taps: Taps, spy: Spy) -> None:
    spy.refuses = True
    heard: list[Overheard] = []
    tap = await taps.open("leg", "caller", heard.append)
    tap.close()
    assert heard == []


async def test_a_tap_that_is_closed_hears_no_more_but_tells_what_it_had(
    taps: Taps, spy: Spy
) -> None:
    heard: list[Overheard] = []
    tap = await taps.open("leg", "caller", heard.append)
    line = ScriptedLine([*voice_like(1.0), *quiet(2.0), *voice_like(1.0)], keys={})
    tick = line.tick

    async def closing_tick() -> object:
        if len(line.sent) == 40:
            tap.close()
        return await tick()

    line.tick = closing_tick  # type: ignore[method-assign, assignment]
    await taps.arrive(spy.asked[0][1], line)
    assert line.closed
    assert len(line.sent) <= 41
    assert len(heard) == 1


async def test_a_sound_that_nobody_asked_for_is_not_listened_to(taps: Taps, spy: Spy) -> None:
    await taps.open("leg", "caller", lambda _: None)
    assert not await taps.arrive("somebody-else", ScriptedLine([]))
    assert await taps.arrive(spy.asked[0][1], ScriptedLine([], lost_at=1))
    assert not await taps.arrive(spy.asked[0][1], ScriptedLine([]))
