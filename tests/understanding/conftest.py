from __future__ import annotations

import pytest

from bot.config import CHECKOUT
from bot.understanding.match import Understander
from bot.understanding.pack import Pack, load_pack


@pytest.fixture(scope="session")
def pack() -> Pack:
    """The shipped pack."""
    return load_pack(CHECKOUT / "grammars" / "beijing12345")


@pytest.fixture(scope="session")
def understander(pack: Pack) -> Understander:
    return Understander(pack)
