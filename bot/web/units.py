"""What a pack lets people choose from: the units its rules can dispatch to, its categories.

A unit that exists once has an id in the pack; one that every district or sub-district has, such
as 望京街道办事处, exists by its name alone. Leaves to others: which of them gets a ticket
(``casework/dispatch.py``).
"""

from __future__ import annotations

from bot.understanding.pack import Pack
from bot.understanding.schema import Category


def unit_names(pack: Pack, district: str = "") -> tuple[str, ...]:
    """Return the full names of all units, sorted.

    ``district``: only those of the city and of this district.
    """
    office, places = pack.office.dispatch, set(pack.gazetteer.names.values())
    if district:
        places = {place for place in places if place.district in (district, "")}
    districts = {place.name for place in places if place.kind == "district"}
    names = {unit.name for unit in pack.units}
    for template in office.units.values():
        names |= {template.format(district=district) for district in districts}
    for place in places:
        ending = next((end for end in office.offices if place.name.endswith(end)), "")
        if place.kind == "street" and ending:
            names.add(office.offices[ending].format(street=place.name, district=place.district))
    return tuple(sorted(names))


def unit_named(pack: Pack, given: str) -> str | None:
    """Return the full name of one unit, by its id or its name; None when there is no such one.

    The id of what every district has names no single unit.
    """
    templates = {unit.id: unit.name for unit in pack.units} | pack.office.dispatch.units
    name = templates.get(given, given)
    return name if name in unit_names(pack) else None


def categories_of(pack: Pack) -> dict[str, str]:
    """Return the titles of all categories, by id."""
    return {one.id: one.title for one in pack.intents if isinstance(one, Category)}
