"""A synthetic citizen on the telephone: speaks by script and temper, hears by the line's own ears.

Time is that of the phone's recording, so a slow recogniser delays answers but loses no word.
Leaves to others: what they answer (``training/citizen.py``), and the practice around the call
(``practice.py``).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from bot.speech.endpointing import Endpointer, EndpointSettings, SpeechEnded
from bot.speech.types import FRAME_BYTES, LINE_RATE
from bot.speech.vad import SileroVad
from bot.training.citizen import Citizen, Mind, Reply
from bot.training.types import Said

#: Seconds between two looks at what was heard.
LOOK = 0.05
#: Trainees think while they speak: silence that ends what they say, in seconds.
PAUSE = 1.0
#: Seconds that the last words may take to be spoken, beyond their length.
SPOKEN = 5.0


class Telephone(Protocol):
    """What is needed of a phone (``telephony/phone.py``)."""

    @property
    def state(self) -> str:
        """``answered`` while the call lasts."""

    def heard(self, since: int = 0) -> bytes:
        """What was heard from byte ``since`` on (slin)."""

    def speak(self, sound: bytes) -> None:
        """Say something after what is being said."""

    def wait_spoken(self, timeout: float) -> object:
        """Wait until everything was said."""

    def hangup(self) -> None:
        """End the call."""


class SyntheticCitizen:
    """One conversation over a phone that is in a call. Used by one thread."""

    def __init__(
        self,
        phone: Telephone,
        citizen: Citizen,
        speak: Callable[[str], bytes],
        hear: Callable[[bytes], str],
        note: Callable[[Said], None],
    ) -> None:
        """``speak`` and ``hear`` turn words into sound and back; ``note`` is told every turn."""
        self._phone = phone
        self._citizen = citizen
        self._speak = speak
        self._hear = hear
        self._note = note
        self._mind: Mind = citizen.begin()
        self._place = self._origin = 0
        self._quiet_from = 0.0
        """Second of the recording from which on nobody has spoken."""
        self._endpointer = Endpointer(EndpointSettings(end=PAUSE), SileroVad())

    def converse(self, since: int) -> None:
        """Talk until one side hangs up; ``since``: byte of the recording where it began.

        Raises:
            PhoneError, SpeechError: the phone, the voice or the ears failed.
        """
        self._place = self._origin = since
        self._quiet_from = self._now
        while self._phone.state == "answered" and not self._mind.over:
            for pcm in self._utterances():
                self._on_speech(pcm)
            self._on_silence()
            time.sleep(LOOK)

    @property
    def _now(self) -> float:
        return self._place / 2 / LINE_RATE

    def _utterances(self) -> list[bytes]:
        """What the agent has finished saying since the last look."""
        fresh = self._phone.heard(self._place)
        whole = len(fresh) - len(fresh) % FRAME_BYTES
        ended = []
        for start in range(0, whole, FRAME_BYTES):
            self._place += FRAME_BYTES
            talking = self._now < self._quiet_from
            event = self._endpointer.feed(
                fresh[start : start + FRAME_BYTES], prompt_playing=talking
            )
            if isinstance(event, SpeechEnded):
                ended.append(event.pcm)
        if self._endpointer.audio_so_far():
            self._quiet_from = max(self._quiet_from, self._now)
        return ended

    def _on_speech(self, pcm: bytes) -> None:
        said_at = self._at() - len(pcm) / 2 / LINE_RATE
        text = self._hear(pcm).strip()
        if not text:
            return
        self._note(Said("agent", text, round(max(0.0, said_at), 1)))
        self._mind, reply = self._citizen.hear(self._mind, text)
        self._say(reply)

    def _on_silence(self) -> None:
        if self._now - self._quiet_from > self._citizen.temper.patience:
            self._mind, reply = self._citizen.wait(self._mind)
            self._say(reply)

    def _say(self, reply: Reply) -> None:
        if reply.text:
            sound = self._speak(reply.text)
            # What was heard while the words were made is not silence.
            begins = max(self._quiet_from, len(self._phone.heard()) / 2 / LINE_RATE)
            self._phone.speak(sound)
            self._note(Said("citizen", reply.text, round(begins - self._origin / 2 / LINE_RATE, 1)))
            self._quiet_from = begins + len(sound) / 2 / LINE_RATE
            if reply.hang_up:
                self._phone.wait_spoken(len(sound) / 2 / LINE_RATE + SPOKEN)
        if reply.hang_up:
            self._phone.hangup()

    def _at(self) -> float:
        """Seconds since the conversation began."""
        return (self._place - self._origin) / 2 / LINE_RATE
