"""Whisper, for real: what it hears, and what it must not make up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from speech.voices import Says, silence

from bot.speech.audio import resample, to_pcm
from bot.speech.citizen import NOISES, background, telephone
from bot.speech.music import compose
from bot.speech.scoring import Tally
from bot.speech.types import LINE_RATE, WIDE_RATE, Utterance, Word
from bot.speech.whisper import (
    LONGEST,
    PROMPT_TOKENS,
    Prompt,
    Reading,
    WhisperRecogniser,
    compression,
    invented,
    joined,
    plain,
    sureness,
    tidy,
)
from bot.understanding.pack import Pack

YES_NO = ("是", "是的", "对", "对的", "好的", "不是", "不对", "没有", "没有了", "不用了")


def hear(whisper: WhisperRecogniser, pcm: bytes, expect: tuple[str, ...] = ()) -> Utterance:
    stream = whisper.open(expect)
    for start in range(0, len(pcm), 3200):
        assert stream.feed(pcm[start : start + 3200]) == ""
    return stream.finish()


@pytest.mark.engine
def test_a_sentence_is_heard_with_its_words_in_time(whisper: WhisperRecogniser, say: Says) -> None:
    pcm = say("垃圾好几天没有人清运了")
    heard = hear(whisper, pcm)
    tally = Tally()
    tally.add("垃圾好几天没有人清运了", heard.text)
    assert tally.pinyin_error <= 0.2
    assert 0.5 < heard.confidence <= 1.0
    assert heard.audio_seconds == pytest.approx(len(pcm) / 16000)
    assert "".join(word.text for word in heard.words) == heard.text
    # The voice begins after 0.3 s (the first word takes the silence before it) and ends 0.5 s
    # before the end.
    assert 0.3 < heard.words[0].end < 0.9
    assert heard.words[-1].start < heard.audio_seconds - 0.4
    starts = [word.start for word in heard.words]
    assert starts == sorted(starts)
    assert all(word.start <= word.end <= heard.audio_seconds + 0.1 for word in heard.words)
    assert all(0.0 <= word.confidence <= 1.0 for word in heard.words)


@pytest.mark.engine
def test_other_readings_come_in_order_and_only_once(whisper: WhisperRecogniser, say: Says) -> None:
    heard = hear(whisper, say("我要举报楼下饭店油烟扰民", snr_db=10.0))
    readings = [heard.text, *(other.text for other in heard.alternatives)]
    assert len(readings) > 1
    assert len({plain(one) for one in readings}) == len(readings)
    sure = [heard.confidence, *(other.confidence for other in heard.alternatives)]
    assert sure == sorted(sure, reverse=True)


@pytest.mark.engine
def test_the_packs_own_words_are_heard_for_what_they_are(
    whisper: WhisperRecogniser, say: Says
) -> None:
    assert "公积金提取" in hear(whisper, say("公积金提取")).text


@pytest.mark.engine
@pytest.mark.parametrize("answer", ["不是", "好的", "没有了"])
def test_a_short_answer_is_heard_where_it_is_expected(
    whisper: WhisperRecogniser, say: Says, answer: str
) -> None:
    assert hear(whisper, say(answer), YES_NO).text == answer


@pytest.mark.engine
def test_who_answers_something_else_is_heard_too(whisper: WhisperRecogniser, say: Says) -> None:
    heard = hear(whisper, say("垃圾好几天没有人清运了"), YES_NO)
    assert "好几天没有人" in heard.text


def noises() -> dict[str, bytes]:
    loud = {
        f"{noise} at {level}": to_pcm(background(noise, 24000, 5) * level)
        for noise in NOISES
        for level in (0.01, 0.1)
    }
    t = np.arange(24000) / 8000
    return {
        **loud,
        "silence": silence(3.0),
        "almost nothing": to_pcm(background("white", 24000, 5) * 1e-4),
        "a sample": b"\x01\x00",
        "half a sample": b"\x01",
        "nothing": b"",
        "music": compose(4.0),
        "hum": to_pcm(0.1 * np.sin(2 * np.pi * 100 * t) + 0.05 * np.sin(2 * np.pi * 200 * t)),
        "an offset": to_pcm(np.full(24000, 0.5)),
        "a busy tone": to_pcm(0.2 * np.sin(2 * np.pi * 450 * t) * (np.floor(t / 0.35) % 2)),
    }


@pytest.mark.engine
@pytest.mark.parametrize("name", noises())
def test_where_nobody_speaks_nothing_is_heard(whisper: WhisperRecogniser, name: str) -> None:
    heard = hear(whisper, telephone(noises()[name], 8000) if len(noises()[name]) > 2 else b"")
    assert (heard.text, heard.confidence, heard.alternatives) == ("", 0.0, ())


@pytest.mark.engine
def test_the_same_words_are_heard_at_sixteen_kilohertz(
    whisper: WhisperRecogniser, say: Says
) -> None:
    pcm = say("垃圾好几天没有人清运了")
    stream = whisper.open(rate=WIDE_RATE)
    stream.feed(resample(pcm, LINE_RATE, WIDE_RATE))
    wide, narrow = stream.finish(), hear(whisper, pcm)
    assert wide.text == narrow.text
    assert wide.audio_seconds == pytest.approx(narrow.audio_seconds)
    assert wide.words[-1].end == pytest.approx(narrow.words[-1].end, abs=0.1)


@pytest.mark.engine
def test_thirty_seconds_of_noise_are_nothing_and_do_not_take_long(
    whisper: WhisperRecogniser,
) -> None:
    heard = hear(whisper, to_pcm(background("street", 30 * 8000, 3) * 0.05))
    assert heard.text == ""
    assert heard.decode_seconds < 10


@pytest.mark.engine
def test_speech_beyond_the_longest_window_is_heard_to_its_end(
    whisper: WhisperRecogniser, say: Says
) -> None:
    first, last = say("垃圾好几天没有人清运了"), say("公积金提取")
    pcm = first.ljust(LONGEST * 2 + 8000, b"\0") + last
    heard = hear(whisper, pcm)
    assert "垃圾" in heard.text
    assert "公积金" in heard.text
    ends = [word for word in heard.words if "金" in word.text]
    assert all(word.start > 29.0 for word in ends)


@pytest.mark.engine
def test_clipped_and_offset_speech_is_still_heard(whisper: WhisperRecogniser, say: Says) -> None:
    sound = np.frombuffer(say("垃圾好几天没有人清运了"), "<i2").astype(float) / 32768
    for spoiled in (np.clip(sound * 8, -1, 1), np.clip(sound + 0.3, -1, 1)):
        assert "几天没有" in hear(whisper, to_pcm(spoiled)).text


@pytest.mark.engine
def test_prompts_fit_and_begin_with_what_is_expected(
    whisper: WhisperRecogniser, pack: Pack
) -> None:
    count = whisper._decoder.count
    places = tuple(place.name for place in pack.places)
    for expect in ((), YES_NO, places):
        prompts = whisper.prompts(expect)
        assert all(count(prompt.text) <= PROMPT_TOKENS for prompt in prompts)
        assert prompts[0].words[: len(expect)] == expect[: len(prompts[0].words)]
        assert prompts[-1].words == ()
    assert whisper.prompts(())[0].words[0] == pack.bias_words()[0]
    assert whisper.prompts(YES_NO)[0].words == YES_NO
    assert len(whisper.prompts(())[0].words) >= 20


def test_a_folder_without_a_model_is_refused_with_advice(tmp_path: Path) -> None:
    from bot.speech.types import SpeechError

    with pytest.raises(SpeechError, match="make setup"):
        WhisperRecogniser(tmp_path)


@given(st.lists(st.text("停水电公积金", min_size=1, max_size=5), max_size=400))
def test_a_prompt_never_outgrows_its_tokens(words: list[str]) -> None:
    prompt = Prompt.of(words, lambda text: 2 * len(text))
    assert 2 * len(prompt.text) <= PROMPT_TOKENS
    assert list(prompt.words) == list(dict.fromkeys(words))[: len(prompt.words)]


def made_up(text: str, given: tuple[str, ...] = (), seconds: float = 3.0) -> bool:
    return invented(text, given, seconds=seconds, compression=compression(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "…",
        "请不吝点赞订阅转发打赏支持明镜与点点栏目",
        "字幕by索兰娅",
        "谢谢观看",
        "鸿鸿鸿",
        "停水停水停水停水",
        "我们的我们的我们的我们的我们的我们的",
        "这么多的字不可能在这么短的时间里说完的",
    ],
)
def test_what_subtitles_say_over_silence_is_nothing(text: str) -> None:
    assert made_up(text, seconds=1.0)


@pytest.mark.parametrize("text", ["我家停水了", "对对对", "好好好", "停水停电", "谢谢", "办ETC"])
def test_what_people_say_is_something(text: str) -> None:
    assert not made_up(text)


@pytest.mark.parametrize(
    "number", ["二六幺幺二四零零零零幺七", "261124000017", "工单号260319000008"]
)
def test_the_zeros_of_a_ticket_are_no_loop(number: str) -> None:
    assert not made_up(number)


@pytest.mark.parametrize("text", ["零零零零零零零零零零", "00000000000", "1010101010"])
def test_the_same_digit_without_end_is_a_loop(text: str) -> None:
    assert made_up(text)


def test_the_prompt_said_back_is_an_echo() -> None:
    given = ("转人工", "停水", "停电", "停气")
    assert made_up("停水，停电", given)
    assert made_up("转人工停水停电停气", given)
    assert not made_up("停电停水", given)
    assert not made_up("我家停水", given)
    assert not made_up("我家停水停电了", given)


@given(st.floats(-20, 0), st.floats(-20, 0), st.floats(0.1, 5))
def test_the_likelier_a_reading_the_surer_it_is(
    prompted: float, sounding: float, less: float
) -> None:
    sure = sureness(prompted, sounding)
    assert 0.0 <= sure <= 1.0
    assert sureness(prompted - less, sounding) <= sure
    assert sureness(prompted, sounding - less) <= sure


def test_pieces_of_a_long_recording_are_joined_with_their_times() -> None:
    word = Word("水", 1.0, 1.2, 0.9)
    both = joined([[Reading("停水", 0.8, (word,))], [], [Reading("停水", 0.6, (word,))]])
    assert both[0].text == "停水，停水"
    assert both[0].confidence == pytest.approx(0.7)
    assert [one.start for one in both[0].words] == [1.0, 59.0]
    assert joined([[], []]) == []


@given(st.text(max_size=30))
def test_tidying_twice_changes_nothing_more(text: str) -> None:
    assert tidy(tidy(text)) == tidy(text)


def test_traditional_characters_become_simplified_ones() -> None:
    assert tidy(" 今天天氣真好，我們去公園。") == "今天天气真好，我们去公园"
