"""What holds in every state, whatever happens."""

from __future__ import annotations

import datetime as dt

from dialogue.world import ANGRY, DESPERATE, HASTY, MORNING, OLD, OTHER, PRIVATE, small_line
from hypothesis import given
from hypothesis import strategies as st

from bot.dialogue.log import event_from_json, event_to_json
from bot.dialogue.policy import MAX_TURNS, Decision, Phase, State, decide, start
from bot.dialogue.types import (
    BookCallback,
    Booked,
    CallStarted,
    Changed,
    ChangeTicket,
    Event,
    Failed,
    Filed,
    FileTicket,
    Found,
    HangUp,
    Heard,
    HungUp,
    Listen,
    LookUp,
    Note,
    People,
    PeopleAre,
    Port,
    Pressed,
    Profile,
    Request,
    Say,
    SeekPerson,
    Silent,
    Transfer,
    TransferReason,
)
from bot.understanding.schema import Policy
from bot.understanding.types import Candidate, FollowUpMatch, Mood, Understanding

BOOK = small_line(
    Policy(), Policy(name="brief", offer_details=False, read_back=False, ask_rating=False)
)
INTENTS = [intent.id for intent in BOOK.intents]
#: More events than any conversation needs to come to its end when nobody is understood.
ENOUGH = 12


def understanding(
    meant: list[tuple[str, float]],
    text: str,
    slots: dict[str, str],
    moods: tuple[Mood, ...] = (),
    follow_up: FollowUpMatch | None = None,
) -> Understanding:
    ranked = sorted(meant, key=lambda one: -one[1])
    return Understanding(
        text,
        text,
        tuple(Candidate(i, BOOK.kind(i), BOOK.intent(i).title, c) for i, c in ranked),
        slots,
        moods=moods,
        follow_up=follow_up,
    )


slots = st.dictionaries(
    st.sampled_from(["place", "time", "duration", "phone", "ticket"]),
    st.sampled_from(["朝阳区", "2026-11-24 晚上", "13900139000", "261120000015"]),
    max_size=3,
)
moods = st.lists(st.sampled_from([ANGRY, HASTY, DESPERATE]), max_size=2, unique=True).map(tuple)
calm = moods.filter(lambda some: DESPERATE not in some)
meant = st.lists(st.tuples(st.sampled_from(INTENTS), st.floats(0, 1)), max_size=3)
texts = st.sampled_from(
    ["", "话", "第一个", "望京", "明天上午", "尽快", "不知道", "五分", "回电话"]
)
follow_ups = st.none() | st.just(FollowUpMatch("多久", "三天。", 0, 0.9))
heard = st.builds(
    lambda *parts: Heard(understanding(*parts[:5]), parts[5]),
    *(meant, texts, slots, moods, follow_ups, st.booleans()),
)
keys = st.builds(Pressed, st.sampled_from("0123456789*#"))
said = st.one_of(heard, keys, st.just(Silent()))
openings = st.builds(
    CallStarted,
    st.sampled_from(["", "13800138000"]),
    st.just("12345"),
    st.just(MORNING),
    st.sampled_from([0.2, 0.8]),
    st.builds(Profile, st.sampled_from([None, True, False]), st.booleans()),
    st.sampled_from([(), (OLD,), (PRIVATE, OLD)]),
    st.booleans(),
    st.sampled_from([None, None, OLD, PRIVATE]),
)
found = st.sampled_from([(), (OLD,), (PRIVATE,), (OLD, OTHER), (OLD, OTHER, PRIVATE, OLD)])
#: What the other rooms answer in a whole call: always the same.
worlds = st.fixed_dictionaries(
    {
        "works": st.booleans(),
        "found": found,
        "changed": st.booleans(),
        "people": st.sampled_from(People),
    }
)


def answer(request: Request, world: dict[str, object]) -> Event:
    """What another room answers."""
    if not world["works"] and not isinstance(request, SeekPerson):
        return Failed(Port.TICKET)
    match request:
        case FileTicket():
            return Filed("261125000011")
        case LookUp():
            return Found(world["found"])  # type: ignore[arg-type]
        case ChangeTicket():
            return Changed(bool(world["changed"]))
        case SeekPerson():
            return PeopleAre(world["people"])  # type: ignore[arg-type]
        case BookCallback():
            return Booked(request.at)


def follow(state: State, event: Event, world: dict[str, object]) -> Decision:
    """Decide, and let the other rooms answer until the caller's turn comes or the call ends."""
    decision = decide(state, event, BOOK)
    for _ in range(ENOUGH):
        check(decision.actions)
        last = decision.actions[-1]
        if not isinstance(last, Request):
            return decision
        decision = decide(decision.state, answer(last, world), BOOK)
    raise AssertionError("requests lead to requests without end")


def check(actions: tuple[object, ...]) -> None:
    assert isinstance(actions[-1], Listen | Request | Transfer | HangUp)
    assert all(isinstance(action, Say | Note) for action in actions[:-1])
    assert all(action.text for action in actions if isinstance(action, Say))


def play(opening: CallStarted, events: list[Event], world: dict[str, object]) -> Decision:
    """Play a call; it stops where it ends."""
    decision = follow(start(BOOK), opening, world)
    for event in events:
        if not isinstance(decision.actions[-1], Listen):
            break
        decision = follow(decision.state, event, world)
    return decision


calls = st.builds(play, openings, st.lists(said, max_size=14), worlds)
open_calls = calls.filter(lambda decision: isinstance(decision.actions[-1], Listen))


@given(calls)
def test_every_turn_ends_with_exactly_one_thing_to_wait_for(decision: Decision) -> None:
    check(decision.actions)


@given(open_calls, st.sampled_from(["agent", "0"]), st.sampled_from([People.THERE]))
def test_a_person_is_had_from_every_state_in_one_turn(
    before: Decision, how: str, people: People
) -> None:
    event: Event = Heard(understanding([("command.agent", 0.95)], "人工", {}))
    # While digits are keyed in, 0 is one of them.
    if how == "0" and not before.state.keyed and before.state.phase is not Phase.VERIFY:
        event = Pressed("0")
    action = follow(before.state, event, {"works": True, "people": people}).actions[-1]
    assert isinstance(action, Transfer)
    assert action.reason is TransferReason.ASKED


@given(open_calls, st.lists(st.sampled_from(INTENTS), max_size=2))
def test_an_emergency_wins_in_every_state_over_everything_else(
    before: Decision, besides: list[str]
) -> None:
    heard_too = understanding([(intent, 0.99) for intent in besides], "着火了", {})
    event = Heard(Understanding("着火了", "着火了", heard_too.candidates, emergency="fire"))
    action = decide(before.state, event, BOOK).actions[-1]
    assert isinstance(action, Transfer)
    assert (action.reason, action.priority) == (TransferReason.EMERGENCY, 0)


@given(open_calls, st.lists(st.sampled_from(INTENTS), max_size=2))
def test_a_risk_to_a_life_brings_a_person_at_once_in_every_state(
    before: Decision, besides: list[str]
) -> None:
    event = Heard(understanding([(one, 0.9) for one in besides], "不想活", {}, (DESPERATE,)))
    action = decide(before.state, event, BOOK).actions[-1]
    assert isinstance(action, Transfer)
    assert (action.reason, action.priority) == (TransferReason.EMERGENCY, 0)


def goes_on_to_its_end(state: State, event: Event, people: People) -> Decision:
    world: dict[str, object] = {"works": True, "found": (), "changed": True, "people": people}
    decision = follow(state, event, world)
    for _ in range(ENOUGH):
        if not isinstance(decision.actions[-1], Listen):
            return decision
        decision = follow(decision.state, event, world)
    raise AssertionError(f"still listening in {decision.state.phase}")


@given(open_calls)
def test_not_being_understood_always_ends_with_a_person(before: Decision) -> None:
    end = goes_on_to_its_end(before.state, Heard(Understanding("", "")), People.THERE)
    assert isinstance(end.actions[-1], Transfer)


@given(open_calls, st.sampled_from(People))
def test_silence_always_ends_the_call_with_a_person_or_a_goodbye(
    before: Decision, people: People
) -> None:
    goes_on_to_its_end(before.state, Silent(), people)


@given(openings, st.lists(said, min_size=1, max_size=3), worlds)
def test_no_call_is_endless(
    opening: CallStarted, often: list[Event], world: dict[str, object]
) -> None:
    decision = follow(start(BOOK), opening, world)
    for turn in range(MAX_TURNS + 1):
        if not isinstance(decision.actions[-1], Listen):
            return
        decision = follow(decision.state, often[turn % len(often)], world)
    raise AssertionError("still listening")


@given(open_calls)
def test_what_was_said_of_a_ticket_is_never_lost(before: Decision) -> None:
    ends = decide(before.state, HungUp(), BOOK)
    assert bool(before.state.unfinished or before.state.survey) == any(
        isinstance(action, Note) for action in ends.actions
    )


@given(calls)
def test_a_state_survives_its_log(decision: Decision) -> None:
    assert State.from_json(decision.state.to_json()) == decision.state


@given(st.one_of(said, openings, st.builds(Found, found), st.builds(Booked, st.just(MORNING))))
def test_an_event_survives_its_log(event: Event) -> None:
    assert event_from_json(event_to_json(event)) == event


@given(calls, said)
def test_the_same_event_in_the_same_state_has_the_same_result(
    before: Decision, last: Event
) -> None:
    assert decide(before.state, last, BOOK) == decide(before.state, last, BOOK)


@given(open_calls, meant, calm)
def test_a_mood_changes_nothing_but_how_soon_a_person_comes(
    before: Decision, means: list[tuple[str, float]], feels: tuple[Mood, ...]
) -> None:
    world: dict[str, object] = {
        **{"works": True, "found": (), "changed": True, "people": People.THERE}
    }
    quiet = follow(before.state, Heard(understanding(means, "话", {})), world).actions[-1]
    upset = follow(before.state, Heard(understanding(means, "话", {}, feels)), world).actions[-1]
    if isinstance(quiet, Transfer):
        assert isinstance(upset, Transfer)
        assert (upset.reason, upset.priority <= quiet.priority) == (quiet.reason, True)
    elif isinstance(upset, Transfer):
        assert ANGRY in feels
        assert upset.reason is TransferReason.NOT_UNDERSTOOD
    else:
        assert type(upset) is type(quiet)


@given(calls, said | st.sampled_from([Filed("1"), Found(()), Changed(), Failed(Port.TICKET)]))
def test_no_event_is_out_of_place(before: Decision, event: Event) -> None:
    check(decide(before.state, event, BOOK).actions)


@given(st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2027, 1, 1)))
def test_any_moment_can_be_said(at: dt.datetime) -> None:
    state = State(now=at, phase=Phase.OPEN)
    check(
        decide(state, Heard(understanding([("command.callback", 0.9)], "尽快", {})), BOOK).actions
    )
