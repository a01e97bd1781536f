"""How many calls ended in which way on which day, of all nodes together.

Kept where the queue is, since no node has every call's record and the wallboard asks every few
seconds. Leaves to others: which ways there are (``dialogue``), and what they say of the bot
(``insight/calls.py``).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from bot.agents.rules import Rules

#: Seconds that a day's numbers are kept.
KEPT = 40 * 86400


class Tally:
    """Calls by day and outcome. Thread-safe; every method may raise QueueUnavailable."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def count(self, outcome: str, day: dt.date) -> None:
        """Count one call that ended."""

        def write(client: Any) -> None:
            key = self._key(day)
            with client.pipeline(transaction=False) as pipeline:
                pipeline.hincrby(key, outcome, 1)
                pipeline.expire(key, KEPT)
                pipeline.execute()

        self._rules.ask(write)

    def of(self, last: dt.date, days: int = 1) -> Counter[str]:
        """Return how the calls of some days ended, up to and with ``last``."""

        def read(client: Any) -> list[dict[str, str]]:
            with client.pipeline(transaction=False) as pipeline:
                for back in range(days):
                    pipeline.hgetall(self._key(last - dt.timedelta(days=back)))
                return list(pipeline.execute())

        found: Counter[str] = Counter()
        for row in self._rules.ask(read):
            found.update({outcome: int(count) for outcome, count in row.items()})
        return found

    def _key(self, day: dt.date) -> str:
        return f"{self._rules.prefix}calls:{day.isoformat()}"
