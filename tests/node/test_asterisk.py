"""The Asterisk of this machine is new enough, starts, and has AudioSocket."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.config import Settings
from bot.node.asterisk import MODULES, OLDEST, fetch_asterisk, find_asterisk, major
from bot.node.types import Say, SetupError


def test_set_up_has_left_an_asterisk_that_can_be_used() -> None:
    install = find_asterisk(Settings())
    assert install is not None, "run `make setup` first"
    assert major(install.version) >= OLDEST
    for module in MODULES:
        assert (Path(install.module_dir) / module).is_file()
    assert Path(install.data_dir).is_dir()


@pytest.mark.parametrize(
    ("version", "branch"),
    [("22.10.1+dfsg+~cs6", 22), ("18.9-cert4", 18), ("20.0.0", 20), ("", 0), ("GIT-master", 0)],
)
def test_the_branch_is_read_from_a_version(version: str, branch: int) -> None:
    assert major(version) == branch


def test_a_machine_without_debians_tools_is_told_what_to_do(
    tmp_path: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match=r"apt-get and dpkg-deb not found.*Install Asterisk 20"):
        fetch_asterisk(tmp_path / "asterisk", say)


def test_an_unreachable_mirror_is_told_and_nothing_is_left(
    tmp_path: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bot.node import asterisk
    from bot.node.apt import AptSource

    away = AptSource("http://127.0.0.1:9/debian", ("bookworm",), ("main",))
    monkeypatch.setattr(asterisk, "read_sources", lambda: [away])
    with pytest.raises(SetupError, match=r"is the package mirror reachable(.|\n)*forky(.|\n)*sid"):
        fetch_asterisk(tmp_path / "home" / "asterisk", say)
    assert list((tmp_path / "home").iterdir()) == []
