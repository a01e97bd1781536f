"""The pack of a running line, which can be exchanged while calls are in progress.

A call asks once, at its start, and keeps what it got; a new pack is read, checked and made
ready beside the old one and takes its place in one step, or not at all. Leaves to others:
when to look for a new pack, and telling people.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from bot.understanding.match import Understander
from bot.understanding.pack import Pack, load_pack


@dataclass(frozen=True, slots=True)
class Knowledge:
    """A pack and what reads utterances with it."""

    pack: Pack
    understander: Understander

    @classmethod
    def of(cls, pack: Pack) -> Knowledge:
        """Make a loaded pack ready for use; takes a second or so."""
        return cls(pack, Understander(pack))


class LivePack:
    """Holds the knowledge in use. Thread-safe."""

    def __init__(self, pack: Pack, prepare: Callable[[Pack], None] = lambda _: None) -> None:
        """``prepare`` gets a new pack before it is used; what it raises refuses the pack."""
        self._current = Knowledge.of(pack)
        self._prepare = prepare
        self._one_at_a_time = threading.Lock()

    @property
    def current(self) -> Knowledge:
        """The knowledge for a call that begins now."""
        return self._current

    def reload(self) -> tuple[Knowledge, Knowledge]:
        """Read the folder anew and use it for new calls; return what was and what is in use.

        The same object twice when the files have not changed. Blocks for some seconds.

        Raises:
            PackError: with all problems; the old pack stays in use.
        """
        with self._one_at_a_time:
            old = self._current
            pack = load_pack(old.pack.folder)
            if pack.version == old.pack.version:
                return old, old
            new = Knowledge.of(pack)
            self._prepare(pack)
            self._current = new
            return old, new
