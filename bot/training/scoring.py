"""Scores what a trainee did against the script, part by part, with advice. Pure.

What does not apply to a scenario (the unit of a question, calming a calm citizen) does not
count, so that every total is out of 100. Leaves to others: nearness of places and times
(``facts.py``) and words of manner (``manner.py``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from bot.training.facts import phone_share, place_share, time_share
from bot.training.manner import heard_manners
from bot.training.types import HANDLINGS, URGENCIES, Answer, Field, Mark, Score, Talked
from bot.understanding.pack import Pack
from bot.understanding.scenarios import Coaching, Expected, Handling, Pace, Scenario
from bot.understanding.schema import Category, Emergency, Faq

#: What an intent is worth that is of the right field of city life, but not the right one.
SAME_GROUP = 0.4
NOTHING = "（没有填）"


def expected_of(scenario: Scenario, pack: Pack) -> Answer:
    """Return what a good agent makes of a scenario, with what the pack says filled in."""
    expect, intent = scenario.expect, pack.intent(scenario.expect.intent)
    category = intent if isinstance(intent, Category) else None
    return Answer(
        intent=expect.intent,
        unit=expect.unit or (category.unit if category else ""),
        urgency=expect.urgency or (category.urgency if category else ""),
        handling=expect.handling or _usual(intent),
        place=expect.place,
        time=expect.time,
        phone=expect.phone,
    )


def _usual(intent: object) -> Handling:
    if isinstance(intent, Faq):
        return "answered"
    return "transferred" if isinstance(intent, Emergency) else "filed"


def coaching_of(pack: Pack) -> Coaching:
    """Return a pack's coaching.

    Raises:
        LookupError: the pack has no training.
    """
    if pack.coaching is None:
        raise LookupError("这个知识包没有培训内容。")
    return pack.coaching


def score(
    answer: Answer,
    scenario: Scenario,
    pack: Pack,
    now: dt.datetime,
    talked: Talked | None = None,
) -> Score:
    """Score an answer; ``now`` is when the call was, in the city's time.

    ``talked`` is how the call went; without it (a drill) only the classification counts: intent,
    unit, urgency, handling and place.

    Raises:
        LookupError: the pack has no training.
    """
    coaching = coaching_of(pack)
    marks = list(_classified(answer, scenario, pack, coaching))
    if talked is not None:
        marks += _noted(answer, scenario, coaching, now)
        marks += _conducted(talked, scenario, coaching)
    return Score(tuple(mark for mark in marks if mark.most > 0), coaching.passing, why=scenario.why)


def _classified(
    answer: Answer, scenario: Scenario, pack: Pack, coaching: Coaching
) -> Iterator[Mark]:
    weights, wanted = coaching.weights, expected_of(scenario, pack)
    intent = intent_title(wanted.intent, pack)
    share = intent_share(answer.intent, wanted.intent, pack)
    advice = "" if share == 1 else f"应选“{intent}”。"
    given = intent_title(answer.intent, pack)
    yield _mark(Field.INTENT, share, weights.intent, given, intent, advice)
    if wanted.unit:
        unit = unit_title(wanted.unit, pack)
        right = answer.unit == wanted.unit
        given = unit_title(answer.unit, pack)
        yield _mark(Field.UNIT, right, weights.unit, given, unit, f"由{unit}承办。")
    if wanted.urgency:
        urgency = URGENCIES[wanted.urgency]
        right = answer.urgency == wanted.urgency
        given = URGENCIES.get(answer.urgency, "")
        yield _mark(Field.URGENCY, right, weights.urgency, given, urgency, f"应为{urgency}。")
    handling = HANDLINGS[wanted.handling]
    right = answer.handling == wanted.handling
    given = HANDLINGS.get(answer.handling, "")
    yield _mark(Field.HANDLING, right, weights.handling, given, handling, f"应{handling}。")
    if wanted.place:
        share = place_share(answer.place, wanted.place, pack.gazetteer)
        advice = "地点要问到区、街道、小区（道路）和楼号。"
        yield _mark(Field.PLACE, share, weights.place, answer.place, wanted.place, advice)


def _noted(
    answer: Answer, scenario: Scenario, coaching: Coaching, now: dt.datetime
) -> Iterator[Mark]:
    weights, expect = coaching.weights, scenario.expect
    if expect.time:
        share = time_share(answer.time, ways_of_time(expect, scenario), now)
        advice = "要问清从什么时候开始。"
        yield _mark(Field.TIME, share, weights.time, answer.time, expect.time, advice)
    if expect.phone:
        share = phone_share(answer.phone, expect.phone)
        advice = "号码要逐位念给市民核对。"
        yield _mark(Field.PHONE, share, weights.phone, answer.phone, expect.phone, advice)


def ways_of_time(expect: Expected, scenario: Scenario) -> list[str]:
    """Return the ways in which the time may be noted: the script's and the citizen's own."""
    return [expect.time, scenario.says.get("time", "")]


def _conducted(talked: Talked, scenario: Scenario, coaching: Coaching) -> Iterator[Mark]:
    weights = coaching.weights
    yield _pace(
        Field.ANSWERING, talked.answering, coaching.answering, weights.answering, "听到铃声尽快接。"
    )
    advice = "一次问清地点、时间和电话，边听边填。"
    yield _pace(Field.DURATION, talked.duration, coaching.duration, weights.duration, advice)
    for name, shown in heard_manners(coaching, scenario, talked.said).items():
        manner = coaching.manners[name]
        given = "说了" if shown else "没有听到"
        most = float(getattr(weights, name))
        yield _mark(Field(name), shown, most, given, manner.title, manner.advice)


def _pace(field: Field, took: float | None, pace: Pace, most: float, advice: str) -> Mark:
    share, given = 0.0, "没有完成"
    if took is not None:
        share = min(1.0, max(0.0, (pace.slow - took) / (pace.slow - pace.good)))
        given = f"{took:.0f}秒"
    return _mark(field, share, most, given, f"{pace.good:.0f}秒以内", advice)


def _mark(field: Field, share: float, most: float, given: str, wanted: str, advice: str) -> Mark:
    lost = share < 1
    points = round(share * most, 2)
    return Mark(field, points, most, given or NOTHING, wanted, advice if lost else "")


def intent_share(given: str, wanted: str, pack: Pack) -> float:
    """1 for the right intent, less for another of the same field and kind, else 0."""
    if given == wanted:
        return 1.0
    known = {intent.id: intent for intent in pack.intents}
    one, other = known.get(given), known.get(wanted)
    if type(one) is not type(other) or not isinstance(one, Category | Faq):
        return 0.0
    return SAME_GROUP if one.group == getattr(other, "group", "") else 0.0


def intent_title(id: str, pack: Pack) -> str:
    """Return an intent's Chinese name, "" for an unknown one."""
    return next((intent.title for intent in pack.intents if intent.id == id), "")


def unit_title(id: str, pack: Pack) -> str:
    """Return a unit's Chinese name, "" for an unknown one."""
    return next((unit.name for unit in pack.units if unit.id == id), "")
