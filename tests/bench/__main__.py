"""``make bench``: every measurement of the project, one after the other, as one table.

``python -m tests.bench NAME... [OPTION...]`` makes some of them, with options of their own, as
in ``python -m tests.bench calls --vosk 16``; ``python -m tests.bench year`` the one that takes
too long to be among them all. Leaves to others: each measurement (the ``bench_*.py`` beside this
file, and ``year.py``).
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

HERE = Path(__file__).parent
#: Packages whose versions a figure depends on.
PACKAGES = ("vosk", "faster-whisper", "ctranslate2", "onnxruntime", "rapidfuzz", "jieba", "redis")


def machine() -> str:
    """What the figures were measured on."""
    memory = psutil.virtual_memory().total / 2**30
    load = os.getloadavg()[0]
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"Python {platform.python_version()}, load {load:.1f} at the start, "
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    )


def main() -> int:
    """Run them all; the exit status is 1 when one of them failed."""
    words = sys.argv[1:]
    if words[:1] == ["year"]:
        print(f"machine: {machine()}", flush=True)
        year = [sys.executable, "-m", "tests.bench.year", *words[1:]]
        return subprocess.run(year, check=False).returncode
    first = next((n for n, word in enumerate(words) if word.startswith("-")), len(words))
    wanted, options = words[:first], words[first:]
    print(f"machine: {machine()}")
    print("packages: " + ", ".join(f"{name} {version(name)}" for name in PACKAGES), flush=True)
    failed = []
    for script in sorted(HERE.glob("bench_*.py")):
        name = script.stem.removeprefix("bench_")
        if wanted and name not in wanted:
            continue
        print(f"\n== {name}", flush=True)
        if subprocess.run([sys.executable, str(script), *options], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
