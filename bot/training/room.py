"""What the pages of training are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.training.records import TrainingRecords
from bot.understanding.scenarios import Temper


@dataclass(frozen=True)
class TrainingRoom:
    """Everything that training needs of the line."""

    records: TrainingRecords
    speak: Callable[[Temper, str], bytes]
    """What a citizen of that temper says (slin, 8 kHz). Blocks; may raise SpeechError."""
