"""What the matching engine promises on any text, and what it keeps on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from understanding.worlds import small_world

from bot.understanding import store
from bot.understanding.corpus import corpus_of
from bot.understanding.lexicon import Lexicon, stem
from bot.understanding.match import Understander
from bot.understanding.pack import Pack
from bot.understanding.sparse import Rows
from bot.understanding.word_vectors import shipped

#: Files of indexes, beside that of the sentences.
INDEXES = "[0-9a-f]*.npz"
WORLD = """
units: [{id: works, name: 公用, name_en: Public Works}]
categories:
  - id: light.broken
    title: 路灯坏了
    title_en: Street light out
    unit: works
    opening: 好。
    phrases: [路灯不亮了, the street light is out, street lights are not working]
  - id: pothole
    title: 路面坑洼
    title_en: Pothole
    unit: works
    opening: 好。
    phrases: [路上有个坑, there is a pothole in the road]
background: [今天天气怎么样, 讲个笑话, what is the weather like]
"""


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return small_world(tmp_path_factory.mktemp("world"), WORLD)


@pytest.fixture(scope="module")
def understander(pack: Pack) -> Understander:
    return Understander(pack, cache=None)


_odd = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="0123456789零一二三幺", max_size=40),
    st.text(alphabet="🙂🚰👨‍👩‍👧\u200d\u202e\x00\x1b\n", max_size=30),
    st.text(alphabet="abcdefghijklmnopqrstuvwxyz '-.", max_size=80),
    st.text(alphabet="路燈壞了這個沒有東西還", max_size=30),
    st.sampled_from(["", " ", "啊" * 4000, "street " * 1500, "停水，" * 3000, "\ud800"]),
)


@settings(deadline=None, max_examples=150)
@given(_odd)
def test_any_text_gives_a_sane_answer(understander: Understander, text: str) -> None:
    result = understander.understand(text, alternatives=[text[::-1]])
    confidences = [one.confidence for one in result.candidates]
    assert all(0 <= one <= 1 for one in confidences)
    assert all(one.reasons for one in result.candidates)
    assert len({one.intent for one in result.candidates}) == len(result.candidates)


def test_ten_kilobytes_take_no_longer_than_a_story(understander: Understander) -> None:
    long = "我们这里路灯坏了好几天，晚上看不见路，" * 600
    assert understander.understand(long).best is not None
    assert len(understander.understand(long).normalised) <= 400


def test_traditional_characters_mean_the_same(understander: Understander) -> None:
    best = understander.understand("路燈不亮了").best
    assert best is not None
    assert best.intent == "light.broken"


@pytest.mark.parametrize(
    ("said", "intent"),
    [
        ("Hi, the street lights on my block are out!", "light.broken"),
        ("street light not working", "light.broken"),
        ("I want to report a big pothole", "pothole"),
    ],
)
def test_english_is_understood_by_its_words(
    understander: Understander, said: str, intent: str
) -> None:
    best = understander.understand(said).best
    assert best is not None
    assert best.intent == intent


def test_everyday_talk_is_no_intent(understander: Understander) -> None:
    best = understander.understand("今天的天气怎么样啊").best
    assert best is None or best.confidence < 0.3


def test_reasons_are_chinese_sentences(understander: Understander) -> None:
    best = understander.understand("路灯不亮").best
    assert best is not None
    assert all(any("\u4e00" <= char <= "\u9fff" for char in reason) for reason in best.reasons)


def test_english_words_lose_their_endings_and_chinese_ones_nothing() -> None:
    assert [stem(word) for word in ("lights", "parked", "dumping", "cities", "glass", "停水")] == [
        "light", "park", "dump", "city", "glass", "停水",
    ]  # fmt: skip


def test_an_index_comes_back_from_disk_and_answers_alike(pack: Pack, tmp_path: Path) -> None:
    made = Understander(pack, cache=tmp_path)
    (file,) = tmp_path.glob(INDEXES)
    before = file.stat().st_ino
    read = Understander(pack, cache=tmp_path)
    assert file.stat().st_ino == before
    for said in ("路灯怎么坏了", "there is a hole", "讲个故事"):
        assert made.understand(said) == read.understand(said)


def test_a_changed_pack_does_not_find_the_old_index(pack: Pack, tmp_path: Path) -> None:
    Understander(pack, cache=tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    Understander(small_world(other, WORLD.replace("路上有个坑", "路面塌了")), cache=tmp_path)
    assert len(list(tmp_path.glob(INDEXES))) == 2


def test_a_spoilt_index_is_made_again(pack: Pack, tmp_path: Path) -> None:
    Understander(pack, cache=tmp_path)
    (file,) = tmp_path.glob(INDEXES)
    file.write_bytes(file.read_bytes()[:1000])
    assert Understander(pack, cache=tmp_path).understand("路灯不亮了").best is not None


def test_a_folder_that_cannot_be_written_is_no_error(pack: Pack, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    Understander(pack, cache=tmp_path / "file" / "cache")


def test_only_the_indexes_used_lately_are_kept(pack: Pack, tmp_path: Path) -> None:
    for number in range(store.MOST_KEPT + 3):
        (tmp_path / f"{number}.npz").write_bytes(b"")
    Understander(pack, cache=tmp_path)
    assert len(list(tmp_path.glob("*.npz"))) == store.MOST_KEPT


def test_titles_in_both_languages_are_phrases_too(pack: Pack) -> None:
    corpus = corpus_of(pack, Lexicon.of(pack))
    texts = {phrase.reading.text for phrase in corpus.phrases}
    assert {"路灯坏了", "street light out", "pothole"} <= texts
    assert corpus.names[-1] == "-"


def test_words_used_alike_have_vectors_alike() -> None:
    vectors = shipped()
    tap, pipe, opera = (vectors.of(word) for word in ("水龙头", "水管", "京剧"))
    assert tap @ pipe > tap @ opera
    assert not vectors.of("zzzz").any()


@given(st.lists(st.lists(st.tuples(st.integers(0, 4), st.floats(-1, 1, width=32)), max_size=4)))
def test_sparse_rows_add_up_like_dense_ones(cells: list[list[tuple[int, float]]]) -> None:
    rows = Rows.of(cells)
    dense = np.zeros((len(cells), 5))
    for at, row in enumerate(cells):
        for column, value in row:
            dense[at, column] += value
    chosen = np.arange(len(cells))
    weights = np.linspace(0.5, 1.5, len(cells), dtype=np.float32)
    assert rows.summed(chosen, weights, 5) == pytest.approx(weights @ dense, abs=1e-4)
    assert rows.found(chosen, np.ones(5, np.float32)) == pytest.approx(dense.sum(axis=1), abs=1e-4)
