"""Fits the weights of the views on questions that the pack's phrases do not hold.

Two kinds of question, both with a known answer, each as it is, wrapped in talk, or misheard:

- the pack's test sentences. Whoever writes a pack mends its phrases until its tests pass, so
  the template most like a sentence is taken out of the pack before it is asked: the fit
  should see how well citizens are understood whom nobody has heard before.
- the pack's own phrases, each with its whole template taken out (never only one expansion:
  the others would give the answer away). They are harder than life, since editors make
  templates differ, and weigh little.

Run ``python -m bot.understanding.fitting`` after a great change of the engine; it takes a
minute and writes ``weights.json``, with what cross-validation over intents says of it.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Indel

from bot.config import Settings
from bot.understanding import calibration, word_vectors
from bot.understanding.calibration import USES, Combination, Sample, calibration_error, fit
from bot.understanding.corpus import NOTHING, Corpus, corpus_of, evidence_of
from bot.understanding.evidence import VIEWS, Evidence
from bot.understanding.index import Phrase
from bot.understanding.lexicon import Lexicon
from bot.understanding.pack import Pack, load_pack
from bot.understanding.records import Records, read_records
from bot.understanding.variation import coloured, misheard, wrapped
from bot.understanding.word_vectors import WordVectors

FOLDS = 5
#: What a question made of a phrase weighs; one made of a test sentence weighs 1.
PHRASE_WEIGHT = 0.05
SEED = 20261124


@dataclass(frozen=True, slots=True)
class Asked:
    """A question asked for fitting, with how it was said."""

    style: str
    text: str
    sample: Sample
    owner: int
    """Number of the intent or, for talk that means none, of the sentence: decides the fold."""


def ask_all(pack: Pack, vectors: WordVectors) -> tuple[list[Asked], Corpus]:
    """Return every question with its shortlist, as an engine saw it that did not know it."""
    lexicon = Lexicon.of(pack)
    corpus = corpus_of(pack, lexicon)
    random = Random(SEED)
    templates = corpus.templates().tolist()
    random.shuffle(templates)
    asked: list[Asked] = []
    for fold in range(FOLDS):
        held = set(templates[fold::FOLDS])
        evidence = evidence_of(corpus.without(held), lexicon, vectors)
        for phrase in _one_of_each(corpus.phrases, held, random):
            asked += _variants(phrase, corpus, evidence, lexicon, random)
    label_of = {name: label for label, name in enumerate(corpus.names)}
    for turn in range(max((len(intent.tests) for intent in pack.intents), default=0)):
        tests = {label_of[i.id]: i.tests[turn] for i in pack.intents if len(i.tests) > turn}
        near = _nearest_templates(tests, corpus, lexicon, vectors)
        evidence = evidence_of(corpus.without(near), lexicon, vectors)
        asked += [
            _ask(f"test {style}", said, label, 1.0, evidence, lexicon)
            for label, text in tests.items()
            for style, said in _styles(text, random)
        ]
    return asked, corpus


def _nearest_templates(
    tests: Mapping[int, str], corpus: Corpus, lexicon: Lexicon, vectors: WordVectors
) -> set[int]:
    """Return for each label the template whose words or meaning are most like its sentence."""
    said: defaultdict[int, list[Phrase]] = defaultdict(list)
    for phrase in corpus.phrases:
        said[phrase.label].append(phrase)
    nearest: set[int] = set()
    for label, text in tests.items():
        reading, own = lexicon.read(text), said[label]
        meanings = vectors.sentences([reading, *(one.reading for one in own)], lexicon.rarity)
        alike = meanings[1:] @ meanings[0]
        for at, one in enumerate(own):
            alike[at] += Indel.normalized_similarity(reading.text, one.reading.text)
        if len({one.template for one in own}) > 1:
            nearest.add(own[int(alike.argmax())].template)
    return nearest


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
    phrase: Phrase, corpus: Corpus, evidence: Evidence, lexicon: Lexicon, random: Random
) -> list[Asked]:
    nothing = phrase.label == corpus.background
    weight = 1.0 if nothing else PHRASE_WEIGHT
    label = None if nothing else phrase.label
    style, said = random.choice(_styles(phrase.reading.text, random))
    return [_ask(f"phrase {style}", said, label, weight, evidence, lexicon, phrase.template)]


def _ask(
    style: str,
    text: str,
    label: int | None,
    weight: float,
    evidence: Evidence,
    lexicon: Lexicon,
    owner: int = 0,
) -> Asked:
    reading = lexicon.read(text)
    right = frozenset() if label is None else frozenset([label])
    sample = Sample(evidence.look(reading), len(reading.text), right, weight)
    return Asked(style, text, sample, owner if label is None else label)


def cross_validate(
    asked: Sequence[Asked], background: int | None
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return confidence and rightness of the first candidate, fitted on other intents."""
    fold = np.array([one.owner for one in asked]) % FOLDS
    confidence, correct = np.zeros(len(asked)), np.zeros(len(asked), bool)
    for number in range(FOLDS):
        fitted = fit(
            [one.sample for one, f in zip(asked, fold, strict=True) if f != number], background
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
    parser.add_argument("--ablation", nargs="+", type=Path, help="files of held-out questions")
    arguments = parser.parse_args()
    pack, vectors = load_pack(arguments.pack), word_vectors.shipped()
    asked, corpus = ask_all(pack, vectors)
    confidence, correct = cross_validate(asked, corpus.background)
    styles = np.array([one.style for one in asked])
    inside = np.array([bool(one.sample.right) for one in asked])
    report: dict[str, dict[str, float]] = {}
    for style in sorted(set(styles.tolist())):
        chosen = (styles == style) & inside
        report[style] = {
            "questions": int(chosen.sum()),
            "top1": round(float(correct[chosen].mean()), 4),
            "calibration_error": round(calibration_error(confidence[chosen], correct[chosen]), 4),
        }
        print(style, report[style])
    samples = [one.sample for one in asked]
    content = {
        "version": 1,
        "made_by": "python -m bot.understanding.fitting",
        "cross_validation": report,
        "combinations": {
            name: fit(samples, corpus.background, views).to_json() for name, views in USES.items()
        },
    }
    arguments.output.write_text(
        json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    if arguments.ablation:
        ablate(samples, pack, vectors, [read_records(file) for file in arguments.ablation])


def ablate(
    samples: Sequence[Sample], pack: Pack, vectors: WordVectors, held_out: Sequence[Records]
) -> None:
    """Print how often the first candidate is right without each view and by each alone.

    The weights are fitted anew each time; a column for each file of ``held_out``. Words that
    are spotted are not looked for, and what means no intent is left out.
    """
    lexicon = Lexicon.of(pack)
    corpus = corpus_of(pack, lexicon)
    evidence = evidence_of(corpus, lexicon, vectors)
    label_of = {name: label for label, name in enumerate(corpus.names) if name != NOTHING}
    tables = []
    for records in held_out:
        table = []
        for row in records.rows:
            right = frozenset(
                label_of[name] for name in (row.intent, *row.also) if name in label_of
            )
            if right:
                reading = lexicon.read(row.text)
                table.append(Sample(evidence.look(reading), len(reading.text), right))
        tables.append(table)
    print("questions", *(len(table) for table in tables))
    kinds = {"all views": VIEWS}
    kinds |= {f"without {view}": tuple(v for v in VIEWS if v != view) for view in VIEWS}
    kinds |= {f"{view} alone": (view,) for view in VIEWS}
    for kind, views in kinds.items():
        fitted = fit(samples, corpus.background, views)
        shares = [
            np.mean([first(one, fitted, corpus.background)[1] for one in table])
            for table in tables
            if table
        ]
        print(f"{kind:28}", *(f"{share:.3f}" for share in shares))


if __name__ == "__main__":
    main()
