"""How well and how fast the speech room hears, on the synthetic phone set; no switchboard.

``python tests/bench/bench_speech.py [--count N] [--minutes M] [--only PART]`` prints one table
a part: ``words`` (with and without the pack's bias), ``invented``, ``turns`` and ``barge``.
Everything is fed as fast as it goes. In ``turns`` decoding is timed by the processor's clock,
as one caller on an idle machine would have it, so that a busy machine does not spoil the
comparison. Leaves to others: what a caller hears through SIP (``tests/bench/__main__.py``).
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from phone_set import Clip, out_of_domain, sentences, spoken, utterances, without_speech
from rich.console import Console
from rich.table import Table

from bot.app import line_endings, load_line_pack, load_voice
from bot.config import Settings
from bot.speech.audio import frames, samples, through_mulaw, to_pcm
from bot.speech.citizen import NOISES, background, telephone
from bot.speech.endpointing import (
    Endpointer,
    EndpointSettings,
    SpeechEnded,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    SpeechSuspected,
)
from bot.speech.engines import choose_recogniser
from bot.speech.scoring import Tally, plain, said_keywords
from bot.speech.turns import Question, silence_needed
from bot.speech.types import LINE_RATE, Recogniser, Synthesiser
from bot.speech.vad import SileroVad
from bot.understanding.match import Understander
from bot.understanding.pack import Pack

FRAME = 0.02
#: Seconds from the end of a turn to its first sound on the wire: one frame of a cached prompt.
FIRST_AUDIO = FRAME
console = Console()


class Bench:
    """What all parts share."""

    def __init__(self, settings: Settings, count: int, minutes: float) -> None:
        self.count = count
        self.minutes = minutes
        self.pack: Pack = load_line_pack(settings)
        self.words = self.pack.bias_words()
        self.voice: Synthesiser = load_voice(settings)[0].synthesiser
        self.biased, why = choose_recogniser(settings, hint=self.words)
        self.plain, _ = choose_recogniser(settings)
        self.understander = Understander(self.pack)
        self.endings = line_endings(self.pack)
        console.print(
            f"{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; "
            f"{self.biased.name} ({why}); voice {self.voice.name}"
        )

    # --- words -------------------------------------------------------------------------

    def part_words(self) -> None:
        """Errors and keyword recall, with and without the pack's bias, by noise and loss."""
        texts = sentences(self.pack, (self.count + 2) // 3)
        groups: dict[tuple[str, str], Tally] = {}
        for number, clip in enumerate(utterances(self.voice, texts, self.count), 1):
            for name, recogniser in (("with", self.biased), ("without", self.plain)):
                began = time.monotonic()
                heard = hear(recogniser, clip)
                spent = time.monotonic() - began
                for group in (f"{clip.snr_db:g} dB", f"loss {clip.loss:.0%}", "all"):
                    groups.setdefault((group, name), Tally()).add(
                        clip.text,
                        heard,
                        self.words,
                        audio_seconds=len(clip.pcm) / 2 / LINE_RATE,
                        decode_seconds=spent,
                    )
            progress(number, self.count)
        table = Table("clips of", "bias", "n", "CER", "pinyin error", "keywords", "recall", "sound")
        table.title = "Words"
        table.add_column("real-time factor")
        for (group, name), tally in sorted(groups.items(), key=lambda item: item[0]):
            table.add_row(
                group,
                name,
                str(tally.clips),
                f"{tally.cer:.1%}",
                f"{tally.pinyin_error:.1%}",
                str(tally.keywords),
                f"{tally.recall:.1%}",
                f"{tally.recall_by_sound:.1%}",
                f"{tally.real_time_factor:.2f}",
            )
        console.print(table)

    def part_invented(self) -> None:
        """Clips in which a word of the pack is heard that nobody said."""
        size = max(40, self.count // 4)
        clips = [*without_speech(size), *out_of_domain(self.voice, size)]
        found: dict[tuple[str, str], list[int]] = {}
        for number, clip in enumerate(clips, 1):
            for name, recogniser in (("with", self.biased), ("without", self.plain)):
                heard = hear(recogniser, clip)
                words = said_keywords(heard, self.words)
                row = found.setdefault((clip.kind, name), [0, 0, 0])
                row[0] += 1
                row[1] += any(word not in plain(clip.text) for word in words)
                row[2] += bool(heard)
            progress(number, len(clips))
        table = Table("clips of", "bias", "n", "pack's words made up", "anything heard")
        table.title = "Invented"
        for (kind, name), (n, made_up, anything) in sorted(found.items()):
            table.add_row(kind, name, str(n), f"{made_up} ({made_up / n:.1%})", str(anything))
        console.print(table)

    # --- turns -------------------------------------------------------------------------

    def part_turns(self) -> None:
        """Cut-off utterances, and the wait after the true end, with inner pauses."""
        table = Table("inner pause", "n", "cut off", "wait p50", "wait p95", "answer p50", "p95")
        table.title = "Turns (wait: true end to end of turn; answer: to the first sound)"
        count = max(20, self.count // 8)
        everything: list[tuple[float, float]] = []
        for pause in (0.0, 0.3, 0.5, 0.7):
            turns = []
            for number, pcm in enumerate(self._paused(count, pause), 1):
                turns.append(self._turn(pcm))
                progress(number, count)
            whole = [(wait, answer) for cut, wait, answer in turns if not cut]
            everything += whole
            table.add_row(
                f"{pause:.1f} s",
                str(len(turns)),
                f"{sum(cut for cut, _, _ in turns)}",
                *percentiles([wait for wait, _ in whole]),
                *percentiles([answer for _, answer in whole]),
            )
        table.add_row(
            "all",
            str(4 * count),
            "",
            *percentiles([wait for wait, _ in everything]),
            *percentiles([answer for _, answer in everything]),
        )
        console.print(table)

    def _paused(self, count: int, pause: float) -> Iterator[bytes]:
        """Sentences with a pause in the middle of them, where people breathe."""
        texts = [text for text in sentences(self.pack, 4 * count) if len(text) >= 6]
        for number, text in enumerate(texts[:count]):
            half = len(text) // 2
            parts = [text] if pause == 0.0 else [text[:half], text[half:]]
            sounds = [self.voice.speak(part) for part in parts]
            rate = sounds[0].rate
            # The voice has 80 ms of silence of its own at each end.
            gap = bytes(int(max(0.0, pause - 0.16) * rate) * 2)
            pcm = gap.join(sound.pcm for sound in sounds)
            pcm = bytes(int(0.4 * rate) * 2) + pcm + bytes(int(1.8 * rate) * 2)
            yield telephone(pcm, rate, snr_db=20.0, noise=NOISES[number % 3], seed=number + 1)

    def _turn(self, pcm: bytes) -> tuple[bool, float, float]:
        """Run one utterance as a call would; (cut off, wait, answer) in seconds."""
        endpointer = Endpointer(EndpointSettings(), SileroVad())
        true_end = len(pcm) / 2 / LINE_RATE - 1.8 - 0.08
        known_at, text, whole = 0.0, "", False
        ends: list[tuple[float, float]] = []
        for number, frame in enumerate(frames(pcm), 1):
            now = number * FRAME
            event = endpointer.feed(frame)
            if isinstance(event, SpeechPaused):
                began = time.process_time()
                text = hear_pcm(self.biased, endpointer.audio_so_far())
                best = self.understander.understand(text).best
                meant = best is not None and best.confidence >= self.pack.thresholds.clarify
                whole = self.endings.whole(text, meant=meant)
                known_at = now + time.process_time() - began
            elif isinstance(event, SpeechResumed):
                known_at = 0.0
            elif isinstance(event, SpeechEnded):
                ends.append((now, max(now, known_at) + FIRST_AUDIO))
                known_at = 0.0
            if 0.0 < known_at <= now:
                endpointer.end_after(silence_needed(Question.OPEN, text, whole=whole))
        if not ends:
            return True, 0.0, 0.0
        cut = any(now < true_end - 0.1 for now, _ in ends)
        return cut, ends[-1][0] - true_end, ends[-1][1] - true_end

    # --- barge-in ----------------------------------------------------------------------

    def part_barge(self) -> None:
        """How soon speech stops a prompt, and what stops it that should not."""
        prompt = self._prompt()
        table = Table("over our prompt", "n", "stopped", "paused only", "p50", "p95")
        table.title = "Barge-in (time: true begin of speech to the prompt's silence)"
        texts = [text for text in sentences(self.pack, 200) if len(text) >= 3]
        cases: list[tuple[str, list[tuple[bytes, float]]]] = []
        clips = [spoken(self.voice, text, n, snr_db=20.0) for n, text in enumerate(texts[:120])]
        cases.append(("speech", [(clip.pcm, onset(clip.pcm)) for clip in clips]))
        hums = [
            spoken(self.voice, "嗯", n, snr_db=snr).pcm for n in range(20) for snr in (15.0, 25.0)
        ]
        cases.append(("嗯", [(pcm, 0.0) for pcm in hums]))
        for name, sounds in cases:
            told = [self._stops(pcm, prompt) for pcm, _ in sounds]
            late = [
                min(t for t in one if t is not None) - begin
                for one, (_, begin) in zip(told, sounds, strict=True)
                if any(t is not None for t in one)
            ]
            stopped = sum(stop is not None for stop, _ in told)
            paused = sum(stop is None and hold is not None for stop, hold in told)
            shown = percentiles(late) if name == "speech" else ("", "")
            table.add_row(name, str(len(sounds)), str(stopped), str(paused), *shown)
        for name, sound in self._disturbances(prompt):
            pieces = [sound[i : i + 480_000] for i in range(0, len(sound), 480_000)]
            stops = sum(self._starts(piece, prompt) for piece in pieces)
            minutes = len(sound) / 2 / LINE_RATE / 60
            table.add_row(f"{name}, {minutes:.1f} min", "", str(stops), "", "", "")
        console.print(table)

    def _prompt(self) -> bytes:
        return load_voice(Settings())[0].render(self.pack.greeting("12345") * 4)

    def _stops(self, pcm: bytes, prompt: bytes) -> tuple[float | None, float | None]:
        """When the prompt is stopped, and when it is first held, if ever."""
        held = None
        for now, event in self._listen(pcm, prompt):
            if isinstance(event, SpeechSuspected) and held is None:
                held = now
            if isinstance(event, SpeechStarted):
                return now, held
        return None, held

    def _starts(self, pcm: bytes, prompt: bytes) -> int:
        return sum(isinstance(event, SpeechStarted) for _, event in self._listen(pcm, prompt))

    def _listen(self, pcm: bytes, prompt: bytes) -> Iterator[tuple[float, object]]:
        endpointer = Endpointer(EndpointSettings(), SileroVad())
        ours = list(frames(prompt))
        for number, frame in enumerate(frames(pcm)):
            event = endpointer.feed(frame, prompt_playing=True)
            endpointer.played(ours[number % len(ours)])
            if event is not None:
                yield (number + 1) * FRAME, event

    def _disturbances(self, prompt: bytes) -> Iterator[tuple[str, bytes]]:
        """Noise and echo, ``minutes`` in all, half of each."""
        count = int(self.minutes / 2 * 60 / len(NOISES) * LINE_RATE)
        for number, noise in enumerate(NOISES):
            yield noise, telephone(to_pcm(background(noise, count, 77 + number) * 0.03), LINE_RATE)
        # The echo is aligned to the prompt that ``_listen`` plays over and over, 30 s at a time.
        ours = samples(prompt).astype(float) / 32768
        for number, delay in enumerate((0.06, 0.15, 0.35)):
            pieces = []
            for start in range(0, count, 240_000):
                size = min(240_000, count - start)
                loop = np.resize(ours, size + int(delay * LINE_RATE))
                back = 0.1 * loop[:size]
                late = np.concatenate([np.zeros(int(delay * LINE_RATE)), back])[:size]
                late[24:] += 0.3 * late[:-24]
                hiss = 0.0015 * background("white", size, start + number)
                pieces.append(through_mulaw(to_pcm(late + hiss)))
            yield f"echo at -20 dB after {delay * 1000:.0f} ms", b"".join(pieces)


def hear(recogniser: Recogniser, clip: Clip) -> str:
    return hear_pcm(recogniser, clip.pcm)


def hear_pcm(recogniser: Recogniser, pcm: bytes) -> str:
    stream = recogniser.open()
    stream.feed(pcm)
    return stream.finish().text


def onset(pcm: bytes) -> float:
    """When a clip's voice begins, seconds: the first 10 ms far above the noise before it."""
    sound = samples(pcm).astype(float)
    levels = np.sqrt(np.mean(sound[: len(sound) // 80 * 80].reshape(-1, 80) ** 2, axis=1))
    loud = np.flatnonzero(levels > max(4 * float(np.median(levels[:20])), 300.0))
    return float(loud[0]) / 100 if loud.size else 0.0


def percentiles(seconds: list[float]) -> tuple[str, str]:
    """p50 and p95, as text."""
    if not seconds:
        return "-", "-"
    return tuple(f"{value:.2f} s" for value in np.percentile(seconds, [50, 95]))  # type: ignore[return-value]


def progress(number: int, of: int) -> None:
    if number % 20 == 0 or number == of:
        print(f"  {number} of {of}", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=402, help="utterances of the phone set")
    parser.add_argument("--minutes", type=float, default=10.0, help="noise and echo over a prompt")
    parser.add_argument("--only", choices=("words", "invented", "turns", "barge"))
    options = parser.parse_args()
    bench = Bench(Settings(), options.count, options.minutes)
    parts: dict[str, Callable[[], None]] = {
        "words": bench.part_words,
        "invented": bench.part_invented,
        "turns": bench.part_turns,
        "barge": bench.part_barge,
    }
    for name, part in parts.items():
        if options.only in (None, name):
            began = time.monotonic()
            part()
            console.print(f"{name}: took {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
