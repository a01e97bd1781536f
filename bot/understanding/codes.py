"""Numbers that have a rule of their own: telephone, identity, ticket and number plate.

A number whose rule does not hold was misheard or misspoken, and is not reported: the
dialogue then asks for it again. Leaves to others: finding out whose it is.
"""

from __future__ import annotations

import datetime as dt
import re

from bot.understanding.numerals import as_digits

#: What callers and recognisers put between the groups of a long number.
_GAP = r"(?:[\s,，.。、:：\-—]|杠|嗯|啊|呃|那个){0,3}"
_MOBILE = re.compile(rf"(?<!\d)1{_GAP}[3-9](?:{_GAP}\d){{9}}(?!\d)")
#: Area codes have three digits in 010 and 02x and four elsewhere; local numbers 7 or 8.
_LANDLINE = re.compile(
    rf"(?<!\d)0{_GAP}(?:1{_GAP}0|2{_GAP}\d|[3-9]{_GAP}\d{_GAP}\d){_GAP}[2-8](?:{_GAP}\d){{6,7}}(?!\d)"
)
_IDENTITY = re.compile(rf"(?<!\d)[1-9](?:{_GAP}\d){{16}}{_GAP}(?:\d(?!\d)|[Xx]|叉|艾克斯|埃克斯)")
_TICKET = re.compile(rf"(?<!\d)\d(?:{_GAP}\d){{11}}(?!\d)")
#: GA 36-2018: province, office, five places without I and O; six for new-energy cars.
_PLATE = re.compile(
    r"([京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼])"
    rf"{_GAP}([A-HJ-NP-Za-hj-np-z]){_GAP}"
    rf"((?:[A-HJ-NP-Za-hj-np-z\d]{_GAP}){{4,5}}[A-HJ-NP-Za-hj-np-z\d学警港澳挂])(?![A-Za-z\d])"
)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def find_codes(text: str) -> dict[str, str]:
    """Return ``id_number``, ``ticket``, ``plate`` and ``phone``, as digits and capitals."""
    said = as_digits(text)
    found: dict[str, str] = {}
    for name, pattern in (
        ("id_number", _IDENTITY),
        ("ticket", _TICKET),
        ("phone", _MOBILE),
        ("phone", _LANDLINE),
        ("plate", _PLATE),
    ):
        for match in pattern.finditer(said):
            code = _bare(match.group())
            if name not in found and _holds(name, code):
                found[name] = code
                # A number is one thing only.
                said = said[: match.start()] + "#" * len(match.group()) + said[match.end() :]
                break
    return found


def _bare(code: str) -> str:
    code = re.sub(r"叉|艾克斯|埃克斯", "X", code).upper()
    return re.sub(r"[^\dA-Z\u4e00-\u9fff]|[杠嗯啊呃那个]", "", code)


def _holds(name: str, code: str) -> bool:
    if name == "id_number":
        return is_identity(code)
    if name == "ticket":
        return is_ticket(code)
    # Every plate has a digit among its last places; 京ABCDEFG is a word.
    return name != "plate" or any(char.isdigit() for char in code[2:])


def is_identity(code: str) -> bool:
    """Tell whether 18 characters are a citizen's identity number.

    GB 11643-1999: a birthday that exists, and the check character of ISO 7064 MOD 11-2.
    """
    if not re.fullmatch(r"[1-9][0-9]{16}[0-9X]", code) or not _is_date(code[6:14]):
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, code[:17], strict=True))
    return code[17] == "10X98765432"[total % 11]


def is_ticket(code: str) -> bool:
    """Tell whether 12 digits are a ticket's number, as ``casework/tickets.py`` gives them.

    ``yymmdd``, a serial number of five digits, and the Luhn check digit of ISO/IEC 7812-1,
    annex B. (Written again here, since understanding knows nothing of casework.)
    """
    if not re.fullmatch(r"[0-9]{12}", code) or not _is_date(f"20{code[:6]}"):
        return False
    total = 0
    for place, digit in enumerate(reversed(code)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _is_date(digits: str) -> bool:
    try:
        dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return True
