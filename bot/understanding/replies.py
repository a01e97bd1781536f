"""Short answers to the bot's own questions: yes, the second, 满意, 跳过, 就是我打的这个.

Only for closed questions, where the question says what the words mean; knows of no intents.
Generous with a recogniser's errors: a whole answer counts by its sound too, so that 瞒意 is
满意. What fits no answer is no reply, and is understood like any other utterance. The five
grades are those by which citizens rate government services (好差评制度,
国办发〔2019〕51号). Leaves to others: what was asked, and what follows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from bot.understanding.normalise import clean
from bot.understanding.sound import folded, toned, toneless


class Agreement(StrEnum):
    """An answer to a yes-or-no question."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a short answer may mean; which of these counts depends on the question."""

    agreement: Agreement | None = None
    choice: int | None = None
    """1 for the first, 2, 3 …; 0 for none of them."""
    rating: int | None = None
    """1 (非常不满意) to 5 (非常满意)."""
    decline: bool = False
    """Does not know, or does not want to say."""
    this_number: bool = False
    """The number that the caller rings from."""

    def __bool__(self) -> bool:
        """Tell whether it is a reply at all."""
        return self != Reply()


_FILLERS = (
    r"(?:嗯+|呃+|额|啊|哦|噢|哎|唉|那个?|那就|就|我|我觉得|我选|选|我要|要|你|"
    r"您|吧|呗|呀|哈|呢|嘛|啦|喽|了|的|"
    r"还|挺|还是|应该|大概|算|算是|评价|打|给|给你|给你们|谢谢[您你]?|啊|先|都)"
)
_YES = (
    r"(?:是|是的|是啊|是这样|对|对的|对啊|对头|没错|嗯+|好|好的|好嘞|好啊|可以|"
    r"可以的|行|行啊|成|中|得|得嘞|要|要的|需要|有|"
    r"正确|没问题|没毛病|确认|确定|同意|愿意|当然|肯定|必须|就是|就是这个|"
    r"就这个|是这个|ok|yes|解决了?|已经解决了?|办了|办好了?|修好了?)"
)
_NO = (
    r"(?:不|不是|不是的|不对|不要|不用|不用了|不需要|不行|不可以|不成|不中|不了|"
    r"不好|没|没有|没有了|没了|别|甭|免了|算了|错|错了|"
    r"不同意|不愿意|不想|不必|没必要|用不着|先不用|暂时不用|没别的|没有别的|"
    r"没事了?|就这些|就这样|no|没解决|没有解决|还没解决|没办|没修好|没人管|"
    r"没人来)"
)
_UNSURE = (
    r"(?:不一定|不确定|不好说|说不好|说不准|拿不准|可能是?|也许|大概是?吧?|"
    r"差不多|好像是?|应该是吧?|看情况|再看看|再说吧|随便|都行|都可以|无所谓)"
)
_DECLINE = (
    r"(?:跳过|不知道|不清楚|不太清楚|不晓得|我不知道|不记得|记不清|记不得|"
    r"想不起来|忘了|不方便说?|不方便讲|不方便透露|"
    r"不想说|不想讲|不愿意说|不告诉你|保密|没法说|说不清|说不上来|下一个|下一步|"
    r"略过|说不清楚|不填|不留|不评价?|不评|不打分|拒绝|没这个|匿名)"
)
_THIS_NUMBER = (
    r"(?:(?:就|就是|用|打|留|是)?(?:我)?(?:现在)?(?:打|用|拨|拨打|打来|"
    r"打过来)?(?:的)?(?:这个|本机|这部|现在这个|这)(?:电话|号码?|手机|手机号|"
    r"机子|电话号码)?|"
    r"(?:就是?)?(?:我)?(?:现在)?(?:正在)?(?:打|用|拨)(?:电话|过来|"
    r"来)?的?(?:这个|这部|的)(?:电话|号码?|手机|手机号)?|"
    r"来电(?:号码|的号|显示的?)|(?:就)?本机(?:号码?)?|打进来的(?:号码|这个)?|"
    r"你(?:那边|们)?显示的(?:这个|号码)?)"
)
_NEITHER = (
    r"(?:都不是|都不对|都不要|两个都不是|哪个都不是|没有一个是?|一个都不是|"
    r"都不符合|全不是|全都不是|以上都不是|不是这[两几]个)"
)
_ORDINAL = re.compile(
    r"(?:第)?([一二两三四五12345])(?:个|项|种|条|样|号|)?(?:的那个|那个|吧)?|"
    r"(前面|前头|前一个|头一个|上一个|前者|上面那个)|(后面|后头|后一个|后者|"
    r"下面那个)|(最后一个|最后那个)|(中间|当中)"
)
_DIGIT = {name: number for number, name in enumerate("一二三四五", 1)} | {
    "两": 2, "1": 1, "2": 2, "3": 3, "4": 4, "5": 5, "幺": 1,
}  # fmt: skip
#: Rating words, the strongest first: 非常不满意 holds 不满意, which holds 满意.
_RATINGS = (
    (1, (
        r"(?:非常|很|特别|十分|极其|太|极度|相当|最|一点都|一点也|根本|完全)不满意?|"
        r"(?:差劲|极差|太差|非常差|很差|特别差|最差|差评|太烂|糟透了?|糟糕透了?)"
    )),
    (2, r"不(?:太|怎么|大|是很|算)?满意|不怎么样|不太行|不太好|不好|比较差|有点差|差"),
    (5, (
        r"(?:非常|很|特别|十分|太|最|相当|超|超级|百分之百|百分百)(?:地)?(?:满意|"
        r"好)|好极了|没得说|没的说|棒极了|五星|五颗星|五分|满分|好评"
    )),
    (3, (
        r"一般般?|还行|凑合|马马虎虎|过得去|将就|还凑合|普通|中等|说得过去|就那样|"
        r"一半一半|三颗星|三星|三分|基本上?满意|还可以"
    )),
    (4, r"(?:比较|还算|总体|算|挺)?满意|不错|挺好|好|四颗星|四星|四分|还好"),
)  # fmt: skip
_STARS = re.compile(r"([一二两三四五12345])(?:分|星|颗星|个星|级)")


def read_reply(text: str) -> Reply:
    """Return what ``text`` may answer; an empty reply when it is none. Safe on any text."""
    said = clean(text)[:60]
    if not said:
        return Reply()
    found = _read(said)
    return found if found or len(said) > 8 else _read(_by_sound(said))


def _read(said: str) -> Reply:
    number = _whole(_THIS_NUMBER, said)
    neither = _whole(_NEITHER, said)
    rating = _rating(said)
    agreement = None
    if _whole(_UNSURE, said):
        agreement = Agreement.UNSURE
    elif neither or _whole(_NO, said):
        agreement = Agreement.NO
    elif _whole(_YES, said):
        agreement = Agreement.YES
    return Reply(
        agreement=agreement,
        choice=0 if neither else _choice(said),
        rating=rating,
        decline=_whole(_DECLINE, said),
        this_number=number,
    )


def _rating(said: str) -> int | None:
    if stars := _whole_match(_STARS.pattern, said):
        return _DIGIT[stars]
    if said in _DIGIT:
        return _DIGIT[said]
    for value, words in _RATINGS:
        if _whole(f"(?:{words})", said):
            return value
    return None


def _choice(said: str) -> int | None:
    bare = _bare(said)
    found = _ORDINAL.fullmatch(bare)
    if not found:
        return None
    if found[1]:
        return _DIGIT[found[1]]
    return 1 if found[2] else 2 if found[3] else 2 if found[5] else -1 if found[4] else None


def _whole(words: str, said: str) -> bool:
    """Tell whether nothing but ``words``, once or more, and fillers were said."""
    return _pattern(words).fullmatch(said) is not None


def _whole_match(words: str, said: str) -> str:
    found = re.fullmatch(f"{_FILLERS}{{0,4}}{words}{_FILLERS}{{0,3}}", said)
    return found[1] if found else ""


@lru_cache(maxsize=64)
def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(
        f"{_FILLERS}{{0,4}}{words}(?:{_FILLERS}{{0,2}}{words}){{0,3}}{_FILLERS}{{0,3}}"
    )


def _bare(said: str) -> str:
    lead = re.match(f"{_FILLERS}{{0,4}}(?=[第一二两三四五1-5前后头上下最中当])", said)
    bare = said[lead.end() :] if lead else said
    return re.sub("(?:吧|呗|呀|啊|哈|呢|嘛|啦|喽|的|谢谢)+$", "", bare) or bare


#: Characters that answers are made of, by what they sound like.
_COMMON = (
    "满意非常不是的对没错好可以行要需有用了般很特别第一二三四五个都跳过知道清楚"
    "方便说这号码打就我前面后还"
)


@lru_cache(maxsize=1)
def _characters() -> dict[str, str]:
    found: dict[str, str] = {}
    for char in _COMMON:
        found.setdefault(_sound(char), char)
    return found


def _by_sound(said: str) -> str:
    """Write an answer with the characters that answers are made of."""
    return "".join(_characters().get(_sound(char), char) for char in said)


def _sound(char: str) -> str:
    syllables = toned(char)
    return folded(toneless(syllables[0])) if syllables else char
