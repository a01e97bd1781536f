"""Sums of money: 三百五十块, 两千三, 一块五, 三万多元.

Leaves to others: who owes it.
"""

from __future__ import annotations

import re
from decimal import Decimal

from bot.understanding.numerals import NUMBER, parse_number, parse_range, plain

_DIGIT = r"[\d零〇一二两三四五六七八九]"
_MORE = r"(?P<more>多|来|余|几)?"
#: 三块地 and 一块儿去 are no money.
_PIECE = r"块(?!儿|地|牌|砖|石|板|玻璃|田|草|屏|表|布|肉|去|来|上|住|走|办|说|空地|广告|区域)"
_MONEY = re.compile(
    rf"(?P<number>{NUMBER}){_MORE}(?P<wan>万)?(?P<unit>元|圆|{_PIECE}钱?|块钱|毛钱?|角钱?)"
    rf"(?P<tail>{_DIGIT}(?:[毛角](?:{_DIGIT}分?)?|{_DIGIT}(?=$|[,，。；;]))?(?![\d十百千万个号年月日天]))?"
)
#: A bare number is money only after a word of paying, and when it counts nothing else.
_PAID = re.compile(
    r"(?:交|付|收|欠|花|罚|扣|退|赔|涨|要价|要|贷|借|工资|押金|租金|房租|费用|价格|奖金|罚款|一共|总共|每月|每个月|一个月)"
    r"(?:了|我|他|她|着|是|到|费|款|钱|掉|走)*"
    rf"(?P<number>[\d一二两三四五六七八九十百千万]{{2,16}}){_MORE}"
    r"(?=$|[,，。.！!？?;； ]|的|了|吧|呢|啊|钱|才|就|不|没|还|左右"
    r"|工资|房租|押金|租金|学费|定金|罚款|费)"
)
#: 一万二的押金.
_OF = re.compile(
    rf"(?P<number>[\d一二两三四五六七八九十百千万]{{2,16}}){_MORE}"
    r"的?(?=工资|房租|押金|租金|学费|定金|罚款|补贴|费)"
)


def find_amount(text: str) -> str:
    """Return the first sum of money, as ``350元``, ``3.25元``, ``300多元``; "" for none."""
    for found in _MONEY.finditer(text):
        unit = found["unit"]
        if between := parse_range(found["number"]):
            low, high = (plain(end * (10_000 if found["wan"] else 1)) for end in between)
            if unit[0] not in "毛角":
                return f"{low}到{high}元"
        number = parse_number(found["number"])
        if number is None or (unit == "块" and number == 1 and not found["tail"]):
            continue
        if found["wan"]:
            number *= 10_000
        if unit[0] in "毛角":
            number /= 10
        number += _small_change(found["tail"] or "", unit[0] in "毛角")
        return _sum(number, found["more"])
    for found in (*_PAID.finditer(text), *_OF.finditer(text)):
        number = parse_number(found["number"])
        if number is not None and number >= 10:
            return _sum(number, found["more"])
    return ""


def _small_change(tail: str, after_dimes: bool) -> Decimal:
    """五, 二毛五: what follows 块 or 毛."""
    worth = Decimal("0.01") if after_dimes else Decimal("0.1")
    total = Decimal(0)
    for digit in re.findall(r"[\d零〇一二两三四五六七八九]", tail):
        total += (parse_number(digit) or 0) * worth
        worth /= 10
    return total


def _sum(number: Decimal, more: str | None) -> str:
    return f"{plain(number)}{'多' if more else ''}元"
