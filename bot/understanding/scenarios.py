"""How training is written in a pack: the sections ``scenarios`` and ``coaching``.

A scenario is one synthetic citizen: what they say when asked for what, in which temper, and
what a good agent makes of it. Coaching is what all scenarios share: tempers, the words by which
an agent's manner is told, and what each part of the work is worth. Only their form. Leaves to
others: playing and scoring them (``bot/training``), and whether what they name is there
(``scenario_checks.py``).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$")]
_Seconds = Annotated[float, Field(gt=0)]
_Points = Annotated[float, Field(ge=0, le=100)]
MannerName = Literal["greeting", "calming", "read_back", "farewell"]
"""What is listened for in the agent's own words."""
QuestionName = Literal["place", "time", "phone", "name", "detail"]
"""What an agent may ask a citizen for."""
Handling = Literal["filed", "answered", "transferred"]
"""A ticket, an answer on the spot, or on to 110, 119, 120 or 122."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Temper(_Model):
    """How a citizen speaks, and what they say by themselves."""

    id: _Id
    title: _Text
    speed: Annotated[float, Field(ge=0.6, le=1.6)] = 1.0
    """Of the voice; above 1 is faster."""
    pitch: Annotated[float, Field(ge=0.7, le=1.4)] = 1.0
    """Of the voice; above 1 is higher."""
    loudness: Annotated[float, Field(ge=-20, le=6)] = 0.0
    """Of the voice, in decibels."""
    street: bool = False
    """Calls from the street, with traffic behind the voice."""
    needs_calm: bool = False
    """Tells nothing more before the agent has calmed them."""
    grumbles: tuple[_Text, ...] = ()
    """Said, in turn, while not calmed."""
    calmed: _Text = "好，那我慢慢说。"
    """Said once calmed."""
    vague: tuple[_Text, ...] = ("嗯，您说。",)
    """Said, in turn, to what is no question, and to what they cannot tell."""
    waiting: tuple[_Text, ...] = ("喂？您还在吗？",)
    """Said, in turn, when the agent is silent; after the last they hang up."""
    patience: _Seconds = 8.0
    """Silence of the agent after which they say so."""


class Manner(_Model):
    """One thing that belongs to a good conversation, told by the agent's words."""

    title: _Text
    phrases: tuple[_Text, ...] = Field(min_length=1)
    """Enough wherever they stand in what the agent says. May hold … for a gap."""
    by_sound: tuple[_Text, ...] = ()
    """Words that also count when other characters of that sound were recognised."""
    advice: _Text
    """For who did not say it."""


class Weights(_Model):
    """Points for each part; what does not apply to a scenario does not count."""

    intent: _Points = 20
    unit: _Points = 10
    urgency: _Points = 5
    handling: _Points = 10
    place: _Points = 15
    time: _Points = 10
    phone: _Points = 5
    answering: _Points = 5
    duration: _Points = 5
    greeting: _Points = 3
    calming: _Points = 5
    read_back: _Points = 5
    farewell: _Points = 2


class Pace(_Model):
    """Full points up to ``good`` seconds, none from ``slow`` on, evenly less in between."""

    good: _Seconds
    slow: _Seconds

    @model_validator(mode="after")
    def _in_order(self) -> Pace:
        if self.good >= self.slow:
            raise ValueError("good must be less than slow")
        return self


class Coaching(_Model):
    """What all scenarios of a pack share."""

    passing: Annotated[float, Field(gt=0, le=100)] = 80
    """Score out of 100 from which a practice counts as passed."""
    answering: Pace = Pace(good=10, slow=30)
    """From the first ring to the answer."""
    duration: Pace = Pace(good=180, slow=480)
    """From the answer to the ticket."""
    weights: Weights = Weights()
    tempers: tuple[Temper, ...] = Field(min_length=1)
    manners: dict[MannerName, Manner]
    questions: dict[QuestionName, tuple[_Text, ...]]
    """The agent's words that ask for something. May hold … for a gap."""


class Expected(_Model):
    """What a good agent makes of a call."""

    intent: _Id
    """A category, a question or an emergency of the pack."""
    unit: str = ""
    """Id; by default the category's."""
    urgency: Literal["", "low", "normal", "high", "urgent"] = ""
    """By default the category's."""
    handling: Handling | None = None
    """By default: a category is filed, a question answered, an emergency transferred."""
    place: str = ""
    """As it should stand in the ticket; "" when it is not needed."""
    time: str = ""
    """Since when or when, in words; "" when it is not needed."""
    phone: Annotated[str, StringConstraints(pattern=r"^\d{0,12}$")] = ""


class Scenario(_Model):
    """One synthetic citizen."""

    id: _Id
    title: _Text
    """For the list; does not give the answer away."""
    level: Literal[1, 2, 3] = 1
    """1 plain, 2 with something to find out, 3 hard."""
    temper: _Id
    caller: Annotated[str, StringConstraints(pattern=r"^\d{3,12}$")]
    """Number that is shown."""
    opening: _Text
    """Said after the agent's greeting."""
    says: dict[QuestionName, _Text]
    """Said when asked for it."""
    wrong_read_back: _Text = "不是这儿，您再核对一下。"
    """Said to a place that is read back wrong."""
    confirms: _Text = "对，没错。"
    """Said to what is read back."""
    goodbye: _Text = "好的，谢谢，再见。"
    expect: Expected
    why: _Text
    """Told with the score: why it is that intent, unit and urgency."""
