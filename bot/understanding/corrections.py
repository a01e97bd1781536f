"""What a caller takes back: 不是八号是九号, 说错了, 不对.

Leaves to others: what the facts are that were corrected.
"""

from __future__ import annotations

import re

#: 不是A是B; but 是不是 is a question.
_NOT_BUT = re.compile(
    r"(?<!是)(?<!要)不是(?P<wrong>[^\s,，。.！!？?;；是不]{1,10})[,，、\s]*(?:而是|应该是|是)"
    r"(?P<right>[^\s,，。.！!？?;；吗]{1,12})"
)
#: What was said before such a word is void as far as it is said anew after it.
_TAKEN_BACK = re.compile(
    r"(?:我|刚才|刚刚)*(?:说错了?|讲错了?|报错了?|记错了?|口误|更正一下|纠正一下)"
    r"|(?<=[,，。.\s])(?:哦|啊|哎|诶)?不对(?=[,，。.\s]|是|应该)"
)


def corrected(text: str) -> list[str]:
    """Return the utterance in the parts in which it was corrected; later parts win.

    ``不是A是B`` becomes B; and where A was said before, B takes its place there.
    """
    said = text
    for _ in range(3):  # nobody corrects more often in one breath
        found = _NOT_BUT.search(said)
        if found is None:
            break
        wrong, right = found["wrong"], found["right"]
        before, after = said[: found.start()], said[found.end() :]
        at = before.rfind(wrong)
        if at < 0:
            said = f"{before}{right}{after}"
            continue
        following = before[at + len(wrong) :]
        # 八号楼, 不是八号是九号楼: 楼 stands there already.
        while following and right.endswith(following[0]) and len(right) > len(wrong):
            right = right[:-1]
        said = f"{before[:at]}{right}{following}{after}"
    parts = [part.strip(" ,，。.是") for part in _TAKEN_BACK.split(said)]
    return [part for part in parts if part]
