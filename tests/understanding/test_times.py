from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.understanding.times import find_duration, find_time, when

#: A Tuesday afternoon.
NOW = dt.datetime(2026, 11, 24, 16, 0)
moments = st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2100, 1, 1))


@pytest.mark.parametrize(
    ("said", "time"),
    [
        ("从昨天晚上开始停水", "2026-11-23 晚上"),
        ("上周五下午三点", "2026-11-20 15:00"),
        ("周五下午三点半", "2026-11-20 15:30"),
        ("上上周三", "2026-11-11"),
        ("下周一上午", "2026-11-30 上午"),
        ("这周三", "2026-11-25"),
        ("礼拜天早上六点", "2026-11-22 06:00"),
        ("上个星期就报修了", "2026-11-16至2026-11-22"),
        ("昨晚十一点多", "2026-11-23 23:00"),
        ("昨晚十二点", "2026-11-24 00:00"),
        ("今早八点一刻", "2026-11-24 08:15"),
        ("大前天夜里", "2026-11-21 夜里"),
        ("半夜两点施工", "02:00"),
        ("中午十二点", "12:00"),
        ("下午3点20分", "15:20"),
        ("今天下午3点20分", "2026-11-24 15:20"),
        ("晚上广场舞太吵", "晚上"),
        ("今天15:30", "2026-11-24 15:30"),
        ("三点开始没水", "2026-11-24 15:00"),
        ("五点开始没水", "2026-11-24 05:00"),
        ("每天晚上十点多装修", "每天 22:00"),
        ("天天半夜吵", "每天 半夜"),
        ("每天都吵", "每天"),
        ("一到晚上就吵", "每天 晚上"),
        ("每晚十点", "每天 22:00"),
        ("从昨天到今天", "2026-11-23"),
        ("到今天没修", ""),
        ("一到春天就飘", ""),
        ("上个月5号上午9点", "2026-10-05 09:00"),
        ("三月五号交的", "2026-03-05"),
        ("12月5号之前能修好吗", "2026-12-05"),
        ("二零二四年三月", "2024-03"),
        ("去年三月份", "2025-03"),
        ("去年买的", "2025"),
        ("三个月前", "2026-08-24"),
        ("两年前买的房", "2024"),
        ("半个月以前", "2026-11-09"),
        ("三天前", "2026-11-21"),
        ("两个小时前", "2026-11-24 14:00"),
        ("半小时前", "2026-11-24 15:30"),
        ("刚刚停的", "2026-11-24 16:00"),
        ("二月三十号", ""),
        ("二十五点", ""),
        ("有点吵", ""),
        ("快点来", ""),
        ("三点建议", ""),
        ("三个月了", ""),
        ("这两天一点水都没有", ""),
        ("昨天下午一点水也不出", "2026-11-23 下午"),
        ("昨天下午一点就没水了", "2026-11-23 13:00"),
    ],
)
def test_a_time_is_counted_from_now(said: str, time: str) -> None:
    assert find_time(said, NOW) == time


@pytest.mark.parametrize(
    ("said", "duration"),
    [
        ("停了三天了", "3天"), ("停了两个半小时", "2.5小时"), ("半个月没水", "半个月"),
        ("半年了", "半年"), ("一年半", "1.5年"), ("三四天了", "3到4天"), ("两三个月", "2到3个月"),
        ("好几天没人管", "几天"), ("几个月了", "几个月"), ("三个多月", "3个多月"),
        ("十多天", "10多天"), ("一个礼拜", "1周"), ("两宿没睡", "2晚"), ("十五分钟", "15分钟"),
        ("三个钟头", "3小时"), ("一整天", "1天"), ("大半年", "半年多"),
        ("三天前", ""), ("三月份", ""), ("二零二六年", ""), ("三年级", ""), ("几天能办好", ""),
        ("24小时热线", ""), ("一天到晚", ""), ("周五", ""), ("第三天", ""),
    ],
)  # fmt: skip
def test_a_length_of_time(said: str, duration: str) -> None:
    assert find_duration(said) == duration


@given(st.text(), moments)
def test_any_text_is_safe(text: str, now: dt.datetime) -> None:
    find_time(text, now)
    find_duration(text)


@given(
    st.text(
        alphabet="上下这个周五星期天昨今晚早点半刻月号年前后三十二0159:多零小时从到", max_size=16
    ),
    moments,
)
def test_any_jumble_of_time_words_is_safe(text: str, now: dt.datetime) -> None:
    find_time(text, now)
    find_duration(text)


@given(moments, st.integers(1, 300))
def test_days_ago_are_counted_back(now: dt.datetime, days: int) -> None:
    assert find_time(f"{days}天前", now) == str((now - dt.timedelta(days=days)).date())


@given(moments, st.integers(0, 6))
def test_a_weekday_is_the_last_one(now: dt.datetime, weekday: int) -> None:
    day = dt.date.fromisoformat(find_time(f"星期{'一二三四五六日'[weekday]}停的", now))
    assert day.weekday() == weekday
    assert dt.timedelta(0) <= now.date() - day < dt.timedelta(days=7)


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        ("明天上午", "2026-11-25 09:00"),
        ("下午三点", "2026-11-25 15:00"),
        ("今天下午五点", "2026-11-24 17:00"),
        ("半小时以后", "2026-11-24 16:30"),
        ("一个半小时之后给我打", "2026-11-24 17:30"),
        ("过二十分钟吧", "2026-11-24 16:20"),
        ("晚上八点以后", "2026-11-24 20:00"),
        ("晚上", "2026-11-24 20:00"),
        ("周一早上", "2026-11-30 09:00"),
        ("周五下午三点半", "2026-11-27 15:30"),
        ("下周二", "2026-12-01 09:00"),
        ("后天中午", "2026-11-26 12:00"),
        ("明早八点", "2026-11-25 08:00"),
        ("三点", "2026-11-25 15:00"),
        ("五点", "2026-11-24 17:00"),
        ("一会儿", "2026-11-24 17:00"),
        ("今天下午", "2026-11-24 17:00"),
        ("晚点儿再打给我", "2026-11-24 17:00"),
        ("明天", "2026-11-25 09:00"),
        ("五号上午", "2026-12-05 09:00"),
        ("十二月三号下午两点", "2026-12-03 14:00"),
        ("17:30", "2026-11-24 17:30"),
        ("不用了", None),
        ("随便", None),
        ("", None),
    ],
)
def test_a_time_to_come_is_after_now(said: str, moment: str | None) -> None:
    found = when(said, NOW)
    assert (found and f"{found:%Y-%m-%d %H:%M}") == moment


@given(
    st.text(
        alphabet="明后天下周五星期今晚早上午点半刻月号三十二0159:个小时以后过一会儿", max_size=16
    ),
    moments,
)
def test_a_time_to_come_is_always_to_come(text: str, now: dt.datetime) -> None:
    found = when(text, now)
    assert found is None or found >= now


def test_a_time_to_come_keeps_the_time_zone() -> None:
    zone = dt.timezone(dt.timedelta(hours=8))
    found = when("明天上午", NOW.replace(tzinfo=zone))
    assert found == dt.datetime(2026, 11, 25, 9, 0, tzinfo=zone)
