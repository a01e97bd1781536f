"""The Whisper recogniser (faster-whisper, int8): decodes an utterance when it has ended.

Whisper was trained on subtitles and always finds something to write; the guards here turn
what it makes up for silence, noise and its own prompt into nothing. Leaves to others: when
an utterance ends (``endpointing.py``) and threads (``ears.py``).
"""

from __future__ import annotations

import math
import re
import time
import zlib
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import ctranslate2
import numpy as np
import soxr
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from numpy.typing import NDArray

from bot.speech.audio import samples
from bot.speech.types import LINE_RATE, Hypothesis, SpeechError, Utterance

#: Rate at which Whisper hears.
RATE = 16000
#: Frames of its features in a second.
FRAMES_PER_SECOND = 100
#: Windows that the encoder may be given, in frames; the last is Whisper's own.
WINDOWS = (1000, 1500, 2000, 3000)
#: Samples of line audio that fit into the longest window.
LONGEST = 29 * LINE_RATE
#: Readings that are followed, and reported.
BEAM = 5
LENGTH_PENALTY = 0.6
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
            model = WhisperModel(
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
        self._decoder = _Decoder(model)
        self._hint = tuple(hint)

    def open(self, expect: Sequence[str] = ()) -> _Stream:
        """Begin an utterance; ``expect`` comes before the line's own words in the prompt."""
        return _Stream(self._decoder, prompt_of((*expect, *self._hint)))


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
    def __init__(self, decoder: _Decoder, prompt: str) -> None:
        self._decoder = decoder
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
        readings: list[Hypothesis] = []
        if self._sound:
            sound = np.divide(samples(bytes(self._sound)), 32768, dtype=np.float32)
            pieces = [sound[i : i + LONGEST] for i in range(0, len(sound), LONGEST)]
            heard = [self._decoder.decode(piece, self._prompt) for piece in pieces]
            readings = heard[0] if len(heard) == 1 else joined([one[:1] for one in heard])
        best = readings[0] if readings else Hypothesis("", 0.0)
        return Utterance(
            text=best.text,
            confidence=best.confidence,
            engine="whisper",
            alternatives=tuple(readings[1:]),
            audio_seconds=seconds,
            decode_seconds=time.monotonic() - began,
        )


def joined(pieces: Sequence[Sequence[Hypothesis]]) -> list[Hypothesis]:
    """Join the best readings of the pieces of a long recording; [] when none has any."""
    best = [piece[0] for piece in pieces if piece]
    if not best:
        return []
    sure = sum(one.confidence for one in best) / len(best)
    return [Hypothesis("，".join(one.text for one in best), sure)]


class _Decoder:
    """Whisper's encoder and beam search, without faster-whisper's fixed window of 30 s.

    The encoder is given a window just long enough: on these models 10 s take a third of the
    time of 30 s, and speech fills more of it, so less is invented (measured: see the README).
    """

    def __init__(self, model: WhisperModel) -> None:
        self._model = model
        self._tokenizer = Tokenizer(
            model.hf_tokenizer, multilingual=True, task="transcribe", language="zh"
        )

    def decode(self, sound: NDArray[np.float32], prompt: str) -> list[Hypothesis]:
        """Return the readings of line audio (8 kHz, -1..1), best first; [] for none.

        Raises:
            RuntimeError: the engine failed.
        """
        seconds = len(sound) / LINE_RATE
        features = self._model.feature_extractor(soxr.resample(sound, LINE_RATE, RATE), padding=0)
        frames = next(size for size in WINDOWS if seconds * FRAMES_PER_SECOND <= size)
        window = np.full((1, features.shape[0], frames), features.min(), np.float32)
        window[0, :, : features.shape[1]] = features[:, :frames]
        encoded = self._model.model.encode(ctranslate2.StorageView.from_array(window))
        tokenizer = self._tokenizer
        tokens = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
        if prompt:
            tokens = [tokenizer.sot_prev, *tokenizer.encode(" " + prompt), *tokens]
        found = self._model.model.generate(
            encoded,
            [tokens],
            beam_size=BEAM,
            num_hypotheses=BEAM,
            length_penalty=LENGTH_PENALTY,
            return_scores=True,
            return_no_speech_prob=True,
            max_length=len(tokens) + 20 + int(seconds * MAX_CHARACTERS_PER_SECOND),
        )[0]
        readings: dict[str, Hypothesis] = {}
        for ids, score in zip(found.sequences_ids, found.scores, strict=True):
            written = tokenizer.decode([token for token in ids if token < tokenizer.eot])
            # The score is the sum of log-probabilities over a power of the length.
            logprob = score * len(ids) ** LENGTH_PENALTY / (len(ids) + 1)
            text = tidy(written)
            plain = re.sub(r"\W", "", text)
            if plain not in readings and not invented(
                text,
                prompt,
                seconds=seconds,
                logprob=logprob,
                no_speech=found.no_speech_prob,
                compression=compression(written),
            ):
                readings[plain] = Hypothesis(text, sureness(logprob))
        return list(readings.values())


def compression(text: str) -> float:
    """How many times smaller zlib makes a text: high for something said over and over."""
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0


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
