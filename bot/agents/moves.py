"""Which moves a conversation between a caller and an agent allows, by how they stand. Pure.

Leaves to others: making them (``talk.py``) and showing which there are (``bot/web``).
"""

from __future__ import annotations

from enum import StrEnum

from bot.agents.types import EntryState, QueueEntry, TalkState


class Move(StrEnum):
    """What an agent can do while talking; the names of ``Talk``'s methods."""

    HOLD = "hold"
    RESUME = "resume"
    MUTE = "mute"
    CONSULT = "consult"
    CONFERENCE = "conference"
    COMPLETE = "complete"
    END_CONSULT = "end_consult"
    TRANSFER = "transfer"
    GIVE_BACK = "give_back"
    RATE = "rate"
    HANG_UP = "hang_up"


_PARTING = {Move.CONSULT, Move.TRANSFER, Move.GIVE_BACK, Move.RATE, Move.HANG_UP}
#: Who is being rung or asked hears only the agent, so the caller can go nowhere meanwhile.
_ALLOWED: dict[TalkState, frozenset[Move]] = {
    TalkState.TOGETHER: frozenset({Move.HOLD, Move.MUTE, *_PARTING}),
    TalkState.HELD: frozenset({Move.RESUME, Move.MUTE, *_PARTING}),
    TalkState.ASKING: frozenset({Move.END_CONSULT, Move.MUTE}),
    TalkState.CONSULTING: frozenset({Move.CONFERENCE, Move.COMPLETE, Move.END_CONSULT, Move.MUTE}),
    TalkState.CONFERENCE: frozenset({Move.COMPLETE, Move.END_CONSULT, Move.MUTE, Move.HANG_UP}),
}


class NotNow(Exception):  # noqa: N818
    """The move does not fit how caller and agent stand now; nothing was changed."""

    def __init__(self, entry_id: str, move: Move, talk: TalkState) -> None:
        super().__init__(f"{move} does not fit {entry_id}, which is {talk}.")
        self.move = move
        self.talk = talk


def moves_of(entry: QueueEntry) -> frozenset[Move]:
    """Return the moves that are possible now; none when nobody talks."""
    if entry.state is not EntryState.JOINED:
        return frozenset()
    if not entry.leg or not entry.channel:
        # The agent calls the citizen from a telephone that the line knows nothing of.
        return frozenset({Move.HANG_UP})
    return _ALLOWED[entry.talk]
