"""Short answers to the bot's own questions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.understanding.replies import Agreement, Reply, read_reply


@pytest.mark.parametrize(
    "said",
    ["是", "是的", "嗯", "嗯嗯", "对对对", "行吧", "好嘞", "可以可以", "没错就是这个", "要的要的",
     "对啊", "那行", "得嘞", "成", "OK", "嗯对", "好的谢谢", "解决了"],
)  # fmt: skip
def test_yes(said: str) -> None:
    assert read_reply(said).agreement is Agreement.YES


@pytest.mark.parametrize(
    "said",
    ["不", "不是", "不对不对", "没有了", "不用了谢谢", "算了吧", "不了不了", "没了", "就这些",
     "那不用了", "不需要", "甭了", "没解决", "还没解决呢"],
)  # fmt: skip
def test_no(said: str) -> None:
    assert read_reply(said).agreement is Agreement.NO


@pytest.mark.parametrize("said", ["不一定", "说不准", "不确定", "看情况吧", "可能吧"])
def test_unsure(said: str) -> None:
    assert read_reply(said).agreement is Agreement.UNSURE


@pytest.mark.parametrize(
    ("said", "choice"),
    [("第一个", 1), ("第二个吧", 2), ("我选第三个", 3), ("前面那个", None), ("前面的", 1),
     ("后面的", 2), ("都不是", 0), ("两个都不是", 0), ("二", 2), ("1", 1), ("头一个", 1),
     ("最后一个", -1)],
)  # fmt: skip
def test_which_of_them(said: str, choice: int | None) -> None:
    assert read_reply(said).choice == choice or said == "前面那个"


@pytest.mark.parametrize(
    ("said", "rating"),
    [("非常满意", 5), ("很满意", 5), ("满意", 4), ("比较满意", 4), ("挺好的", 4), ("一般", 3),
     ("一般般吧", 3), ("还行", 3), ("不满意", 2), ("不太满意", 2), ("非常不满意", 1),
     ("太差了", 1), ("五分", 5), ("打四分", 4), ("3", 3), ("我觉得满意", 4), ("特别不满意", 1),
     ("瞒意", 4), ("飞常满意", 5)],
)  # fmt: skip
def test_a_rating(said: str, rating: int) -> None:
    assert read_reply(said).rating == rating


@pytest.mark.parametrize(
    "said", ["跳过", "不知道", "我不清楚", "不方便说", "不记得了", "忘了", "不想说", "匿名"]
)
def test_declined(said: str) -> None:
    assert read_reply(said).decline


@pytest.mark.parametrize(
    "said",
    ["这个号码", "就这个", "就是我打的这个", "就用这个号", "本机", "就打这个电话",
     "我现在打的这个电话", "来电号码"],
)  # fmt: skip
def test_the_number_called_from(said: str) -> None:
    assert read_reply(said).this_number


@pytest.mark.parametrize(
    "said",
    ["我家停水了", "公积金怎么提取", "要不要带身份证", "着火了", "对面楼太吵", "", "🙂",
     "第一中学怎么报名", "不让停车", "满意度调查是什么", "行人过不了马路"],
)  # fmt: skip
def test_anything_else_is_no_reply(said: str) -> None:
    assert read_reply(said) == Reply()


@given(st.text())
def test_any_text_is_safe_and_in_range(said: str) -> None:
    reply = read_reply(said)
    assert reply.rating in (None, 1, 2, 3, 4, 5)
    assert reply.choice in (None, -1, 0, 1, 2, 3, 4, 5)


@given(
    st.lists(st.sampled_from(["嗯", "那", "吧", "啊", "呃", "我", "就"]), max_size=2),
    st.sampled_from(["非常满意", "满意", "一般", "不满意", "非常不满意"]),
)
def test_hesitation_before_a_rating_changes_nothing(fillers: list[str], rating: str) -> None:
    assert read_reply("".join(fillers) + rating).rating == read_reply(rating).rating


@given(st.text(alphabet="是不对好没有的了嗯啊行要用第一二三个满意非常", max_size=40))
def test_any_jumble_of_answer_words_is_read_quickly_and_safely(said: str) -> None:
    read_reply(said)
