"""Rendering Asterisk's configuration from ``asterisk_conf/`` into the state folder.

Templates (``*.j2``) see ``settings``, ``secrets``, ``install`` and ``dirs``; a name that
does not exist is an error, never an empty word. Leaves to others: the templates themselves.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from bot.config import CHECKOUT, Settings
from bot.node.asterisk import AsteriskInstall
from bot.node.secrets import Secrets
from bot.node.types import SetupError

TEMPLATES = CHECKOUT / "asterisk_conf"
#: A Unix socket's path must fit into 108 bytes with its final NUL (unix(7)).
SOCKET_LIMIT = 107


@dataclass(frozen=True, slots=True)
class AsteriskDirs:
    """Absolute paths of everything a running Asterisk reads and writes."""

    etc: Path
    lib: Path
    spool: Path
    run: Path
    log: Path
    sounds: Path
    """Prompts that the dialplan itself plays."""
    music: Path
    """What a waiting caller hears."""
    data: Path


def asterisk_dirs(settings: Settings) -> AsteriskDirs:
    """Say where Asterisk's folders are; makes nothing."""
    root = settings.state.absolute() / "asterisk"
    return AsteriskDirs(
        etc=root / "etc",
        lib=root / "var" / "lib",
        spool=root / "spool",
        run=_run_dir(root),
        log=root / "log",
        sounds=root / "sounds",
        music=root / "music",
        data=root / "data",
    )


def _run_dir(root: Path) -> Path:
    """Return where the control socket lies: in the state folder unless that is too deep."""
    inside = root / "run"
    if len(os.fsencode(inside / "asterisk.ctl")) <= SOCKET_LIMIT:
        return inside
    short = hashlib.sha256(os.fsencode(root)).hexdigest()[:12]
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and len(runtime) < 60 and os.access(runtime, os.W_OK):
        return Path(runtime) / f"hotline-{short}"
    return Path("/tmp") / f"hotline-{os.getuid()}-{short}"


def render(
    settings: Settings, secrets: Secrets, install: AsteriskInstall, templates: Path = TEMPLATES
) -> Path:
    """Write every file of ``templates`` into ``state/asterisk/etc``; return asterisk.conf.

    Files have mode 0600 and folders 0700, since they hold passwords. What an earlier run
    rendered is replaced as a whole.

    Raises:
        SetupError: a template is broken (file, line, what is wrong) or a folder is not ours.
    """
    dirs = asterisk_dirs(settings)
    for folder in (dirs.etc.parent, dirs.lib, dirs.spool, dirs.run, dirs.log, dirs.sounds):
        _private_folder(folder)
    for folder in (dirs.music, dirs.data):
        _private_folder(folder)
    environment = Environment(
        loader=FileSystemLoader(templates),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    context = {"settings": settings, "secrets": secrets, "install": install, "dirs": dirs}
    fresh = Path(tempfile.mkdtemp(prefix=".etc.", dir=dirs.etc.parent))
    try:
        for source in sorted(p for p in templates.iterdir() if p.is_file()):
            target = fresh / source.name.removesuffix(".j2")
            target.touch(mode=0o600)
            if source.suffix == ".j2":
                try:
                    target.write_text(environment.get_template(source.name).render(context))
                except TemplateError as error:
                    line = getattr(error, "lineno", None) or _line_of(error, source)
                    raise SetupError(f"{source}:{line}: {error}") from error
            else:
                target.write_bytes(source.read_bytes())
        shutil.rmtree(dirs.etc, ignore_errors=True)
        fresh.rename(dirs.etc)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return dirs.etc / "asterisk.conf"


def remove_run_dir(settings: Settings) -> None:
    """Remove the short run folder outside the state folder, if there is one. Call at stop."""
    run = asterisk_dirs(settings).run
    if not run.is_relative_to(settings.state.absolute()) and _is_ours(run):
        shutil.rmtree(run, ignore_errors=True)


def _private_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not _is_ours(folder):
        raise SetupError(f"{folder} belongs to somebody else or is a link; remove it.")
    folder.chmod(0o700)


def _is_ours(folder: Path) -> bool:
    """Whether it is a real folder of this user: others can make names in /tmp."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()


def _line_of(error: BaseException, source: Path) -> int:
    """Find the template's line in the traceback, as Jinja2 maps it there."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(source):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
