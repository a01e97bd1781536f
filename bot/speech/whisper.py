"""The Whisper recogniser (faster-whisper, int8): decodes an utterance when it has ended.

Whisper was trained on subtitles and always finds something to write; the guards here turn
what it makes up for silence, noise and its own prompt into nothing. Leaves to others: when
an utterance ends (``endpointing.py``) and threads (``ears.py``).
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import soxr
from faster_whisper import WhisperModel

from bot.speech.audio import samples
from bot.speech.types import LINE_RATE, SpeechError, Utterance

#: Rate at which Whisper hears.
RATE = 16000
#: Length of its prompt, in tokens; about one a Chinese character with its punctuation.
PROMPT_CHARACTERS = 180
#: Limits beyond which a reading is taken for invented (the first three are those of the
#: Whisper paper, Radford et al. 2022, section 4.5).
MAX_COMPRESSION = 2.4
MIN_LOGPROB = -1.3
MAX_NO_SPEECH = 0.6
UNSURE_LOGPROB = -0.8
#: No one speaks more characters a second than this.
MAX_CHARACTERS_PER_SECOND = 12
#: What it writes where nobody speaks: credits and farewells of subtitles.
PHANTOMS = re.compile(
    r"字幕|订阅|點贊|点赞|转发|打赏|明镜|谢谢观看|谢谢大家|谢谢收看|请不吝|优优独播|by索兰"
)


class WhisperRecogniser:
    """A Whisper model, loaded once. Its streams may decode in several threads."""

    name = "whisper"
    streaming = False

    def __init__(self, model_dir: Path, *, threads: int = 2, hint: Sequence[str] = ()) -> None:
        """``hint``: words of the line, most important first, that it should lean towards.

        Raises:
            SpeechError: the model cannot be loaded.
        """
        try:
            self._model = WhisperModel(
                str(model_dir),
                device="cpu",
                compute_type="int8",
                cpu_threads=max(1, threads // 2),
                num_workers=threads,
                local_files_only=True,
            )
        except (RuntimeError, OSError, ValueError) as error:
            raise SpeechError(
                f"The Whisper model in {model_dir} cannot be loaded ({error}); "
                "delete that folder and run `make setup`."
            ) from error
        self._hint = tuple(hint)

    def open(self, expect: Sequence[str] = ()) -> _Stream:
        """Begin an utterance; ``expect`` comes before the line's own words in the prompt."""
        return _Stream(self._model, prompt_of((*expect, *self._hint)))


def prompt_of(words: Iterable[str]) -> str:
    """Join words to a prompt that fits; the first are the most important."""
    chosen: list[str] = []
    length = 0
    for word in dict.fromkeys(words):
        length += len(word) + 1
        if length > PROMPT_CHARACTERS:
            break
        chosen.append(word)
    return "，".join(chosen)


class _Stream:
    def __init__(self, model: WhisperModel, prompt: str) -> None:
        self._model = model
        self._prompt = prompt
        self._sound = bytearray()

    def feed(self, pcm: bytes) -> str:
        """Keep line audio for later."""
        self._sound += pcm
        return ""

    def finish(self) -> Utterance:
        """Decode all of it.

        Raises:
            SpeechError: the engine failed.
        """
        began = time.monotonic()
        seconds = len(self._sound) / 2 / LINE_RATE
        sound = samples(bytes(self._sound)).astype(np.float32) / 32768
        wide = soxr.resample(sound, LINE_RATE, RATE) if sound.size else sound
        segments = []
        if sound.size:
            found, _ = self._model.transcribe(
                wide,
                language="zh",
                beam_size=5,
                temperature=0.0,
                initial_prompt=self._prompt or None,
                condition_on_previous_text=False,
                without_timestamps=True,
                no_speech_threshold=None,
                log_prob_threshold=None,
                compression_ratio_threshold=None,
                max_new_tokens=min(200, 20 + int(seconds * 12)),
            )
            segments = list(found)
        text, confidence = "", 0.0
        if segments:
            written = "".join(segment.text for segment in segments)
            logprob = sum(segment.avg_logprob for segment in segments) / len(segments)
            if not invented(
                written,
                self._prompt,
                seconds=seconds,
                logprob=logprob,
                no_speech=max(segment.no_speech_prob for segment in segments),
                compression=max(segment.compression_ratio for segment in segments),
            ):
                text, confidence = tidy(written), sureness(logprob)
        return Utterance(
            text=text,
            confidence=confidence,
            engine="whisper",
            audio_seconds=seconds,
            decode_seconds=time.monotonic() - began,
        )


def tidy(text: str) -> str:
    """Strip what is not said aloud: spaces and punctuation at the ends."""
    return re.sub(r"\s+", "", text).strip("，。！？,.!?…、；;：:\"'“”「」『』()（）-—~ ")


def sureness(logprob: float) -> float:
    """Map the mean log-probability of a token to 0..1: the mean probability of a token."""
    return min(1.0, max(0.0, math.exp(logprob)))


def invented(
    text: str,
    prompt: str,
    *,
    seconds: float,
    logprob: float,
    no_speech: float,
    compression: float,
) -> bool:
    """Whether a reading is one of those that Whisper makes up."""
    bare = tidy(text)
    if not re.search(r"[\u4e00-\u9fffA-Za-z0-9]", bare) or PHANTOMS.search(bare):
        return True
    if compression > MAX_COMPRESSION or logprob < MIN_LOGPROB:
        return True
    if no_speech > MAX_NO_SPEECH and logprob < UNSURE_LOGPROB:
        return True
    if len(bare) > 4 + seconds * MAX_CHARACTERS_PER_SECOND or re.search(r"(.{1,6})\1{3,}", bare):
        return True
    # Two or more of the prompt's words in the prompt's own order: an echo, not a caller.
    words = [word for word in re.split(r"[，。、\s]+", bare) if word]
    given = prompt.split("，")
    pairs = set(pairwise(given))
    return len(words) > 1 and any(pair in pairs for pair in pairwise(words))
