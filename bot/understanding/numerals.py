"""Numbers as people say them: 两千三, 一万零五, 三点五万, 2千3, 幺三八.

Cardinal numbers follow the rules of reading Chinese numerals (零 for skipped places; a bare
last digit counts tenths of the unit before it: 两千三 is 2300, 两千零三 is 2003). Leaves to
others: what is being counted.
"""

from __future__ import annotations

import re
from decimal import Decimal

DIGITS = {
    "零": 0, "〇": 0, "一": 1, "幺": 1, "二": 2, "两": 2, "俩": 2, "三": 3, "仨": 3,
    "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9,
}  # fmt: skip
_SMALL = {"十": 10, "百": 100, "千": 1000}
_BIG = {"万": 10_000, "亿": 100_000_000}
#: A stretch of text that may be a number; :func:`parse_number` has the last word. Bounded, so
#: that a page of digits is read in linear time.
NUMBER = (
    r"(?:[\d零〇一幺二两三四五六七八九十百千万亿]{1,16}"
    r"(?:[点.][\d零〇一二三四五六七八九]{1,8}[十百千万亿]{0,2})?|半)"
)
_TOKEN = re.compile(r"\d+(?:\.\d+)?|[零〇一幺二两俩三仨四五六七八九十百千万亿]")
_RANGE = re.compile(
    r"([二三四五六七八九]?十)?([一二两三四五六七八])([二两三四五六七八九])([十百千万亿]*)"
)
_SPOKEN = str.maketrans({char: str(value) for char, value in DIGITS.items() if char not in "俩仨"})
_TIMES = re.compile(r"([二两三四五六七八])个([零〇幺一二三四五六七八九\d])(?!\d{0,2}[月年天小时])")


def as_digits(text: str) -> str:
    """Write every spoken digit as a digit, and 三个八 as 888; everything else stays."""

    def repeated(found: re.Match[str]) -> str:
        return found.group(2) * DIGITS[found.group(1)]

    return _TIMES.sub(repeated, text).translate(_SPOKEN)


def parse_number(text: str) -> Decimal | None:
    """Return the number that the whole of ``text`` says; None when it is none."""
    if text == "半":
        return Decimal("0.5")
    whole, point, rest = text.partition("点")
    if point:
        return _with_point(whole, rest)
    tokens = _TOKEN.findall(text)
    if not tokens or "".join(tokens) != text:
        return None
    if len(tokens) > 1 and all(token in DIGITS for token in tokens):
        return Decimal("".join(str(DIGITS[token]) for token in tokens))
    return _cardinal(tokens)


def _with_point(whole: str, rest: str) -> Decimal | None:
    """三点五, 三点五万."""
    base = rest.rstrip("十百千万亿")
    units = rest[len(base) :]
    before = parse_number(whole)
    digits = base.translate(_SPOKEN)
    if before is None or not (digits.isascii() and digits.isdecimal()):
        return None
    value = before + Decimal(f"0.{digits}")
    for unit in units:
        value *= (_SMALL | _BIG)[unit]
    return value


def _cardinal(tokens: list[str]) -> Decimal | None:
    total = section = Decimal(0)
    number: Decimal | None = None
    unit, limit = 1, 10_000  # the last unit; small units fall within a section
    skipped = said = False
    for token in tokens:
        if token in ("零", "〇"):
            if number is not None:
                return None
            skipped = True
        elif token in _SMALL:
            size = _SMALL[token]
            if number is None and (size != 10 or skipped):
                return None
            if size >= limit:
                return None
            section += (1 if number is None else number) * size
            number, unit, limit, skipped = None, size, size, False
        elif token in _BIG:
            size = _BIG[token]
            section += number or 0
            if not section and not (total and size > unit):
                return None
            if size == 10_000 and total % 100_000_000:
                return None
            total = (total + section) * size if size > 10_000 else total + section * size
            section, number, unit, limit, skipped = Decimal(0), None, size, 10_000, False
        else:
            if number is not None:
                return None
            number = Decimal(DIGITS.get(token, token))
        said = said or token not in ("零", "〇")
    if number is not None:
        # 两千三 is 2300; but 两千零三, 二十三 and 2千30 say what they mean.
        tenths = unit >= 100 and not skipped and number < 10 and number == int(number)
        section += number * (unit // 10) if tenths else number
    return total + section if said or len(tokens) == 1 else None


def parse_range(text: str) -> tuple[Decimal, Decimal] | None:
    """Return what the whole of ``text`` lies between: 三四 (3, 4), 两三百 (200, 300), 十五六."""
    found = _RANGE.fullmatch(text)
    if found is None:
        return None
    tens, low, high, units = found.groups()
    step = DIGITS[high] - DIGITS[low]
    if step != 1 and (low, high) != ("三", "五"):
        return None
    ends = [parse_number(f"{tens or ''}{digit}{units}") for digit in (low, high)]
    if ends[0] is None or ends[1] is None:
        return None
    return ends[0], ends[1]


def plain(number: Decimal) -> str:
    """Return a number in digits: 2300, 3.25."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
