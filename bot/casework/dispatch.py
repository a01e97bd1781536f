"""Which unit a ticket goes to (派单): sub-district or department, by rules, explained.

Pure; the rules are data from the pack. Two principles meet here: 属地管理, what happens in a
sub-district is for its office; and 主管, what needs a law or a network is for the department in
charge. Leaves to others: recording the dispatch (``handling.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

#: Where a rule may send: the sub-district, the department in charge, or a unit by its id.
TERRITORY, DEPARTMENT = "territory", "department"


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of where it is."""

    district: str = ""
    """Full name, such as 朝阳区."""
    street: str = ""
    """Full name of the sub-district or township, such as 望京街道."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What dispatch has to know of a category."""

    group: str
    unit: str
    """Id of the department in charge."""


@dataclass(frozen=True, slots=True)
class DispatchRule:
    """Some categories in some places go to one kind of unit."""

    categories: tuple[str, ...]
    """Ids of categories or of their groups; ``*`` is all."""
    to: str
    """``territory``, ``department``, or the id of a unit."""
    why: str
    """Told to agents, in Chinese."""
    places: tuple[str, ...] = ()
    """Districts or sub-districts; empty: everywhere."""


@dataclass(frozen=True)
class DispatchRules:
    """A pack's rules; the first that fits is followed."""

    rules: tuple[DispatchRule, ...] = ()
    automatic: float = 0.8
    """Confidence of the category from which nobody needs to look, 0 to 1."""
    subjects: Mapping[str, Subject] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    """Unit's id to its name; ``{district}`` in it stands for the district's name."""
    offices: Mapping[str, str] = field(default_factory=dict)
    """What a sub-district's name ends in to the name of its office: 街道 to {street}办事处."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A unit for a ticket, and why."""

    unit: str
    """Name of the unit; "" when the rules know none."""
    to: Literal["territory", "department", "look"]
    automatic: bool
    """Whether it may be dispatched without an agent's look."""
    why: str
    """In Chinese."""


def decide(
    rules: DispatchRules, category: str, place: Place, confidence: float, proposed: str = ""
) -> Decision:
    """Return where a ticket goes; ``proposed`` is the unit's name when no rule knows better."""
    subject = rules.subjects.get(category)
    if subject is None:
        return Decision(proposed, "look", False, "派单规则里没有这个类别，请坐席确定承办单位。")
    rule = next((one for one in rules.rules if _fits(one, category, subject, place)), None)
    if rule is None:
        return Decision(proposed, "look", False, "没有适用的派单规则，请坐席确定承办单位。")
    if rule.to == TERRITORY:
        unit, lacking = _office(rules, place), "街道或乡镇"
    else:
        id = subject.unit if rule.to == DEPARTMENT else rule.to
        unit, lacking = _named(rules.units.get(id, ""), place), "所在区"
    if not unit:
        why = f"{rule.why}但地点还不明确，请坐席核实{lacking}。"
        return Decision(proposed, "look", False, why)
    to: Literal["territory", "department"] = "territory" if rule.to == TERRITORY else "department"
    if confidence < rules.automatic:
        why = f"{rule.why}类别把握只有{confidence:.0%}，请坐席核对后派单。"
        return Decision(unit, to, False, why)
    return Decision(unit, to, True, rule.why)


def _fits(rule: DispatchRule, category: str, subject: Subject, place: Place) -> bool:
    about = bool({"*", category, subject.group} & set(rule.categories))
    return about and (not rule.places or bool({place.district, place.street} & set(rule.places)))


def _office(rules: DispatchRules, place: Place) -> str:
    for ending, name in rules.offices.items():
        if place.street.endswith(ending):
            return _named(name, place)
    return ""


def _named(name: str, place: Place) -> str:
    """Fill in a unit's name; "" when the place is not known well enough for it."""
    values = {"district": place.district, "street": place.street}
    if any(f"{{{key}}}" in name and not value for key, value in values.items()):
        return ""
    return name.format(**values)
