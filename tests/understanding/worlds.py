"""Small packs made for one test each."""

from __future__ import annotations

from pathlib import Path

from bot.understanding.pack import Pack, load_pack
from bot.understanding.schema import REQUIRED_PROMPTS

META = """
pack:
  schema_version: 1
  name: small
  title: 小世界
  lines: [{did: "12345", title: 热线}]
  thresholds: {accept: 0.6, clarify: 0.35, margin: 0.12}
"""
PROMPTS = "prompts:\n" + "".join(f"  {id}: 您好\n" for id in REQUIRED_PROMPTS)


def write_world(folder: Path, world: str) -> Path:
    """Write a folder with the fixed parts and ``world.yaml``; return that file."""
    (folder / "meta.yaml").write_text(META, encoding="utf-8")
    (folder / "prompts.yaml").write_text(PROMPTS, encoding="utf-8")
    file = folder / "world.yaml"
    file.write_text(world, encoding="utf-8")
    return file


def small_world(folder: Path, world: str) -> Pack:
    """Return a loaded pack of the fixed parts and ``world``."""
    write_world(folder, world)
    return load_pack(folder)
