"""A synthetic citizen hears real speech and silence on a recording's own clock."""

from __future__ import annotations

from collections import deque
from itertools import pairwise

import pytest

from bot.config import CHECKOUT
from bot.speech.audio import read_wav
from bot.speech.types import LINE_RATE
from bot.synthetic_citizen import SyntheticCitizen
from bot.training.citizen import Citizen
from bot.training.types import Said
from bot.understanding.pack import Pack
from bot.understanding.scenarios import Coaching, Scenario

TRAINEE = CHECKOUT / "tests" / "fixtures" / "trainee"
#: Seconds of recording that pass between two looks.
STEP = 0.5


def silence(seconds: float) -> bytes:
    return bytes(int(seconds * LINE_RATE) * 2)


class FakePhone:
    """A phone whose recording grows by ``STEP`` a look, and ends with its sound."""

    def __init__(self, sound: bytes) -> None:
        self._sound = sound
        self._until = 0
        self.spoken: list[bytes] = []
        self.hung_up = False

    @property
    def state(self) -> str:
        return "ended" if self.hung_up or self._until >= len(self._sound) else "answered"

    def heard(self, since: int = 0) -> bytes:
        self._until += int(STEP * LINE_RATE) * 2
        return self._sound[since : self._until]

    def speak(self, sound: bytes) -> None:
        self.spoken.append(sound)

    def wait_spoken(self, timeout: float) -> None:
        pass

    def hangup(self) -> None:
        self.hung_up = True


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.synthetic_citizen.LOOK", 0.0)


@pytest.fixture
def citizen(pack: Pack, coaching: Coaching, no_water: Scenario) -> Citizen:
    return Citizen(no_water, coaching, pack.gazetteer)


def conversation(
    citizen: Citizen, sound: bytes, *words: str, reply: float = 0.4
) -> tuple[list[Said], FakePhone]:
    said: list[Said] = []
    phone, texts = FakePhone(sound), deque(words)
    one = SyntheticCitizen(
        phone, citizen, lambda text: silence(reply), lambda pcm: texts.popleft(), said.append
    )
    one.converse(since=0)
    assert not texts, "more was said than heard"
    return said, phone


def test_a_greeting_is_heard_whole_and_answered_with_why_they_call(
    citizen: Citizen, no_water: Scenario
) -> None:
    sound = silence(1) + read_wav(TRAINEE / "greeting.wav") + silence(3)
    said, phone = conversation(citizen, sound, "您好，市民热线，请问有什么可以帮您")
    assert [(one.who, one.text) for one in said] == [
        ("agent", "您好，市民热线，请问有什么可以帮您"),
        ("citizen", no_water.opening),
    ]
    assert 0.5 <= said[0].at <= 1.5
    assert len(phone.spoken) == 1


def test_good_bye_ends_the_call_after_their_own(citizen: Citizen, no_water: Scenario) -> None:
    sound = (
        read_wav(TRAINEE / "greeting.wav")
        + silence(4)
        + read_wav(TRAINEE / "farewell.wav")
        + silence(20)
    )
    said, phone = conversation(citizen, sound, "您好", "感谢您的来电，再见")
    assert said[-1].text == no_water.goodbye
    assert phone.hung_up


def test_met_with_silence_they_speak_up_and_at_last_hang_up(
    citizen: Citizen, no_water: Scenario
) -> None:
    said, phone = conversation(citizen, silence(60))
    assert [one.text for one in said] == [no_water.opening, *citizen.temper.waiting]
    assert phone.hung_up
    waits = [later.at - one.at for one, later in pairwise(said)]
    assert all(wait >= citizen.temper.patience for wait in waits)


def test_their_own_long_words_are_not_taken_for_the_agents_silence(citizen: Citizen) -> None:
    said, _ = conversation(citizen, silence(12), reply=30.0)
    assert len(said) == 1
