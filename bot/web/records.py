"""What agents decide: the intent and unit they chose beside the bot's, and their wrap-ups.

The corrections are what ``hotline train`` learns from. Leaves to others: the tickets
themselves (``casework``) and the learning (``understanding/training.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from bot.casework.desk_models import CorrectionRow, WrapUpRow
from bot.casework.ledger import Clock, utc_now
from bot.web.audit import as_csv

#: How a conversation can end, for the agent to choose.
OUTCOMES = {
    "answered": "当场解答",
    "filed": "已提交工单",
    "followed_up": "补充或催办原工单",
    "transferred": "已转其他部门",
    "call_back": "需要回电",
    "cut_off": "通话中断",
    "nuisance": "无效来电",
}
#: Columns of the export; ``text`` and ``intent`` are what ``hotline train`` looks for.
COLUMNS = (
    "text",
    "intent",
    "bot_intent",
    "bot_confidence",
    "unit",
    "bot_unit",
    "at",
    "call",
    "ticket",
)


@dataclass(frozen=True, slots=True)
class Correction:
    """What was chosen, beside what the bot had thought."""

    call_id: str
    agent: str
    text: str
    chosen_intent: str
    chosen_unit: str = ""
    bot_intent: str = ""
    bot_confidence: float = 0.0
    bot_unit: str = ""
    ticket: str = ""


class Records:
    """Corrections and wrap-ups in SQL. Thread-safe."""

    def __init__(self, engine: Engine, clock: Clock = utc_now) -> None:
        self._engine = engine
        self._now = clock

    def correct(self, made: Correction) -> None:
        """Keep a choice."""
        with Session(self._engine) as session, session.begin():
            session.add(
                CorrectionRow(
                    at=self._now(),
                    call_id=made.call_id,
                    agent=made.agent,
                    text=made.text,
                    bot_intent=made.bot_intent,
                    bot_confidence=made.bot_confidence,
                    chosen_intent=made.chosen_intent,
                    bot_unit=made.bot_unit,
                    chosen_unit=made.chosen_unit,
                    ticket=made.ticket,
                )
            )

    def corrections(self, count: int = 100_000) -> Sequence[CorrectionRow]:
        """Return choices, newest first."""
        with Session(self._engine, expire_on_commit=False) as session:
            query = select(CorrectionRow).order_by(CorrectionRow.id.desc()).limit(count)
            return list(session.scalars(query))

    def export(self) -> str:
        """Return all choices that have words, as CSV for ``hotline train``."""
        rows = [
            (
                row.text,
                row.chosen_intent,
                row.bot_intent,
                row.bot_confidence,
                row.chosen_unit,
                row.bot_unit,
                row.at.isoformat(timespec="seconds"),
                row.call_id,
                row.ticket,
            )
            for row in self.corrections()
            if row.text and row.chosen_intent
        ]
        return as_csv(COLUMNS, rows)

    def wrap_up(
        self, call_id: str, agent: str, outcome: str, note: str = "", caller: str = ""
    ) -> None:
        """Keep how a conversation ended.

        Raises:
            KeyError: there is no such outcome.
        """
        OUTCOMES[outcome]
        with Session(self._engine) as session, session.begin():
            session.add(
                WrapUpRow(
                    at=self._now(),
                    call_id=call_id,
                    agent=agent,
                    caller=caller,
                    outcome=outcome,
                    note=note,
                )
            )

    def wrapped_up(self, call_id: str) -> bool:
        """Whether somebody has said how a call ended."""
        with Session(self._engine) as session:
            query = select(WrapUpRow.id).where(WrapUpRow.call_id == call_id).limit(1)
            return session.scalar(query) is not None

    def of_caller(self, caller: str, count: int = 5) -> Sequence[WrapUpRow]:
        """Return how a number's conversations ended, newest first."""
        if not caller:
            return []
        with Session(self._engine, expire_on_commit=False) as session:
            query = select(WrapUpRow).where(WrapUpRow.caller == caller)
            return list(session.scalars(query.order_by(WrapUpRow.id.desc()).limit(count)))
