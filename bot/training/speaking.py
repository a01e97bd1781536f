"""A citizen's temper in their voice: speed, pitch, loudness, and the street behind them.

Leaves to others: the voice itself (``speech/voice.py``) and the telephone line
(``speech/citizen.py``).
"""

from __future__ import annotations

import numpy as np

from bot.speech.audio import samples, to_pcm
from bot.speech.citizen import telephone
from bot.speech.types import LINE_RATE
from bot.speech.voice import Voice
from bot.understanding.scenarios import Temper

#: Ratio of the voice to the traffic behind it, in decibels.
STREET = 15.0
#: Nothing is louder than this, so that a raised voice does not crackle.
FULL = 0.98


def speak(voice: Voice, temper: Temper, text: str, seed: int = 1) -> bytes:
    """Return what a citizen of that temper says, as it comes down the line (slin, 8 kHz). Blocks.

    Raises:
        SpeechError: no engine can say it.
    """
    said = voice.render(text, temper.speed, temper.pitch)
    gain = 10 ** (temper.loudness / 20)
    sound = samples(said).astype(np.float64) / 32768 * gain
    peak = float(np.abs(sound).max(initial=0.0))
    if peak > FULL:
        sound = sound * (FULL / peak)
    snr = STREET if temper.street else None
    return telephone(to_pcm(sound), LINE_RATE, snr_db=snr, noise="street", seed=seed)
