"""Reading the machine's own package sources: which mirror it uses and which key signs it.

Understands both formats of sources.list(5): one-line (``deb [options] URI SUITE …``) and
deb822 (``Types:``/``URIs:`` stanzas). Leaves to others: downloading (``asterisk.py``).
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

#: Suites of Debian itself; a source with another suite is some other repository.
DEBIAN_SUITES = frozenset(
    {"oldstable", "stable", "testing", "unstable", "sid"}
    | {"bullseye", "bookworm", "trixie", "forky", "duke"}
)


@dataclass(frozen=True, slots=True)
class AptSource:
    """One place that packages come from."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""
    """Path of a keyring, or a whole key as deb822 writes it; "" means apt's default keys."""


def parse_one_line(text: str) -> list[AptSource]:
    """Read the ``deb`` lines of a ``*.list`` file; others are passed over."""
    sources = []
    for raw in text.splitlines():
        line = raw.split("#", 1)[0].strip()
        kind, _, rest = line.partition(" ")
        if kind != "deb":
            continue
        rest, options = rest.strip(), {}
        if rest.startswith("["):
            inner, _, rest = rest[1:].partition("]")
            options = dict(pair.split("=", 1) for pair in shlex.split(inner) if "=" in pair)
        words = rest.split()
        if len(words) >= 2:
            signed_by = options.get("signed-by", "")
            sources.append(AptSource(words[0], (words[1],), tuple(words[2:]), signed_by))
    return sources


def parse_deb822(text: str) -> list[AptSource]:
    """Read the enabled ``deb`` stanzas of a ``*.sources`` file."""
    sources = []
    for stanza in _stanzas(text):
        if "deb" not in stanza.get("types", "").split():
            continue
        if stanza.get("enabled", "yes").strip().lower() in {"no", "false", "0", "off"}:
            continue
        suites = tuple(stanza.get("suites", "").split())
        components = tuple(stanza.get("components", "").split())
        signed_by = stanza.get("signed-by", "")
        sources += [
            AptSource(uri, suites, components, signed_by) for uri in stanza.get("uris", "").split()
        ]
    return sources


def _stanzas(text: str) -> list[dict[str, str]]:
    """Split deb822 text into fields by lower-case name; continuation lines are kept as written."""
    stanzas: list[dict[str, str]] = [{}]
    field = ""
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        if not line.strip():
            stanzas.append({})
        elif line[0] in " \t":
            if field in stanzas[-1]:
                stanzas[-1][field] += "\n" + line.rstrip()
        elif ":" in line:
            name, value = line.split(":", 1)
            field = name.strip().lower()
            stanzas[-1][field] = value.strip()
    return [stanza for stanza in stanzas if stanza]


def read_sources(etc_apt: Path = Path("/etc/apt")) -> list[AptSource]:
    """Read every source of this machine; files that cannot be read are passed over."""
    files = [etc_apt / "sources.list", *sorted((etc_apt / "sources.list.d").glob("*"))]
    sources: list[AptSource] = []
    for file in files:
        try:
            text = file.read_text(errors="replace")
        except OSError:
            continue
        if file.suffix == ".list":
            sources += parse_one_line(text)
        elif file.suffix == ".sources":
            sources += parse_deb822(text)
    return sources


def debian_mirrors(sources: list[AptSource]) -> list[AptSource]:
    """Pick the sources that carry Debian's main archive, in the machine's order, each URI once."""
    found: dict[str, AptSource] = {}
    for source in sources:
        if "main" in source.components and DEBIAN_SUITES & set(source.suites):
            found.setdefault(source.uri, source)
    return list(found.values())
