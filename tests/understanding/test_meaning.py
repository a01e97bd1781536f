"""What whole sentences mean, by the model that set-up made ready."""

from __future__ import annotations

import numpy as np
import pytest

from bot.config import Settings
from bot.understanding.sentences import SentenceModel


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
    assert (together * alone).sum(axis=1) == pytest.approx(np.ones(3), abs=1e-3)


def test_nothing_to_read_gives_no_rows(model: SentenceModel) -> None:
    assert len(model.meanings_of([])) == 0
