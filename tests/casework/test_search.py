"""Words are found wherever a ticket says them, and nowhere else, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from casework.world import World, make_world
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from bot.casework import search
from bot.casework.models import Ticket
from bot.casework.retention import Retention
from bot.casework.search import SEARCHED, finding
from bot.casework.versions import downgrade, upgrade
from bot.node.postgres import PrivatePostgres


def find(world: World, words: str, place: str = "", category: str = "") -> list[str]:
    with world.store.ledger.transaction() as session:
        where = finding(session, words, place, category).where
    return sorted(one.number for one in world.store.select(*where))


@pytest.fixture(params=["rare", "common"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words that few tickets say are looked up in the index, others by walking through."""
    if request.param == "common":
        monkeypatch.setattr(search, "RARE", 0)


@pytest.fixture
def city(database_url: str) -> Iterator[World]:
    world = make_world(database_url)
    yield world
    world.store.engine.dispose()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A city whose tickets many tests read."""
    if request.param == "sqlite":
        return make_world(f"sqlite:///{tmp_path_factory.mktemp('search') / 'hotline.db'}")
    server: PrivatePostgres = request.getfixturevalue("postgres")
    return make_world(server.database())


@pytest.fixture(scope="module")
def filed(shared: World) -> dict[str, str]:
    """Numbers of its tickets."""
    return {
        "pipe": shared.file(title="水管爆裂", text="G6辅路100%爆管了", place="望京西园"),
        "elder": shared.file(text="停水，家里有老人😀", place="良乡西路"),
    }


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("爆管", ["pipe"]),
        ("停水", ["elder"]),
        ("水", ["elder", "pipe"]),
        ("了", ["pipe"]),
        ("老人 停水", ["elder"]),
        ("停水老人", []),
        ("g6辅路", ["pipe"]),
        ("100%", ["pipe"]),
        ("10_", []),
        ("朝阳区", ["pipe"]),
        ("良乡西", ["elder"]),
        ("'", []),
        ("\\", []),
        ('" OR *', []),
        ("，", ["elder"]),
        ("😀", ["elder"]),
        ("  ", ["elder", "pipe"]),
    ],
)
def test_a_ticket_is_found_by_all_its_words(
    shared: World, filed: dict[str, str], words: str, found: list[str]
) -> None:
    assert set(find(shared, words)) & set(filed.values()) == {filed[name] for name in found}


@pytest.mark.usefixtures("either_way")
def test_a_place_is_looked_for_in_the_place_alone(city: World) -> None:
    there = city.file(place="望京西园")
    city.file(text="望京停水", place="良乡西路")
    assert find(city, "停水", place="望京") == [there]
    assert find(city, "", place="朝阳区") == [there]


@pytest.mark.usefixtures("either_way")
def test_a_category_is_looked_for_as_it_is_and_is_no_word(city: World) -> None:
    outage = city.file()
    city.file(category="water.outages")
    assert find(city, "望京", category="water.outage") == [outage]
    assert find(city, "outage") == []


def test_words_follow_the_ticket_when_it_is_changed(city: World) -> None:
    number = city.file(title="停水")
    city.handling.recategorise(number, "dispatcher:1", "water.pipe", "水管爆裂")
    assert find(city, "爆裂") == [number]
    city.store.withdraw(number, "citizen")
    Retention(city.store.ledger).erase(number, "supervisor:1", "本人要求")
    assert find(city, "望京西园") == []
    assert _indexed(city, "西园") == 0


def test_tickets_from_before_there_was_an_index_are_found_up_and_down(city: World) -> None:
    number, engine = city.file(), city.store.engine
    downgrade(engine, "0007")
    another = city.file(call_id="meanwhile")
    upgrade(engine)
    assert find(city, "停水") == sorted([number, another])
    assert find(city, "停水 望京") == sorted([number, another, city.file(call_id="after")])[:2]


def test_a_ticket_that_was_not_filed_after_all_is_not_in_the_index(city: World) -> None:
    class Cut(Exception):  # noqa: N818
        """The line falls over before it commits."""

    def cut() -> None:
        with city.store.ledger.transaction() as session:
            session.execute(text(_INSERT))
            assert session.scalar(select(func.count()).select_from(Ticket)) == 1
            raise Cut

    with pytest.raises(Cut):
        cut()
    assert _indexed(city, "停水") == 0


_INSERT = (
    "INSERT INTO tickets (id, number, request, call_id, channel, pack, filed_at, day, serial, "
    "text, details, place, district, street, since, urgency, confidence, caller, phone, state, "
    "version, category, title, unit, first_unit, noticed, urged, returns, reopened, merged_into) "
    "VALUES (1, 'n', 'r', 'c', 'phone', '', '2026-01-05 01:00:00', 'd', 1, '停水', '{}', '', '', "
    "'', '', 'low', 1, '', '', 'received', 1, 'c', 't', '', '', 0, 0, 0, 0, '')"
)


def _indexed(world: World, pair: str) -> int:
    with world.store.ledger.transaction() as session:
        return len(session.execute(search._indexed(session, [pair])).all())


# --- whatever is said -------------------------------------------------------------------------

SAID = st.text("停水我家垃圾gG6'\\%_ ，😀\n\"*&|!:-", max_size=8)


@settings(max_examples=25, deadline=None)
@given(said=st.lists(SAID, min_size=1, max_size=3), words=SAID)
def test_the_index_finds_what_is_said_and_nothing_else(
    shared: World, said: list[str], words: str
) -> None:
    by_call = {str(uuid4()): one for one in said}
    for call, one in by_call.items():
        shared.file(call_id=call, text=one, title="", place="")
    with shared.store.ledger.transaction() as session:
        where = finding(session, words).where
    found = {one.call_id for one in shared.store.select(*where)} & by_call.keys()
    wanted = words.lower().split()
    assert found == {
        call for call, one in by_call.items() if all(word in one.lower() for word in wanted)
    }


def test_what_is_searched_lies_plainly_in_the_row() -> None:
    assert not any("Encrypted" in type(one.type).__name__ for one in SEARCHED)
