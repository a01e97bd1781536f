from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.understanding.pack import Pack
from bot.understanding.slots import find_slots


@pytest.mark.parametrize(
    ("said", "slots"),
    [
        ("我在朝阳区幸福小区3号楼", {"district": "朝阳区", "place": "朝阳区幸福小区3号楼"}),
        ("海淀的中关村大街27号", {"district": "海淀区", "place": "海淀区中关村大街27号"}),
        ("我们家住在阳光花园", {"place": "阳光花园"}),
        ("就在朝阳公园边上", {}),
        ("我们小区停水了", {}),
        ("电话是幺三八零零幺三八零零零", {"phone": "13800138000"}),
        ("工单号是20261124001", {"ticket": "20261124001"}),
        ("路灯坏了", {}),
        ("", {}),
    ],
)
def test_places_and_numbers_are_found(pack: Pack, said: str, slots: dict[str, str]) -> None:
    assert find_slots(said, pack.places) == slots


@given(st.text())
def test_any_text_is_safe(text: str) -> None:
    assert isinstance(find_slots(text, ()), dict)
