"""A pack's rules for casework, told in casework's own words.

Casework knows nothing of packs and packs know nothing of casework; here, next to the
composition root, they meet. Leaves to others: both.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from bot.casework import deadlines, dispatch
from bot.casework.rules import CallbackRules, IncidentRules, RuleBook, Rules, SurveyRules, Weights
from bot.understanding.pack import Pack
from bot.understanding.places import Gazetteer, find_places
from bot.understanding.schema import Category


def casework_rules(pack: Pack) -> Rules:
    """Return the pack's rules."""
    surveys, incidents, weights = (
        pack.office.surveys,
        pack.office.incidents,
        pack.office.weights,
    )
    hours = [dt.timedelta(hours=number) for number in surveys.retry_after]
    return Rules(
        clocks=_clocks(pack),
        dispatch=_dispatch(pack),
        surveys=SurveyRules(
            first_after=dt.timedelta(hours=surveys.first_after),
            retry_after=tuple(hours),
            from_hour=surveys.from_hour,
            to_hour=surveys.to_hour,
            close_after=dt.timedelta(days=surveys.close_after),
            by=surveys.by,
            answer_within=dt.timedelta(hours=surveys.answer_within),
            mobile=surveys.mobile,
        ),
        callbacks=CallbackRules(
            tuple(dt.timedelta(minutes=one) for one in pack.office.callbacks.retry_after)
        ),
        incidents=IncidentRules(incidents.tickets, dt.timedelta(hours=incidents.window)),
        signature=pack.office.texting.signature,
        weights=Weights(weights.response, weights.solution, weights.satisfaction),
        locate=lambda said: locate(said, pack.gazetteer),
    )


def rule_book(current: Callable[[], Sequence[Pack]]) -> Callable[[], RuleBook]:
    """Return a function that gives the rules of the packs in use, the main one first.

    They are made anew when a pack changes.
    """
    kept: dict[str, tuple[str, Rules]] = {}

    def rules(pack: Pack) -> Rules:
        version, found = kept.get(pack.name, ("", None))
        if found is None or version != pack.version:
            found = casework_rules(pack)
            kept[pack.name] = (pack.version, found)
        return found

    return lambda: {pack.name: rules(pack) for pack in current()}


def locate(said: str, gazetteer: Gazetteer) -> dispatch.Place:
    """Return the district and sub-district in what was said of a place."""
    parts = find_places(said, gazetteer)
    # A form alone (幸福街道) may be no sub-district at all: the gazetteer has to know it.
    street = next(
        (one.name for one in parts if one.kind == "street" and one.name in gazetteer.names), ""
    )
    district = next((one.district for one in parts if one.district), "")
    return dispatch.Place(district, street)


def _clocks(pack: Pack) -> deadlines.ClockRules:
    office, hours = pack.office, pack.meta.deadlines
    working = set(office.working)
    by_category = {
        intent.id: deadlines.Limit(intent.deadline, intent.urgency in working)
        for intent in pack.intents
        if isinstance(intent, Category) and intent.deadline
    }
    return deadlines.ClockRules(
        zone=office.zone,
        china=office.holidays == "china",
        rest=frozenset(office.rest_days),
        work=frozenset(office.work_days),
        limits={
            urgency: deadlines.Limit(getattr(hours, urgency), urgency in working)
            for urgency in ("urgent", "high", "normal", "low")
        },
        by_category=by_category,
        soon=office.remind,
        respond=deadlines.Limit(office.respond),
        escalation=tuple(deadlines.Escalation(one.after, one.to) for one in office.escalation),
    )


def _dispatch(pack: Pack) -> dispatch.DispatchRules:
    written = pack.office.dispatch
    return dispatch.DispatchRules(
        rules=tuple(
            dispatch.DispatchRule(one.categories, one.to, one.why, one.places)
            for one in written.rules
        ),
        automatic=written.automatic,
        subjects={
            intent.id: dispatch.Subject(intent.group, intent.unit)
            for intent in pack.intents
            if isinstance(intent, Category)
        },
        units={unit.id: unit.name for unit in pack.units} | written.units,
        offices=written.offices,
    )
