"""Fit how sure Whisper may be of a reading: the weights at the top of ``bot/speech/whisper.py``.

``python tests/bench/fit_whisper.py [--count N]`` hears the synthetic phone set and clips
without speech, and fits the probability that a reading is about right (at most a third of
its syllables wrong) to the mean log-probabilities of its tokens: logistic regression, half
of the clips held out. What it prints is to be written there by hand.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import soxr

sys.path.insert(0, str(Path(__file__).parent))

from phone_set import out_of_domain, sentences, utterances, without_speech

import bot.speech.whisper as whisper
from bot.app import load_line_pack, load_voice
from bot.config import Settings
from bot.node.models import whisper_folder
from bot.speech.audio import samples
from bot.speech.scoring import Tally
from bot.speech.types import LINE_RATE

RIGHT = 1 / 3


def fit(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Weights of a logistic regression, the offset last (Newton's method, ridge of 0.01)."""
    x = np.column_stack([x, np.ones(len(x))])
    w = np.zeros(x.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-x @ w))
        hessian = (x * (p * (1 - p))[:, None]).T @ x + 0.01 * np.eye(len(w))
        w += np.linalg.solve(hessian, x.T @ (y - p) - 0.01 * w)
    return w


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=240)
    count = parser.parse_args().count
    settings = Settings()
    pack = load_line_pack(settings)
    voice = load_voice(settings)[0].synthesiser
    recogniser = whisper.WhisperRecogniser(whisper_folder(settings), hint=pack.bias_words())
    whisper.MIN_SURE = -1.0
    prompts = recogniser.prompts(())[:1]
    rows = []
    clips = [
        *utterances(voice, sentences(pack, count // 3), count),
        *out_of_domain(voice, count // 4),
        *without_speech(count // 4),
    ]
    for number, clip in enumerate(clips):
        sound = np.divide(samples(clip.pcm), 32768, dtype=np.float32)
        wide = soxr.resample(sound, LINE_RATE, whisper.RATE)
        found = recogniser._decoder.decode(wide, prompts)
        if found:
            tally = Tally()
            tally.add(clip.text, found[0].text)
            right = bool(clip.text) and tally.pinyin_error <= RIGHT
            rows.append((found[0].prompted, found[0].sounding, right, bool(clip.text)))
        if number % 50 == 0:
            print(f"{number} of {len(clips)} clips heard", flush=True)
    table = np.array(rows, float)
    held = np.random.default_rng(1).random(len(table)) < 0.5
    x, y = table[:, :2], table[:, 2]
    weights = fit(x[~held], y[~held])
    p = 1 / (1 + np.exp(-(np.column_stack([x, np.ones(len(x))]) @ weights)))
    loss = -np.mean(np.log(np.where(y[held] > 0, p[held], 1 - p[held])))
    print(f"held out: log loss {loss:.3f}, {held.sum()} readings")
    for low, high in ((0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.01)):
        inside = held & (p >= low) & (p < high)
        if inside.any():
            print(f"  said {low:.1f} to {high:.1f}: right {y[inside].mean():.2f} of {inside.sum()}")
    whole = fit(x, y)
    made_up = p[table[:, 3] == 0]
    print(f"PROMPTED, SOUNDING, OFFSET = {', '.join(f'{w:.2f}' for w in whole)}")
    print(f"without speech: {len(made_up)} readings, highest {made_up.max(initial=0.0):.3f}")


if __name__ == "__main__":
    main()
