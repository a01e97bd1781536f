"""回访 by text: the words of the city's own pack, with a link and without."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from casework.world import DAY, HOUR, World, make_world

from bot.casework.surveys import Surveys
from bot.casework.texts import Texts
from bot.config import CHECKOUT
from bot.rules import casework_rules
from bot.texting import Texter
from bot.understanding.pack import Pack, load_pack


@pytest.fixture(scope="module")
def pack() -> Pack:
    pack = load_pack(CHECKOUT / "grammars" / "beijing12345")
    surveys = pack.office.surveys.model_copy(update={"by": "text"})
    return replace(pack, office=pack.office.model_copy(update={"surveys": surveys}))


@pytest.fixture
def city(tmp_path: Path, pack: Pack) -> World:
    return make_world(f"sqlite:///{tmp_path}/city.db", casework_rules(pack))


def texter(city: World, pack: Pack, url: str = "") -> Texter:
    ledger = city.store.ledger
    return Texter(Surveys(ledger), Texts(ledger), lambda _: pack, url)


def resolved(city: World, category: str, title: str) -> str:
    number = city.file(category=category, title=title, pack="beijing12345")
    ticket = city.store.get(number)
    assert ticket
    city.handling.accept(number, f"unit:{ticket.unit}")
    city.handling.resolve(number, f"unit:{ticket.unit}", "好了")
    city.wait(HOUR)
    return number


def words(city: World) -> str:
    [row] = Texts(city.store.ledger).newest()
    return row.text


def test_the_text_names_the_line_the_matter_and_what_to_answer(city: World, pack: Pack) -> None:
    number = resolved(city, "water.outage", "停水")
    assert texter(city, pack).look() == 1
    assert words(city).startswith("【12345热线】您反映的“停水”")
    assert number in words(city)
    assert "TD退订" in words(city)
    assert "http" not in words(city)


def test_where_there_are_pages_it_has_the_link_of_its_own_survey(city: World, pack: Pack) -> None:
    number = resolved(city, "water.outage", "停水")
    texter(city, pack, "https://12345.example/").look()
    token = words(city).partition("https://12345.example/s/")[2]
    assert Surveys(city.store.ledger).asked(token).number == number


def test_of_a_sensitive_matter_only_the_number_is_texted(city: World, pack: Pack) -> None:
    sensitive = next(one for one in pack.intents if getattr(one, "sensitive", False))
    number = resolved(city, sensitive.id, sensitive.title)
    texter(city, pack).look()
    assert sensitive.title not in words(city)
    assert number in words(city)


def test_who_has_not_answered_is_left_to_the_telephone(city: World, pack: Pack) -> None:
    number, write = resolved(city, "water.outage", "停水"), texter(city, pack)
    assert (write.look(), write.look()) == (1, 0)
    city.wait(DAY)
    assert write.look() == 0
    assert [one.number for one in Surveys(city.store.ledger).due("call")] == [number]
