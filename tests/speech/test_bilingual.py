"""English phrases are said in English; letters and single words stay with the Mandarin voice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.speech.audio import samples, seconds
from bot.speech.bilingual import CHANGE, Bilingual, by_language
from bot.speech.types import SpokenAudio


class Named:
    """Says everything in a tenth of a second, and remembers what."""

    def __init__(self, name: str, rate: int) -> None:
        self.name, self.voice, self.rate = name, f"{name}-1", rate
        self.asked: list[tuple[str, float]] = []

    def speak(self, text: str, speed: float = 1.0, pitch: float = 1.0) -> SpokenAudio:
        self.asked.append((text, speed))
        return SpokenAudio(b"\0\x20" * (self.rate // 10), self.rate)


def test_each_language_is_said_by_its_own_voice_in_order() -> None:
    mandarin, english = Named("zh", 24000), Named("en", 22050)
    sound = Bilingual(mandarin, english).speak("请拨打911。Get out and dial 911 now. 我转接。", 0.8)
    assert mandarin.asked == [("请拨打911。", 0.8), (" 我转接。", 0.8)]
    assert english.asked == [("Get out and dial 911 now.", 0.8)]
    assert sound.rate == 24000
    assert seconds(sound.pcm, sound.rate) == pytest.approx(0.3 + 2 * CHANGE / 0.8, abs=0.01)
    assert samples(sound.pcm).any()


@pytest.mark.parametrize(
    "text", ["下载APP", "办ETC要多久", "连接WiFi", "您好。", "A座101室", "5G网络", ""]
)
def test_letters_and_single_words_among_chinese_are_no_english(text: str) -> None:
    mandarin, english = Named("zh", 24000), Named("en", 22050)
    Bilingual(mandarin, english).speak(text)
    assert mandarin.asked == [(text, 1.0)]
    assert english.asked == []


@pytest.mark.parametrize(
    "text",
    [
        "Baltimore 311, how can I help you?",
        "Sorry, could you say that again?",
        "Thank you for calling 311. Goodbye.",
        "Please hold.",
    ],
)
def test_a_sentence_in_english_is_english_as_a_whole(text: str) -> None:
    assert by_language(text) == [(text, True)]


def test_it_goes_by_the_name_of_the_mandarin_voice() -> None:
    both = Bilingual(Named("zh", 24000), Named("en", 22050))
    assert (both.name, both.voice) == ("zh", "zh-1")


@given(st.text("您好 ,.Hi there911?", max_size=40))
def test_cutting_by_language_keeps_every_word(text: str) -> None:
    def words(said: str) -> str:
        return "".join(character for character in said if character.isalnum())

    assert words("".join(piece for piece, _ in by_language(text))) == words(text)
