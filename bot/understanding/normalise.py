"""Chinese text as heard or typed, brought into one form before anything looks at it.

Width, traditional characters, case, punctuation, spoken digits, stutters and the polite
words around a question. Applied alike to utterances and to the pack's phrases, so what is
taken away here is taken away on both sides. Chinese is written without spaces; between two
Latin words one space stays, for it is what parts them. Leaves to others: synonyms and meaning.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import zhconv

_DIGITS = str.maketrans("零〇一二三四五六七八九幺", "001234567891")
_SPOKEN_DIGITS = re.compile(r"[零〇一二三四五六七八九幺\d]{3,}")

#: Said before a question without changing it. Longest first where one begins another.
_LEAD_IN = re.compile(
    r"(?:[嗯呃啊哎唉诶哦噢]|额(?!度|头|外)|喂(?![养奶食])|那个|这个(?=我)|就是说|就是(?=我)"
    r"|(?:你|您|同志|师傅|老师)(?:们)?好|话务员|客服|打扰一下|麻烦(?:您|你)?(?=我?想?问|查|咨询)"
    r"|我?(?:就|是)?(?:想|要|来)?请?问(?:一下|问|一问|下)(?:您|你)?|请问(?:您|你)?|我想问|我要问"
    r"|我?(?:想|要)?咨询(?:一下|个事|下)?(?=..)|我想知道|我想了解(?:一下)?)"
)
#: Sounds of hesitation that mean nothing wherever they stand.
_HESITATION = re.compile(r"[嗯呃啊哎诶呀]|就是说|那个那个|\b(?:um+|uh+|erm*|hmm+)\b")
#: 我我我家; but never digits, whose repeats mean something.
_STUTTER = re.compile(r"([我你您他她这那就在是有想要])\1+")
_TRIPLE = re.compile(r"([^\d零一二三四五六七八九十a-z])\1{2,}")
_ECHO = re.compile(r"([^\da-z零一二三四五六七八九十两]{2,8})\1+")


def spoken_digits(text: str) -> str:
    """Write runs of three or more spoken digits as digits: 幺三八 becomes 138."""
    return _SPOKEN_DIGITS.sub(lambda run: run.group().translate(_DIGITS), text)


#: Nothing to clean: common Chinese characters, letters and digits in their plain form.
_PLAIN = re.compile(r"[\u4e00-\u9fffa-z0-9]*")
_LATIN = "a-z\u00df-\u00f6\u00f8-\u024f"
#: Spaces that part nothing: beside Chinese, and between the groups of a number.
_IDLE_SPACE = re.compile(rf"(?<![{_LATIN}0-9]) +| +(?![{_LATIN}0-9])|(?<=\d) +(?=\d)")


def clean(text: str) -> str:
    """Return ``text`` in simplified half-width lower case: letters and digits only.

    One space is left between Latin words.
    """
    if not _PLAIN.fullmatch(text):
        text = unicodedata.normalize("NFKC", text).lower().replace("'", "").replace("’", "")
        text = "".join(char if unicodedata.category(char)[0] in "LN" else " " for char in text)
    if not _simplified_only().isdisjoint(text):
        text = str(zhconv.convert(text, "zh-cn"))
    return _single_spaces(text)


@lru_cache(maxsize=1)
def _simplified_only() -> frozenset[str]:
    """Characters that simplified Chinese writes otherwise; without one nothing is converted."""
    table: dict[str, str] = zhconv.zhconv.getdict("zh-cn")
    return frozenset(char for char, other in table.items() if len(char) == 1 and char != other)


def _single_spaces(text: str) -> str:
    return _IDLE_SPACE.sub("", " ".join(text.split())) if " " in text else text


def normalise(text: str) -> str:
    """Bring an utterance into the form in which phrases are compared.

    Safe on any input. Words of politeness and hesitation are removed unless nothing would
    be left: a bare "你好" or "嗯" is an answer in itself.
    """
    current = spoken_digits(clean(text))
    while True:
        shorter = _strip(current)
        if shorter == current:
            return current
        current = shorter


def _strip(text: str) -> str:
    if len(set(text)) < len(text):  # the patterns of repetition are slow, and rarely needed
        text = _STUTTER.sub(r"\1", text)
        text = _TRIPLE.sub(r"\1", text)
        text = _ECHO.sub(r"\1", text)
    text = _single_spaces(_HESITATION.sub("", text)) or text[:1]
    lead_in = _LEAD_IN.match(text)
    return (text[lead_in.end() :] if lead_in else text).strip() or text
