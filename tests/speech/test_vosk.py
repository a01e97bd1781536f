"""The Vosk engine, for real: PyPI's Korean model always, the Chinese one where it is."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from speech.voices import Tongue, silence

from bot.speech.audio import resample
from bot.speech.types import LINE_RATE, WIDE_RATE, SpeechError, Utterance
from bot.speech.vosk import (
    VoskRecogniser,
    _Stream,
    in_vocabulary,
    joined,
    posteriors,
    words_of,
)


def heard(tongue: Tongue, pcm: bytes, expect: tuple[str, ...] = ()) -> tuple[list[str], Utterance]:
    """Partials and result of sound that arrives in batches of 200 ms."""
    stream = tongue.recogniser.open(expect)
    partials = [stream.feed(pcm[i : i + 3200]) for i in range(0, len(pcm), 3200)]
    return partials, stream.finish()


@pytest.mark.engine
def test_speech_gives_partials_then_words_with_times_and_confidence(tongue: Tongue) -> None:
    pcm = tongue.say(tongue.greeting)
    partials, utterance = heard(tongue, pcm)
    assert partials[0] == ""
    assert any(partials)
    assert utterance.text
    assert utterance.engine == "vosk"
    assert utterance.audio_seconds == pytest.approx(len(pcm) / 16000)
    assert 0.0 < utterance.confidence <= 1.0
    ends = [0.0]
    for word in utterance.words:
        assert ends[-1] - 0.05 <= word.start < word.end <= utterance.audio_seconds
        assert 0.0 < word.confidence <= 1.0
        ends.append(word.end)
    assert len(ends) > 1


@pytest.mark.engine
def test_what_is_expected_is_heard_at_sixteen_kilohertz_too(tongue: Tongue) -> None:
    pcm = tongue.say(tongue.greeting)
    stream = tongue.recogniser.open((tongue.greeting, tongue.yes, tongue.no), WIDE_RATE)
    stream.feed(resample(pcm, LINE_RATE, WIDE_RATE))
    heard = stream.finish()
    assert heard.audio_seconds == pytest.approx(len(pcm) / 2 / LINE_RATE)
    assert tongue.greeting in (heard.text, heard.alternatives[0].text)


@pytest.mark.engine
def test_what_is_expected_is_heard_beside_what_is_free(tongue: Tongue) -> None:
    expect = (tongue.greeting, tongue.yes, tongue.no)
    _, utterance = heard(tongue, tongue.say(tongue.greeting), expect)
    readings = [utterance.text, *(other.text for other in utterance.alternatives)]
    assert tongue.greeting in readings[:2]
    assert len(set(readings)) == len(readings) <= 5


@pytest.mark.engine
def test_two_calls_at_once_do_not_disturb_each_other(tongue: Tongue) -> None:
    sounds = [tongue.say(tongue.yes), tongue.say(tongue.no)]
    expect = (tongue.yes, tongue.no)
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda pcm: heard(tongue, pcm, expect)[1], sounds))
    # The free readings vary a little from run to run (the engine dithers), the phrases do not.
    for phrase, utterance in zip(expect, together, strict=True):
        assert phrase in [utterance.text, *(other.text for other in utterance.alternatives)][:2]


@pytest.mark.engine
@pytest.mark.parametrize("pcm", [b"", silence(0.01), silence(2.0)])
def test_silence_says_nothing(tongue: Tongue, pcm: bytes) -> None:
    stream = tongue.recogniser.open()
    assert stream.feed(pcm) == ""
    utterance = stream.finish()
    assert (utterance.text, utterance.confidence, utterance.words) == ("", 0.0, ())


@pytest.mark.engine
def test_phrases_with_words_unknown_to_the_model_are_left_out(tongue: Tongue) -> None:
    heard(tongue, silence(0.2), ("qqqqq zzzzz", tongue.yes, ""))
    assert not tongue.recogniser.knows("qqqqq")
    assert tongue.recogniser.knows(tongue.yes)


def test_a_folder_without_a_model_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match="hotline model fetch"):
        VoskRecogniser(tmp_path)


class Scripted:
    """An engine's recogniser that has made up its mind."""

    def __init__(self, result: dict[str, Any]) -> None:
        self.result = result

    def __getattr__(self, name: str) -> Any:
        return {
            "AcceptWaveform": lambda _: False,
            "PartialResult": lambda: '{"partial": ""}',
            "FinalResult": lambda: json.dumps(self.result),
        }.get(name, lambda *_: None)


def word(text: str, start: float, end: float, conf: float = 1.0) -> dict[str, Any]:
    return {"word": text, "start": start, "end": end, "conf": conf}


def reading(likelihood: float, *words: str) -> dict[str, Any]:
    return {
        "confidence": likelihood,
        "text": " ".join(words),
        "result": [word(text, n, n + 1) for n, text in enumerate(words)],
    }


@pytest.mark.parametrize(
    ("free_sure", "knows_unknown", "first"),
    [(False, True, "是的"), (False, False, "十 的"), (True, True, "十 的")],
)
def test_an_expected_phrase_is_believed_only_where_free_hearing_is_in_doubt_and_it_can_be_refused(
    free_sure: bool, knows_unknown: bool, first: str
) -> None:
    rival = 0.0 if free_sure else 9.9
    others = [reading(rival, "实", "在"), reading(rival, "时", "代")]
    free = Scripted({"alternatives": [reading(10.0, "十", "的"), *others]})
    listed = Scripted({"text": "是的", "result": [word("是的", 0, 2, 0.97)]})
    utterance = _Stream(free, listed, LINE_RATE, believe=knows_unknown).finish()
    assert utterance.text == joined([first])
    assert "是的" in (utterance.text, utterance.alternatives[0].text)


def test_what_the_phrase_pass_does_not_know_is_no_phrase() -> None:
    free = Scripted({"alternatives": [reading(10.0, "停", "水")]})
    listed = Scripted({"text": "是的 [unk]", "result": [word("是的", 0, 1)]})
    assert _Stream(free, listed, LINE_RATE, believe=True).finish().alternatives == ()


def test_a_word_is_as_sure_as_the_readings_that_share_it() -> None:
    piece = {"alternatives": [reading(2.0, "停", "水"), reading(2.0, "停", "税")]}
    assert [round(one.confidence, 3) for one in words_of(piece)] == [1.0, 0.5]


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=8))
def test_shares_of_readings_add_up_and_keep_their_order(likelihoods: list[float]) -> None:
    shares = posteriors([{"confidence": one} for one in likelihoods])
    assert sum(shares) == pytest.approx(1.0)
    ranked = sorted(zip(likelihoods, shares, strict=True))
    assert [share for _, share in ranked] == sorted(shares)


@pytest.mark.parametrize(
    ("phrase", "cut"),
    [
        ("朝阳区望京", "朝阳区 望京"),
        ("朝阳门", ""),
        ("", ""),
        ("是 的", "是 的"),
        ("不是的", "不是 的"),
    ],
)
def test_a_phrase_is_cut_into_the_longest_words_that_are_known(phrase: str, cut: str) -> None:
    known = {"朝阳", "朝阳区", "望京", "是", "不是", "的", "不"}
    assert in_vocabulary(phrase, known.__contains__) == cut


def test_pieces_are_joined_without_spaces_between_chinese_words() -> None:
    assert joined(["我 家", "", "停水 了", "[unk]"]) == "我家停水了"
    assert joined(["办 ETC 卡"]) == "办 ETC 卡"
