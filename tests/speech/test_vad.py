"""The real detector and the endpointer on real sound: who starts, who does not, what is cut."""

from __future__ import annotations

import numpy as np
import pytest
from speech.voices import Says, silence

from bot.config import CHECKOUT
from bot.speech.audio import frames, read_wav, resample, through_mulaw, to_pcm
from bot.speech.citizen import NOISES, background, telephone
from bot.speech.endpointing import (
    Endpointer,
    EndpointEvent,
    EndpointSettings,
    SpeechEnded,
    SpeechStarted,
)
from bot.speech.types import LINE_RATE, WIDE_RATE, frame_bytes
from bot.speech.vad import CHUNK_BYTES, SileroVad, SparingVad, is_quiet

SENTENCES = (
    "我家停水了没有人管",
    "垃圾好几天没有人清运了",
    "公积金怎么提取",
    "我要举报楼下饭店油烟扰民",
)


def told(
    pcm: bytes, *, prompt: bytes | None = None, playing: bool = False, rate: int = LINE_RATE
) -> list[tuple[float, EndpointEvent]]:
    """Events of a caller's sound and when they were told, while ``prompt`` is played."""
    endpointer = Endpointer(EndpointSettings(), SileroVad(rate), rate)
    ours = list(frames(prompt, rate)) if prompt else []
    found = []
    for number, frame in enumerate(frames(pcm, rate)):
        event = endpointer.feed(frame, prompt_playing=playing or number < len(ours))
        endpointer.played(ours[number] if number < len(ours) else bytes(frame_bytes(rate)))
        if event is not None:
            found.append(((number + 1) * 0.02, event))
    return found


def kinds(found: list[tuple[float, EndpointEvent]]) -> list[type]:
    return [type(event) for _, event in found]


@pytest.mark.engine
@pytest.mark.parametrize("text", SENTENCES)
@pytest.mark.parametrize("snr_db", [25.0, 10.0])
def test_a_sentence_is_one_utterance_from_its_first_word_to_its_last(
    say: Says, text: str, snr_db: float
) -> None:
    pcm = say(text, snr_db=snr_db) + silence(1.0)
    found = told(pcm)
    assert kinds(found).count(SpeechStarted) == kinds(found).count(SpeechEnded) == 1
    ended = next(event for _, event in found if isinstance(event, SpeechEnded))
    # It was spoken from 0.3 s to 0.5 s before the noise ends.
    assert ended.start == pytest.approx(0.35, abs=0.2)
    assert ended.end == pytest.approx(len(pcm) / 16000 - 1.5, abs=0.35)


@pytest.mark.engine
def test_pauses_inside_a_sentence_do_not_cut_it(say: Says) -> None:
    for pause in (0.3, 0.5, 0.7):
        # The halves have 0.08 s of the voice's own silence at each joint.
        first, second = say("我家在朝阳区", snr_db=None), say("三天没有水了", snr_db=None)
        first, second = first[: -int(0.5 * 8000) * 2], second[int(0.3 * 8000) * 2 :]
        halves = first + silence(pause - 0.16) + second
        found = told(telephone(halves + silence(1.5), 8000, snr_db=25.0))
        assert kinds(found).count(SpeechEnded) == 1, pause


def cough(seed: int) -> bytes:
    """Two bursts of noise through a throat, each dying away."""
    random = np.random.default_rng(seed)
    sound = np.zeros(12000)
    for start, length in ((3000, 1600), (5600, 1200)):
        burst = random.standard_normal(length) * np.exp(-np.arange(length) / (length / 4))
        sound[start : start + length] += np.convolve(burst, np.hanning(9) / 4, "same")
    return through_mulaw(to_pcm(0.3 * sound))


def click(seed: int) -> bytes:
    random = np.random.default_rng(seed)
    sound = np.zeros(12000)
    for start in random.integers(0, 11000, size=4):
        sound[start : start + 80] = random.uniform(-0.9, 0.9, size=80)
    return through_mulaw(to_pcm(sound))


@pytest.mark.engine
@pytest.mark.parametrize("playing", [False, True])
@pytest.mark.parametrize("sound", [click, cough])
def test_clicks_and_coughs_start_nothing(playing: bool, sound: object) -> None:
    assert callable(sound)
    pcm = b"".join(sound(seed) for seed in range(6))
    assert SpeechStarted not in kinds(told(pcm, playing=playing))


@pytest.mark.engine
@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("playing", [False, True])
def test_twenty_seconds_of_noise_start_nothing(noise: str, playing: bool) -> None:
    for loudness in (0.01, 0.05):
        pcm = telephone(to_pcm(background(noise, 160_000, 9) * loudness), 8000)
        assert kinds(told(pcm, playing=playing)) == []


@pytest.mark.engine
@pytest.mark.parametrize(
    "pcm",
    [
        silence(3.0),
        to_pcm(np.full(24000, 0.4)),
        to_pcm(np.where(np.arange(24000) % 160 < 80, 1.0, -1.0)),
        b"\x01" * 4001,
    ],
    ids=["silence", "offset", "full-scale square wave", "odd bytes"],
)
def test_odd_sound_never_fails(pcm: bytes) -> None:
    assert SpeechEnded not in kinds(told(pcm))
    assert 0.0 <= SileroVad().probability(pcm[:CHUNK_BYTES].ljust(CHUNK_BYTES, b"\0")) <= 1.0


@pytest.mark.engine
def test_speech_over_an_offset_and_clipped_speech_are_found(say: Says) -> None:
    sound = np.frombuffer(say(SENTENCES[0]), "<i2").astype(float) / 32768
    for spoiled in (np.clip(sound + 0.3, -1, 1), np.clip(sound * 8, -1, 1)):
        assert SpeechStarted in kinds(told(to_pcm(spoiled)))


@pytest.mark.engine
@pytest.mark.parametrize("delay", [0.04, 0.15, 0.4])
def test_the_echo_of_our_own_prompt_stops_nothing_and_a_caller_over_it_does(
    say: Says, delay: float
) -> None:
    prompt = say("请说出您要咨询或者反映的问题需要人工请按零", snr_db=None)
    played = np.frombuffer(prompt, "<i2").astype(float) / 32768
    echo = np.zeros(len(played))
    late = int(delay * 8000)
    echo[late:] = 0.1 * played[: len(played) - late]  # -20 dB
    echo[late + 20 :] += 0.03 * played[: len(played) - late - 20]
    line = through_mulaw(to_pcm(echo + 0.001 * background("white", len(echo), 4)))
    assert SpeechStarted not in kinds(told(line, prompt=prompt))
    caller = np.frombuffer(say("转人工", snr_db=None), "<i2").astype(float) / 32768
    echo[8000 : 8000 + len(caller)] += caller
    found = told(through_mulaw(to_pcm(echo)), prompt=prompt)
    started = [at for at, event in found if isinstance(event, SpeechStarted)]
    # The caller's voice begins 0.3 s and 0.08 s of the voice's own silence after 1.0 s.
    assert started
    assert started[0] == pytest.approx(1.5, abs=0.2)


@pytest.mark.engine
def test_someone_who_only_says_uh_huh_does_not_stop_the_prompt(say: Says) -> None:
    assert SpeechStarted not in kinds(told(say("嗯"), playing=True))
    assert SpeechStarted in kinds(told(say("嗯"), playing=False))


class Counting:
    """The real detector, and how often it was asked."""

    def __init__(self) -> None:
        self.vad = SileroVad()
        self.asked = 0

    def probability(self, chunk: bytes) -> float:
        self.asked += 1
        return self.vad.probability(chunk)


@pytest.mark.parametrize("name", ["fire", "heating", "noise_at_night", "low_voice"])
def test_a_sparing_detector_finds_the_same_sentence_with_a_third_of_the_work(name: str) -> None:
    pcm = read_wav(CHECKOUT / "tests" / "fixtures" / f"{name}.wav") + bytes(2 * 16000)
    thorough, sparing = Counting(), Counting()
    found = []
    for vad in (thorough, SparingVad(sparing)):
        endpointer = Endpointer(EndpointSettings(), vad)
        events = [endpointer.feed(frame) for frame in frames(pcm)]
        found.append([event for event in events if isinstance(event, SpeechEnded)])
    ((usual,), (spared,)) = found
    assert spared.start == pytest.approx(usual.start, abs=0.15)
    assert usual.end - 0.05 <= spared.end <= usual.end + 0.4
    loud = sum(
        not is_quiet(np.frombuffer(pcm[i : i + CHUNK_BYTES], "<i2").astype(float))
        for i in range(0, len(pcm) - CHUNK_BYTES, CHUNK_BYTES)
    )
    assert sparing.asked <= loud / 2.5 < thorough.asked


@pytest.mark.engine
def test_wideband_speech_begins_and_ends_when_the_same_narrowband_speech_does(say: Says) -> None:
    pcm = silence(1.0) + say(SENTENCES[0]) + silence(1.5)
    narrow, wide = told(pcm), told(resample(pcm, LINE_RATE, WIDE_RATE), rate=WIDE_RATE)
    assert kinds(wide)[0] is SpeechStarted
    ends = [[one for _, one in found if isinstance(one, SpeechEnded)] for found in (narrow, wide)]
    for (one,), (other,) in [ends]:
        assert other.start == pytest.approx(one.start, abs=0.1)
        assert other.end == pytest.approx(one.end, abs=0.1)
        assert len(other.pcm) == pytest.approx(2 * len(one.pcm), rel=0.1)


@pytest.mark.engine
def test_our_own_echo_on_a_wideband_line_starts_nothing(say: Says) -> None:
    ours = resample(say(SENTENCES[1], snr_db=None), LINE_RATE, WIDE_RATE)
    echo = to_pcm(np.frombuffer(bytes(6400) + ours, "<i2") / 32768 * 0.1)
    assert SpeechStarted not in kinds(told(echo, prompt=ours, rate=WIDE_RATE))
