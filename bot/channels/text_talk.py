"""A conversation by text (短信): the telephone's dialogue, a text at a time.

What differs from a call: nothing is said until the citizen has written; what only makes sense
aloud is left out; a person can't be put through, so one calls; and a conversation does not end
by hanging up but by not going on. Pure but for its ports. Leaves to others: which conversation a
text belongs to, and keeping it (``bot/correspondence.py``); every rule of the dialogue.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.dialogue.book import Book
from bot.dialogue.policy import decide, start
from bot.dialogue.state import Phase, State
from bot.dialogue.types import (
    CallStarted,
    Event,
    HangUp,
    Heard,
    HungUp,
    Note,
    Pressed,
    Request,
    Say,
    SendText,
    Silent,
    Transfer,
)
from bot.understanding.types import Understanding

#: Prompts that a reader needs no second time.
ALOUD = frozenset({"ticket_again"})
#: Where who says nothing more has said enough: the dialogue takes it as it is.
ENOUGH = frozenset(
    {Phase.SATISFIED, Phase.UNSOLVED, Phase.READ_BACK, Phase.CORRECT, Phase.CALLBACK_CHECK}
)
#: Where a figure is a grade or a number, and not a key.
FIGURES = frozenset({Phase.SOLVED, Phase.SATISFIED, Phase.RATE})
#: A request of the dialogue that leads to requests without end is an error of ours.
CHAIN = 20


@dataclass(frozen=True, slots=True)
class Ports:
    """What a conversation needs of other rooms; all may block."""

    book: Book
    understand: Callable[[str, str], Understanding]
    """Of a text, and what the last answer was about."""
    carry_out: Callable[[Request], Event]
    """Never raises: what can't be done is ``Failed``."""
    note: Callable[[Note], None]
    written: Mapping[str, str]
    """Prompts that are written otherwise than they are said, by name."""
    call: Callable[[Transfer], str]
    """Have a person call; return what the citizen is told of that."""


@dataclass(frozen=True, slots=True)
class Turned:
    """What a text led to."""

    state: State
    reply: str
    over: bool
    """The conversation has ended; the next text begins another one."""


def begin(ports: Ports, opening: CallStarted) -> State:
    """Return a conversation in which the citizen's first text has not been read yet.

    What a caller would hear first is not written: they have a question already.
    """
    return _run(ports, start(ports.book), opening).state


def read(ports: Ports, state: State, text: str) -> Turned:
    """Go on with what the citizen has written."""
    if len(text) == 1 and text in "0123456789*#" and state.phase not in FIGURES:
        return _run(ports, state, Pressed(text))
    understanding = ports.understand(text, state.last_listen.about)
    return _run(ports, state, Heard(understanding))


def lapse(ports: Ports, state: State) -> None:
    """End a conversation that the citizen does not go on with; nothing they said is lost."""
    for _ in range(2):
        if state.phase in ENOUGH:
            state = _run(ports, state, Silent(), texts=True).state
    if state.phase is not Phase.OVER:
        _run(ports, state, HungUp(), texts=True)


def _run(ports: Ports, state: State, event: Event, *, texts: bool = False) -> Turned:
    """``texts``: also send what the dialogue wants to be texted beside the reply."""
    said: list[str] = []
    for _ in range(CHAIN):
        decision = decide(state, event, ports.book)
        state, last = decision.state, decision.actions[-1]
        for action in decision.actions:
            if isinstance(action, Say) and not _only_aloud(action):
                said.append(ports.written.get(action.prompt) or action.text)
            elif isinstance(action, Note) and (texts or not isinstance(action, SendText)):
                ports.note(action)
        if isinstance(last, Request):
            event = ports.carry_out(last)
            continue
        if isinstance(last, Transfer):
            said.append(ports.call(last))
        return Turned(state, "".join(said), isinstance(last, Transfer | HangUp))
    raise AssertionError("requests lead to requests without end")


def _only_aloud(action: Say) -> bool:
    # "Please hold the line" would be nonsense, whatever the reason for it.
    return action.prompt in ALOUD or "transfer" in action.prompt
