"""What an utterance says to the bot itself: yes, the second one, four points, this number.

Leaves to others: the words (``understanding.replies`` and the pack's commands).
"""

from __future__ import annotations

import re

from bot.dialogue.turn import Turn
from bot.understanding.numerals import as_digits
from bot.understanding.types import IntentKind, Understanding

#: What the names of a pack's commands begin with.
COMMAND = "command."
#: Digits of a ticket's number.
TICKET = 12
_CHOICES = {
    1: ("第一", "前一", "前面", "头一个"),
    2: ("第二", "后一", "后面", "中间"),
    3: ("第三", "最后"),
    0: ("都不是", "都不对", "都不要"),
}
_RATINGS = (
    (1, ("非常不满意", "很不满意", "特别不满意", "太差", "一分", "1分", "最低分", "零分")),
    (2, ("不满意", "不太满意", "两分", "二分", "2分", "比较差")),
    (3, ("一般", "还行", "凑合", "三分", "3分", "马马虎虎")),
    (5, ("非常满意", "很满意", "特别满意", "五分", "5分", "满分", "非常好", "很好")),
    (4, ("满意", "四分", "4分", "不错", "挺好")),
)
_UNSURE = (
    "不知道",
    "不清楚",
    "说不清",
    "记不",
    "不记得",
    "忘了",
    "不方便",
    "跳过",
    "不好说",
    "没有号",
)
_THIS = ("这个号", "这个电话", "来电", "本机", "我打的这个", "现在这个", "就这个")


def command_of(turn: Turn, said: Understanding) -> str:
    """The command said, with enough certainty, else ""."""
    best = said.best
    if best is None or best.kind is not IntentKind.COMMAND:
        return ""
    sure = best.confidence >= turn.book.thresholds.clarify
    return best.intent.removeprefix(COMMAND) if sure else ""


def read_yes_no(turn: Turn, said: Understanding) -> bool | None:
    """Whether it says yes or no; None for neither."""
    return {"yes": True, "no": False}.get(command_of(turn, said))


def read_choice(said: Understanding) -> int | None:
    """1, 2 or 3 of what was named, 0 for none of them; None if it says no such thing."""
    for number, words in _CHOICES.items():
        if any(word in said.normalised for word in words):
            return number
    digits = as_digits(said.normalised)
    return int(digits) if digits in ("1", "2", "3") else None


def read_rating(said: Understanding) -> int | None:
    """A score of 1 to 5; None if it says none."""
    for score, words in _RATINGS:
        if any(word in said.normalised for word in words):
            return score
    digits = as_digits(said.normalised).strip("。，分 ")
    return int(digits) if digits in ("1", "2", "3", "4", "5") else None


def read_unsure(said: Understanding) -> bool:
    """Whether the caller can't or won't say."""
    return any(word in said.normalised for word in _UNSURE)


def read_this_number(said: Understanding) -> bool:
    """Whether the number they call from is meant."""
    return any(word in said.normalised for word in _THIS)


def read_phone(said: Understanding) -> str:
    """The telephone number said, "" for none."""
    return said.slots.get("phone", "")


def read_ticket(said: Understanding, digits: int = TICKET) -> str:
    """The ticket number said, or its last ``digits``; "" for none."""
    if digits == TICKET:
        return said.slots.get("ticket", "")
    found = re.findall(r"\d+", as_digits(said.text).replace(" ", ""))
    return next((one for one in found if len(one) == digits), "")


def said_since(slots: dict[str, str]) -> str:
    """When something began, or for how long it has gone on."""
    return slots.get("time") or slots.get("duration") or ""
