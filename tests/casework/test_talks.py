"""Texts that come in: kept once, answered in order, not without end."""

from __future__ import annotations

import pytest
from casework.world import DAY, HOUR, World, make_world

from bot.casework.posting import LEASE
from bot.casework.talks import HOURLY, LAPSE, LENGTH, Inbox, Talks

ONE, OTHER, LINE = "13800138000", "13900139000", "12345"


@pytest.fixture
def world(database_url: str) -> World:
    return make_world(database_url)


@pytest.fixture
def inbox(world: World) -> Inbox:
    return Inbox(world.store.engine, world.store.ledger.now)


@pytest.fixture
def talks(world: World) -> Talks:
    return Talks(world.store.engine, world.store.ledger.now)


def texts(inbox: Inbox) -> list[str]:
    return [one.text for one in inbox.take()]


def test_a_text_that_the_gateway_brings_twice_is_one(inbox: Inbox) -> None:
    assert inbox.receive("m1", ONE, LINE, "我家停水了")
    assert not inbox.receive("m1", ONE, LINE, "我家停水了")
    assert texts(inbox) == ["我家停水了"]


def test_texts_of_one_number_are_answered_one_after_the_other(inbox: Inbox) -> None:
    inbox.receive("m1", ONE, LINE, "我家停水了")
    inbox.receive("m2", ONE, LINE, "望京西园三区")
    inbox.receive("m3", OTHER, LINE, "路灯不亮")
    first, other = inbox.take()
    assert (first.text, other.text) == ("我家停水了", "路灯不亮")
    assert inbox.take() == []
    inbox.delivered(first.id)
    assert texts(inbox) == ["望京西园三区"]


def test_a_text_is_answered_though_who_began_died(world: World, inbox: Inbox) -> None:
    inbox.receive("m1", ONE, LINE, "我家停水了")
    assert len(inbox.take()) == 1  # and here it dies
    world.wait(LEASE)
    assert texts(inbox) == ["我家停水了"]


def test_a_text_that_waited_too_long_is_not_answered(world: World, inbox: Inbox) -> None:
    inbox.receive("m1", ONE, LINE, "我家停水了")
    world.wait(DAY)
    assert texts(inbox) == []
    assert inbox.count() == {"dead": 1}


def test_who_writes_without_end_is_not_answered_without_end(world: World, inbox: Inbox) -> None:
    for number in range(HOURLY + 1):
        inbox.receive(f"m{number}", ONE, LINE, "喂")
    inbox.receive("o", OTHER, LINE, "路灯不亮")
    assert inbox.count() == {"pending": HOURLY + 1, "dead": 1}
    world.wait(HOUR)
    inbox.receive("later", ONE, LINE, "喂")
    assert inbox.count() == {"pending": HOURLY + 2, "dead": 1}


def test_hostile_texts_are_cut(inbox: Inbox) -> None:
    inbox.receive("m1", ONE, LINE, "\0" + "啊" * 5000)
    assert texts(inbox) == ["啊" * LENGTH]


def test_a_conversation_is_kept_till_nobody_goes_on_with_it(world: World, talks: Talks) -> None:
    talks.save(ONE, "c1", LINE, "beijing12345", "{}")
    talks.save(ONE, "c1", LINE, "beijing12345", '{"a": 1}')
    found = talks.find(ONE)
    assert found is not None
    assert (found.contact, found.state) == ("c1", '{"a": 1}')
    assert talks.find(OTHER) is None
    assert talks.lapsed() == []
    world.wait(LAPSE)
    assert [one.phone for one in talks.lapsed()] == [ONE]
    talks.end(ONE)
    assert talks.find(ONE) is None
