"""A new pack to begin with: small, valid, and as safe as the pack it was made from.

What every Mandarin line needs (emergencies, moods, commands, small talk and prompts) is
copied from an existing pack; one example of a question and of a ticket comes from the files
in ``starter/``. Leaves to others: where packs lie.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
import tempfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from string import Template

from bot.understanding.checks import ReadFile
from bot.understanding.pack import Loaded, load_pack

#: Sections that suit every line in Mandarin.
COMMON = frozenset({"prompts", "emergencies", "commands", "small_talk", "moods"})
#: The greeting, whether it is a text, a list of texts or a mapping on lines of their own.
_GREETING = re.compile(r"^( +)greeting:.*\n(?:\1[ -].*\n)*", re.MULTILINE)
_NEW_GREETING = "您好，这里是服务热线，请说出您的问题，需要人工请按零。"


def make_pack(folder: Path, name: str, like: Loaded, today: dt.date) -> list[Path]:
    """Write a new pack and return its files. Nothing is left behind when it fails.

    Raises:
        FileExistsError: the folder is there already.
        PackError: what was copied is no whole pack, or the name is none.
        OSError: the folder cannot be written.
    """
    if folder.exists():
        raise FileExistsError(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".new-"))
    try:
        for file, text in _contents(name, like, today):
            (making / file).write_text(text, encoding="utf-8")
        load_pack(making)
        making.chmod(0o755)
        making.rename(folder)
    except BaseException:
        shutil.rmtree(making)
        raise
    return sorted(folder.iterdir())


def _contents(name: str, like: Loaded, today: dt.date) -> Iterator[tuple[str, str]]:
    limits = like.pack.thresholds
    values = {
        "name": name,
        "today": str(today),
        "accept": str(limits.accept),
        "clarify": str(limits.clarify),
        "margin": str(limits.margin),
    }
    for source in sorted(
        resources.files("bot.understanding").joinpath("starter").iterdir(), key=str
    ):
        if source.name.endswith(".yaml"):
            yield source.name, Template(source.read_text(encoding="utf-8")).substitute(values)
    for one in like.files:
        if sections(one) and sections(one) <= COMMON:
            text = one.source.file.read_text(encoding="utf-8")
            # The other line's name has no place in the new one's greeting.
            yield (
                one.source.file.name,
                regreeted(text),
            )


def regreeted(prompts: str) -> str:
    """Return a file of prompts with a greeting that names no city."""
    return _GREETING.sub(rf"\1greeting: {_NEW_GREETING}\n", prompts)


def sections(one: ReadFile) -> frozenset[str]:
    """Return the names of the sections that a file holds."""
    return frozenset(one.content.model_fields_set)
