"""Fits the weights of the views on questions that the pack's phrases do not hold.

Three kinds of question, all with a known answer, each as it is, wrapped in talk, or misheard:

- the pack's test sentences. Whoever writes a pack mends its phrases until its tests pass, so
  the template most like a sentence is taken out of the pack before it is asked: the fit
  should see how well citizens are understood whom nobody has heard before.
- the pack's examples, a fifth of them at a time taken out of it, and with each the template or
  example most like it: one writer says one thing in much the same ways.
- the pack's own phrases, each with its whole template taken out (never only one expansion:
  the others would give the answer away). They are harder than life, since editors make
  templates differ, and weigh little.

Run ``python -m bot.understanding.fitting`` after a great change of the engine or the packs; it
takes a quarter of an hour and writes ``weights.json``, with what cross-validation over intents
says of it. ``--space`` first makes ``sentence_space.npz`` anew.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Indel

from bot.config import Settings
from bot.understanding import calibration, word_vectors
from bot.understanding.calibration import (
    BOTH,
    USES,
    WORDS,
    Combination,
    Sample,
    calibration_error,
    fit,
)
from bot.understanding.corpus import Corpus, corpus_of, evidence_of
from bot.understanding.evidence import VIEWS, Evidence
from bot.understanding.index import Phrase
from bot.understanding.lexicon import Lexicon
from bot.understanding.pack import Pack, load_pack
from bot.understanding.sentences import (
    Meanings,
    Space,
    WordMeanings,
    installed,
    meanings_for,
    write_space,
)
from bot.understanding.sparse import Floats
from bot.understanding.variation import coloured, misheard, wrapped

FOLDS = 5
#: What a question made of a phrase weighs; one made of a test sentence weighs 1.
PHRASE_WEIGHT = 0.05
#: What a question made of an example weighs: there are many, by few hands.
EXAMPLE_WEIGHT = 0.3
SEED = 20261124
#: Confidence from which the first pack acts without asking: what the report calls sure.
SURE = 0.8


@dataclass(frozen=True, slots=True)
class Asked:
    """A question asked for fitting, with how it was said."""

    style: str
    text: str
    sample: Sample
    owner: int
    """Number of the intent or, for talk that means none, of the sentence: decides the fold."""


def ask_all(pack: Pack, lexicon: Lexicon, meanings: Meanings) -> tuple[list[Asked], Corpus]:
    """Return every question with its shortlist, as an engine saw it that did not know it."""
    corpus = corpus_of(pack, lexicon)
    random = Random(SEED)
    near = _Near(corpus, meanings)
    examples = {lexicon.read(text).text for texts in pack.examples.values() for text in texts}
    templates = corpus.templates().tolist()
    random.shuffle(templates)
    asked: list[Asked] = []
    for fold in range(FOLDS):
        held = set(templates[fold::FOLDS])
        chosen = list(_one_of_each(corpus.phrases, held, random))
        alike = {near.template(p) for p in chosen if p.reading.text in examples}
        evidence = evidence_of(corpus.without(held | alike), lexicon, meanings)
        asker = _Asker(evidence, lexicon, meanings)
        for phrase in chosen:
            style = "example" if phrase.reading.text in examples else "phrase"
            asked += _variants(style, phrase, corpus, asker, random)
    label_of = {name: label for label, name in enumerate(corpus.names)}
    for turn in range(max((len(intent.tests) for intent in pack.intents), default=0)):
        tests = {label_of[i.id]: i.tests[turn] for i in pack.intents if len(i.tests) > turn}
        alike = {
            near.template(Phrase(label, -1, lexicon.read(text))) for label, text in tests.items()
        }
        asker = _Asker(evidence_of(corpus.without(alike), lexicon, meanings), lexicon, meanings)
        asked += [
            asker.ask(f"test {style}", said, label, 1.0)
            for label, text in tests.items()
            for style, said in _styles(text, random)
        ]
    return asked, corpus


class _Near:
    """Finds the template whose words or meaning are most like a sentence of its intent."""

    def __init__(self, corpus: Corpus, meanings: Meanings) -> None:
        self._meanings = meanings
        self._said: defaultdict[int, list[Phrase]] = defaultdict(list)
        for phrase in corpus.phrases:
            self._said[phrase.label].append(phrase)

    def template(self, phrase: Phrase) -> int:
        """Return the number of the nearest template; -1 when there is no other."""
        others = [one for one in self._said[phrase.label] if one.template != phrase.template]
        if len({one.template for one in others}) < 2:
            return -1
        meanings = self._all(phrase.label)
        own = [one.template != phrase.template for one in self._said[phrase.label]]
        alike = meanings[own] @ self._meanings.of(phrase.reading)
        for at, one in enumerate(others):
            alike[at] += Indel.normalized_similarity(phrase.reading.text, one.reading.text)
        return others[int(alike.argmax())].template

    @cache  # noqa: B019 - it lives as long as one fit
    def _all(self, label: int) -> Floats:
        return self._meanings.of_all([one.reading for one in self._said[label]])


def _one_of_each(
    phrases: Sequence[Phrase], templates: set[int], random: Random
) -> Iterator[Phrase]:
    said: dict[int, list[Phrase]] = {}
    for phrase in phrases:
        if phrase.template in templates:
            said.setdefault(phrase.template, []).append(phrase)
    for template in sorted(said):
        yield random.choice(said[template])


def _styles(text: str, random: Random) -> list[tuple[str, str]]:
    return [
        ("plain", text),
        ("wrapped", wrapped(coloured(text, random), random)),
        ("misheard", misheard(text if random.random() < 0.5 else wrapped(text, random), random)),
    ]


def _variants(
    sort: str, phrase: Phrase, corpus: Corpus, asker: _Asker, random: Random
) -> list[Asked]:
    nothing = phrase.label == corpus.background
    weight = EXAMPLE_WEIGHT if sort == "example" else PHRASE_WEIGHT
    label = None if nothing else phrase.label
    style, said = random.choice(_styles(phrase.reading.text, random))
    return [asker.ask(f"{sort} {style}", said, label, 1.0 if nothing else weight, phrase.template)]


@dataclass(frozen=True, slots=True)
class _Asker:
    """An engine to ask."""

    evidence: Evidence
    lexicon: Lexicon
    meanings: Meanings

    def ask(self, style: str, text: str, label: int | None, weight: float, owner: int = 0) -> Asked:
        reading = self.lexicon.read(text)
        right = frozenset() if label is None else frozenset([label])
        look = self.evidence.look(reading, self.meanings.of(reading))
        sample = Sample(look, len(reading.text), right, weight)
        return Asked(style, text, sample, owner if label is None else label)


def cross_validate(
    asked: Sequence[Asked], background: int | None, views: Collection[str] = VIEWS
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return confidence and rightness of the first candidate, fitted on other intents."""
    fold = np.array([one.owner for one in asked]) % FOLDS
    confidence, correct = np.zeros(len(asked)), np.zeros(len(asked), bool)
    for number in range(FOLDS):
        fitted = fit(
            [one.sample for one, f in zip(asked, fold, strict=True) if f != number],
            background,
            views,
        )
        for at in np.nonzero(fold == number)[0].tolist():
            confidence[at], correct[at] = first(asked[at].sample, fitted, background)
    return confidence, correct


def first(sample: Sample, combination: Combination, background: int | None) -> tuple[float, bool]:
    """Return the probability of the likeliest intent, and whether it is right."""
    chances = combination.probabilities(sample.look, sample.length, background)
    chances = np.where(sample.look.labels == background, -1.0, chances)
    if not len(chances) or (best := int(chances.argmax())) < 0:
        return 0.0, not sample.right
    return max(0.0, float(chances[best])), int(sample.look.labels[best]) in sample.right


def main() -> None:
    """Fit on a pack and write the weights."""
    settings = Settings()
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else "")
    parser.add_argument("pack", nargs="?", type=Path, default=settings.grammars / settings.pack)
    parser.add_argument("-o", "--output", type=Path, default=calibration.FILE)
    parser.add_argument("--ablation", action="store_true", help="also print what each view adds")
    parser.add_argument("--space", action="store_true", help="make the sentences' space anew")
    arguments = parser.parse_args()
    pack = load_pack(arguments.pack)
    lexicon = Lexicon.of(pack)
    cache = settings.home / "cache" / "understanding"
    if arguments.space:
        write_space(_space_of(pack, lexicon))
    content: dict[str, Any] = {"version": 2, "made_by": "python -m bot.understanding.fitting"}
    combinations: dict[str, Any] = {}
    words = WordMeanings(word_vectors.shipped(), lexicon.rarity)
    for name, meanings in ((BOTH, meanings_for(lexicon, cache)), (WORDS, words)):
        asked, corpus = ask_all(pack, lexicon, meanings)
        content[f"cross_validation_{name}"] = _report(asked, corpus)
        samples = [one.sample for one in asked]
        for own, views in USES.items():
            if (own == WORDS) == (name == WORDS):
                combinations[own] = fit(samples, corpus.background, views).to_json()
        if arguments.ablation:
            ablate(asked, corpus)
    content["combinations"] = combinations
    arguments.output.write_text(
        json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )


def _space_of(pack: Pack, lexicon: Lexicon) -> Space:
    model = installed()
    if model is None:
        raise SystemExit("There is no sentence model: run `make setup`.")
    texts = sorted({phrase.reading.text for phrase in corpus_of(pack, lexicon).phrases})
    return Space.fitted(model.states_of(texts))


def _report(asked: Sequence[Asked], corpus: Corpus) -> dict[str, dict[str, float]]:
    """Print and return how well each sort of question was understood."""
    confidence, correct = cross_validate(asked, corpus.background)
    styles = np.array([one.style for one in asked])
    inside = np.array([bool(one.sample.right) for one in asked])
    report: dict[str, dict[str, float]] = {}
    for style in sorted(set(styles.tolist())):
        chosen = (styles == style) & inside
        if not chosen.any():
            continue
        sure = chosen & (confidence >= SURE)
        report[style] = {
            "questions": int(chosen.sum()),
            "top1": round(float(correct[chosen].mean()), 4),
            "sure": round(float(sure.sum() / chosen.sum()), 4),
            "sure_and_wrong": round(float((sure & ~correct).sum() / chosen.sum()), 4),
            "calibration_error": round(calibration_error(confidence[chosen], correct[chosen]), 4),
        }
        print(style, report[style], flush=True)
    nothing = ~inside
    print("nothing", int(nothing.sum()), "sure", float((confidence[nothing] >= SURE).mean()))
    return report


def ablate(asked: Sequence[Asked], corpus: Corpus) -> None:
    """Print how often the first candidate is right without each view and by each alone.

    By the same cross-validation: the share of tests, then of examples.
    """
    kinds = {"all views": VIEWS}
    kinds |= {f"without {view}": tuple(v for v in VIEWS if v != view) for view in VIEWS}
    kinds |= {f"{view} alone": (view,) for view in VIEWS}
    sorts = np.array([one.style.split()[0] for one in asked])
    inside = np.array([bool(one.sample.right) for one in asked])
    for kind, views in kinds.items():
        _, correct = cross_validate(asked, corpus.background, views)
        shares = [correct[(sorts == sort) & inside].mean() for sort in ("test", "example")]
        print(f"{kind:28}", *(f"{share:.3f}" for share in shares), flush=True)


if __name__ == "__main__":
    main()
