"""A pack's categories as the services of Open311.

Beside the layers, like ``rules.py``: packs know nothing of Open311. Leaves to others: both.
"""

from __future__ import annotations

from bot.understanding.pack import Pack
from bot.understanding.schema import Category
from bot.web.georeport import Attribute, Service

#: What a pack's slots are called when they are asked in writing. Place and telephone number
#: have arguments of their own in the standard.
QUESTIONS = {"time": "从什么时候开始的？"}
#: Phrases of a category that become its keywords.
KEYWORDS = 5


def open311_services(pack: Pack) -> tuple[Service, ...]:
    """Return what can be requested of a pack's city in writing."""
    groups = {group.id: group.title for group in pack.groups}
    units = {unit.id: unit.name for unit in pack.units}
    return tuple(
        Service(
            code=one.id,
            name=one.title,
            description=one.title,
            group=groups.get(one.group, ""),
            # A comma would split a keyword in two.
            keywords=tuple(text for text in one.phrases if "," not in text)[:KEYWORDS],
            attributes=tuple(
                Attribute(slot, QUESTIONS[slot], order)
                for order, slot in enumerate(one.slots, 1)
                if slot in QUESTIONS
            ),
            unit=units.get(one.unit, ""),
            urgency=one.urgency,
            pack=pack.name,
        )
        for one in pack.intents
        if isinstance(one, Category)
    )
