"""How long may a silence be before the caller has finished?

As short as it can be where the words say that all was said, longer where they hang in the
air, where the question wants a story, or where nothing is known yet. Pure. Leaves to
others: measuring the silence (``endpointing.py``), the words (``ears.py``) and what they
mean (``understanding``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum

from bot.speech.scoring import syllables

#: Seconds of silence that end an utterance: an answer that was asked for; a whole sentence
#: that was understood; anything else; an answer that needs thought; words that want others
#: after them; digits that people read in groups.
ANSWERED, WHOLE, USUAL, THOUGHTFUL, HANGING, GROUPED = 0.4, 0.45, 0.68, 0.85, 0.9, 1.1
#: Share of a line's sentences that must end where a text ends, rather than go on, for it to
#: be whole: of a text that means something, of one that does not (it was misheard, but its end
#: was not), and of one shorter than ``SHORT`` characters ("公积金" is a question's beginning as
#: often as its end). On 80 sentences in the synthetic voice 48 and 36 are recognised as whole,
#: and 2 and none of their first halves are taken for it.
ENDS, OBSCURE_ENDS, SHORT_ENDS, SHORT = 0.3, 0.6, 0.9, 5
#: Syllables at the end of a text that are looked up, and sightings that make them known.
LONGEST_END, SEEN = 3, 2
#: Patience of a question, in seconds, from which its answer is a story or an address.
LONG_PATIENCE = 8.0
#: Most phrases that a choice has; longer lists are examples of an open answer.
CHOICES = 12
#: Digits after which a number that was asked for can be complete: a mobile telephone's.
FULL_NUMBER = 11
#: Words of Mandarin after which a sentence goes on: particles that bind, prepositions,
#: conjunctions, pronouns, fillers, measure words, and openings that announce a request.
HANGING_WORDS = (
    *("的", "地", "得", "和", "跟", "与", "在", "把", "被", "给", "对", "向", "从", "到", "往"),
    *("是", "有", "就", "就是", "就是说", "还有", "因为", "所以", "然后", "但是", "可是", "如果"),
    *("要是", "而且", "或者", "比如", "比如说", "那", "那个", "这", "这个", "这边", "那边"),
    *("我", "我们", "我们家", "我家", "你", "你们", "他", "他们", "嗯", "呃", "啊", "哦", "唉"),
    *("一个", "我想", "我要", "我想问", "我想问一下", "我要问", "我想问问", "请问", "请问一下"),
    *("问一下", "想问", "想问下", "你好", "您好", "喂", "你好我想问一下", "您好我想问一下"),
)
_HANGING = re.compile(f"(?:{'|'.join(sorted(HANGING_WORDS, key=len, reverse=True))})$")
_SPOKEN = re.compile(r"[^\w]|_")
_DIGIT = re.compile(r"[\d零〇一幺二两三四五六七八九]")


class Question(StrEnum):
    """What sort of answer was asked for."""

    OPEN = "open"
    """Anything, in a sentence or two."""
    CHOICE = "choice"
    """One of a few phrases, such as yes or no."""
    DIGITS = "digits"
    """A number, digit by digit."""
    STORY = "story"
    """An account or an address, told with pauses."""


def question(expect: Sequence[str], patience: float) -> Question:
    """Return what sort of answer is waited for, from what ``Listen`` carries.

    ``expect`` holds phrases that are likely now; ``patience`` is in seconds.
    """
    if expect and all(len(phrase) == 1 and _DIGIT.match(phrase) for phrase in expect):
        return Question.DIGITS
    if patience >= LONG_PATIENCE:
        return Question.STORY
    if expect and len(expect) <= CHOICES:
        return Question.CHOICE
    return Question.OPEN


def hangs(text: str) -> bool:
    """Whether a text sounds as if more is to come. One character says too little, too."""
    bare = _SPOKEN.sub("", text)
    return len(bare) < 2 or _HANGING.search(bare) is not None


class Endings:
    """How the sentences of a line end, learnt from its own phrases. Immutable.

    By syllables without tones, since a recogniser gets the sound right more often than the
    character. A text's end is looked up by its last three syllables, or fewer where these
    were never seen.
    """

    def __init__(self, phrases: Iterable[str]) -> None:
        self._ends: Counter[tuple[str, ...]] = Counter()
        self._within: Counter[tuple[str, ...]] = Counter()
        for phrase in phrases:
            said = syllables(phrase)
            for size in range(1, LONGEST_END + 1):
                for end in range(size, len(said) + 1):
                    seen = self._ends if end == len(said) else self._within
                    seen[tuple(said[end - size : end])] += 1

    def share(self, text: str) -> float:
        """Of the sentences that come to these syllables, the share that end there, 0 to 1."""
        said = syllables(text)
        for size in range(min(LONGEST_END, len(said)), 0, -1):
            last = tuple(said[-size:])
            total = self._ends[last] + self._within[last]
            if total >= SEEN:
                return self._ends[last] / total
        return 0.0

    def whole(self, text: str, *, meant: bool = True) -> bool:
        """Whether a text is probably all that somebody wants to say.

        ``meant``: the text means something to the line.
        """
        if len(_SPOKEN.sub("", text)) < SHORT:
            return meant and self.share(text) >= SHORT_ENDS
        return self.share(text) >= (ENDS if meant else OBSCURE_ENDS)


def silence_needed(
    asked: Question, text: str | None, *, expect: Sequence[str] = (), whole: bool = False
) -> float:
    """Return after how many seconds of silence the utterance is over.

    ``text`` is what was said so far, None while that is unknown; ``whole``: it is
    probably all that the caller wants to say (``Endings.whole``).
    """
    usual = {Question.STORY: THOUGHTFUL, Question.DIGITS: GROUPED}.get(asked, USUAL)
    if text is None:
        return usual
    bare = _SPOKEN.sub("", text)
    if asked is Question.DIGITS:
        return WHOLE if len(_DIGIT.findall(bare)) >= FULL_NUMBER else GROUPED
    if asked is Question.CHOICE and bare in expect:
        return ANSWERED
    if not bare:
        # Nothing intelligible: the sooner it is asked again the better.
        return usual
    if hangs(bare):
        return max(usual, HANGING)
    return WHOLE if whole and asked is not Question.STORY else usual
