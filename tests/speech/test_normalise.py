"""How the line says what is written: a phrase book, and what holds for any text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.speech.normalise import MARKS, Stretch, digits, spoken, stretches

SAID = {
    # dates and times
    "2026年11月24日": "二零二六年十一月二十四日",
    "2026-11-24到期": "二零二六年十一月二十四日到期",
    "2026/1/5": "二零二六年一月五日",
    "上午9:05": "上午九点零五分",
    "9:00-17:30": "九点到十七点三十分",
    "08:00": "八点",
    "23:59:01": "二十三点五十九分一秒",
    # telephones, by digits, 1 as 幺, in the groups in which people say them
    "拨打12315": "拨打幺二三幺五",
    # the hotline's own number is a name by now
    "拨打12345": "拨打一二三四五",
    "010-12345678转12345": "零幺零，幺二三四，五六七八转一二三四五",
    "拨打110": "拨打幺幺零",
    "13812345678": "幺三八，幺二三四，五六七八",
    "138 1234 5678": "幺三八，幺二三四，五六七八",
    "010-12345678": "零幺零，幺二三四，五六七八",
    "400-810-0123": "四零零，八幺零，零幺二三",
    # tickets and other names
    "工单号是20261124000123": "工单号是二零二六，幺幺二四，零零零幺二三",
    "工单号是261124000017": "工单号是二六幺幺，二四零零，零零幺七",
    "尾号是5678": "尾号是五六七八",
    "联系电话是5678": "联系电话是五六七八",
    "打电话3次": "打电话三次",
    "138****5678": "尾号五六七八",
    "验证码0427": "验证码零四二七",
    "101室": "幺零幺室",
    "718路": "七幺八路",
    "3号楼2单元": "三号楼二单元",
    # money
    "12.50元": "十二元五角",
    "¥1,234.00": "一千二百三十四元",
    "¥3.05": "三元零五分",
    "0.5元": "五角",
    "0元": "零元",
    "1.05元/吨": "一元零五分每吨",
    "2元": "两元",
    # amounts, shares, units, ranges
    "增长3.5%": "增长百分之三点五",
    "10%-20%": "百分之十到百分之二十",
    "1/2的人": "二分之一的人",
    "3-5个工作日": "三到五个工作日",
    "18~22℃": "十八到二十二摄氏度",
    "-5℃": "零下五摄氏度",
    "89.5㎡": "八十九点五平方米",
    "限速60km/h": "限速六十公里每小时",
    "3km": "三公里",
    "PM2.5": "批艾姆二点五",
    # two is 两 before a measure word only
    "2个人2天": "两个人两天",
    "第2个": "第二个",
    "12个": "十二个",
    "2月": "二月",
    "2年级": "二年级",
    "200元": "二百元",
    # Latin letters
    "下载APP": "下载诶批批",
    "办ETC": "办伊提西",
    "连接WiFi": "连接无线网络",
    "VIP": "维艾批",
    "QQ群": "扣扣群",
    "5G网络": "五吉网络",
    "A座": "诶座",
    # width and marks
    "ＡＢ１２": "诶毕十二",
    "好,是吗?": "好，是吗？",
    "等等……好": "等等，好",
    "，。开始": "开始",
}


@pytest.mark.parametrize(("written", "said"), SAID.items())
def test_it_is_said_as_people_say_it(written: str, said: str) -> None:
    assert spoken(written) == said


@given(st.text(max_size=60))
def test_whatever_is_written_only_characters_and_pauses_are_said(text: str) -> None:
    assert re.fullmatch(rf"[\u4e00-\u9fff{MARKS}]*", spoken(text))


@given(st.text("0123456789.-:/%¥,年月元个室℃AbW 至~", max_size=25))
def test_no_string_of_numbers_and_signs_is_too_odd(text: str) -> None:
    said = spoken(text)
    assert re.fullmatch(rf"[\u4e00-\u9fff{MARKS}]*", said)
    assert spoken(said) == said


@given(st.text("的一是在不了有和人这中大为上个国我以要他", max_size=40))
def test_chinese_is_left_as_it_is(text: str) -> None:
    assert spoken(text) == text


@given(st.from_regex(r"[0-9]{5,24}", fullmatch=True))
def test_a_long_number_keeps_every_digit_in_groups_of_few(number: str) -> None:
    said = digits(number)
    back = {c: d for d, c in zip("0123456789", "零幺二三四五六七八九", strict=True)}
    assert "".join(back[c] for c in said if c != "，") == number
    assert all(len(group) <= 6 for group in said.split("，"))


@given(st.integers(1, 12), st.integers(1, 31), st.integers(1900, 2099))
def test_every_date_is_said_with_its_units(month: int, day: int, year: int) -> None:
    said = spoken(f"{year}-{month:02}-{day:02}")
    assert re.fullmatch(
        r"[零一二三四五六七八九]{4}年[一二三四五六七八九十]+月[一二三四五六七八九十]+日", said
    )


@given(st.integers(0, 23), st.integers(0, 59))
def test_every_time_of_day_is_said(hour: int, minute: int) -> None:
    said = spoken(f"{hour:02}:{minute:02}")
    assert "点" in said
    assert ("分" in said) is (minute > 0)


def test_a_number_to_write_down_is_a_stretch_for_each_group() -> None:
    assert stretches("工单号是261124000017，请记好。") == [
        Stretch("工单号是"),
        Stretch("二六幺幺", number=True),
        Stretch("二四零零", number=True),
        Stretch("零零幺七", number=True),
        Stretch("，请记好。"),
    ]
    assert [one.text for one in stretches("请打400-810-0123。")] == [
        *("请打", "四零零", "八幺零", "零幺二三")
    ]


@pytest.mark.parametrize(
    "text", ["请打12345。", "2026-11-24到期", "12000000元", "在3号楼", "", "。"]
)
def test_a_text_without_a_number_to_write_down_is_one_stretch(text: str) -> None:
    assert stretches(text) == [Stretch(text)]


@given(st.text("0123456789-年您好，。 ", max_size=40))
def test_stretches_say_what_the_text_says(text: str) -> None:
    def words(said: str) -> str:
        return re.sub(rf"[{MARKS}]", "", said)

    pieces = stretches(text)
    numbers = [one.text for one in pieces if one.number]
    assert all(number in words(spoken(text)) or len(pieces) > 1 for number in numbers)
    assert all(re.fullmatch(r"[零幺二三四五六七八九]+", number) for number in numbers)
    assert all(len(number) <= 6 for number in numbers)
