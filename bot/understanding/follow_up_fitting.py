"""Fits how much each view says about a follow-up question, and measures it.

Two kinds of sentence with a known answer: development sentences written for it (JSON Lines
of ``about``, ``text`` and ``follow_up``, the title or "" for none), and the pack's own phrases
of follow-up questions, each forgotten while it is asked. Run after a great change of either:

    python -m bot.understanding.follow_up_fitting tests/data/dev/follow_ups.jsonl
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.config import Settings
from bot.understanding.follow_ups import FILE, LIKELY, VIEWS, probabilities, shares
from bot.understanding.lexicon import Lexicon
from bot.understanding.match import Understander, rival_of
from bot.understanding.pack import Pack, load_pack
from bot.understanding.schema import Faq

FOLDS = 5
#: What a pack's own phrase weighs; a development sentence weighs 1.
PHRASE_WEIGHT = 0.02
#: Weight of the squared weights, beside the summed surprise of the sentences.
RIDGE = 0.05


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence said after an answer, with what speaks for each follow-up question."""

    text: str
    views: NDArray[np.float64]
    right: int
    """Number of the follow-up question that was meant, -1 for none."""
    fold: int
    weight: float


def read_sentences(file: Path, pack: Pack) -> Iterator[tuple[str, str, int]]:
    """Yield about, text and number of the follow-up question.

    Raises:
        ValueError: a title that the answer has no follow-up question of.
    """
    for line in file.read_text("utf-8").splitlines():
        row = json.loads(line)
        faq = pack.intent(row["about"])
        titles = [one.title for one in faq.follow_ups] if isinstance(faq, Faq) else []
        yield (
            row["about"],
            row["text"],
            titles.index(row["follow_up"]) if row["follow_up"] else -1,
        )


def ask_all(file: Path, pack: Pack) -> list[Sentence]:
    """Return all sentences with what speaks for each follow-up question."""
    understander = Understander(pack)
    lexicon = Lexicon.of(pack)
    follow_ups = understander.follow_ups
    abouts: dict[str, int] = {}
    asked = []

    def add(about: str, text: str, right: int, weight: float, without: str = "") -> None:
        rival = rival_of(understander.understand(text), about)
        views = follow_ups.look(about, lexicon.read(text), rival, without)
        fold = abouts.setdefault(about, len(abouts)) % FOLDS
        asked.append(Sentence(text, views, right, fold, weight))

    for about, text, right in read_sentences(file, pack):
        add(about, text, right, 1.0)
    for intent in pack.intents:
        if isinstance(intent, Faq):
            for right, follow_up in enumerate(intent.follow_ups):
                for phrase in follow_up.phrases:
                    without = lexicon.read(phrase).text
                    add(intent.id, phrase, right, PHRASE_WEIGHT, without)
    return asked


def fit(sentences: Sequence[Sentence]) -> NDArray[np.float64]:
    """Return the weights of the views, then the constant, under which what is right is likeliest.

    A conditional logit (McFadden 1974) over the follow-up questions and "none of them".
    """
    from scipy.optimize import minimize

    design = np.concatenate([one.views for one in sentences])
    design = np.c_[design, np.ones(len(design))]
    count = [len(one.views) for one in sentences]
    owner = np.repeat(np.arange(len(sentences)), count)
    meant = np.concatenate([np.arange(len(one.views)) == one.right for one in sentences])
    none = np.array([one.right < 0 for one in sentences])
    weight = np.array([one.weight for one in sentences])
    ridge = np.r_[np.full(len(VIEWS), RIDGE), 0.0]

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        chances = shares(design @ weights, owner)
        # Of "none of them" what the questions leave of 1.
        rest = 1.0 - np.bincount(owner, chances, len(sentences))
        right = np.where(none, rest, np.bincount(owner, chances * meant, len(sentences)))
        slope = design.T @ ((chances - meant) * weight[owner]) + 2.0 * ridge * weights
        surprise = -(weight * np.log(np.maximum(right, 1e-12))).sum()
        return float(surprise + (ridge * weights**2).sum()), slope

    found = minimize(loss, np.zeros(len(VIEWS) + 1), jac=True, method="L-BFGS-B")
    weights: NDArray[np.float64] = found.x
    return weights


def cross_validate(sentences: Sequence[Sentence]) -> dict[str, float]:
    """Return precision and recall over the development sentences, fitted on other answers."""
    right = taken = meant = 0
    for fold in range(FOLDS):
        weights = fit([one for one in sentences if one.fold != fold])
        for one in sentences:
            if one.fold != fold or one.weight < 1.0:
                continue
            chances = probabilities(one.views, weights)
            best = int(chances.argmax())
            found = best if chances[best] >= LIKELY else -1
            taken += found >= 0
            meant += one.right >= 0
            right += found >= 0 and found == one.right
    return {
        "sentences": sum(one.weight == 1.0 for one in sentences),
        "precision": round(right / taken, 4),
        "recall": round(right / meant, 4),
    }


def main() -> None:
    """Fit on a file of development sentences and write the weights."""
    settings = Settings()
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else "")
    parser.add_argument("sentences", type=Path)
    parser.add_argument("--pack", type=Path, default=settings.grammars / settings.pack)
    parser.add_argument("-o", "--output", type=Path, default=FILE)
    arguments = parser.parse_args()
    sentences = ask_all(arguments.sentences, load_pack(arguments.pack))
    report = cross_validate(sentences)
    print(report)
    weights = fit(sentences).round(4).tolist()
    content = {
        "version": 1,
        "made_by": "python -m bot.understanding.follow_up_fitting",
        "cross_validation": report,
        "weights": dict(zip((*VIEWS, "constant"), weights, strict=True)),
    }
    arguments.output.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
