"""What holds in every state, whatever happens."""

from __future__ import annotations

from dialogue.world import ANGRY, DESPERATE, HASTY, small_line
from hypothesis import given
from hypothesis import strategies as st

from bot.dialogue.policy import MISSES, SILENCES, Phase, State, decide, start
from bot.dialogue.types import (
    CallStarted,
    Event,
    Filed,
    FileTicket,
    FilingFailed,
    HangUp,
    Heard,
    HungUp,
    Listen,
    Pressed,
    Say,
    Silent,
    Transfer,
    TransferReason,
)
from bot.understanding.types import Candidate, Mood, Understanding

BOOK = small_line()
INTENTS = [intent.id for intent in BOOK.intents]


def understanding(
    meant: list[tuple[str, float]], text: str, place: str, moods: tuple[Mood, ...] = ()
) -> Understanding:
    ranked = sorted(meant, key=lambda one: -one[1])
    return Understanding(
        text,
        text,
        tuple(Candidate(i, BOOK.kind(i), BOOK.intent(i).title, c) for i, c in ranked),
        {"place": place} if place else {},
        moods=moods,
    )


moods = st.lists(st.sampled_from([ANGRY, HASTY, DESPERATE]), max_size=2, unique=True).map(tuple)


heard = st.builds(
    lambda *parts: Heard(understanding(*parts)),
    st.lists(st.tuples(st.sampled_from(INTENTS), st.floats(0, 1)), max_size=3),
    st.sampled_from(["", "话", "第一个", "望京"]),
    st.sampled_from(["", "朝阳区"]),
    moods,
)
said = st.one_of(heard, st.builds(Pressed, st.sampled_from("0123456789*#")), st.just(Silent()))


def play(events: list[Event]) -> State:
    """Reach a state: what the caller does, with casework answering when it is asked."""
    decision = decide(start(BOOK), CallStarted(), BOOK)
    for event in events:
        if isinstance(decision.actions[-1], FileTicket):
            decision = decide(decision.state, Filed("1"), BOOK)
        if not isinstance(decision.actions[-1], Listen):
            break
        decision = decide(decision.state, event, BOOK)
        check(decision.actions)
    return decision.state


def check(actions: tuple[object, ...]) -> None:
    assert isinstance(actions[-1], Listen | FileTicket | Transfer | HangUp)
    assert all(isinstance(action, Say) and action.text for action in actions[:-1])


@given(st.lists(said, max_size=12), said)
def test_every_turn_ends_with_exactly_one_thing_to_wait_for(
    events: list[Event], last: Event
) -> None:
    check(decide(play(events), last, BOOK).actions)


@given(st.lists(said, max_size=12), st.sampled_from([Filed("1"), FilingFailed(), HungUp()]))
def test_no_event_is_out_of_place(events: list[Event], last: Event) -> None:
    state = play(events)
    if isinstance(last, HungUp) or state.phase is Phase.FILING:
        check(decide(state, last, BOOK).actions)


@given(st.lists(said, max_size=12), st.sampled_from(["agent", "0"]))
def test_a_person_is_had_from_every_state_in_one_turn(events: list[Event], how: str) -> None:
    event: Event = (
        Pressed("0") if how == "0" else Heard(understanding([("command.agent", 0.95)], "人工", ""))
    )
    action = decide(play(events), event, BOOK).actions[-1]
    assert isinstance(action, Transfer)
    assert action.reason is TransferReason.ASKED


@given(st.lists(said, max_size=12), st.lists(st.sampled_from(INTENTS), max_size=2))
def test_an_emergency_wins_in_every_state_over_everything_else(
    events: list[Event], besides: list[str]
) -> None:
    meant = understanding([(intent, 0.99) for intent in besides], "着火了", "")
    event = Heard(Understanding("着火了", "着火了", meant.candidates, emergency="fire"))
    action = decide(play(events), event, BOOK).actions[-1]
    assert isinstance(action, Transfer)
    assert (action.reason, action.priority) == (TransferReason.EMERGENCY, 0)


@given(st.lists(said, max_size=12))
def test_not_being_understood_always_ends_with_a_person(events: list[Event]) -> None:
    state = play(events)
    if state.phase in (Phase.OVER, Phase.FILING):
        return
    for _ in range(MISSES):
        decision = decide(state, Heard(Understanding("", "")), BOOK)
        state = decision.state
        if isinstance(decision.actions[-1], Transfer):
            return
    raise AssertionError("still no person")


@given(st.lists(said, max_size=12))
def test_silence_always_ends_the_waiting(events: list[Event]) -> None:
    state = play(events)
    for _ in range(SILENCES):
        decision = decide(state, Silent(), BOOK)
        state = decision.state
        if not isinstance(decision.actions[-1], Listen):
            return
    raise AssertionError("still listening")


@given(st.lists(said, max_size=12))
def test_a_state_survives_its_log(events: list[Event]) -> None:
    state = play(events)
    assert State.from_json(state.to_json()) == state


@given(st.lists(said, max_size=6), said)
def test_the_same_event_in_the_same_state_has_the_same_result(
    events: list[Event], last: Event
) -> None:
    state = play(events)
    assert decide(state, last, BOOK) == decide(state, last, BOOK)


@given(
    st.lists(said, max_size=8),
    st.lists(st.tuples(st.sampled_from(INTENTS), st.floats(0, 1)), max_size=3),
    moods.filter(lambda some: DESPERATE not in some),
)
def test_a_mood_changes_nothing_but_how_soon_a_person_comes(
    events: list[Event], meant: list[tuple[str, float]], heard: tuple[Mood, ...]
) -> None:
    state = play(events)
    calm = decide(state, Heard(understanding(meant, "话", "")), BOOK).actions[-1]
    upset = decide(state, Heard(understanding(meant, "话", "", heard)), BOOK).actions[-1]
    if isinstance(calm, Transfer):
        assert isinstance(upset, Transfer)
        assert (upset.reason, upset.priority <= calm.priority) == (calm.reason, True)
    elif isinstance(upset, Transfer):
        assert ANGRY in heard
        assert upset.reason is TransferReason.NOT_UNDERSTOOD
    else:
        assert upset == calm


@given(st.lists(said, max_size=12), st.lists(st.sampled_from(INTENTS), max_size=2))
def test_a_risk_to_a_life_brings_a_person_at_once_in_every_state(
    events: list[Event], besides: list[str]
) -> None:
    meant = [(intent, 0.99) for intent in besides]
    action = decide(
        play(events), Heard(understanding(meant, "不想活", "", (DESPERATE,))), BOOK
    ).actions[-1]
    assert isinstance(action, Transfer)
    assert (action.reason, action.priority) == (TransferReason.EMERGENCY, 0)
