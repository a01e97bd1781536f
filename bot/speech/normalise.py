"""Written Chinese to what is said aloud: numbers, letters and signs become characters.

A number that names something (a telephone, a ticket, a room) is read digit by digit, with 1
as 幺, as on the phone; a number that counts something is read as a quantity (``cn2an``). The
rules run in order, each over what the ones before it left. Leaves to others: how characters
sound (``zhtts.py``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import cn2an

DIGITS = dict(zip("0123456789", "零幺二三四五六七八九", strict=True))
YEAR_DIGITS = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
#: Letters by the Chinese syllables that come nearest to their names.
LETTERS = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        [
            *("诶", "毕", "西", "迪", "伊", "艾弗", "吉", "艾尺", "艾", "杰", "开", "艾勒", "艾姆"),
            *("恩", "欧", "批", "克优", "阿尔", "艾丝", "提", "优", "维", "达不溜", "艾克斯"),
            *("歪", "贼德"),
        ],
        strict=True,
    )
)
#: Words in Latin letters that people say otherwise than by their letters.
WORDS = {
    "WIFI": "无线网络",
    "WI-FI": "无线网络",
    "EMAIL": "电子邮件",
    "E-MAIL": "电子邮件",
    "OK": "欧开",
    "QQ": "扣扣",
    "POS": "破斯",
    "SIM": "西姆",
    "ONLINE": "在线",
    "VS": "对",
}
#: Units after a number; the longer are looked for first.
UNITS = {
    "km/h": "公里每小时",
    "kWh": "千瓦时",
    "km²": "平方公里",
    "km": "公里",
    "kg": "公斤",
    "cm": "厘米",
    "mm": "毫米",
    "m²": "平方米",
    "㎡": "平方米",
    "m³": "立方米",
    "m3": "立方米",
    "m2": "平方米",
    "dB": "分贝",
    "kW": "千瓦",
    "mL": "毫升",
    "ml": "毫升",
    "MB": "兆",
    "GB": "吉字节",
    "℃": "摄氏度",
    "°C": "摄氏度",
    "m": "米",
    "g": "克",
    "L": "升",
    "V": "伏",
    "W": "瓦",
}
#: Measure words before which a lone 2 is said 两.
MEASURES = (
    "个|位|次|天|周|层|人|名|小时|分钟|块|种|条|项|家|套|户|张|份|台|辆|只|件|倍|米|公里|公斤|斤|"
    "平方米|立方米|千|万|亿|年(?!级)|瓶|栋|间|根|元|角|遍|期|期间|站|盏|棵|吨"
)
#: Numbers that are dialled wherever they stand: emergencies, and services of three digits.
SHORT_NUMBERS = ("110", "112", "114", "119", "120", "122")
#: Numbers that have become names, and are said otherwise than telephones are.
NAMES = {"12345": "一二三四五"}
MARKS = "，。！？；：、"
_WIDE = str.maketrans(
    {
        **{",": "，", "!": "！", "?": "？", ";": "；", ":": "：", "\n": "。", "…": "，"},
        **{"—": "，", "～": "~", "–": "-", "－": "-", "−": "-", "￥": "¥", "％": "%", "／": "/"},
    }
)
_RANGED = "个|位|次|天|日|周|月|年|人|岁|元|小时|分|分钟|秒|点|层|楼|号|度|米|公里|公斤|名|倍|万|亿"


def digits(number: str) -> str:
    """Read a number digit by digit in groups, as telephone numbers are."""
    size = len(number)
    if size == 11 and number[0] == "1":
        cuts = [3, 7]
    elif size == 10 and number.startswith(("400", "800")):
        cuts = [3, 6]
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
    for pattern, say in _RULES:
        text = pattern.sub(say, text)
    text = re.sub(rf"[^\u4e00-\u9fff{MARKS}]+", "", text)
    return re.sub(rf"([{MARKS}])[{MARKS}]+", r"\1", text).lstrip(MARKS)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of a text that is said at one pace."""

    text: str
    number: bool = False
    """A group of digits that somebody may want to write down."""


def stretches(text: str) -> list[Stretch]:
    """Cut a text at its long numbers, and those into the groups in which they are said.

    A ticket's or a telephone's number becomes a stretch for each group, such as 二六一一; the
    words between stay as they are. A text without such a number is one stretch; one in English
    too, with the digits of its numbers apart.
    """
    if not _CHINESE.search(text) and _LATIN_WORD.search(text):
        return [Stretch(_LONG_NUMBER.sub(_apart, text))]
    found: list[Stretch] = []
    end = 0
    for match in _LONG_NUMBER.finditer(text):
        found.append(Stretch(text[end : match.start()]))
        found += [Stretch(group, number=True) for group in spoken(match[0]).split("，")]
        end = match.end()
    found.append(Stretch(text[end:]))
    return [one for one in found if one.number or _SAYABLE.search(one.text)] or [Stretch(text)]


def _apart(match: re.Match[str]) -> str:
    """A number for an English voice: its digits one by one, in groups of four."""
    only = re.sub(r"\D", "", match[0])
    return ", ".join(" ".join(only[i : i + 4]) for i in range(0, len(only), 4))


def _narrow(text: str) -> str:
    """Bring full-width digits and letters to plain ones, plain marks to Chinese ones."""
    plain = "".join(chr(ord(c) - 0xFEE0) if "０" <= c <= "ｚ" else c for c in text)
    plain = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", plain)
    return plain.translate(_WIDE)


# --- the rules: what each finds, and how it is said ------------------------------------


def _year(number: str) -> str:
    return "".join(YEAR_DIGITS[digit] for digit in number) + "年"


def _date(match: re.Match[str]) -> str:
    return f"{_year(match[1])}{quantity(str(int(match[2])))}月{quantity(str(int(match[3])))}日"


def _time(match: re.Match[str]) -> str:
    hour, minute, second = match[1], match[2], match[3]
    said = quantity(str(int(hour))) + "点"
    if int(minute) or second:
        said += ("零" if 0 < int(minute) < 10 else "") + quantity(str(int(minute))) + "分"
    return said + (quantity(str(int(second))) + "秒" if second else "")


def _money(match: re.Match[str]) -> str:
    """Yuan, jiao and fen, as prices are said."""
    whole, _, cents = (match[1] or match[2]).partition(".")
    if len(cents) > 2:
        return quantity_of(f"{whole}.{cents}") + "元"
    padded = cents + "00"
    jiao, fen = padded[0], padded[1]
    said = _two(whole) + "元" if int(whole) or not int(cents or 0) else ""
    if jiao != "0":
        said += _two(jiao) + "角"
    elif fen != "0" and said:
        said += "零"
    return said + (_two(fen) + "分" if fen != "0" else "")


def _two(number: str) -> str:
    return "两" if number.lstrip("0") == "2" else quantity(str(int(number)))


def _landline(match: re.Match[str]) -> str:
    return digits(match[1]) + "，" + digits(match[2])


def _minus(match: re.Match[str]) -> str:
    return ("零下" if match[2] else "负") + match[1] + (match[2] or "")


def _fraction(match: re.Match[str]) -> str:
    return f"{quantity(match[2])}分之{quantity(match[1])}"


def _unit(match: re.Match[str]) -> str:
    return match[1] + UNITS[match[2]]


def _code(match: re.Match[str]) -> str:
    return _spelled(match[1]) + "，" + digits(match[2])


def _spelled(word: str) -> str:
    return "".join(LETTERS[letter] for letter in word.upper() if letter in LETTERS)


def _word(match: re.Match[str]) -> str:
    return WORDS.get(match[0].upper()) or _spelled(match[0])


def _site(match: re.Match[str]) -> str:
    return match[0].replace(".", "点")


def _amount(match: re.Match[str]) -> str:
    """Choose between digits and a quantity."""
    number = match[0]
    if "." in number:
        return quantity_of(number)
    if number in SHORT_NUMBERS or len(number) >= 5 or (len(number) > 1 and number[0] == "0"):
        return digits(number)
    return quantity(number)


def _percent(match: re.Match[str]) -> str:
    of = "百分之" if match[2] == "%" else "千分之"
    return of + quantity_of(match[1])


def quantity_of(number: str) -> str:
    """Read a number with or without a fraction as an amount."""
    whole, _, fraction = number.partition(".")
    said = quantity(whole) if len(whole) < 13 else digits(whole)
    return said + ("点" + "".join(YEAR_DIGITS[digit] for digit in fraction) if fraction else "")


_N = r"\d+(?:\.\d+)?"
_UNIT_NAMES = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))
_DATE = r"(?<!\d)((?:19|20)\d{2})[-/.](1[0-2]|0?[1-9])[-/.](3[01]|[12]\d|0?[1-9])(?!\d)"
_CLOCK = r"(?<!\d)([01]?\d|2[0-4])[:：]([0-5]\d)(?:[:：]([0-5]\d))?(?!\d)"
_SHORT = r"\d{1,4}(?:\.\d+)?"
_RANGE = rf"(?<![\d.-])({_SHORT})\s*[-~]\s*({_SHORT})(?=(?:{_RANGED}|%|{_UNIT_NAMES}))"
_PRICE = r"¥\s*(\d{1,12}(?:\.\d+)?)(?:元)?(?![\d.])|(?<![\d.])(\d{1,12}\.\d{1,2})元"


def _joined(match: re.Match[str]) -> str:
    return digits("".join(match.groups()))


#: A telephone or a ticket, as a person would write it down.
_LONG_NUMBER = re.compile(
    r"(?<![\d.A-Za-z])(?:0\d{2,3}[-\s]?\d{7,8}|[48]00[-\s]?\d{3}[-\s]?\d{4}"
    r"|1[3-9]\d[-\s]?\d{4}[-\s]?\d{4}|\d{8,})(?!\d|\.\d|\s*[元万亿%])"
)
_CHINESE, _LATIN_WORD = re.compile(r"[\u4e00-\u9fff]"), re.compile(r"[A-Za-z]{2}")
_SAYABLE = re.compile(r"\w")
_RULES: list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
    (re.compile(pattern), say)
    for pattern, say in (
        (rf"(?<![\d.])(?:{'|'.join(NAMES)})(?![\d.]*\d)", lambda m: NAMES[m[0]]),
        (_DATE, _date),
        (r"(?<!\d)(\d{4})年", lambda m: _year(m[1])),
        (r"(?<=\d)\s*[-~至]\s*(?=\d{1,2}[:：]\d{2})", "到"),
        (_CLOCK, _time),
        # Telephones: area code and number, services, mobiles written in groups.
        (r"(?<!\d)(0\d{2,3})[-\s]?(\d{7,8})(?!\d)", _landline),
        (r"(?<!\d)([48]00)[-\s]?(\d{3})[-\s]?(\d{4})(?!\d)", _joined),
        (r"(?<!\d)(1[3-9]\d)[-\s]?(\d{4})[-\s]?(\d{4})(?!\d)", _joined),
        # A number of which the middle is hidden, and the end of a number.
        (r"(?<!\d)\d{3}\*{2,}(\d{4})(?!\d)", lambda m: "尾号" + digits(m[1])),
        (r"(?<=尾号|电话|号码|单号)([是为]?)(\d{3,6})(?!\d)", lambda m: m[1] + digits(m[2])),
        (rf"({_N})(%|‰)\s*[-~至到]\s*(?={_N}%)", r"\1\2到"),
        (_RANGE, r"\1到\2"),
        # Groups of one number; what has a point is two numbers.
        (r"(?<=\d)[-\s](?=\d)(?!\d+\.)", ""),
        (rf"({_N})\s*(%|‰)", _percent),
        (r"(?<![\d/])(\d{1,2})/(\d{1,2})(?![\d/])", _fraction),
        (_PRICE, _money),
        (r"(?<=[元角分])/(?=[\u4e00-\u9fff])", "每"),
        (rf"(?<![\w-])-({_N})(℃|°C|度)?", _minus),
        (rf"({_N})\s*({_UNIT_NAMES})(?![A-Za-z²³/])", _unit),
        (r"(?<!\d)(\d{3,4})(?=室|房间|房)", _joined),
        (r"(?<!\d)(\d{3})(?=路)", _joined),
        (rf"(?<![\d.第十百千万月])2(?=(?:{MEASURES}))", "两"),
        # Websites, codes of letters and digits, words.
        (r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?<=[A-Za-z])", _site),
        (r"([A-Za-z]{1,4})[-\s]?(\d{5,})", _code),
        (r"[A-Za-z](?:[A-Za-z]|-(?=[A-Za-z]))*", _word),
        (_N, _amount),
    )
]
