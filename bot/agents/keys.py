"""Every key of the agents' Redis, one line each. All rules that touch them: ``queue.lua``.

``{hotline}`` is a hash tag: in a Redis Cluster all of them are in one slot.

- ``{hotline}:entry:<id>``     hash; one caller: the fields of ``QueueEntry`` as text, their
  ``place`` in the order, ``claimed_at`` and, once finished, the ``outcome``
- ``{hotline}:talk:<id>``      list; what this caller and an agent said to each other, oldest
  first, each as JSON: who, text, seconds of the call, mark of its sound; as long as the entry
- ``{hotline}:waiting``        sorted set; places of all who wait, in order of their text
- ``{hotline}:line:<skills>``  sorted set; places of those who wait for just these skills
- ``{hotline}:lines``          set; the skills for which somebody waits
- ``{hotline}:ageing``         sorted set; ids of who waits by the Unix time of their next rise
- ``{hotline}:due``            sorted set; ids of callbacks that are not due yet, by due time
- ``{hotline}:agents``         hash; extension -> id of the entry they have claimed or joined
- ``{hotline}:finished``       sorted set; ids of done and abandoned entries by Unix time
- ``{hotline}:events``         stream; about the last 10,000 changes: id, state, agent, outcome,
  at
- ``{hotline}:changes``        channel (pub/sub); every change as JSON: id, state, agent; the state
  is ``said`` when there is more in a transcript
- ``{hotline}:service``        list; seconds from claim to end of the last 100 conversations
- ``{hotline}:wrap_up``        list; seconds of the last 100 wrap-ups
- ``{hotline}:agent:<ext>``    hash; presence: state, since, duty (what they chose), skills
- ``{hotline}:beats``          sorted set; every known agent by the Unix time of the last heartbeat
- ``{hotline}:times:<day>``    hash; ``<ext>:<state>`` -> seconds in states that ended on that day
  (days since 1970-01-01 in China's time); kept for 400 days
- ``{hotline}:calls:<date>``   hash; outcome -> calls that ended so on that day in the city's
  time (``tally.py``); kept for 40 days

Practice calls of trainees have the same keys under ``{hotline-practice}`` (``bot/practice.py``),
so that nothing of them is ever among these.
"""

from __future__ import annotations


def prefix_of(line: str) -> str:
    """Return what all keys of a line begin with."""
    return f"{{{line}}}:"
