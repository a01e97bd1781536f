"""A pack's rules for casework, as plain data.

The composition root makes them from a pack (``bot/rules.py``), because casework knows nothing
of packs. Leaves to others: following them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from zoneinfo import ZoneInfo

from bot.casework.deadlines import ClockRules
from bot.casework.dispatch import DispatchRules, Place


@dataclass(frozen=True, slots=True)
class SurveyRules:
    """How, when and how often a citizen is asked after resolving (回访)."""

    first_after: dt.timedelta = dt.timedelta(hours=1)
    retry_after: tuple[dt.timedelta, ...] = (dt.timedelta(hours=4), dt.timedelta(hours=24))
    """After the first, the second … try that reached nobody; then it is given up."""
    from_hour: int = 9
    """Local hour from which the line may call, …"""
    to_hour: int = 20
    """… and before which it must."""
    close_after: dt.timedelta = dt.timedelta(days=7)
    """A ticket whose citizen could not be reached is closed this long after resolving. As long
    the link in a text is good."""
    by: Literal["call", "text"] = "call"
    """How citizens are asked first."""
    answer_within: dt.timedelta = dt.timedelta(hours=24)
    """Who has not answered a text this long is called."""
    mobile: str = r"1[3-9]\d{9}"
    """Numbers that can be texted, as a regular expression; "" for none."""

    def can_text(self, phone: str) -> bool:
        """Tell whether a number can be texted at all."""
        return bool(self.mobile and re.fullmatch(self.mobile, phone))


@dataclass(frozen=True, slots=True)
class CallbackRules:
    """How often agents call back who asked for it; in the hours of ``SurveyRules``."""

    retry_after: tuple[dt.timedelta, ...] = (
        dt.timedelta(minutes=15),
        dt.timedelta(hours=1),
        dt.timedelta(hours=4),
    )
    """After the first, the second … call in vain; then it is given up."""


@dataclass(frozen=True, slots=True)
class IncidentRules:
    """When like tickets are one incident."""

    tickets: int = 3
    window: dt.timedelta = dt.timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Weights:
    """Shares of the three rates in a unit's score; they add up to 1."""

    response: float = 0.2
    solution: float = 0.4
    satisfaction: float = 0.4


def nowhere(_: str) -> Place:
    """Know of no place at all: for a line without a gazetteer."""
    return Place()


@dataclass(frozen=True)
class Rules:
    """Everything that differs between cities."""

    clocks: ClockRules = field(default_factory=ClockRules)
    dispatch: DispatchRules = field(default_factory=DispatchRules)
    surveys: SurveyRules = field(default_factory=SurveyRules)
    callbacks: CallbackRules = field(default_factory=CallbackRules)
    incidents: IncidentRules = field(default_factory=IncidentRules)
    weights: Weights = field(default_factory=Weights)
    signature: str = ""
    """What every text begins with, so that citizens know who writes."""
    locate: Callable[[str], Place] = nowhere
    """Finds district and sub-district in what was said of a place."""

    def permitted(self, moment: dt.datetime) -> dt.datetime:
        """Return ``moment``, or the next one at which citizens may be called, in UTC."""
        local = moment.astimezone(ZoneInfo(self.clocks.zone))
        opening = local.replace(hour=self.surveys.from_hour, minute=0, second=0, microsecond=0)
        if local.hour >= self.surveys.to_hour:
            opening += dt.timedelta(days=1)
        elif local.hour >= self.surveys.from_hour:
            opening = local
        return opening.astimezone(dt.UTC)


RuleBook = Mapping[str, Rules]
"""The rules of every pack of a line by the pack's name; the main one first."""
