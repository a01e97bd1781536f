"""What whole sentences mean, by the model that set-up made ready."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from understanding.worlds import small_world

from bot.config import Settings
from bot.understanding import word_vectors
from bot.understanding.lexicon import Lexicon
from bot.understanding.match import Understander
from bot.understanding.sentences import SentenceMeanings, SentenceModel, WordMeanings

WORLD = """
units: [{id: unit, name: 单位}]
categories:
  - {id: water, title: 停水, unit: unit, opening: 好, phrases: [停水了, 家里没水, 水管不出水]}
  - {id: light, title: 路灯, unit: unit, opening: 好, phrases: [路灯不亮了, 路灯坏了]}
background: [今天天气怎么样, 讲个笑话]
"""


@pytest.fixture(scope="module")
def model() -> SentenceModel:
    return SentenceModel(Settings().home / "models" / "e5-small")


def test_sentences_that_mean_alike_are_closer_than_those_that_share_words(
    model: SentenceModel,
) -> None:
    asked, alike, other = model.meanings_of(
        ["楼道里黑咕隆咚的什么都看不见", "楼道灯坏了", "楼道里堆满了东西什么都过不去"]
    )
    assert asked @ alike > asked @ other


def test_a_meaning_has_length_one_whatever_was_said(model: SentenceModel) -> None:
    meanings = model.meanings_of(["停水", "", "𠮷", "سلام", "啊" * 400])
    assert np.linalg.norm(meanings, axis=1) == pytest.approx(np.ones(5), abs=1e-4)


def test_a_sentence_means_the_same_among_others_as_alone(model: SentenceModel) -> None:
    texts = ["停水了", "公积金怎么提取出来", "楼下烧烤店天天晚上吵到后半夜投诉好几回了也没人管"]
    together = model.meanings_of(texts)
    alone = np.array([model.meaning_of(text) for text in texts])
    assert (together * alone).sum(axis=1) == pytest.approx(np.ones(3), abs=0.01)


def test_nothing_to_read_gives_no_rows(model: SentenceModel) -> None:
    assert len(model.meanings_of([])) == 0


def test_what_was_learnt_is_read_from_disk_the_next_time(
    model: SentenceModel, tmp_path: Path
) -> None:
    lexicon = Lexicon((), {})
    readings = [lexicon.read(text) for text in ("停水了", "路灯坏了")]
    first = SentenceMeanings(model, tmp_path).of_all(readings)
    (file,) = tmp_path.glob("*.npz")
    with np.load(file) as data:
        changed = dict(data) | {"meanings": -data["meanings"]}
    np.savez(file, **changed)
    again = SentenceMeanings(model, tmp_path).of_all(readings)
    assert again == pytest.approx(-first, abs=1e-3)


def test_where_the_model_is_not_installed_words_stand_in(tmp_path: Path) -> None:
    pack = small_world(tmp_path, WORLD)
    meanings = WordMeanings(word_vectors.shipped(), Lexicon.of(pack).rarity)
    best = Understander(pack, cache=None, meanings=meanings).understand("自来水停了").best
    assert best is not None
    assert best.intent == "water"
