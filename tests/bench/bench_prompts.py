"""How well the line's prompts are understood, and how much of the error is the recogniser's own.

The same sound of every fixed prompt is heard six times: by the line's engine with the pack's
words and without, by plain faster-whisper with beams of 1, 5 and 10, and once more without the
telephone in between. What only a wider beam or a better line can hear was intelligible; it is
the recogniser that missed it. Needs the whisper model (``HOTLINE_HOME``), takes some minutes.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator

import numpy as np
import soxr
from faster_whisper import WhisperModel
from numpy.typing import NDArray

from bot.app import load_line_pack, load_voice
from bot.config import Settings
from bot.node.models import whisper_folder
from bot.speech.audio import resample, samples
from bot.speech.citizen import telephone
from bot.speech.intelligibility import GOAL, TOO_HARD, mistakes
from bot.speech.types import LINE_RATE, Recogniser
from bot.speech.voice import Voice, sentences
from bot.speech.whisper import NEUTRAL, RATE, WhisperRecogniser, tidy

#: Silence after a sentence of the direct sound, seconds, as the line's voice makes it.
PAUSE = 0.25


def as_floats(pcm: bytes, rate: int) -> NDArray[np.float32]:
    return np.asarray(soxr.resample(samples(pcm) / np.float32(32768), rate, RATE), np.float32)


def direct(voice: Voice, text: str) -> NDArray[np.float32]:
    """The voice as its engine makes it: wideband, no telephone."""
    parts = []
    for sentence in sentences(text):
        spoken = voice.synthesiser.speak(sentence)
        parts += [resample(spoken.pcm, spoken.rate, RATE), bytes(int(PAUSE * RATE) * 2)]
    return as_floats(b"".join(parts), RATE)


def by_engine(recogniser: Recogniser, pcm: bytes) -> str:
    stream = recogniser.open()
    stream.feed(pcm)
    return stream.finish().text


def by_model(model: WhisperModel, sound: NDArray[np.float32], beam: int) -> str:
    segments, _ = model.transcribe(
        sound,
        language="zh",
        beam_size=beam,
        initial_prompt=NEUTRAL,
        condition_on_previous_text=False,
        without_timestamps=True,
        temperature=0.0,
    )
    return tidy("".join(segment.text for segment in segments))


def hearings(texts: list[str], voice: Voice, bias: list[str]) -> Iterator[tuple[str, float]]:
    """Yield (way of hearing, error rate) for every text and way."""
    folder = whisper_folder(Settings())
    model = WhisperModel(str(folder), device="cpu", compute_type="int8", local_files_only=True)
    biased, neutral = WhisperRecogniser(folder, hint=bias), WhisperRecogniser(folder)
    for text in texts:
        line = telephone(voice.render(text), LINE_RATE)
        heard: dict[str, Callable[[], str]] = {
            "line's engine, pack's words likely": lambda pcm=line: by_engine(biased, pcm),
            "line's engine, told nothing": lambda pcm=line: by_engine(neutral, pcm),
            **{
                f"plain whisper, beam {beam}": lambda pcm=line, beam=beam: by_model(
                    model, as_floats(pcm, LINE_RATE), beam
                )
                for beam in (1, 5, 10)
            },
            "plain whisper, beam 5, no telephone": lambda text=text: by_model(
                model, direct(voice, text), 5
            ),
        }
        for way, hear in heard.items():
            wrong, of = mistakes(text, hear())
            yield way, wrong / of if of else 0.0


def main() -> None:
    settings = Settings()
    pack = load_line_pack(settings)
    voice, why = load_voice(settings)
    texts = pack.prompt_texts()
    rates: dict[str, list[float]] = {}
    for way, rate in hearings(texts, voice, pack.bias_words()):
        rates.setdefault(way, []).append(rate)
    print(f"{len(texts)} fixed prompts of {pack.name} {pack.version}, voice {why}")
    print(
        f"{'toneless-pinyin error':38} median   mean    max  over {TOO_HARD:.0%} (goal {GOAL:.0%})"
    )
    for way, found in rates.items():
        print(
            f"{way:38} {statistics.median(found):6.1%} {statistics.mean(found):6.1%} "
            f"{max(found):6.1%}  {sum(rate > TOO_HARD for rate in found)}"
        )


if __name__ == "__main__":
    main()
