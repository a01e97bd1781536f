"""How fast utterances are understood: loading, milliseconds on one core, ten times the pack.

Run ``python tests/bench/bench_understanding.py [PACK…]``. Everything runs on one core. The
greater pack is the first one ten times over: each copy's phrases have a third of their
characters replaced by other common ones, so that copies share words, as real intents do.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

from bot.config import CHECKOUT
from bot.understanding.match import Understander
from bot.understanding.pack import Pack, load_pack
from bot.understanding.schema import Category, Faq, Intent, expansions
from bot.understanding.variation import coloured, misheard, wrapped

TIMES = 10
QUESTIONS = 600


def questions(pack: Pack, random: Random) -> list[str]:
    """Return what the pack's own tests ask, a third each plain, inside talk, and misheard."""
    tests = [text for intent in pack.intents for text in intent.tests]
    asked = tests if len(tests) >= 20 else [text for i in pack.intents for text in expansions(i)]
    chosen = random.choices(asked, k=QUESTIONS)
    ways = (lambda text, _: text, lambda text, r: wrapped(coloured(text, r), r), misheard)
    return [ways[at % 3](text, random) for at, text in enumerate(chosen)]


def grown(pack: Pack, random: Random) -> Pack:
    """Return the pack with all questions and categories ``TIMES`` over, all different."""
    common = sorted({char for i in pack.intents for text in expansions(i) for char in text})
    subjects = [intent for intent in pack.intents if isinstance(intent, Faq | Category)]
    copies: list[Intent] = list(pack.intents)
    for number in range(1, TIMES):
        for intent in subjects:
            phrases = tuple(dict.fromkeys(_changed(intent, common, random)))
            changed = {"id": f"{intent.id}.copy{number}", "phrases": phrases}
            copies.append(intent.model_copy(update=changed))
    return replace(pack, intents=tuple(copies))


def _changed(intent: Intent, common: Sequence[str], random: Random) -> Iterator[str]:
    for text in expansions(intent):
        yield "".join(
            random.choice(common) if random.random() < 1 / 3 and char.isalpha() else char
            for char in text
        )


def timed(understander: Understander, asked: Sequence[str]) -> tuple[float, float]:
    """Return the median and the 99th percentile of an utterance, in milliseconds."""
    for text in asked[:50]:
        understander.understand(text)
    taken = []
    for text in asked:
        began = time.perf_counter()
        understander.understand(text)
        taken.append((time.perf_counter() - began) * 1e3)
    return statistics.median(taken), statistics.quantiles(taken, n=100)[98]


def load(folders: Sequence[Path], cache: Path) -> list[Understander]:
    """Return the packs, ready to understand."""
    return [Understander(load_pack(folder), cache=cache) for folder in folders]


def size(pack: Pack) -> str:
    """Say how large a pack is."""
    subjects = [intent for intent in pack.intents if isinstance(intent, Faq | Category)]
    ways = sum(len(expansions(intent)) for intent in subjects)
    return f"{len(subjects)} questions and categories, {ways} ways of saying them"


def memory() -> float:
    """Return this process's memory now, in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    shipped = [CHECKOUT / "grammars" / name for name in ("beijing12345", "baltimore311")]
    parser.add_argument("packs", nargs="*", type=Path, default=[p for p in shipped if p.is_dir()])
    parser.add_argument("--load", type=Path, help="only load, with indexes in this folder")
    arguments = parser.parse_args()
    folders = arguments.packs
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if arguments.load:
        began = time.perf_counter()
        load(folders, arguments.load)
        print(f"{time.perf_counter() - began:.2f}")
        return
    random = Random(12345)
    before = memory()
    with tempfile.TemporaryDirectory() as cache:
        for state in ("first time, index made", "index on disk"):
            # In a process of its own, which knows no Chinese yet.
            taken = subprocess.run(
                [sys.executable, __file__, "--load", cache, *map(str, folders)],
                check=True, capture_output=True, text=True,
            ).stdout.strip()  # fmt: skip
            print(f"{len(folders)} packs loaded ({state}): {taken} s")
        ready = load(folders, Path(cache))
        packs = [understander.pack for understander in ready]
        print(f"memory of the packs: {memory() - before:.0f} MiB")
        times = []
        for understander in ready:
            asked = questions(understander.pack, random)
            median, last = timed(understander, asked)
            times.append(median)
            print(f"{understander.pack.name}: {size(understander.pack)}")
            print(f"  an utterance: median {median:.2f} ms, p99 {last:.2f} ms, n={len(asked)}")
        great = grown(packs[0], random)
        began = time.perf_counter()
        understander = Understander(great, cache=Path(cache))
        print(f"ten times {packs[0].name}: {size(great)}")
        print(f"  made in {time.perf_counter() - began:.1f} s, {memory() - before:.0f} MiB in all")
        median, last = timed(understander, questions(packs[0], random))
        print(
            f"  an utterance: median {median:.2f} ms, p99 {last:.2f} ms, "
            f"{median / times[0]:.1f} times as long"
        )


if __name__ == "__main__":
    main()
