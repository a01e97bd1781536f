from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from understanding.worlds import small_world, write_world

from bot.understanding.live import LivePack
from bot.understanding.pack import Pack, PackError, load_pack

WATER = """
units: [{id: works, name: 公用}]
categories:
  - {id: water.outage, title: 停水, unit: works, opening: 好。, phrases: [我家停水了]}
"""
POWER = WATER.replace("water.outage", "power.outage").replace("停水", "停电")


def test_a_new_call_gets_the_new_pack_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    live = LivePack(small_world(tmp_path, WATER))
    call_in_progress = live.current
    write_world(tmp_path, POWER)
    old, new = live.reload()
    assert (old, new) == (call_in_progress, live.current)
    before = call_in_progress.understander.understand("我家停水了").best
    after = live.current.understander.understand("我家停电了").best
    assert before is not None
    assert after is not None
    assert (before.intent, after.intent) == ("water.outage", "power.outage")
    assert call_in_progress.pack.intent("water.outage")


def test_a_broken_pack_is_refused_with_all_its_problems_and_the_old_one_stays(
    tmp_path: Path,
) -> None:
    live = LivePack(small_world(tmp_path, WATER))
    kept = live.current
    write_world(tmp_path, WATER.replace("unit: works", "unit: nobody") + "extra: 1\n")
    (tmp_path / "more.yaml").write_text("units: [\n", encoding="utf-8")
    with pytest.raises(PackError) as caught:
        live.reload()
    assert {problem.file.name for problem in caught.value.problems} == {"world.yaml", "more.yaml"}
    assert live.current is kept
    (tmp_path / "more.yaml").unlink()
    write_world(tmp_path, POWER)
    assert live.reload()[1].pack.intent("power.outage")


def test_files_that_have_not_changed_change_nothing(tmp_path: Path) -> None:
    live = LivePack(small_world(tmp_path, WATER))
    kept = live.current
    os.utime(tmp_path / "world.yaml")
    assert live.reload() == (kept, kept)
    assert live.current is kept


def test_a_pack_that_can_not_be_prepared_is_refused(tmp_path: Path) -> None:
    def prepare(_: Pack) -> None:
        raise RuntimeError("no voice")

    live = LivePack(small_world(tmp_path, WATER), prepare)
    kept = live.current
    write_world(tmp_path, POWER)
    with pytest.raises(RuntimeError):
        live.reload()
    assert live.current is kept


def test_a_pack_is_prepared_before_any_call_can_get_it(tmp_path: Path) -> None:
    seen: list[bool] = []
    live = LivePack(
        small_world(tmp_path, WATER), lambda new: seen.append(live.current.pack is not new)
    )
    write_world(tmp_path, POWER)
    live.reload()
    assert seen == [True]


def test_reloads_at_the_same_time_come_one_after_another(tmp_path: Path) -> None:
    inside = threading.Semaphore(1)
    crowded: list[bool] = []

    def prepare(_: Pack) -> None:
        if not inside.acquire(blocking=False):
            crowded.append(True)
            return
        write_world(tmp_path, WATER)  # so that the next reload has something to do
        inside.release()

    live = LivePack(small_world(tmp_path, WATER), prepare)
    write_world(tmp_path, POWER)
    threads = [threading.Thread(target=live.reload) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert crowded == []


def test_the_version_follows_the_content_and_not_the_time_or_place(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        write_world(tmp_path / name, WATER)
    first, second = load_pack(tmp_path / "one"), load_pack(tmp_path / "other")
    assert first.version == second.version
    write_world(tmp_path / "other", POWER)
    assert load_pack(tmp_path / "other").version != first.version
