"""``/api/queue/{id}/…``: what an agent can do while talking, for commands and the desk.

Leaves to others: the rules (``agents/talk.py``), who may ask (``app.py``) and turning errors
into answers (``app.py``).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from bot.agents.codec import to_json
from bot.agents.talk import Talk

#: Digits only: a number becomes part of a channel's name in Asterisk.
NUMBER = r"^[0-9]{2,15}$"


class Transfer(BaseModel):
    """Where a caller is to go: to an agent or a unit, or back to the queue when to nobody."""

    to: str = Field(default="", pattern=rf"{NUMBER}|^$")
    skills: list[str] | None = None
    """Of whoever is to help; None leaves them as they are."""


class Consult(BaseModel):
    """Who is to be asked."""

    number: str = Field(pattern=NUMBER)


class Move(StrEnum):
    """A move that needs no more than its name (methods of ``Talk``)."""

    HOLD = "hold"
    RESUME = "resume"
    CONFERENCE = "conference"
    COMPLETE = "complete"
    END_CONSULT = "end_consult"
    RATE = "rate"
    HANG_UP = "hang_up"


class Mute(BaseModel):
    """Whether the agent is to be silent."""

    on: bool


def talk_routes(talk: Talk) -> APIRouter:
    """Build the routes; every one may block for as long as a phone rings."""
    routes = APIRouter(prefix="/api/queue/{entry_id}")

    @routes.post("/transfer")
    def transfer(entry_id: str, wish: Transfer) -> dict[str, Any]:
        if wish.to:
            done = talk.transfer(entry_id, wish.to)
            return {"result": done.result.value, "entry": to_json(done.entry)}
        talk.give_back(entry_id, wish.skills)
        return {"result": "given_back"}

    @routes.post("/consult")
    def consult(entry_id: str, wish: Consult) -> dict[str, Any]:
        return {"result": talk.consult(entry_id, wish.number).value}

    @routes.post("/mute")
    def mute(entry_id: str, wish: Mute) -> dict[str, Any]:
        talk.mute(entry_id, wish.on)
        return {"result": "ok"}

    @routes.post("/{move}")
    def make(entry_id: str, move: Move) -> dict[str, Any]:
        getattr(talk, move.value)(entry_id)
        return {"result": "ok"}

    return routes
