"""When, and for how long: 从昨天晚上开始, 上周五下午三点, 停了三天, 每天半夜.

Callers mostly speak of what has happened, so what may be read in two ways is read as the
past: 周五 is the last Friday, 三点 the last three o'clock. Leaves to others: whether a time
makes sense for the request.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from decimal import Decimal

from bot.understanding.numerals import NUMBER, parse_number, parse_range, plain

_DAYS = {
    "大前天": -3, "大前儿": -3, "前天": -2, "前儿": -2, "昨天": -1, "昨儿": -1, "昨日": -1,
    "今天": 0, "今儿": 0, "今日": 0, "明天": 1, "明儿": 1, "明日": 1, "明": 1, "后天": 2,
    "后儿": 2, "大后天": 3,
    "昨": -1, "今": 0, "当天": 0,
}  # fmt: skip
#: Part of the day to the standard word, and whether its hours 1 to 11 lie after noon.
_PARTS = {
    "凌晨": ("凌晨", False), "大清早": ("早上", False), "一大早": ("早上", False),
    "清晨": ("早上", False), "清早": ("早上", False), "早晨": ("早上", False),
    "早上": ("早上", False), "早": ("早上", False), "上午": ("上午", False),
    "中午": ("中午", True), "下午": ("下午", True), "午后": ("下午", True),
    "傍晚": ("傍晚", True), "晚上": ("晚上", True), "晚间": ("晚上", True),
    "夜里": ("夜里", True), "夜间": ("夜里", True), "半夜": ("半夜", True),
    "深夜": ("半夜", True), "大半夜": ("半夜", True), "后半夜": ("凌晨", False),
    "大晚上": ("晚上", True), "晚": ("晚上", True), "夜": ("晚上", True),
}  # fmt: skip
_WEEKDAYS = {name: number for number, name in enumerate("一二三四五六日")} | {"天": 6}


def _one_of(names: dict[str, object] | dict[str, int] | dict[str, tuple[str, bool]]) -> str:
    return "|".join(sorted(names, key=len, reverse=True))


_PART = rf"(?P<part>{_one_of(_PARTS)})"
#: 一点水都没有, 一点也不热: not at all, and no hour.
_AT_ALL = r"一点[^点时分半刻\d]{0,4}[都也][^没不]{0,1}[没不]"
_CLOCK = (
    rf"(?:(?!{_AT_ALL})(?P<hour>{NUMBER})(?:点钟?|时)(?!子|间|候|多钱|评)"
    rf"(?:(?P<half>半)|(?P<quarter>[一三])刻|(?P<minute>{NUMBER})分?)?"
    r"|(?P<hour24>[01]?\d|2[0-3])[:：](?P<minute24>[0-5]\d))"
)
_DAY = (
    rf"(?:(?P<day>大前天|大前儿|大后天|前天|前儿|昨天|昨儿|昨日|今天|今儿|今日|明天|明儿|明日|后天|当天|[昨今](?=[早晚夜]))"
    rf"|(?P<weeks>上上|上个?|这个?|本|下个?)?(?:周|星期|礼拜)(?P<weekday>[一二三四五六日天])(?!岁|期)"
    rf"|(?:(?P<year>\d{{4}}|[一二][零〇九][零〇一二三四五六七八九]{{2}}|今|去|前|明)年)?"
    rf"(?:(?P<month>{NUMBER}|上个?|这个?|本|下个?)月份?(?:(?P<date>{NUMBER})[号日](?!楼|院|线|门|店|桌))?)"
    rf"|(?P<only_year>\d{{4}}|[一二][零〇九][零〇一二三四五六七八九]{{2}}|今|去|前)年(?!级|代|纪|度|底|初))"
)
_WHEN = re.compile(rf"{_DAY}的?(?:{_PART}的?)?(?:{_CLOCK})?")
_WEEKS_AGO = re.compile(
    r"(?P<weeks>上上|上个?|这个?|本)(?:周|星期|礼拜)(?![一二三四五六日天边围末])"
)
_EVERY = re.compile(
    rf"(?:(?:每天|天天|每日)的?(?:{_PART}的?)?|(?:每到?|一到)(?P<then>{_one_of(_PARTS)})的?)(?:{_CLOCK})?"
)
_TODAY = re.compile(rf"{_PART}的?(?:{_CLOCK})?")
_HOUR_ONLY = re.compile(
    rf"(?<![\d一二三四五六七八九十百第差有早晚快慢])(?:{_CLOCK})(?![\d好建意儿小])"
)
_AGO = re.compile(
    rf"(?P<number>{NUMBER}|几)(?P<many>多)?(?P<unit>个?半?(?:小时|钟头|月|星期|礼拜)|周|天|年|分钟)(?:多)?(?:以前|之前|前)(?!面|后)"
)
_NOW = re.compile(r"刚才|刚刚|现在|目前|这会儿")
_LENGTH = re.compile(
    rf"(?<![第周初星期拜月每])(?P<number>{NUMBER}|好几|几|一整|大半)(?P<several>[多几])?"
    r"(?P<unit>个半?(?:小时|钟头|多小时|月|多月|星期|礼拜|来月)|小时|钟头|分钟|天|周(?![岁围边末一二三四五六日天年])|星期(?![一二三四五六日天])"
    r"|年(?![级代纪龄检审费底初前后轻月\d]|份)|宿|晚上)(?P<more>半(?!夜)|多)?"
    r"(?!以前|之前|前|以内|之内|内|以后|之后|后|一次|到晚|两头|营业|热线|服务|便利)"
)
#: 半小时以后, 过二十分钟, 一个半钟头之后; 再过 and 等 need no 以后.
_AFTER = re.compile(
    rf"(?:(?:再?过|等)(?:个)?)?(?P<number>{NUMBER})个?(?P<half>半)?(?P<unit>小时|钟头|分钟|刻钟|天)"
    r"(?:以后|之后|后|再|吧|$)"
)
_SOON = re.compile(
    r"一会儿?(?!见)|待会儿?|等会儿?|过会儿?|晚[一]?点儿?(?!半|钟|[一二三四五六七八九十\d])|晚些时候|稍后|回头"
)
_TO_COME = re.compile(
    rf"(?:(?P<day>大后天|明天|明儿|明日|明(?=[早晚])|后天|后儿|今天|今儿|今日|今(?=[早晚夜]))"
    rf"|(?P<weeks>下个?|这个?|本)?(?:周|星期|礼拜)(?P<weekday>[一二三四五六日天])(?!岁|期)"
    rf"|(?:(?P<month>{NUMBER})月份?)?(?P<date>{NUMBER})[号日](?!楼|院|线|门|店|桌))?"
    rf"的?(?:{_PART}的?)?(?:{_CLOCK})?"
)
#: The hour that a part of the day stands for: the first full hour in office hours of the
#: morning and afternoon (9 to 12 and 13 to 17, as government halls commonly keep), and in the
#: evening one after dinner and two before ten, when the night's quiet begins by the law on noise
#: pollution (噪声污染防治法, article 88).
_HOURS = {"凌晨": 9, "早上": 9, "上午": 9, "中午": 12, "下午": 14, "傍晚": 18, "晚上": 20,
          "夜里": 20, "半夜": 20}  # fmt: skip
_UNITS = {"钟头": "小时", "星期": "周", "礼拜": "周", "宿": "晚", "晚上": "晚"}


def find_time(text: str, now: dt.datetime) -> str:
    """Return the first time in ``text``, "" for none.

    ``2026-11-23 15:00`` when the hour was said, else ``2026-11-23 晚上``, ``2026-11-23``,
    ``2026-11``, ``2026``, ``每天 22:00``, ``22:00`` or ``晚上``: as exact as the caller was.
    """
    found: list[tuple[int, str]] = []
    for pattern, read in (
        (_EVERY, _every), (_WHEN, _when), (_AGO, _ago), (_WEEKS_AGO, _in_week),
        (_TODAY, _today), (_HOUR_ONLY, _today), (_NOW, _right_now),
    ):  # fmt: skip
        for match in pattern.finditer(text):
            if text[match.start() - 1 : match.start()] == "到":
                continue  # 到今天, 到半夜: an end, or 一到晚上, which is every day
            try:
                said = read(match, now)
            except (ValueError, OverflowError):  # 2 月 30 日, 三万年前
                continue
            if said:
                found.append((match.start(), said))
                break
    # Where two begin together, the first pattern sees more of it.
    return min(found, key=lambda one: one[0])[1] if found else ""


def find_duration(text: str) -> str:
    """Return the first length of time, as ``3天``, ``2.5小时``, ``3到4天``; "" for none."""
    for found in _LENGTH.finditer(text):
        said, unit = found["number"], found["unit"]
        half = "半" in unit or found["more"] == "半"
        unit = unit.removeprefix("个").lstrip("半多来")
        unit = _UNITS.get(unit, unit)
        if said == "半" and unit == "晚":
            continue
        if unit == "月":
            unit = "个月"
        more = "多" if found["several"] or found["more"] == "多" or "多" in found["unit"] else ""
        if unit == "个月" and "个" not in found["unit"]:
            continue
        if said in ("好几", "几"):
            if said == "几" and not text.startswith(("了", "没"), found.end()):
                continue  # 几天能办好 is a question
            return f"几{unit}"
        if said == "大半":
            return f"半{unit}多"
        if between := parse_range(said):
            low, high = between
            return f"{plain(low)}到{plain(high)}{unit}"
        number = Decimal(1) if said == "一整" else parse_number(said)
        if number is None or (unit == "年" and number > 150):
            continue
        if number == Decimal("0.5"):
            return f"半{unit}{more}"
        length = plain(number + (Decimal("0.5") if half else 0))
        return f"{length}个{more}月" if unit == "个月" else f"{length}{more}{unit}"
    return ""


def when(text: str, now: dt.datetime) -> dt.datetime | None:
    """Return the first moment to come that ``text`` names, to be booked; None for none.

    As aware or naive as ``now``, and always after it. What may be read in two ways is read as
    the future: 周五 is the next Friday, 三点 the next three o'clock by day. A part of the day
    without an hour stands for an hour within it, :data:`_HOURS`.
    """
    if found := _AFTER.search(text):
        return _after(found, now)
    if found := _SOON.search(text):
        return now + dt.timedelta(hours=1)
    for found in _TO_COME.finditer(text):
        if any(found.groupdict().values()):
            try:
                moment = _to_come(found, now)
            except (ValueError, OverflowError):  # 2 月 30 日
                continue
            if moment:
                return moment
    return None


def _after(found: re.Match[str], now: dt.datetime) -> dt.datetime | None:
    number = parse_number(found["number"])
    if number is None:
        return None
    if found["half"]:
        number += Decimal("0.5")
    minutes = {"分钟": 1, "刻钟": 15, "天": 1440}.get(found["unit"], 60)
    try:
        return now + dt.timedelta(minutes=float(number) * minutes)
    except OverflowError:
        return None


def _to_come(found: re.Match[str], now: dt.datetime) -> dt.datetime | None:
    day = _day_to_come(found, now)
    part = found["part"] or ""
    if part in ("早", "晚", "夜") and not (day or found["hour"]):
        return None
    clock = _clock(found)
    if clock is None:
        if not part and day is None:
            return None
        # A day alone: its morning, or, of today, in an hour.
        if not part and day == now.date():
            return now + dt.timedelta(hours=1)
        name = _PARTS[part][0] if part else "上午"
        moment = _of(now, day or now.date(), _HOURS[name], 0)
        if moment > now:
            return moment
        if day is None:
            return moment + dt.timedelta(days=1)
        # 今天下午, said at three: in the part of the day that has begun.
        return now + dt.timedelta(hours=1) if day == now.date() else None
    hour, minute = clock
    late = bool(part) and _PARTS[part][1]
    if late and hour < 12 and not (_PARTS[part][0] == "中午" and hour > 9):
        hour += 12
    elif not part and not found["hour24"] and 1 <= hour < _HOURS["早上"]:
        hour += 12  # 三点 by itself is by day
    days, hour = divmod(hour, 24)
    moment = _of(now, (day or now.date()) + dt.timedelta(days=days), hour, minute)
    if moment <= now and not part and day in (None, now.date()) and hour < 12:
        moment += dt.timedelta(hours=12)
    if moment <= now and day is None:
        moment += dt.timedelta(days=1)
    return moment if moment > now else None


def _day_to_come(found: re.Match[str], now: dt.datetime) -> dt.date | None:
    today = now.date()
    if found["day"]:
        return today + dt.timedelta(days=_DAYS[found["day"]])
    if found["weekday"]:
        weekday = _WEEKDAYS[found["weekday"]]
        if (found["weeks"] or "").startswith("下"):
            return today + dt.timedelta(days=7 + weekday - today.weekday())
        ahead = (weekday - today.weekday()) % 7
        # 周三, said on a Wednesday evening, is the next one.
        passed = ahead == 0 and now.hour >= _HOURS["晚上"]
        return today + dt.timedelta(days=7 if passed else ahead)
    if found["date"]:
        month = _number(found["month"]) if found["month"] else today.month
        day = dt.date(today.year, month, _number(found["date"]))
        if day < today:
            day = day.replace(year=day.year + 1) if found["month"] else _next_month(day)
        return day
    return None


def _next_month(day: dt.date) -> dt.date:
    return (day.replace(day=1) + dt.timedelta(days=32)).replace(day=day.day)


def _of(now: dt.datetime, day: dt.date, hour: int, minute: int) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, minute), now.tzinfo)


def _number(text: str) -> int:
    value = parse_number(text)
    if value is None:
        raise ValueError(text)
    return int(value)


def _clock(found: re.Match[str]) -> tuple[int, int] | None:
    if found["hour24"]:
        return int(found["hour24"]), int(found["minute24"])
    if not found["hour"]:
        return None
    hour = _number(found["hour"])
    if found["half"]:
        minute = 30
    elif found["quarter"]:
        minute = 15 * _number(found["quarter"])
    else:
        minute = _number(found["minute"]) if found["minute"] else 0
    if hour > 24 or minute > 59:
        raise ValueError(found.group())
    return hour, minute


def _at(day: dt.date, found: re.Match[str]) -> str:
    """The day with its part and hour."""
    groups = found.groupdict()
    part, after_noon = _PARTS.get(groups.get("part") or groups.get("then") or "", ("", False))
    clock = _clock(found)
    if clock is None:
        return f"{day} {part}".rstrip()
    hour, minute = clock
    if after_noon and hour < 12:
        # 半夜两点 is past midnight; 中午十一点 is before noon.
        late = not (part in ("夜里", "半夜") and hour < 6) and not (part == "中午" and hour > 9)
        hour += 12 if late else 0
    elif hour == 12 and part in ("凌晨", "晚上", "夜里", "半夜"):
        hour = 0
        day += dt.timedelta(days=0 if part == "凌晨" else 1)
    if hour == 24:
        hour, day = 0, day + dt.timedelta(days=1)
    return f"{day} {hour:02}:{minute:02}"


def _when(found: re.Match[str], now: dt.datetime) -> str:
    today = now.date()
    if found["day"]:
        return _at(today + dt.timedelta(days=_DAYS[found["day"]]), found)
    if found["weekday"]:
        return _at(_weekday(found["weeks"] or "", _WEEKDAYS[found["weekday"]], today), found)
    if found["only_year"]:
        return str(_year(found["only_year"], today))
    month, year = found["month"], found["year"]
    if month.startswith(("上", "这", "本", "下")):
        shift = {"上": -1, "下": 1}.get(month[0], 0)
        months = today.year * 12 + today.month - 1 + shift
        at, number = divmod(months, 12)
        number += 1
    else:
        number = _number(month)
        if not 1 <= number <= 12:
            raise ValueError(month)
        at = _year(year, today) if year else _nearest_year(number, today)
    if not found["date"]:
        return f"{at}-{number:02}"
    return _at(dt.date(at, number, _number(found["date"])), found)


def _year(said: str, today: dt.date) -> int:
    shift = {"今": 0, "去": -1, "前": -2, "明": 1}.get(said)
    return today.year + shift if shift is not None else _number(said)


def _nearest_year(month: int, today: dt.date) -> int:
    """A month without a year: the past, unless it is only a month or two ahead."""
    ahead = (month - today.month) % 12
    at = today.year + (today.month + ahead - 1) // 12
    return at if ahead <= 2 else at - 1


def _weekday(weeks: str, weekday: int, today: dt.date) -> dt.date:
    shift = {"上上": -14, "上": -7, "下": 7}.get(weeks.removesuffix("个"), 0)
    day = today + dt.timedelta(days=weekday - today.weekday() + shift)
    return day - dt.timedelta(days=7) if not weeks and day > today else day


def _in_week(found: re.Match[str], now: dt.datetime) -> str:
    shift = {"上上": -14, "上": -7}.get(found["weeks"].removesuffix("个"), 0)
    monday = now.date() + dt.timedelta(days=shift - now.weekday())
    return f"{monday}至{monday + dt.timedelta(days=6)}"


def _today(found: re.Match[str], now: dt.datetime) -> str:
    if found.groupdict().get("part"):
        if found["part"] in ("早", "晚", "夜") and not found["hour"]:
            return ""
        # Which day was not said, and 晚上很吵 means none.
        return _at(now.date(), found)[11:]
    clock = _clock(found)
    if clock is None:
        return ""
    hour, minute = clock
    # The last time it was that hour on a clock with twelve hours.
    hours = [hour % 24] if hour > 12 or found["hour24"] else [hour % 12, hour % 12 + 12]
    times = [now.replace(hour=one, minute=minute, second=0, microsecond=0) for one in hours]
    past = [time for time in times if time <= now]
    return f"{max(past) if past else min(times):%Y-%m-%d %H:%M}"


def _every(found: re.Match[str], now: dt.datetime) -> str:
    if not (found["part"] or found["then"]) and not found["hour"] and not found["hour24"]:
        return "每天"
    return "每天" + _at(now.date(), found)[10:]


def _ago(found: re.Match[str], now: dt.datetime) -> str:
    if found["number"] == "几":
        return ""
    number = parse_number(found["number"])
    if number is None:
        raise ValueError(found.group())
    unit = found["unit"]
    if "半" in unit:
        number += Decimal("0.5")
    unit = unit.removeprefix("个").removeprefix("半")
    if unit in ("小时", "钟头", "分钟"):
        minutes = float(number) * (1 if unit == "分钟" else 60)
        return f"{now - dt.timedelta(minutes=minutes):%Y-%m-%d %H:%M}"
    if unit == "年":
        return str(_some(now.year - int(number))) if number >= 1 else f"{_months(now, 6)}"
    if unit == "月":
        if number < 1:
            return str(now.date() - dt.timedelta(days=15))
        return _months(now, int(number))
    days = number * 7 if unit in ("周", "星期", "礼拜") else number
    return str(now.date() - dt.timedelta(days=int(days)))


def _some(year: int) -> int:
    if year < 1:
        raise ValueError(year)
    return year


def _months(now: dt.datetime, number: int) -> str:
    year, month = divmod(now.year * 12 + now.month - 1 - number, 12)
    day = min(now.day, calendar.monthrange(_some(year), month + 1)[1])
    return str(dt.date(year, month + 1, day))


def _right_now(found: re.Match[str], now: dt.datetime) -> str:
    return f"{now:%Y-%m-%d %H:%M}" if found.group().startswith("刚") else ""
