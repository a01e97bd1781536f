"""Which recogniser runs, and getting its model from a local archive."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.commands.model import app
from bot.config import Settings
from bot.node import models
from bot.node.types import Say, SetupError


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "copy.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("vosk-model-small-cn-0.22/", "")
        file.writestr("vosk-model-small-cn-0.22/am/final.mdl", "m")
        file.writestr("vosk-model-small-cn-0.22/conf/model.conf", "c")
    return path


def test_a_local_archive_with_the_right_checksum_becomes_the_model(
    settings: Settings, say: Say, archive: Path
) -> None:
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    folder = models.fetch_vosk(settings, say, zip_path=archive, sha256=sha256)
    assert folder == settings.home / "models" / "vosk-model-small-cn-0.22"
    assert (folder / "conf/model.conf").read_text() == "c"
    assert archive.exists(), "the operator's own copy is left alone"
    assert models.choose_recogniser(settings)[0] == "vosk"


def test_a_local_archive_is_held_to_the_pinned_checksum(
    settings: Settings, say: Say, archive: Path
) -> None:
    with pytest.raises(SetupError, match=models.VOSK_SHA256):
        models.fetch_vosk(settings, say, zip_path=archive)
    assert not models.vosk_folder(settings).exists()


def test_an_unchecked_archive_is_taken_with_a_warning(
    settings: Settings, say: Say, said: list[str], archive: Path
) -> None:
    models.fetch_vosk(settings, say, zip_path=archive, sha256="")
    assert any("not verified" in line for line in said)


def test_an_archive_without_a_model_changes_nothing(
    settings: Settings, say: Say, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as file:
        file.writestr("readme", "")
    with pytest.raises(SetupError, match="no Vosk model"):
        models.fetch_vosk(settings, say, zip_path=tmp_path / "b.zip", sha256="")
    assert not models.vosk_folder(settings).exists()


def test_a_missing_model_is_told_with_the_command_that_gets_it(settings: Settings) -> None:
    wanted = settings.model_copy(update={"asr": "vosk"})
    with pytest.raises(SetupError, match="hotline model fetch"):
        models.choose_recogniser(wanted)
    with pytest.raises(SetupError, match="make setup"):
        models.choose_recogniser(settings)


def test_an_operators_own_model_folder_is_used(
    settings: Settings, say: Say, archive: Path, tmp_path: Path
) -> None:
    made = models.fetch_vosk(settings, say, zip_path=archive, sha256="")
    own = made.rename(tmp_path / "own")
    assert models.choose_recogniser(settings.model_copy(update={"vosk_model": own}))[0] == "vosk"


def test_a_publisher_that_is_away_is_noticed_at_once_and_nothing_is_kept(
    settings: Settings, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "VOSK_URL", "http://127.0.0.1:9/model.zip")
    with pytest.raises(SetupError, match="--zip"):
        models.ensure_recogniser(settings.model_copy(update={"asr": "vosk"}), say)
    assert not settings.home.exists()


def test_the_command_says_what_is_wrong_and_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOTLINE_HOME", str(tmp_path))
    result = CliRunner().invoke(app, ["fetch", "--zip", str(tmp_path / "none.zip")])
    assert result.exit_code == 1
    assert "There is no file" in result.output
