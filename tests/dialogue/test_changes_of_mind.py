"""Callers who drop, deny, go on, or ask in passing: found by rehearsing whole conversations."""

from __future__ import annotations

from dialogue.world import Caller

from bot.dialogue.state import Phase
