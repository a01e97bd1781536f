"""When speech begins and ends, told with a detector whose opinion the test decides."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.speech.endpointing import (
    Endpointer,
    EndpointEvent,
    EndpointSettings,
    SpeechDismissed,
    SpeechEnded,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    SpeechSuspected,
)
from bot.speech.types import FRAME_BYTES

FRAME = 0.02


class FakeVad:
    """Reads its opinion off the sound itself: the first sample, in hundredths."""

    def probability(self, chunk: bytes) -> float:
        return int.from_bytes(chunk[:2], "little") / 100


def sound(*parts: tuple[float, float]) -> list[bytes]:
    """Frames of (seconds, probability of speech)."""
    pcm = b"".join(
        round(probability * 100).to_bytes(2, "little") * round(seconds * 8000)
        for seconds, probability in parts
    )
    return [pcm[i : i + FRAME_BYTES] for i in range(0, len(pcm), FRAME_BYTES)]


def events(
    frames: list[bytes], *, prompt_playing: bool = False, settings: EndpointSettings | None = None
) -> list[tuple[float, EndpointEvent]]:
    """What happened, and after how many seconds of sound it was told."""
    endpointer = Endpointer(settings or EndpointSettings(), FakeVad())

    def told() -> Iterator[tuple[float, EndpointEvent]]:
        for number, frame in enumerate(frames, 1):
            event = endpointer.feed(frame, prompt_playing=prompt_playing)
            if event is not None:
                yield round(number * FRAME, 2), event

    return list(told())


def kinds(told: list[tuple[float, EndpointEvent]]) -> list[type]:
    return [type(event) for _, event in told]


def test_an_utterance_starts_pauses_and_ends() -> None:
    told = events(sound((1.0, 0.0), (1.5, 0.9), (1.5, 0.0)))
    assert kinds(told) == [SpeechStarted, SpeechPaused, SpeechEnded]


def test_the_times_of_an_utterance_are_those_of_its_voiced_sound() -> None:
    ended = events(sound((1.0, 0.0), (1.5, 0.9), (1.5, 0.0)))[-1][1]
    assert isinstance(ended, SpeechEnded)
    assert ended.start == pytest.approx(1.0, abs=0.05)
    assert ended.end == pytest.approx(2.5, abs=0.05)


def test_an_utterance_is_over_seven_tenths_of_a_second_after_its_last_sound() -> None:
    at, _ = events(sound((1.0, 0.0), (1.5, 0.9), (1.5, 0.0)))[-1]
    assert at == pytest.approx(3.18, abs=0.06)


@pytest.mark.parametrize("silence", [0.3, 0.45, 0.9, 1.1])
def test_how_long_a_silence_ends_an_utterance_can_be_told_while_it_lasts(silence: float) -> None:
    endpointer = Endpointer(EndpointSettings(), FakeVad())
    for number, frame in enumerate(sound((1.0, 0.0), (1.5, 0.9), (2.0, 0.0)), 1):
        event = endpointer.feed(frame)
        if isinstance(event, SpeechPaused):
            endpointer.end_after(silence)
        if isinstance(event, SpeechEnded):
            assert number * FRAME == pytest.approx(2.5 + silence, abs=0.06)
            return
    raise AssertionError("it never ended")


def test_what_was_told_of_one_silence_is_forgotten_at_the_next_utterance() -> None:
    endpointer = Endpointer(EndpointSettings(), FakeVad())
    ends = []
    told = False
    parts = [(0.5, 0.0), (1.0, 0.9), (1.5, 0.0), (1.0, 0.9), (1.5, 0.0)]
    for number, frame in enumerate(sound(*parts), 1):
        event = endpointer.feed(frame)
        if isinstance(event, SpeechPaused) and not told:
            endpointer.end_after(0.4)
            told = True
        if isinstance(event, SpeechEnded):
            ends.append(number * FRAME)
    assert ends == [pytest.approx(1.9, abs=0.06), pytest.approx(4.68, abs=0.06)]


def test_the_sound_kept_begins_before_the_onset() -> None:
    ended = events(sound((1.0, 0.0), (1.5, 0.9), (1.5, 0.0)))[-1][1]
    assert isinstance(ended, SpeechEnded)
    # 0.3 s before, 1.5 s of speech, 0.68 s after.
    assert len(ended.pcm) / 16000 == pytest.approx(2.48, abs=0.08)


def test_a_pause_inside_a_sentence_does_not_cut_it() -> None:
    told = events(sound((0.5, 0.0), (1.0, 0.9), (0.45, 0.0), (1.0, 0.9), (1.0, 0.0)))
    assert kinds(told) == [SpeechStarted, SpeechPaused, SpeechResumed, SpeechPaused, SpeechEnded]


def test_a_click_is_not_speech() -> None:
    assert events(sound((0.5, 0.0), (0.06, 0.95), (2.0, 0.0))) == []


def test_a_click_over_a_prompt_does_not_stop_it() -> None:
    assert events(sound((0.5, 0.0), (0.06, 0.95), (2.0, 0.0)), prompt_playing=True) == []


def test_speech_over_a_prompt_is_noticed_within_a_fifth_of_a_second() -> None:
    at, started = events(sound((0.5, 0.0), (1.0, 0.9), (1.0, 0.0)), prompt_playing=True)[0]
    assert isinstance(started, SpeechStarted)
    assert at - 0.5 <= 0.18


def test_doubtful_sound_neither_begins_nor_ends_an_utterance() -> None:
    assert events(sound((3.0, 0.45))) == []
    told = events(sound((1.0, 0.9), (1.0, 0.45), (1.0, 0.9)))
    assert kinds(told) == [SpeechStarted]


def test_someone_who_never_stops_is_cut_at_the_longest_utterance() -> None:
    told = events(sound((40.0, 0.9)), settings=EndpointSettings(longest=10.0))
    lengths = [len(e.pcm) / 16000 for _, e in told if isinstance(e, SpeechEnded)]
    assert len(lengths) >= 3
    assert all(length == pytest.approx(10.0, abs=0.1) for length in lengths)


@given(st.lists(st.tuples(st.floats(0.02, 3.0), st.floats(0, 1)), max_size=12), st.booleans())
def test_every_start_has_one_end_and_nothing_happens_outside(
    parts: list[tuple[float, float]], prompt_playing: bool
) -> None:
    told = kinds(events([*sound(*parts), *sound((2.0, 0.0))], prompt_playing=prompt_playing))
    speaking = paused = suspected = False
    for kind in told:
        if kind in (SpeechSuspected, SpeechDismissed):
            assert not speaking
            assert suspected is (kind is SpeechDismissed)
            suspected = not suspected
            continue
        suspected = False
        assert (kind is SpeechStarted) is not speaking
        if kind is SpeechPaused:
            assert not paused
        if kind is SpeechResumed:
            assert paused
        speaking = kind is not SpeechEnded
        paused = kind is SpeechPaused
    assert not speaking


@given(st.lists(st.tuples(st.floats(0.02, 1.0), st.floats(0, 1)), max_size=8))
def test_frames_of_any_size_give_the_same_events(parts: list[tuple[float, float]]) -> None:
    frames = [*sound(*parts), *sound((1.0, 0.0))]
    pcm = b"".join(frames)
    halves = [pcm[i : i + 160] for i in range(0, len(pcm), 160)]
    assert [event for _, event in events(frames)] == [event for _, event in events(halves)]
