from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from bot.node.browser_phone import check_integrity
from bot.node.types import SetupError


def test_the_library_that_was_pinned_is_taken(tmp_path: Path) -> None:
    archive = tmp_path / "sip.js.tgz"
    archive.write_bytes(b"library")
    digest = base64.b64encode(hashlib.sha512(b"library").digest()).decode()
    check_integrity(archive, f"sha512-{digest}")


def test_any_other_library_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "sip.js.tgz"
    archive.write_bytes(b"something else")
    with pytest.raises(SetupError, match="not the file that was expected"):
        check_integrity(archive, "sha512-AAAA")
