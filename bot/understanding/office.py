"""How a city's work on tickets is written in a pack: the section ``casework``.

Only its form. Leaves to others: following it (``bot/casework``, by way of ``bot/rules.py``),
and whether what it names is there (``checks.py``).
"""

from __future__ import annotations

import datetime as dt
import re
from string import Formatter
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Hours = Annotated[int, Field(ge=0)]
_Hour = Annotated[int, Field(ge=0, le=24)]
_Count = Annotated[int, Field(gt=0)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class DispatchRule(_Model):
    """Which kind of unit some categories go to. The first rule that fits is followed."""

    categories: tuple[_Text, ...] = Field(min_length=1)
    """Ids of categories, or of groups for all of theirs, or ``*`` for all."""
    places: tuple[_Text, ...] = ()
    """Only there: full names of districts, sub-districts or townships."""
    to: _Text
    """``territory``: the sub-district's office (属地). ``department``: the category's unit (主管).
    Otherwise the id of a unit."""
    why: _Text
    """Told to agents: one sentence in Chinese."""


class Dispatch(_Model):
    """Which unit a ticket goes to."""

    automatic: _Share = 0.8
    """Confidence of the category from which no agent needs to look."""
    offices: dict[_Text, _Text] = Field(default_factory=dict)
    """What a sub-district's name ends in, to the name of its office; ``{street}`` is its name."""
    units: dict[_Text, _Text] = Field(default_factory=dict)
    """Id of a unit that each district has one of, to its name there; ``{district}`` is the
    district's name."""
    rules: tuple[DispatchRule, ...] = ()


class EscalationStep(_Model):
    """Who is told when a ticket stays overdue."""

    after: _Hours
    """Hours after the deadline."""
    to: _Text
    """Role or unit, in the city's words."""


class SurveyTimes(_Model):
    """How and when citizens are asked after resolving (回访)."""

    by: Literal["call", "text"] = "call"
    """By telephone, or by text first. Landlines, those who refuse texts and those who do not
    answer are called; where there is no text gateway, everybody is."""
    text: str = ""
    """What is texted; ``{title}`` and ``{number}`` are the ticket's."""
    text_sensitive: str = ""
    """The same for sensitive categories: not what it is about, only ``{number}``."""
    text_link: str = ""
    """What follows where there are web pages; ``{link}`` is the survey's own."""
    answer_within: _Count = 24
    """Hours after which who has not answered a text is called."""
    mobile: str = r"1[3-9]\d{9}"
    """Numbers that can be texted, as a regular expression."""

    first_after: _Hours = 1
    """Hours after resolving."""
    retry_after: tuple[_Hours, ...] = (4, 24)
    """Hours after the first, the second … try that reached nobody."""
    from_hour: _Hour = 9
    to_hour: _Hour = 20
    """Local hours between which the line may call."""
    close_after: _Count = 7
    """Days after resolving when a ticket whose citizen was never reached is closed."""

    @field_validator("mobile")
    @classmethod
    def _expression(cls, written: str) -> str:
        try:
            re.compile(written)
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        return written

    @model_validator(mode="after")
    def _worded(self) -> Self:
        for name, text, known in (
            ("text", self.text, {"title", "number"}),
            ("text_sensitive", self.text_sensitive, {"number"}),
            ("text_link", self.text_link, {"link"}),
        ):
            if self.by == "text" and not text and name != "text_link":
                raise ValueError(f"who is asked by text needs the words: “{name}” is missing")
            unknown = {one for _, one, _, _ in Formatter().parse(text) if one} - known
            if unknown:
                raise ValueError(f"“{name}” has {unknown}, which is none of {known}")
        return self


class Texting(_Model):
    """What is special about talking by text."""

    signature: str = ""
    """What every text begins with: 【12345热线】."""
    stop: tuple[_Text, ...] = ()
    """Texts, in capitals, of who wants no more texts (退订), …"""
    stopped: str = ""
    """… what they are told, …"""
    start: tuple[_Text, ...] = ()
    """… and texts of who wants them again, …"""
    started: str = ""
    """… and is told so."""
    person: str = ""
    """Told to who needs a person: one will call."""
    instead: dict[_Text, _Text] = Field(default_factory=dict)
    """Prompts that are written otherwise than they are said, by name; nothing is filled in."""


class CallbackTimes(_Model):
    """How often agents call back who asked for it."""

    retry_after: tuple[_Count, ...] = (15, 60, 240)
    """Minutes after the first, the second … call in vain; after the last it is given up."""


class IncidentLimits(_Model):
    """When like tickets are one incident."""

    tickets: Annotated[int, Field(ge=2)] = 3
    """So many of one category in one sub-district …"""
    window: _Count = 6
    """… within so many hours."""


class ScoreWeights(_Model):
    """What each rate counts for in a unit's score. Together they are 1."""

    response: _Share = 0.2
    solution: _Share = 0.4
    satisfaction: _Share = 0.4


class Office(_Model):
    """How tickets are worked on."""

    zone: _Text = "Asia/Shanghai"
    """IANA time zone of the city."""
    holidays: Literal["china", "none"] = "none"
    """Whose public holidays are no working days."""
    rest_days: tuple[dt.date, ...] = ()
    """More days off: of the pack's own, or of a year whose notice is not in the package yet."""
    work_days: tuple[dt.date, ...] = ()
    """More days worked (调休)."""
    working: tuple[Literal["low", "normal", "high", "urgent"], ...] = ()
    """Urgencies whose deadlines are working days (24 hours are one) and not hours."""
    remind: _Share = 0.25
    """Share of the time that is left when a unit is reminded."""
    respond: _Count = 24
    """Hours after dispatch within which a unit must have reached the citizen (响应)."""
    escalation: tuple[EscalationStep, ...] = ()
    dispatch: Dispatch = Dispatch()
    surveys: SurveyTimes = SurveyTimes()
    texting: Texting = Texting()
    callbacks: CallbackTimes = CallbackTimes()
    incidents: IncidentLimits = IncidentLimits()
    weights: ScoreWeights = ScoreWeights()

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"there is no time zone {zone}, such as Asia/Shanghai") from error
        return zone
