from __future__ import annotations

from decimal import Decimal

import cn2an
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.understanding.amounts import find_amount
from bot.understanding.numerals import as_digits, parse_number, plain


@given(st.integers(0, 10**12 - 1))
def test_a_number_written_out_reads_back(number: int) -> None:
    assert parse_number(cn2an.an2cn(number)) == number


@given(st.integers(1, 9), st.sampled_from([("百", 100), ("千", 1000), ("万", 10_000)]), st.data())
def test_a_bare_last_digit_counts_tenths_of_the_unit_before_it(
    head: int, unit: tuple[str, int], data: st.DataObject
) -> None:
    last = data.draw(st.integers(1, 9))
    said = cn2an.an2cn(head) + unit[0] + cn2an.an2cn(last)
    assert parse_number(said) == head * unit[1] + last * unit[1] // 10


@given(st.text(alphabet="0123456789", min_size=2, max_size=12))
def test_spoken_digits_read_back(digits: str) -> None:
    spoken = digits.translate(str.maketrans("0123456789", "零幺二三四五六七八九"))
    assert as_digits(spoken) == digits


@given(st.text(alphabet="零〇一幺二两三四五六七八九十百千万亿点半0123456789.多", max_size=12))
def test_anything_like_a_number_is_one_or_none(text: str) -> None:
    number = parse_number(text)
    assert number is None or number >= 0


@given(st.text())
def test_any_text_is_safe(text: str) -> None:
    parse_number(text)
    as_digits(text)
    find_amount(text)


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("两千三", 2300), ("两千零三", 2003), ("一万二", 12000), ("三百五", 350),
        ("一百零五", 105), ("十五", 15), ("二十三", 23), ("一百一十", 110), ("2千3", 2300),
        ("2千30", 2030), ("1万2", 12000), ("一亿二千万", 120_000_000), ("三万亿", 3 * 10**12),
        ("二零二六", 2026), ("两万零五百", 20500),
    ],
)  # fmt: skip
def test_numbers_as_people_say_them(said: str, number: int) -> None:
    assert parse_number(said) == number


@pytest.mark.parametrize(
    ("said", "number"),
    [("三点五", "3.5"), ("三点五万", "35000"), ("3.5万", "35000"), ("半", "0.5")],
)
def test_fractions_as_people_say_them(said: str, number: str) -> None:
    assert parse_number(said) == Decimal(number)


@pytest.mark.parametrize("said", ["", "百", "二十百", "十千三三", "万", "一二百", "点五", "三元"])
def test_what_is_no_number_is_none(said: str) -> None:
    assert parse_number(said) is None


def test_repeated_digits_are_spelled_out() -> None:
    assert as_digits("幺三九四个八零零零") == "1398888000"
    assert as_digits("三个月") == "3个月"


def test_plain_numbers_have_no_needless_zeros() -> None:
    assert [plain(Decimal(one)) for one in ("2300", "3.50", "1E+3", "0")] == [
        "2300", "3.5", "1000", "0",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "amount"),
    [
        ("花了三百五十块", "350元"), ("欠我两千三工资", "2300元"), ("三块二毛五一斤", "3.25元"),
        ("一块五", "1.5元"), ("按一块五一度", "1.5元"), ("三块二五", "3.25元"),
        ("一块钱", "1元"), ("三万多块钱", "30000多元"), ("五毛钱", "0.5元"),
        ("两三百块", "200到300元"), ("一万二的押金不退", "12000元"), ("罚款200", "200元"),
        ("房租涨到6500了", "6500元"), ("三点五万元", "35000元"), ("3.5万块", "35000元"),
        ("一块去看看", ""), ("两块地荒着", ""), ("三块广告牌", ""), ("交了两个月", ""),
        ("要12号楼的电话", ""), ("收费贵", ""),
    ],
)  # fmt: skip
def test_sums_of_money(said: str, amount: str) -> None:
    assert find_amount(said) == amount
