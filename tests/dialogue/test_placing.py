"""A place is kept as it was said, though only a part of it is known by name."""

from __future__ import annotations

import pytest

from bot.dialogue.placing import in_full


@pytest.mark.parametrize(
    ("known", "answer", "place"),
    [
        ("海淀区知春里小区2号楼", "海淀区知春里小区二号楼", "海淀区知春里小区2号楼"),
        ("朝阳区望京西园3区", "望京西园三区", "朝阳区望京西园3区"),
        ("朝阳区劲松街道", "呃，朝阳区，嗯，劲松五区", "朝阳区劲松5区"),
        ("丰台区", "丰台区丽泽桥旁边", "丰台区丽泽桥旁边"),
        ("朝阳区望京街道", "就是望京那个花家地西里", "朝阳区望京花家地西里"),
        ("", "我们村口那棵大槐树底下", "村口那棵大槐树底下"),
        ("海淀区中关村大街", "朝阳区，不对，是海淀区中关村大街", "海淀区中关村大街"),
    ],
)
def test_nothing_that_was_said_of_a_place_is_lost(known: str, answer: str, place: str) -> None:
    assert in_full(known, answer) == place
