"""What the sections of a pack's YAML files look like, as pydantic models.

Any file in a pack's folder may hold any of the sections of :class:`PackFile`; how they are
spread over files is up to the city's staff. Leaves to others: what can't be seen in one
section alone (``checks.py``), and the pack as a whole (``pack.py``).
"""

from __future__ import annotations

import datetime as dt
from string import Formatter
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from bot.understanding.office import Office
from bot.understanding.scenarios import Coaching, Scenario
from bot.understanding.template import parse
from bot.understanding.types import IntentKind

#: Prompts that the dialogue says by name: a pack without one of them is refused.
REQUIRED_PROMPTS = (
    *("greeting", "ask_again", "ask_again_second", "clarify", "confirm_intent"),
    *("confirm_category", "confirm_emergency", "rephrase", "anything_else", "no_input"),
    *("no_input_keys", "transfer", "transfer_emergency", "not_understood_transfer"),
    *("emergency_110", "emergency_119", "emergency_120", "emergency_122", "ask_place"),
    *("ticket_filed", "ticket_again", "filing_failed_transfer", "goodbye", "hello_reply"),
    *("thanks_reply", "repeat_nothing", "menu", "help", "apology_bot_lost", "hold", "no_agent"),
    *(
        "no_input_goodbye",
        "slower_ok",
        "louder_ok",
        "back_ok",
        "still_there",
        "ticket_dropped",
        "offer_details",
        "more_details",
    ),
    *("go_ahead", "not_heard", "offer_two", "offer_ticket", "no_input_transfer"),
    *("failed_transfer", "elder_on", "ask_what", "ask_since", "ask_phone", "ask_phone_again"),
    *("summary_title", "summary_place", "summary_since", "summary_phone", "summary_caller"),
    *("read_back", "ask_correction", "ask_consent", "consent_given", "consent_refused"),
    *("ticket_text", "ask_ticket_number", "no_ticket_of_yours", "number_not_found"),
    *("number_not_found_end", "no_number", "pick_of_two", "pick_of_three", "verify"),
    *("verify_again", "not_verified", "ticket_status", "ticket_due", "ticket_options"),
    *("ask_append", "confirm_withdraw", "not_withdrawn", "urged", "appended", "withdrawn"),
    *("not_changeable", "returning", "returning_sensitive", "night", "queue_full"),
    *("wait_in_queue", "night_go_on", "ask_callback_time", "ask_callback_phone"),
    *("check_callback", "callback_booked", "confirm_forget", "forgotten", "not_forgotten"),
    *("ask_rating", "thanks_rating", "sorry_rating", "keypad_top", "keypad_item", "keypad_items"),
    *("keypad_more", "key_number_again"),
    *("survey", "survey_sensitive", "survey_solved", "survey_satisfied", "survey_unsolved"),
    *("survey_reopened", "survey_thanks", "survey_declined"),
)
#: What may stand in braces in a prompt.
PLACEHOLDERS = frozenset(
    {
        *("title", "number", "place", "first", "second", "third", "category", "unit", "minutes"),
        *("position", "summary", "since", "phone", "when", "date", "next", "due", "items", "count"),
    }
)

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$")]
Level = Annotated[float, Field(gt=0, lt=1)]
Hours = Annotated[int, Field(gt=0)]
Urgency = Literal["low", "normal", "high", "urgent"]
Slot = Literal["place", "time", "phone"]
"""Facts that a ticket may need: where, since when, whom to call back."""
PlaceKind = Literal["district", "street", "road", "community", "landmark"]
"""District, sub-district or township, road, housing estate or village, anything else."""
MoodName = Literal["anger", "urgency", "self_harm", "threat", "repeat"]
"""Anger; haste; harm to oneself; a threat to others; a complaint made before."""
CareName = Literal["priority", "offer", "person"]
"""What a mood brings. ``priority``: served earlier, if a person is needed. ``offer``: a person
sooner, and told so. ``person``: a person at once, first of all."""


class _Model(BaseModel):
    # The docstring under a field is its description in the editors' JSON Schema.
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Thresholds(_Model):
    """Where confidence (0 to 1) becomes action."""

    accept: Level
    """At least this: answered at once."""
    clarify: Level
    """At least this: the caller is asked whether it was meant. Below: asked again."""
    margin: Level
    """A lead over the second candidate smaller than this: ask which of the two."""


Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)


class OpeningHours(_Model):
    """Some weekdays, and from when to when people serve on them (local time)."""

    days: tuple[Weekday, ...] = Field(default=_WEEKDAYS, min_length=1)
    opens: dt.time
    closes: dt.time

    @property
    def weekdays(self) -> frozenset[int]:
        """The days as Python counts them: Monday is 0."""
        return frozenset(_WEEKDAYS.index(day) for day in self.days)

    @model_validator(mode="after")
    def _in_order(self) -> OpeningHours:
        if self.opens >= self.closes:
            raise ValueError("opens must be earlier than closes; for a night give two spans")
        return self


class Line(_Model):
    """A number merged into the line."""

    did: Annotated[str, StringConstraints(pattern=r"^\d{3,12}$")]
    title: Text
    greeting: Id = "greeting"
    """Prompt said first to who dialled this number."""
    hours: tuple[OpeningHours, ...] = ()
    """When people serve it; always, if not given. The bot answers at any time."""


class Policy(_Model):
    """A way to lead a conversation. With several, each call gets one by its share."""

    name: Id = "standard"
    share: Annotated[int, Field(ge=0)] = 1
    """Calls that get it, in proportion to the other shares."""
    offer_details: bool = True
    """Say the first sentence of an answer and ask about the rest; else say all of it."""
    read_back: bool = True
    """Read a ticket back before it is filed, even when all of it was clearly heard."""
    ask_rating: bool = True
    """Ask for a rating at the end of a call that brought something."""
    ask_consent: bool = True
    """Ask, once, whether the line may remember who filed a ticket."""
    misses: Annotated[int, Field(ge=1, le=5)] = 3
    """Misunderstandings in a row after which a person takes over."""


class Deadlines(_Model):
    """Hours until a ticket of each urgency must be resolved."""

    urgent: Hours = 2
    high: Hours = 24
    normal: Hours = 7 * 24
    low: Hours = 15 * 24


class Meta(_Model):
    """What the pack is."""

    schema_version: Literal[1]
    name: Id
    title: Text
    example: bool = False
    """Facts for show, which the city has to replace before it opens."""
    lines: tuple[Line, ...] = Field(min_length=1)
    thresholds: Thresholds
    deadlines: Deadlines = Deadlines()
    policies: tuple[Policy, ...] = (Policy(),)
    review_days: Annotated[int, Field(gt=0)] = 180
    """An answer is due for another look this many days after ``reviewed``."""


class _Intent(_Model):
    id: Id
    title: Text
    title_en: str = ""
    """For packs in two languages."""
    phrases: tuple[Text, ...] = Field(min_length=1)
    tests: tuple[Text, ...] = ()
    """Utterances, not among the phrases, that must come out as this intent."""


class FollowUp(_Model):
    """A question that makes sense only after an answer: "那要带什么材料？"."""

    title: Text
    phrases: tuple[Text, ...] = Field(min_length=1)
    answer: Text


class Faq(_Intent):
    """A question with its answer."""

    group: Id = "other"
    """First level of the subject, from the pack's ``groups``."""

    answer: Text
    """One short sentence, spoken first."""
    detail: str = ""
    """Spoken next, unless the caller interrupts."""
    source: Text
    """Where the answer comes from, for the editors."""
    reviewed: dt.date
    """The day somebody last checked the answer."""
    example: bool = False
    """A fact for show, which the city has to replace before it opens."""
    follow_ups: tuple[FollowUp, ...] = ()
    category: str = ""
    """Category of the ticket to offer when the answer does not help."""
    does: Literal["", "lookup", "callback"] = ""
    """What the bot does instead of answering: look up the caller's tickets, arrange a callback.
    The answer is for who only reads it."""


class Category(_Intent):
    """A request that becomes a ticket."""

    group: Id = "other"
    """First level; the category itself is the second."""
    unit: Id
    """Who is responsible for it."""
    urgency: Urgency = "normal"
    deadline: Hours | None = None
    """Hours until it must be resolved; when not given, those of its urgency."""
    slots: tuple[Slot, ...] = ("place",)
    """What to ask for when the caller has not said it, in order."""
    opening: Text
    """Said when the request is understood, before the place is asked for."""
    sensitive: bool = False
    """Nothing is told of such a ticket before the caller has shown that it is theirs."""


class _Spotted(_Intent):
    phrases: tuple[Text, ...] = ()
    """Whole utterances."""
    whole: tuple[Text, ...] = ()
    """Whole utterances in more ways than can be listed. May hold … for a gap."""
    words: tuple[Text, ...] = ()
    """Enough wherever they stand in an utterance. May hold … for a gap."""
    by_sound: tuple[Text, ...] = ()
    """Words that also count when other characters of that sound were written for them."""
    unless: tuple[Text, ...] = ()
    """Look-alikes: a word inside one of these does not count. May hold … for a gap."""


class Emergency(_Spotted):
    """Something for 110, 119, 120 or 122."""

    number: Annotated[str, StringConstraints(pattern=r"^\d{3,5}$")]
    prompt: Id


class Command(_Spotted):
    """A word to the bot itself."""


class SmallTalk(_Spotted):
    """Politeness, answered with politeness."""

    prompt: Id


class Group(_Model):
    """A field of city life: first level of questions and of ticket categories."""

    id: Id
    title: Text
    title_en: str = ""


class Unit(_Model):
    """Who deals with a ticket."""

    id: Id
    name: Text
    name_en: str = ""
    phone: str = Field(default="", pattern=r"^([0-9]{3,15})?$")
    """Number at which agents may reach it for a caller, through the trunk; "" for none."""


class Place(_Model):
    """A place by name: a district that tickets are sorted by, or one that callers speak of."""

    name: Text
    aliases: tuple[Text, ...] = ()
    """Other names for it."""
    kind: PlaceKind = "district"
    district: str = ""
    """Full name of the district it lies in; for a district itself nothing."""


class MoodWords(_Model):
    """How a feeling or a risk sounds, and what it brings. Never changes what was meant."""

    name: MoodName
    title: Text
    """Chinese name, for agents and editors."""
    care: CareName = "priority"
    words: tuple[Text, ...] = Field(min_length=1)
    """Enough wherever they stand in an utterance. May hold … for a gap."""
    by_sound: tuple[Text, ...] = ()
    """Words that also count when other characters of that sound were written for them."""
    unless: tuple[Text, ...] = ()
    """Look-alikes: a word inside one of these does not count. May hold … for a gap."""
    prompt: str = ""
    """Said before anything else, the first time; nothing when empty."""


def _as_texts(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Prompt(_Model):
    """A fixed sentence. A plain text or a list of texts is short for one with only ``say``."""

    say: Annotated[
        tuple[Text, ...],
        Field(min_length=1),
        BeforeValidator(_as_texts, json_schema_input_type=Text | tuple[Text, ...]),
    ]
    """The text, or several of the same meaning and the same placeholders, said in turn."""
    must_hear: bool = False
    """The caller can't cut it short."""
    slow: bool = False
    """Always said at the slow speed, such as a ticket's number."""
    sensitive: bool = False
    """Holds something personal: said only after the caller has shown who they are."""


def _as_prompt(value: Any) -> Any:
    return {"say": value} if isinstance(value, str | list | tuple) else value


class PackFile(_Model):
    """The sections a file may hold."""

    pack: Meta | None = None
    intents: tuple[Faq, ...] = ()
    categories: tuple[Category, ...] = ()
    emergencies: tuple[Emergency, ...] = ()
    commands: tuple[Command, ...] = ()
    small_talk: tuple[SmallTalk, ...] = ()
    examples: dict[Id, Annotated[tuple[Text, ...], Field(min_length=1)]] = Field(
        default_factory=dict
    )
    """Whole sentences as citizens say them, by the intent they mean, to learn from; plain text
    in which the signs of templates mean nothing. Several files may add to one intent."""
    groups: tuple[Group, ...] = ()
    units: tuple[Unit, ...] = ()
    casework: Office | None = None
    region: Annotated[str, StringConstraints(pattern=r"^(\d{6})?$")] = ""
    """The city's or province's six-digit division code (GB/T 2260), such as 110000: its
    districts, sub-districts and townships are then known by name."""
    places: tuple[Place, ...] = ()
    moods: tuple[MoodWords, ...] = ()
    synonyms: dict[Text, tuple[Text, ...]] = Field(default_factory=dict)
    """Standard word to the other ways of saying it."""
    words: tuple[Text, ...] = ()
    """Words the recogniser should know of, most important first."""
    prompts: dict[
        Id,
        Annotated[
            Prompt,
            BeforeValidator(_as_prompt, json_schema_input_type=Text | tuple[Text, ...] | Prompt),
        ],
    ] = Field(default_factory=dict)
    background: tuple[Text, ...] = ()
    """Everyday talk that the line does not answer, for telling it from what it does."""
    harmless: tuple[Text, ...] = ()
    """Whole utterances with alarming words that are no emergency, to learn from."""
    calm: tuple[Text, ...] = ()
    """How one speaks who is in no danger now: complaints, fears, hearsay, what is past."""
    urgent: tuple[Text, ...] = ()
    """How one speaks who is in danger now, after all; outweighs ``calm``."""
    particles: tuple[Text, ...] = ()
    """Words that may stand around commands and politeness without changing them."""
    coaching: Coaching | None = None
    scenarios: tuple[Scenario, ...] = ()
    """Synthetic citizens, for training."""


Intent = Faq | Category | Emergency | Command | SmallTalk

_KINDS: dict[type[_Intent], IntentKind] = {
    Faq: IntentKind.FAQ,
    Category: IntentKind.CATEGORY,
    Emergency: IntentKind.EMERGENCY,
    Command: IntentKind.COMMAND,
    SmallTalk: IntentKind.SMALL_TALK,
}


def kind_of(intent: Intent) -> IntentKind:
    """Return what sort of thing an intent is."""
    return _KINDS[type(intent)]


def placeholders(text: str) -> set[str]:
    """Return the names in braces in a prompt.

    Raises:
        ValueError: braces that do not pair.
    """
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def expansions(intent: Intent) -> list[str]:
    """Return everything an intent's phrases can say, without repeats."""
    return list(dict.fromkeys(text for phrase in intent.phrases for text in parse(phrase).expand()))
