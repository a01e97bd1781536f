"""When does the caller begin to speak, and when have they finished?

Time is counted in frames of the stream, never by a wall clock, so a recording gives the
same result at any speed. Leaves to others: what is speech (``vad.py``), what is our own echo
(``echo.py``), what was said (``ears.py``), and how long a pause may be (``turns.py``).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from bot.speech.echo import STRETCH, Echo, is_hum
from bot.speech.halfband import Narrower
from bot.speech.types import LINE_RATE
from bot.speech.vad import CHUNK_SECONDS, Vad, chunk_bytes


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """Thresholds of turn-taking. Times in seconds, probabilities 0 to 1."""

    speech: float = 0.5
    """At least this probable: voiced."""
    silence: float = 0.35
    """Less probable than this: not voiced. Between the two: as before."""
    onset: float = 0.096
    """Voiced time that begins an utterance while nobody else speaks."""
    onset_over_prompt: float = 0.096
    """Voiced time that begins one while our own prompt plays (barge-in)."""
    hum_over_prompt: float = 0.48
    """Voiced time after which even a hum does; "嗯" alone is shorter."""
    pause: float = 0.128
    """Silence after which decoding may start on a guess that it was the end. Longer than the
    closure of a consonant; of 90 synthetic sentences 4 have such a gap inside, 3 one of 192 ms."""
    end: float = 0.68
    """Silence that ends an utterance, unless ``Endpointer.end_after`` says otherwise."""
    longest: float = 15.0
    """An utterance is cut here, whatever is said."""
    pre_roll: float = 0.3
    """Sound kept from before the onset, since words begin softly."""


@dataclass(frozen=True, slots=True)
class SpeechSuspected:
    """Somebody hums over the prompt: "嗯", or the beginning of a word. The prompt may pause."""


@dataclass(frozen=True, slots=True)
class SpeechDismissed:
    """It was only a hum. The prompt may go on."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The caller has begun to speak."""

    at: float
    """Seconds of the stream where the speech began."""


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """The caller is silent and may have finished."""


@dataclass(frozen=True, slots=True)
class SpeechResumed:
    """The caller goes on after a pause."""


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The caller has finished an utterance."""

    pcm: bytes
    """All of it, with pre-roll and the silence at its end: slin, at the endpointer's rate."""
    start: float
    """Seconds of the stream where the speech began."""
    end: float
    """Seconds of the stream where the last voiced sound ended."""


EndpointEvent = (
    SpeechSuspected | SpeechDismissed | SpeechStarted | SpeechPaused | SpeechResumed | SpeechEnded
)


class Endpointer:
    """Follows one caller's sound: slin of ``rate`` samples per second, 8000 or 16000.

    Echo and hums are looked for below 4 kHz, where all of a voice is that tells them.
    """

    def __init__(self, settings: EndpointSettings, vad: Vad, rate: int = LINE_RATE) -> None:
        self.rate = rate
        self._chunk_bytes = chunk_bytes(rate)
        self._narrow_in, self._narrow_out = Narrower(rate), Narrower(rate)
        self._settings = settings
        self._vad = vad
        self._pending = bytearray()
        self._chunks = 0
        self._echo = Echo()
        self._end = settings.end
        window = round(settings.hum_over_prompt / CHUNK_SECONDS) + 1
        self._recent: deque[bool] = deque([False] * window, maxlen=window)
        self._before: deque[bytes] = deque(maxlen=round(settings.pre_roll / CHUNK_SECONDS) + window)
        self._narrow_before: deque[bytes] = deque(maxlen=self._before.maxlen)
        self._utterance: bytearray | None = None
        self._start = 0.0
        self._voiced_until = 0.0
        self._voiced = False
        self._paused = False
        self._suspected = False

    @property
    def now(self) -> float:
        """Seconds of the stream so far, in whole chunks."""
        return self._chunks * CHUNK_SECONDS

    def audio_so_far(self) -> bytes:
        """The sound of the utterance in progress; empty when there is none."""
        return bytes(self._utterance or b"")

    @property
    def silence(self) -> float:
        """Seconds since the last voiced sound of the utterance in progress; 0 without one."""
        return 0.0 if self._utterance is None else self.now - self._voiced_until

    def played(self, frame: bytes) -> None:
        """Note what goes to the caller now, to know its echo."""
        self._echo.played(self._narrow_out.narrow(frame))

    def end_after(self, silence: float) -> None:
        """Let the utterance in progress end after this much silence, in seconds."""
        self._end = silence

    def feed(self, frame: bytes, *, prompt_playing: bool = False) -> EndpointEvent | None:
        """Take the next sound (any length up to 32 ms); say what happened."""
        self._pending += frame
        if len(self._pending) < self._chunk_bytes:
            return None
        chunk = bytes(self._pending[: self._chunk_bytes])
        del self._pending[: self._chunk_bytes]
        narrow = self._narrow_in.narrow(chunk)
        probability = self._vad.probability(chunk)
        threshold = self._settings.silence if self._voiced else self._settings.speech
        self._voiced = probability >= threshold
        self._chunks += 1
        if self._utterance is None:
            self._before.append(chunk)
            self._narrow_before.append(narrow)
            return self._wait(prompt_playing)
        return self._follow(chunk)

    def _wait(self, prompt_playing: bool) -> EndpointEvent | None:
        settings = self._settings
        needed = settings.onset_over_prompt if prompt_playing else settings.onset
        count = round(needed / CHUNK_SECONDS)
        theirs = self._voiced and not self._is_ours()
        self._recent.append(theirs)
        # One doubtful chunk among them is forgiven over a prompt, none without.
        window = list(self._recent)[-(count + prompt_playing) :]
        if not theirs or sum(window) < count:
            if self._suspected and not theirs:
                self._suspected = False
                return SpeechDismissed()
            return None
        if prompt_playing and self._only_hums():
            already, self._suspected = self._suspected, True
            return None if already else SpeechSuspected()
        first = window.index(True)
        self._start = self.now - (len(window) - first) * CHUNK_SECONDS
        keep = len(window) - first + round(settings.pre_roll / CHUNK_SECONDS)
        if self._suspected:
            keep += round(settings.hum_over_prompt / CHUNK_SECONDS)
        self._utterance = bytearray(b"".join(list(self._before)[-keep:]))
        self._voiced_until = self.now
        self._paused = self._suspected = False
        self._end = settings.end
        return SpeechStarted(self._start)

    def _is_ours(self) -> bool:
        """Whether the latest sound is the echo of what we play."""
        count = round(STRETCH / CHUNK_SECONDS)
        return self._echo.covers(b"".join(list(self._narrow_before)[-count:]))

    def _only_hums(self) -> bool:
        """Whether the sound since the onset is a hum that is still short."""
        run = list(self._recent)
        voiced = next((n for n, one in enumerate(reversed(run)) if not one), len(run))
        if voiced >= round(self._settings.hum_over_prompt / CHUNK_SECONDS):
            return False
        return is_hum(b"".join(list(self._narrow_before)[-voiced:]))

    def _follow(self, chunk: bytes) -> EndpointEvent | None:
        assert self._utterance is not None
        self._utterance += chunk
        if self._voiced:
            self._voiced_until = self.now
        silence = self.now - self._voiced_until
        too_long = len(self._utterance) / 2 / self.rate >= self._settings.longest
        if silence >= self._end - CHUNK_SECONDS / 2 or too_long:
            ended = SpeechEnded(bytes(self._utterance), self._start, self._voiced_until)
            self._utterance = None
            self._before.clear()
            self._narrow_before.clear()
            self._recent.extend([False] * len(self._recent))
            return ended
        if self._paused and self._voiced:
            self._paused = False
            return SpeechResumed()
        if not self._paused and silence >= self._settings.pause - CHUNK_SECONDS / 2:
            self._paused = True
            return SpeechPaused()
        return None
