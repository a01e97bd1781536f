"""What is remembered of citizens, what they were promised, and what they thought of it."""

from __future__ import annotations

import pytest
from casework.world import HOUR, World

from bot.casework.callbacks import Callbacks
from bot.casework.citizens import Citizens
from bot.casework.errors import CaseworkError, Conflict, UnknownTicket
from bot.casework.ratings import Ratings

PHONE = "13800138000"


def citizens(world: World) -> Citizens:
    return Citizens(world.store.engine, clock=lambda: world.now)


def test_nothing_is_remembered_without_consent_but_the_voice_for_the_elderly(
    world: World,
) -> None:
    known = citizens(world)
    assert not known.remember(PHONE, elder=True, district="朝阳区")
    profile = known.profile(PHONE)
    assert profile is not None
    assert (profile.consent, profile.elder, profile.district) == (None, True, "")


def test_with_consent_it_is(world: World) -> None:
    known = citizens(world)
    known.consent(PHONE, True)
    assert known.remember(PHONE, district="朝阳区", pack="beijing12345", last_rating=5)
    profile = known.profile(PHONE)
    assert profile is not None
    assert (profile.consent, profile.district, profile.last_rating) == (True, "朝阳区", 5)


def test_consent_that_is_taken_back_takes_back_what_was_remembered(world: World) -> None:
    known = citizens(world)
    known.consent(PHONE, True)
    known.remember(PHONE, district="朝阳区", elder=True)
    known.consent(PHONE, False)
    profile = known.profile(PHONE)
    assert profile is not None
    assert (profile.consent, profile.district, profile.elder) == (False, "", True)


def test_who_wants_to_be_forgotten_is_however_often_they_ask(world: World) -> None:
    known = citizens(world)
    known.consent(PHONE, True)
    known.forget(PHONE)
    known.forget(PHONE)
    assert known.profile(PHONE) is None


def test_a_withheld_number_is_nobody(world: World) -> None:
    known = citizens(world)
    assert known.profile("") is None
    assert not known.remember("", elder=True)
    with pytest.raises(CaseworkError, match="withheld"):
        known.consent("", True)


def test_only_known_facts_are_remembered(world: World) -> None:
    with pytest.raises(CaseworkError, match="religion"):
        citizens(world).remember(PHONE, religion="x")


def test_the_last_word_on_a_call_is_its_rating_and_low_ones_are_listed(world: World) -> None:
    ratings = Ratings(world.store.engine, clock=lambda: world.now)
    ratings.rate("call-1", 5, caller=PHONE)
    ratings.rate("call-1", 2, caller=PHONE, policy="elder")
    ratings.rate("call-2", 4)
    assert [(one.call_id, one.score, one.policy) for one in ratings.low()] == [
        ("call-1", 2, "elder")
    ]
    assert ratings.low(since=world.now + HOUR) == []
    with pytest.raises(CaseworkError, match="1 to 5"):
        ratings.rate("call-3", 0)


def test_a_call_back_is_booked_once_a_call_and_kept_till_it_is_done(world: World) -> None:
    callbacks = Callbacks(world.store.engine, clock=lambda: world.now)
    when = world.now + 2 * HOUR
    id = callbacks.book(PHONE, when, "busy", "咨询社保", "call-1")
    assert callbacks.book(PHONE, when, "busy", "咨询社保", "call-1") == id
    assert callbacks.due() == []
    assert [one.id for one in callbacks.open_for(PHONE)] == [id]
    assert [one.id for one in callbacks.due(when)] == [id]
    callbacks.done(id, "reached")
    callbacks.done(id, "reached again")
    assert callbacks.open_for(PHONE) == callbacks.due(when) == []
    with pytest.raises(CaseworkError, match="no number"):
        callbacks.book("", when, "busy")
    with pytest.raises(UnknownTicket):
        callbacks.done(99, "reached")


def test_the_draft_of_who_hung_up_is_shown_to_agents_and_becomes_a_ticket(world: World) -> None:
    drafts = world.store.drafts
    id = world.store.keep_draft("call-1", {"category": "water.outage", "text": "停水"}, PHONE)
    assert world.store.keep_draft("call-1", {"text": "停水", "title": "停水"}, PHONE) == id
    assert [one.fields for one in drafts.open()] == [{"text": "停水", "title": "停水"}]
    with pytest.raises(CaseworkError, match="category"):
        drafts.promote(id, "agent:8001")
    number = drafts.promote(id, "agent:8001", category="water.outage", place="望京")
    assert drafts.promote(id, "agent:8001") == number
    ticket = world.store.get(number)
    assert ticket is not None
    assert (ticket.caller, ticket.call_id, ticket.street) == (PHONE, "call-1", "望京街道")
    assert drafts.open() == []
    with pytest.raises(Conflict):
        drafts.discard(id, "agent:8002")


def test_a_draft_can_be_discarded(world: World) -> None:
    drafts = world.store.drafts
    id = world.store.keep_draft("call-1", {"text": "打错了"}, PHONE)
    drafts.discard(id, "agent:8001")
    assert drafts.open() == []
    with pytest.raises(Conflict, match="agent:8001"):
        drafts.promote(id, "agent:8002")
