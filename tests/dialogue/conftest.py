"""A small line, and a caller to play through it."""

from __future__ import annotations

import pytest
from dialogue.world import Caller, small_line


@pytest.fixture
def caller() -> Caller:
    return Caller(small_line())
