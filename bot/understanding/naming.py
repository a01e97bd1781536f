"""Which of the words before 路 or 小区 belong to its name: 我在幸福 (小区) is 幸福.

Reads from the suffix back to the first word that no name holds: a common verb, adverb, time or
pronoun, by jieba's dictionary and its tags. Rare words are taken for names whatever their
tag. When in doubt it finds no name, since a place that was not said is asked for, and a
wrong one is not. Leaves to others: what follows the name.
"""

from __future__ import annotations

import logging
from functools import lru_cache

import jieba

#: The longest name, in characters, without its suffix.
MAX_NAME = 7
#: jieba's tags of words that do not stand in names: verbs, adverbs, times, prepositions,
#: conjunctions, pronouns, particles, measured numbers.
_NO_NAMES = frozenset(
    [
        "v",
        "vn",
        "vd",
        "vi",
        "d",
        "ad",
        "t",
        "p",
        "c",
        "r",
        "rr",
        "rz",
        "u",
        "uj",
        "ul",
        "uz",
        *("ud", "ug", "uv", "y", "e", "o", "z", "zg", "m", "mq", "b"),
    ]
)
#: Words rarer than this (count in jieba's dictionary) may be names all the same: 安立, 三元.
_COMMON = 60
#: Verbs and adverbs that streets and estates are named after.
_NAME_WORDS = frozenset(
    {
        "解放", "建设", "胜利", "复兴", "振兴", "发展", "创业", "创新", "迎宾", "团结",
        "永定", "前进", "跃进", "友谊", "爱国", "爱民", "拥军", "光复", "兴华", "开发",
        "开拓", "奋斗", "东风", "平安", "长春", "中央", "中心", "朝阳", "向阳", "迎春",
        "望春", "观音", "劳动", "滨河", "沿江", "环城", "未来", "大学", "中学", "教育",
        "工业", "科技", "文化", "体育", "商业", "合作",
    }
)  # fmt: skip
#: Single characters that, where they are words of their own, belong to no name.
_LOOSE = frozenset(
    "跑走进出上下过堵修压挡绕扔炸倒跳逛扫断满看见放没不人被把让叫说问找去来在是有能会要想给用从往跟"
    "全都也还又再只就才很太多少几这那哪谁我你他她它们的地得了着过吗呢吧啊卖买停拉坐骑送接拆挖铺盖占"
    "抢偷打骂吵闹住到对和与及或等离靠沿向朝条个座所片段些每各某另别整半乱真快慢好坏死完掉先"
    "车路街嗯呃哎喂唉您咱该请帮按由为并但而且"
)


def name_before(text: str) -> str:
    """Return the end of ``text`` that can be the name of what follows it; "" for none."""
    name = ""
    for word in reversed(_cut(text[-12:])):
        if len(name) + len(word) > MAX_NAME or not _in_names(word):
            break
        name = word + name
    return name


def load() -> None:
    """Load the dictionary now (half a second, once a process) and not in the first call."""
    _cut("")
    _ordinary()


def _in_names(word: str) -> bool:
    if len(word) == 1:
        return word not in _LOOSE and word.isalnum()
    return word not in _ordinary() and word.isalnum()


def _cut(text: str) -> list[str]:
    logging.getLogger("jieba").setLevel(logging.WARNING)
    return list(jieba.dt.cut(text, HMM=False))


@lru_cache(maxsize=1)
def _ordinary() -> frozenset[str]:
    """Common words of the kinds that do not stand in names."""
    found: set[str] = set()
    with jieba.get_dict_file() as lines:
        for line in lines:
            word, count, tag = line.decode().split()
            if tag in _NO_NAMES and len(word) > 1 and int(count) >= _COMMON:
                found.add(word)
    return frozenset(found - _NAME_WORDS)
