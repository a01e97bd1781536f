"""Every test of casework may have a world of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from casework.world import World, make_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(f"sqlite:///{tmp_path / 'hotline.db'}")
