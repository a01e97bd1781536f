"""The Whisper recogniser (faster-whisper, int8): decodes an utterance when it has ended.

What is likely now goes into its prompt, which makes it hear those words, and sometimes makes
it hear them where nobody said them. So each reading is weighed twice: once with the prompt,
and once by how well the sound alone explains it, with a prompt that says nothing. The second
look costs a twentieth of the first. Leaves to others: when an utterance ends
(``endpointing.py``) and threads (``ears.py``).
"""

from __future__ import annotations

import math
import re
import time
import zlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import ctranslate2
import numpy as np
import soxr
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from numpy.typing import NDArray
from zhconv import convert

from bot.speech.audio import samples
from bot.speech.keywords import Keywords
from bot.speech.types import LINE_RATE, Hypothesis, SpeechError, Utterance, Word

#: Rate at which Whisper hears.
RATE = 16000
#: Frames of its features in a second.
FRAMES_PER_SECOND = 100
#: Windows that the encoder may be given, in frames; the last is Whisper's own. One of 600 saves
#: a sixth of the work and hears worse: 85 of 160 utterances about right instead of 91.
WINDOWS = (1000, 1500, 2000, 3000)
#: Samples that fit into the longest window.
LONGEST = 29 * RATE
#: Seconds that one step of its attention stands for.
STEP = 0.02
#: Readings that are followed, and reported.
BEAM = 5
LENGTH_PENALTY = 0.6
#: Readings that are weighed by the sound alone, of each prompt's.
WEIGHED = 3
#: Longest prompt in tokens: half of Whisper's context less one (Radford et al. 2022).
PROMPT_TOKENS = 223
#: A prompt that says nothing, except that Mandarin is written in simplified characters.
NEUTRAL = "以下是普通话的句子"
#: Phrases that a question may expect and still be a choice between them.
CHOICES = 12
#: Confidence from which an expected phrase is taken without trying other prompts.
ANSWERED = 0.3
#: Seconds of sound, silence at its ends included, up to which little is said: there the
#: pack's words drown what was said, and the neutral prompt is tried as well.
SHORT = 2.0
#: Confidence from which the neutral prompt is not tried.
CERTAIN = 0.9
#: Log-odds by which a reading gains if it was found with the neutral prompt, as the others
#: owe some of their probability to their prompt (on 48 short utterances the syllable error is
#: 0.25 with it, 0.28 without, 0.33 with the pack's words alone), and if it is an expected answer.
UNPROMPTED, EXPECTED = 1.0, 1.5
#: Least confidence of a reading: below it lies all that was made up in 60 clips of silence,
#: noise, music and humming (see ``tests/bench/bench_speech.py``).
MIN_SURE = 0.03
#: Log-odds that a reading is about right (two thirds of its syllables), from the mean
#: log-probability of its tokens with the prompt and by the sound alone: logistic regression,
#: ``tests/bench/fit_whisper.py``.
PROMPTED, SOUNDING, OFFSET = 7.35, 0.60, 5.62
#: Words of the line tried in the best reading, and how much less probable (log of the whole)
#: the reading may become with one of them. On 140 sentences with 57 such words, half of them
#: none of the hotline's business, 16 of 25 near misses are mended so and 2 of 76 others spoiled.
RECOVERED, TOLERANCE = 5, 0.0
#: Something said over and over compresses better than this (Radford et al. 2022, 4.5).
MAX_COMPRESSION = 2.4
#: No one speaks more characters a second than this.
MAX_CHARACTERS_PER_SECOND = 12
#: What it writes where nobody speaks: credits and farewells of subtitles.
PHANTOMS = re.compile(
    r"字幕|订阅|點贊|点赞|转发|打赏|明镜|谢谢观看|谢谢大家|谢谢收看|请不吝|优优独播|by索兰"
)
#: Digits of one kind in a row that a number may hold.
MOST_SAME_DIGITS = 6
_DIGITS = re.compile(r"[0-9零〇幺一二三四五六七八九]+")
_MARKS = "，。,.?？！!、；;：:"


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
        self._decoder = Decoder(model, Keywords(hint))
        self._hint = tuple(hint)
        self._prompts: dict[tuple[str, ...], tuple[Prompt, ...]] = {}

    def open(self, expect: Sequence[str] = (), rate: int = LINE_RATE) -> _Stream:
        """Begin an utterance; ``expect`` holds phrases that are likely now."""
        return _Stream(self._decoder, self.prompts(tuple(expect)), tuple(expect), rate)

    def prompts(self, expect: tuple[str, ...]) -> tuple[Prompt, ...]:
        """Return the prompts to try in turn, for phrases that are likely now.

        Where a choice is expected it stands alone in the first prompt: among the pack's
        words it is lost (measured: 14 of 30 short answers right, 26 alone).
        """
        if expect not in self._prompts:
            if len(self._prompts) > 100:
                self._prompts.clear()
            count = self._decoder.count
            hinted = Prompt.of((*expect, *self._hint), count)
            neutral = Prompt(NEUTRAL)
            found: tuple[Prompt, ...]
            if expect and len(expect) <= CHOICES:
                found = (Prompt.of(expect, count), Prompt.of(self._hint, count), neutral)
            else:
                # Without any words the neutral prompt serves alone: an empty one hears worse.
                found = (hinted, neutral) if hinted.words else (neutral,)
            self._prompts[expect] = found
        return self._prompts[expect]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What Whisper is told before it listens."""

    text: str
    words: tuple[str, ...] = ()
    """Words that it makes likely; none in the neutral one."""

    @classmethod
    def of(cls, words: Iterable[str], count: Callable[[str], int]) -> Prompt:
        """Join words while they fit; the first are the most important.

        ``count`` tells how many tokens a text has.
        """
        chosen: list[str] = []
        for word in dict.fromkeys(words):
            if count("，".join([*chosen, word])) > PROMPT_TOKENS:
                break
            chosen.append(word)
        return cls("，".join(chosen), tuple(chosen))


class _Stream:
    def __init__(
        self, decoder: Decoder, prompts: tuple[Prompt, ...], expect: tuple[str, ...], rate: int
    ) -> None:
        self._rate = rate
        self._decoder = decoder
        self._prompts = prompts
        self._expect = expect
        self._sound = bytearray()

    def feed(self, pcm: bytes) -> str:
        """Keep it for later."""
        self._sound += pcm
        return ""

    def finish(self) -> Utterance:
        """Decode all of it.

        Raises:
            SpeechError: the engine failed.
        """
        began = time.monotonic()
        seconds = len(self._sound) / 2 / self._rate
        readings: list[Reading] = []
        if len(self._sound) >= 2:
            given = np.divide(samples(bytes(self._sound)), 32768, dtype=np.float32)
            sound = given if self._rate == RATE else soxr.resample(given, self._rate, RATE)
            pieces = [sound[i : i + LONGEST] for i in range(0, len(sound), LONGEST)]
            heard = [self._decoder.decode(piece, self._prompts, self._expect) for piece in pieces]
            readings = heard[0] if len(heard) == 1 else joined([one[:1] for one in heard])
        best = readings[0] if readings else Reading("", 0.0)
        return Utterance(
            text=best.text,
            confidence=best.confidence,
            engine="whisper",
            alternatives=tuple(Hypothesis(one.text, one.confidence) for one in readings[1:]),
            words=best.words,
            audio_seconds=seconds,
            decode_seconds=time.monotonic() - began,
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of some sound."""

    text: str
    confidence: float
    words: tuple[Word, ...] = ()
    prompted: float = 0.0
    """Mean log-probability of a token, with the prompt."""
    sounding: float = 0.0
    """Mean log-probability of a token, by the sound alone."""


def joined(pieces: Sequence[Sequence[Reading]]) -> list[Reading]:
    """Join the best readings of the pieces of a long recording; [] when none has any."""
    best = [
        replace(piece[0], words=tuple(_later(word, number) for word in piece[0].words))
        for number, piece in enumerate(pieces)
        if piece
    ]
    if not best:
        return []
    sure = sum(one.confidence for one in best) / len(best)
    words = tuple(word for one in best for word in one.words)
    return [Reading("，".join(one.text for one in best), sure, words)]


def _later(word: Word, piece: int) -> Word:
    shift = piece * LONGEST / RATE
    return replace(word, start=word.start + shift, end=word.end + shift)


class Decoder:
    """Whisper's encoder and beam search, without faster-whisper's fixed window of 30 s.

    The encoder is given a window just long enough: on these models 10 s take a third of the
    time of 30 s, and speech fills more of it, so less is invented (measured: see the README).
    """

    def __init__(self, model: WhisperModel, keywords: Keywords) -> None:
        self._model = model
        self._keywords = keywords
        self._tokenizer = tokenizer = Tokenizer(
            model.hf_tokenizer, multilingual=True, task="transcribe", language="zh"
        )
        # A caller does not speak marks; without them the readings differ in their words.
        marks = [tokenizer.encode(mark) for mark in _MARKS]
        self._suppressed = [-1, *(ids[0] for ids in marks if len(ids) == 1)]

    def count(self, text: str) -> int:
        """How many tokens a prompt has."""
        return len(self._tokenizer.encode(" " + text))

    def decode(
        self, sound: NDArray[np.float32], prompts: Sequence[Prompt], expect: Sequence[str] = ()
    ) -> list[Reading]:
        """Return the readings of sound (16 kHz, -1..1), best first; [] for none.

        Raises:
            RuntimeError: the engine failed.
        """
        seconds = len(sound) / RATE
        features = self._model.feature_extractor(sound, padding=0)
        frames = next(size for size in WINDOWS if seconds * FRAMES_PER_SECOND <= size)
        window = np.full((1, features.shape[0], frames), features.min(), np.float32)
        window[0, :, : features.shape[1]] = features[:, :frames]
        encoded = self._model.model.encode(ctranslate2.StorageView.from_array(window))
        found: dict[str, Reading] = {}
        for number, prompt in enumerate(prompts):
            if number and not self._worth_trying(prompt, found.values(), seconds, expect):
                continue
            length = min(features.shape[1], frames)
            for one in self._readings(encoded, prompt, seconds, length, expect):
                known = found.get(plain(one.text))
                if known is None or one.confidence > known.confidence:
                    found[plain(one.text)] = one
        self._recover(encoded, found, min(features.shape[1], frames))
        ranked = sorted(found.values(), key=lambda one: -one.confidence)
        return [one for one in ranked[:BEAM] if one.confidence >= MIN_SURE]

    def _recover(
        self, encoded: ctranslate2.StorageView, found: dict[str, Reading], frames: int
    ) -> None:
        """Put the line's words where the best reading has something that sounds like them.

        Both are weighed with a prompt of only the words in question: one that was said is
        then the likelier reading, one that was not stays unlikely by its sound.
        """
        best = max(found.values(), key=lambda one: one.confidence, default=None)
        if best is None or best.confidence < MIN_SURE:
            return
        proposals = self._keywords.proposals(best.text, RECOVERED)
        if not proposals:
            return
        prompt = "，".join(one.word for one in proposals)
        before = self._weigh(encoded, best.text, frames, prompt)[0].sum()
        weighed = [(one.text, *self._weigh(encoded, one.text, frames, prompt)) for one in proposals]
        text, logs, words = max(weighed, key=lambda one: float(one[1].sum()))
        if logs.sum() >= before - TOLERANCE:
            # As sure as the reading that it mends: its other words are the same.
            sure = min(0.999, best.confidence + 0.001)
            found[plain(text)] = Reading(text, sure, words, best.prompted, best.sounding)

    def _worth_trying(
        self, prompt: Prompt, found: Collection[Reading], seconds: float, expect: Sequence[str]
    ) -> bool:
        best = max((one.confidence for one in found), default=0.0)
        if not prompt.words and (seconds > SHORT or best >= CERTAIN):
            return False
        return not any(plain(one.text) in expect and one.confidence >= ANSWERED for one in found)

    def _readings(
        self,
        encoded: ctranslate2.StorageView,
        prompt: Prompt,
        seconds: float,
        frames: int,
        expect: Sequence[str],
    ) -> list[Reading]:
        """Search with one prompt; weigh what is found by the sound alone."""
        tokenizer = self._tokenizer
        tokens = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
        if prompt.text:
            tokens = [tokenizer.sot_prev, *tokenizer.encode(" " + prompt.text), *tokens]
        found = self._model.model.generate(
            encoded,
            [tokens],
            beam_size=BEAM,
            num_hypotheses=BEAM,
            length_penalty=LENGTH_PENALTY,
            return_scores=True,
            suppress_tokens=self._suppressed,
            max_length=len(tokens) + 20 + int(seconds * MAX_CHARACTERS_PER_SECOND),
        )[0]
        readings: dict[str, Reading] = {}
        for ids, score in zip(found.sequences_ids, found.scores, strict=True):
            written = tokenizer.decode([token for token in ids if token < tokenizer.eot])
            text = tidy(written)
            if len(readings) == WEIGHED or plain(text) in readings:
                continue
            if invented(text, prompt.words, seconds=seconds, compression=compression(written)):
                continue
            # The score is the sum of log-probabilities over a power of the length.
            prompted = score * len(ids) ** LENGTH_PENALTY / (len(ids) + 1)
            logs, words = self._weigh(encoded, text, frames)
            sounding = float(logs.mean())
            bonus = UNPROMPTED * (not prompt.words) + EXPECTED * (plain(text) in expect)
            sure = sureness(prompted, sounding, bonus)
            readings[plain(text)] = Reading(text, sure, words, prompted, sounding)
        return list(readings.values())

    def _weigh(
        self, encoded: ctranslate2.StorageView, text: str, frames: int, prompt: str = NEUTRAL
    ) -> tuple[NDArray[np.float64], tuple[Word, ...]]:
        """Return the log-probability of each token of a text, and its words in time.

        With the neutral prompt it is the probability by the sound alone.
        """
        tokenizer = self._tokenizer
        start = [
            tokenizer.sot_prev,
            *tokenizer.encode(" " + prompt),
            *tokenizer.sot_sequence,
        ]
        ids = tokenizer.encode(text)
        fitted = self._model.model.align(encoded, start, [ids], frames)[0]
        chances = np.maximum(np.array(fitted.text_token_probs), 1e-9)
        begins: dict[int, float] = {}
        for place, step in fitted.alignments:
            begins.setdefault(place, step * STEP)
        end = frames / FRAMES_PER_SECOND
        words = []
        first = 0
        for last in range(1, len(ids) + 1):
            piece = tokenizer.decode(ids[first:last])
            if "\ufffd" in piece and last < len(ids):
                continue  # a character in several tokens
            begin = begins.get(first, 0.0)
            sure = float(np.exp(np.log(chances[first:last]).mean()))
            words.append(Word(piece, begin, max(begin, begins.get(last, end)), sure))
            first = last
        return np.log(chances), tuple(words)


def compression(text: str) -> float:
    """How many times smaller zlib makes a text: high for something said over and over."""
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0


def tidy(text: str) -> str:
    """Simplified characters without spaces, and without punctuation at the ends."""
    # A full-width digit or letter at an end is what it puts where a mark would be.
    bare = re.sub(r"\s|\ufffd|^[０-９Ａ-Ｚａ-ｚ]|[０-９Ａ-Ｚａ-ｚ]$", "", text)
    bare = bare.strip("，。！？,.!?…、；;：:\"'“”「」『』()（）-—~ ")
    return str(convert(bare, "zh-cn"))


def plain(text: str) -> str:
    """A text without any marks."""
    return re.sub(r"\W", "", text)


def sureness(prompted: float, sounding: float, bonus: float = 0.0) -> float:
    """Return how probable it is that a reading is about right, 0 to 1.

    ``prompted`` and ``sounding`` are mean log-probabilities of its tokens, see ``Reading``;
    ``bonus`` is in log-odds.
    """
    odds = PROMPTED * prompted + SOUNDING * sounding + OFFSET + bonus
    return 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, odds))))


def invented(text: str, given: Sequence[str], *, seconds: float, compression: float) -> bool:
    """Whether a reading is one of those that Whisper makes up, whatever its probability.

    ``given`` holds the prompt's words.
    """
    bare = plain(tidy(text))
    if not re.search(r"[\u4e00-\u9fffA-Za-z0-9]", bare) or PHANTOMS.search(bare):
        return True
    if compression > MAX_COMPRESSION or _loops(bare):
        return True
    if re.fullmatch(r"(.)\1{2,}", bare) and bare[0] not in "对是好嗯啊":
        return True
    if len(bare) > 4 + seconds * MAX_CHARACTERS_PER_SECOND:
        return True
    return _echoes(bare, given)


def _loops(bare: str) -> bool:
    """Whether something is said over and over; the zeros of a ticket's number may be."""
    return any(
        len(loop[0]) > MOST_SAME_DIGITS or not _DIGITS.fullmatch(loop[1])
        for loop in re.finditer(r"(.{1,6})\1{3,}", bare)
    )


def _echoes(bare: str, given: Sequence[str]) -> bool:
    """Whether a text is nothing but two words of the prompt in their order, or has three."""
    words = [plain(word) for word in given]
    if any(bare == first + second for first, second in pairwise(words)):
        return True
    return any("".join(words[i : i + 3]) in bare for i in range(len(words) - 2))
