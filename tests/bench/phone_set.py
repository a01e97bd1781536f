"""The synthetic phone set: what citizens say, in many voices, on many lines; and what is no speech.

Every clip is repeatable by its number. The voice is synthetic (one speaker, made faster,
slower, higher and lower), so rates measured on it are for comparing, not for promising.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bot.speech.audio import to_pcm
from bot.speech.citizen import NOISES, background, telephone
from bot.speech.music import compose
from bot.speech.types import LINE_RATE, Synthesiser
from bot.understanding.pack import Pack
from bot.understanding.schema import Category, Command, Faq, expansions

SPEEDS = (0.85, 1.0, 1.15, 1.3)
PITCHES = (0.85, 0.93, 1.0, 1.1, 1.2)
SNRS = (20.0, 10.0, 5.0)
LOSSES = (0.0, 0.01, 0.03)
#: Silence around an utterance, as the endpointer leaves it, seconds.
BEFORE, AFTER = 0.3, 0.5

#: What people say that is no business of a city's hotline.
OUT_OF_DOMAIN = tuple(Path(__file__).with_name("out_of_domain.txt").read_text("utf-8").split())


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording of the set."""

    kind: str
    """utterance, out_of_domain, silence, noise, music or hum."""
    text: str
    """What is said; "" where nobody speaks."""
    pcm: bytes
    """Line audio: slin, 8 kHz."""
    snr_db: float | None = None
    noise: str = ""
    loss: float = 0.0
    speed: float = 1.0
    pitch: float = 1.0


def sentences(pack: Pack, count: int, seed: int = 1) -> list[str]:
    """Choose ``count`` different things to say from a pack's own phrases, over all intents."""
    chooser = random.Random(seed)
    sources = []
    for intent in pack.intents:
        if isinstance(intent, Faq | Category | Command):
            texts = [text for text in expansions(intent) if 2 <= len(text) <= 16]
            chooser.shuffle(texts)
            sources.append(texts)
    chooser.shuffle(sources)
    rounds = itertools.chain.from_iterable(itertools.zip_longest(*sources))
    return list(itertools.islice(dict.fromkeys(text for text in rounds if text), count))


def spoken(
    voice: Synthesiser, text: str, number: int, *, snr_db: float | None, kind: str = "utterance"
) -> Clip:
    """Say a text as caller ``number`` on that caller's line."""
    chooser = random.Random(f"{number} {text}")
    speed, pitch = chooser.choice(SPEEDS), chooser.choice(PITCHES)
    noise, loss = chooser.choice(NOISES), chooser.choice(LOSSES)
    # The pitch is made by playing faster, so the voice speaks slower to keep its speed.
    sound = voice.speak(text, speed / pitch)
    padded = (
        bytes(int(BEFORE * sound.rate * pitch) * 2)
        + sound.pcm
        + bytes(int(AFTER * sound.rate * pitch) * 2)
    )
    line = telephone(
        padded, sound.rate, snr_db=snr_db, noise=noise, pitch=pitch, loss=loss, seed=number + 1
    )
    return Clip(kind, text, line, snr_db, noise, loss, speed, pitch)


def utterances(voice: Synthesiser, texts: list[str], count: int) -> Iterator[Clip]:
    """Yield ``count`` clips; each text comes back at every noise level in turn."""
    for number in range(count):
        text = texts[number // len(SNRS) % len(texts)]
        yield spoken(voice, text, number, snr_db=SNRS[number % len(SNRS)])


def out_of_domain(voice: Synthesiser, count: int) -> Iterator[Clip]:
    """Yield ``count`` clips of things that are no business of the hotline."""
    for number in range(count):
        text = OUT_OF_DOMAIN[number % len(OUT_OF_DOMAIN)]
        snr = (20.0, 10.0)[number // len(OUT_OF_DOMAIN) % 2]
        yield spoken(voice, text, 10_000 + number, snr_db=snr, kind="out_of_domain")


def without_speech(count: int) -> Iterator[Clip]:
    """Yield ``count`` clips of silence, noise, music and humming, 1 to 5 s long."""
    kinds = ("silence", "white", "street", "babble", "music", "hum")
    music = np.frombuffer(compose(40), "<i2").astype(float) / 32768
    for number in range(count):
        chooser = np.random.default_rng(20_000 + number)
        samples = int(chooser.uniform(1.0, 5.0) * LINE_RATE)
        kind = kinds[number % len(kinds)]
        loud = float(chooser.choice((0.01, 0.03, 0.1)))
        if kind == "silence":
            sound = chooser.standard_normal(samples) * 1e-4
        elif kind == "music":
            start = int(chooser.integers(LINE_RATE, len(music) - samples - LINE_RATE))
            sound = music[start : start + samples] * loud * 10
        elif kind == "hum":
            t = np.arange(samples) / LINE_RATE
            hertz = chooser.uniform(90, 250)
            sound = loud * sum(np.sin(2 * np.pi * hertz * n * t) / n for n in range(1, 6))
        else:
            sound = background(kind, samples, 20_000 + number) * loud
        name = "noise" if kind in NOISES else kind
        yield Clip(name, "", telephone(to_pcm(np.asarray(sound)), LINE_RATE), noise=kind)
