"""The agent queue in Redis: who waits for a person, in which order, and who has whom.

The rules are in ``queue.lua``, which Redis runs in one atomic step a call, so two bots can
never give one caller to two agents. States move only along

    waiting -> claimed -> joined -> done
    claimed -> waiting              (the agent did not answer)
    waiting | claimed -> abandoned  (the caller hung up)

Keys (``{hotline}`` is a hash tag: in a Redis Cluster all of them are in one slot):

- ``{hotline}:entry:<id>``  hash; one caller: the fields of ``QueueEntry`` as text, their
  ``place`` in the order and, once finished, the ``outcome``
- ``{hotline}:waiting``     sorted set; the places of waiting entries, in order of their text
- ``{hotline}:agents``      hash; agent's extension -> id of the entry they have claimed or joined
- ``{hotline}:finished``    sorted set; ids of done and abandoned entries by Unix time of finishing
- ``{hotline}:events``      stream of about the last 10,000 changes: id, state, agent, outcome, at

Leaves to others: ringing agents and keeping the queue true to the telephone switch
(``desk.py``), and starting Redis (``bot/node``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from importlib.resources import files
from typing import Any, cast
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bot.agents.codec import (
    candidates_text,
    extra_text,
    from_fields,
    to_fields,
    transcript_text,
)
from bot.agents.types import EntryState, QueueEntry, Turn

#: Seconds to wait for Redis before it counts as dead; a caller is on the line meanwhile.
PATIENCE = 1.0
#: Seconds that finished entries are kept.
KEPT = 7 * 24 * 3600.0
#: Entries deleted in one step by ``trim``, so that it never holds Redis up.
TRIM_STEP = 500
#: Most finished entries listed at once.
LISTED = 1000

# Named here, because in the class below ``list`` is a method.
_Entries = list[QueueEntry]
_Answer = list[Any]


class QueueUnavailable(Exception):  # noqa: N818
    """Redis does not answer or refuses; the message says where it is and what to do."""


class AgentBusy(Exception):  # noqa: N818
    """The agent already has a caller; ``entry_id`` says which."""

    def __init__(self, agent: str, entry_id: str) -> None:
        super().__init__(f"Agent {agent} already has the caller {entry_id}.")
        self.agent = agent
        self.entry_id = entry_id


class IllegalTransition(Exception):  # noqa: N818
    """The entry cannot go from where it is (``state``) to where it was sent."""

    def __init__(self, entry_id: str, state: str, wanted: EntryState) -> None:
        super().__init__(f"Entry {entry_id} is {state} and cannot become {wanted}.")
        self.entry_id = entry_id
        self.state = state


class UnknownEntry(IllegalTransition):
    """There is no entry with this id (any more)."""

    def __init__(self, entry_id: str, wanted: EntryState) -> None:
        super().__init__(entry_id, "unknown", wanted)


def public_address(url: str) -> str:
    """Return a Redis URL fit to be shown: host, port and database, without user and password."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or parts.path or "?"
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an unreadable address"
    return f"{host}{port}{parts.path if parts.hostname else ''}"


class AgentQueue:
    """The queue of escalated callers. Thread-safe.

    Every method may raise QueueUnavailable. The moves (``release``, ``join``, ``close``,
    ``abandon``) return True when they changed something and False when the entry was already
    there, so that a repeat does no harm; they raise IllegalTransition from any other state
    and UnknownEntry, which is one, when there is no such entry.
    """

    def __init__(
        self, redis_url: str, clock: Callable[[], float] = time.time, prefix: str = "hotline"
    ) -> None:
        """``redis_url`` as in redis-py; ``clock`` gives Unix time. Does not connect yet.

        Raises:
            QueueUnavailable: the URL cannot be understood.
        """
        self._address = public_address(redis_url)
        self._clock = clock
        tag = f"{{{prefix}}}"
        self._entry_prefix = f"{tag}:entry:"
        self._waiting, self._agents, self._finished, self._events = (
            f"{tag}:{name}" for name in ("waiting", "agents", "finished", "events")
        )
        try:
            self._redis = redis.Redis.from_url(
                redis_url,
                decode_responses=True,
                socket_timeout=PATIENCE,
                socket_connect_timeout=PATIENCE,
                retry=Retry(NoBackoff(), 0),
            )
        except (ValueError, redis.RedisError) as error:
            raise self._unavailable(error) from error
        rules = files("bot.agents").joinpath("queue.lua").read_text("utf-8")
        self._script = self._redis.register_script(rules)

    # --- changes -----------------------------------------------------------------------

    def enqueue(self, entry: QueueEntry) -> bool:
        """Let a caller wait; False, and no change, if their id was ever seen before.

        ``state``, ``agent`` and ``changed_at`` of the argument do not count.

        Raises:
            ValueError: the priority is not 0 to 999, or ``queued_at`` is no Unix time.
        """
        return bool(self._run("enqueue", entry.id, *_flat(to_fields(entry)))[0] == "ok")

    def claim(self, agent: str, entry_id: str | None = None) -> QueueEntry | None:
        """Give the agent the first caller (by priority, then ``queued_at``), or this one.

        None when nobody waits, or this caller does not (any more).

        Raises:
            AgentBusy: the agent has a claimed or joined caller.
        """
        result, *rest = self._run("claim", agent, entry_id or "")
        if result == "busy":
            raise AgentBusy(agent, rest[0])
        return from_fields(_pairs(rest[0])) if result == "ok" else None

    def release(self, entry_id: str) -> bool:
        """Claimed -> waiting, at the old place."""
        return self._move(entry_id, EntryState.WAITING)

    def join(self, entry_id: str) -> bool:
        """Claimed -> joined: caller and agent hear each other."""
        return self._move(entry_id, EntryState.JOINED)

    def close(self, entry_id: str, outcome: str) -> bool:
        """Joined -> done, which frees the agent. ``outcome`` is for statistics."""
        return self._move(entry_id, EntryState.DONE, outcome)

    def abandon(self, entry_id: str) -> bool:
        """Waiting or claimed -> abandoned, which frees the agent."""
        return self._move(entry_id, EntryState.ABANDONED, "abandoned")

    def update(
        self,
        entry_id: str,
        *,
        transcript: Sequence[Turn] | None = None,
        candidates: Sequence[tuple[str, str, float]] | None = None,
        ticket: str | None = None,
        extra: dict[str, str] | None = None,
    ) -> bool:
        """Replace what is given; False when there is no such entry."""
        fields = {}
        if transcript is not None:
            fields["transcript"] = transcript_text(transcript)
        if candidates is not None:
            fields["candidates"] = candidates_text(candidates)
        if ticket is not None:
            fields["ticket"] = ticket
        if extra is not None:
            fields["extra"] = extra_text(extra)
        if not fields:
            return self.get(entry_id) is not None
        return bool(self._run("update", entry_id, *_flat(fields))[0] == "ok")

    def trim(self) -> int:
        """Delete entries that finished over 7 days ago, at most 500; return how many."""
        before = repr(self._clock() - KEPT)
        return int(self._run("trim", before, str(TRIM_STEP))[1])

    # --- questions ---------------------------------------------------------------------

    def get(self, entry_id: str) -> QueueEntry | None:
        """Return one entry, finished or not."""
        fields = self._ask(lambda: self._redis.hgetall(self._entry_prefix + entry_id))
        return from_fields(fields) if fields else None

    def live(self) -> _Entries:
        """Return all waiting, claimed and joined entries, as of one moment, in order."""
        found = self._run("live")[1]
        return _in_order(from_fields(_pairs(fields)) for fields in found)

    def list(self, state: EntryState | None = None) -> _Entries:
        """Return entries of one state, or of all, in order; of finished ones the last 1,000."""
        entries = self.live() if state not in (EntryState.DONE, EntryState.ABANDONED) else []
        if state in (None, EntryState.DONE, EntryState.ABANDONED):
            entries += self._last_finished()
        return _in_order(entry for entry in entries if state in (None, entry.state))

    def waiting_count(self) -> int:
        """Return how many wait."""
        return int(self._ask(lambda: self._redis.zcard(self._waiting)))

    def position(self, entry_id: str) -> int | None:
        """Return the place of a waiting caller, 1 for the next; None if they do not wait."""
        place = self._ask(lambda: self._redis.hget(self._entry_prefix + entry_id, "place"))
        rank = None if place is None else self._ask(lambda: self._redis.zrank(self._waiting, place))
        return None if rank is None else int(rank) + 1

    def reachable(self) -> bool:
        """Say whether Redis answers now. Never raises."""
        try:
            self._ask(self._redis.ping)
        except QueueUnavailable:
            return False
        return True

    # --- Redis -------------------------------------------------------------------------

    def _last_finished(self) -> _Entries:
        ids = self._ask(lambda: self._redis.zrevrange(self._finished, 0, LISTED - 1))
        with self._redis.pipeline(transaction=False) as pipeline:
            for entry_id in ids:
                pipeline.hgetall(self._entry_prefix + entry_id)
            found = self._ask(pipeline.execute)
        # An entry may have been trimmed between the two questions.
        return [from_fields(fields) for fields in found if fields]

    def _move(self, entry_id: str, to: EntryState, outcome: str = "") -> bool:
        result, *rest = self._run("move", entry_id, to.value, outcome)
        if result == "unknown":
            raise UnknownEntry(entry_id, to)
        if result == "illegal":
            raise IllegalTransition(entry_id, rest[0], to)
        return bool(result == "ok")

    def _run(self, operation: str, *arguments: str) -> _Answer:
        keys = [self._waiting, self._agents, self._finished, self._events]
        head = [self._entry_prefix, repr(self._clock()), operation]
        answer = self._ask(lambda: self._script(keys=keys, args=[*head, *arguments]))
        return cast("_Answer", answer)

    def _ask(self, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except (redis.RedisError, OSError) as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> QueueUnavailable:
        return QueueUnavailable(
            f"The agent queue's Redis at {self._address} cannot be used ({_why(error)}). "
            "Start the line with `hotline run`, or check REDIS_URL and that its server is up."
        )


def _why(error: Exception) -> str:
    """Say what Redis's client complained of; its messages may repeat the whole URL."""
    if isinstance(error, redis.AuthenticationError):
        return "it refuses the password"
    if isinstance(error, redis.TimeoutError):
        return f"no answer in {PATIENCE:g} s"
    if isinstance(error, redis.ResponseError):
        return str(error)
    if isinstance(error, redis.ConnectionError | OSError):
        return "no connection"
    return "the address is not a Redis URL, such as redis://host:6379/0"


def _flat(fields: dict[str, str]) -> list[str]:
    return [text for pair in fields.items() for text in pair]


def _pairs(flat: Sequence[str]) -> dict[str, str]:
    """Read what HGETALL gives inside a script: names and values in turn."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _in_order(entries: Iterable[QueueEntry]) -> _Entries:
    return sorted(entries, key=lambda entry: (entry.priority, entry.queued_at, entry.id))
