"""Asterisk's files are made from templates, kept from others, and errors name their line."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from bot.config import Settings
from bot.node.asterisk import AsteriskInstall
from bot.node.render import asterisk_dirs, remove_run_dir, render
from bot.node.secrets import load_secrets
from bot.node.types import SetupError

INSTALL = AsteriskInstall(["/opt/asterisk"], {}, "/opt/modules", "/opt/data", "22.1")


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "asterisk.conf.j2").write_text(
        "etc={{ dirs.etc }}\nmodules={{ install.module_dir }}\n"
        "port={{ settings.sip_port }}\nsecret={{ secrets.ami_password }}\n"
    )
    (folder / "plain.conf").write_text("as {{ it }} is\n")
    return folder


def test_templates_are_filled_and_plain_files_copied(settings: Settings, templates: Path) -> None:
    secrets = load_secrets(settings)
    conf = render(settings, secrets, INSTALL, templates)
    assert conf == settings.state / "asterisk/etc/asterisk.conf"
    assert conf.read_text() == (
        f"etc={conf.parent}\nmodules=/opt/modules\n"
        f"port={settings.sip_port}\nsecret={secrets.ami_password}\n"
    )
    assert (conf.parent / "plain.conf").read_text() == "as {{ it }} is\n"


def test_nobody_else_can_read_what_holds_passwords(settings: Settings, templates: Path) -> None:
    conf = render(settings, load_secrets(settings), INSTALL, templates)
    assert stat.S_IMODE(conf.stat().st_mode) == 0o600
    assert stat.S_IMODE(conf.parent.stat().st_mode) == 0o700


def test_a_file_whose_template_is_gone_goes_too(settings: Settings, templates: Path) -> None:
    render(settings, load_secrets(settings), INSTALL, templates)
    (templates / "plain.conf").unlink()
    conf = render(settings, load_secrets(settings), INSTALL, templates)
    assert [p.name for p in conf.parent.iterdir()] == ["asterisk.conf"]


def test_a_broken_template_is_told_with_file_and_line_and_the_old_files_stay(
    settings: Settings, templates: Path
) -> None:
    conf = render(settings, load_secrets(settings), INSTALL, templates)
    before = conf.read_text()
    for text in ("one\n{{ settings.no_such_name }}\n", "one\n{% if %}\n"):
        (templates / "asterisk.conf.j2").write_text(text)
        with pytest.raises(SetupError, match=r"asterisk\.conf\.j2:2: "):
            render(settings, load_secrets(settings), INSTALL, templates)
        assert conf.read_text() == before


def test_the_control_socket_has_a_path_that_the_kernel_takes(
    settings: Settings, templates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    deep = settings.model_copy(update={"state": tmp_path / ("d" * 60) / ("e" * 60)})
    render(deep, load_secrets(deep), INSTALL, templates)
    run = asterisk_dirs(deep).run
    try:
        assert len(os.fsencode(run / "asterisk.ctl")) < 108
        assert stat.S_IMODE(run.stat().st_mode) == 0o700
    finally:
        remove_run_dir(deep)
    assert not run.exists()


def test_a_run_folder_that_is_a_link_is_refused(
    settings: Settings, templates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "")
    deep = settings.model_copy(update={"state": tmp_path / ("x" * 60) / ("y" * 60)})
    run = asterisk_dirs(deep).run
    run.symlink_to(tmp_path)
    try:
        with pytest.raises(SetupError, match="is a link"):
            render(deep, load_secrets(deep), INSTALL, templates)
    finally:
        run.unlink()


def test_a_command_names_its_configuration(settings: Settings) -> None:
    assert INSTALL.command(Path("/a/b.conf"), "-f") == ["/opt/asterisk", "-C", "/a/b.conf", "-f"]
