"""The held-out sentences: enough of them, well labelled, and none known to the packs."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import Indel

from bot.config import CHECKOUT
from bot.understanding.normalise import normalise
from bot.understanding.pack import Pack
from bot.understanding.schema import expansions

FOLDER = CHECKOUT / "tests" / "data" / "heldout"
#: Likeness of writing (0 to 1) from which a sentence is nearly a phrase of the pack.
NEARLY = 0.9
#: Sentences that are compared at once: what that takes in memory stays below 60 MB.
AT_ONCE = 1000


def rows() -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for file in sorted(FOLDER.glob("*.jsonl"))
        for line in file.read_text("utf-8").splitlines()
    ]


def test_there_are_enough_of_every_style() -> None:
    styles = Counter(row["style"] for row in rows())
    assert sum(styles.values()) >= 1500
    for style in ("plain", "dialect", "hesitant", "story", "short", "indirect"):
        assert styles[style] >= 80, style
    for style in ("two_requests", "look_alike", "out_of_scope"):
        assert styles[style] >= 50, style


def test_every_label_is_an_intent_of_the_pack(pack: Pack) -> None:
    known = {intent.id for intent in pack.intents} | {"-"}
    labels = {label for row in rows() for label in (row["intent"], *row.get("also", ()))}
    assert labels <= known


def test_no_sentence_is_there_twice() -> None:
    texts = Counter(row["text"] for row in rows())
    assert [text for text, count in texts.items() if count > 1] == []


def test_no_sentence_is_or_nearly_is_a_phrase_or_an_example_of_the_pack(pack: Pack) -> None:
    phrases = sorted({normalise(text) for intent in pack.intents for text in expansions(intent)})
    tests = sorted({normalise(text) for intent in pack.intents for text in intent.tests})
    whole = (*pack.harmless, *pack.background, *(t for all in pack.examples.values() for t in all))
    learnt = [*phrases, *tests, *(normalise(text) for text in whole)]
    said = sorted({normalise(row["text"]) for row in rows()})
    found = []
    for start in range(0, len(learnt), AT_ONCE):
        some = learnt[start : start + AT_ONCE]
        alike = process.cdist(
            said, some, scorer=Indel.normalized_similarity, score_cutoff=NEARLY, workers=-1
        )
        found += [(said[a], some[b]) for a, b in zip(*np.nonzero(alike), strict=True)]
    assert found == []
