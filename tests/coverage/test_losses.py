"""Path losses kept between runs: the same results to the bit, and only what changed is computed."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.coverage import benchmark, losses
from app.coverage.engine import Floats, Network, Signals, compute
from app.coverage.losses import Losses
from app.coverage.rasters import Raster
from app.coverage.terrain import from_rasters
from tests.coverage.conftest import NORTH, STEP, WEST, hills
from tests.coverage.test_engine import RECEIVER, RIDGE, one_mast
from tests.coverage.test_executors import FLOOR, ROUGH

FIELDS = ("rsrp_dbm", "loss_db", "diffraction_db", "distance_m", "server", "unknown_bound_dbm", "reason")
RANDOM = np.random.default_rng(7)
X, Y = benchmark.WEST + RANDOM.uniform(0, 0.14, 150), benchmark.NORTH - RANDOM.uniform(0, 0.12, 150)


def network(masts: int = 12) -> Network:
    made, random = benchmark.synthetic_network(masts), np.random.default_rng(3)
    lon = np.sort(benchmark.WEST + random.uniform(0.01, 0.13, masts))
    return replace(made, mast_lon=lon, mast_lat=benchmark.NORTH - random.uniform(0.01, 0.1, masts))


def hear(made: Network, kept: Losses | None, x: Floats = X, y: Floats = Y) -> Signals:
    return compute(ROUGH, made, x, y, FLOOR, benchmark.RECEIVER, losses=kept, block=64)


def same(one: Signals, other: Signals) -> None:
    for name in FIELDS:
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name


def test_the_second_run_computes_nothing_and_finds_the_same(tmp_path: Path) -> None:
    alone = hear(network(), None)
    first = hear(network(), Losses(tmp_path, "ground"))
    second = hear(network(), Losses(tmp_path, "ground"))
    same(alone, first)
    same(alone, second)
    assert alone.paths == first.paths > 100
    assert (second.paths, second.losses, second.posts) == (0, 0, 0)


def test_one_changed_tower_costs_its_own_paths(tmp_path: Path) -> None:
    before = network()
    hear(before, Losses(tmp_path, "ground"))
    lon = before.mast_lon.copy()
    lon[5] += 0.0004
    moved = replace(before, mast_lon=lon)
    found, alone = hear(moved, Losses(tmp_path, "ground")), hear(moved, None)
    same(found, alone)
    assert 0 < found.paths < alone.paths / 4
    # Undone, everything is known still.
    assert hear(before, Losses(tmp_path, "ground")).paths == 0
    # Power, tilt, azimuth and owner are not what a loss depends on.
    cells = before.cells.copy()
    cells[:, 1:4] += 5
    cells[:, 6] -= 1
    turned = replace(before, cells=cells, group=before.group[::-1].copy())
    again = hear(turned, Losses(tmp_path, "ground"))
    same(again, hear(turned, None))
    assert again.paths < alone.paths / 4


def test_a_higher_antenna_is_another_path(tmp_path: Path) -> None:
    before = network()
    hear(before, Losses(tmp_path, "ground"))
    cells = before.cells.copy()
    cells[:, 0] += 7
    higher = replace(before, cells=cells)
    found, alone = hear(higher, Losses(tmp_path, "ground")), hear(higher, None)
    same(found, alone)
    assert found.paths == alone.paths


def test_points_may_come_and_go(tmp_path: Path) -> None:
    hear(network(), Losses(tmp_path, "ground"), X[:90], Y[:90])
    found = hear(network(), Losses(tmp_path, "ground"), X[40:][::-1].copy(), Y[40:][::-1].copy())
    alone = hear(network(), None, X[40:][::-1].copy(), Y[40:][::-1].copy())
    same(found, alone)
    assert 0 < found.paths < alone.paths


def test_another_ground_is_another_file(tmp_path: Path) -> None:
    hear(network(), Losses(tmp_path, "ground", np.arange(3.0)))
    assert hear(network(), Losses(tmp_path, "ground", np.arange(4.0))).paths > 0
    assert hear(network(), Losses(tmp_path, "ground", np.arange(3.0))).paths == 0
    assert len(list(tmp_path.glob("*.npz"))) == 2


def test_unknown_paths_are_remembered_as_unknown(tmp_path: Path) -> None:
    hole = hills()
    hole[:, 300] = np.nan
    cut = from_rasters([Raster(hole, WEST, NORTH, STEP, STEP)], "cut", True)
    ask = (cut, one_mast(107.45, 16.5), np.array([107.53]), np.array([16.5]), np.array([-140.0]), RECEIVER)
    first, second = (compute(*ask, losses=Losses(tmp_path, "cut")) for _ in range(2))
    same(first, second)
    assert (first.paths, second.paths) == (1, 0)
    assert second.reason_code(0, 0) == "path_crosses_unknown_terrain"


def test_later_losses_are_merged_into_the_first_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for share, files in ((10.0, 2), (0.0, 1)):
        monkeypatch.setattr(losses, "MERGE_SHARE", share)
        folder = tmp_path / str(share)
        for masts in (6, 9, 12):
            hear(network(masts), Losses(folder, "ground"))
        kept = Losses(folder, "ground")
        assert len(list(folder.glob("*.npz"))) in {1, files}
        for masts in (6, 9, 12):
            found = hear(network(masts), kept)
            same(found, hear(network(masts), None))
            assert found.paths == 0


def test_a_damaged_file_costs_time_and_nothing_else(tmp_path: Path) -> None:
    hear(network(), Losses(tmp_path, "ground"))
    [path] = tmp_path.glob("*.npz")
    whole = path.read_bytes()
    for broken in (b"", b"PK nonsense", whole[: len(whole) // 2]):
        path.write_bytes(broken)
        found = hear(network(), Losses(tmp_path, "ground"))
        same(found, hear(network(), None))
        assert found.paths > 0
    assert hear(network(), Losses(tmp_path, "ground")).paths == 0


def test_a_run_that_ends_early_keeps_what_it_computed(tmp_path: Path) -> None:
    def cancelled(done: int, of: int, _: str) -> None:
        if done > of / 2:
            raise KeyboardInterrupt

    ask = (ROUGH, network(), X, Y, FLOOR, benchmark.RECEIVER)
    with pytest.raises(KeyboardInterrupt):
        compute(*ask, losses=Losses(tmp_path, "ground"), block=16, workers=1, progress=cancelled)
    found, alone = hear(network(), Losses(tmp_path, "ground")), hear(network(), None)
    same(found, alone)
    assert 0 < found.paths < alone.paths


def test_a_full_disk_costs_the_results_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    same(hear(network(), Losses(tmp_path, "ground")), hear(network(), None))
    assert list(tmp_path.iterdir()) == []


def test_threads_that_keep_at_once_do_each_other_no_harm(tmp_path: Path) -> None:
    with ThreadPoolExecutor(6) as threads:
        runs = [threads.submit(hear, network(n), Losses(tmp_path, "ground")) for n in range(3, 9)]
        found = [run.result() for run in runs]
    for n, one in enumerate(found, start=3):
        same(one, hear(network(n), None))
        same(hear(network(n), Losses(tmp_path, "ground")), one)
    assert not list(tmp_path.glob(".*.part"))


def test_too_many_losses_give_up_the_oldest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hear(network(6), Losses(tmp_path, "ground"))
    monkeypatch.setattr(losses, "MAX_LOSSES", 10)
    found = hear(network(12), Losses(tmp_path, "ground"))
    same(found, hear(network(12), None))
    assert hear(network(6), Losses(tmp_path, "ground")).paths > 0, "given up"


def test_old_files_go(tmp_path: Path) -> None:
    for number in range(losses.KEPT_FILES + 3):
        hear(network(3), Losses(tmp_path, number), X[:9], Y[:9])
        for path in tmp_path.glob("*.npz"):
            then = path.stat().st_mtime - losses.IN_USE_S
            os.utime(path, (then, then))
    hear(network(3), Losses(tmp_path, "newest"), X[:9], Y[:9])
    assert len(list(tmp_path.glob("*.npz"))) == losses.KEPT_FILES
    assert hear(network(3), Losses(tmp_path, number), X[:9], Y[:9]).paths == 0
    assert hear(network(3), Losses(tmp_path, 0), X[:9], Y[:9]).paths > 0


def test_without_room_the_rest_is_computed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.coverage.engine.ROOM", 1)
    first, second = (hear(network(), Losses(tmp_path, "ground")) for _ in range(2))
    same(first, second)
    assert 0 < second.paths < first.paths


def test_over_the_ridge_nothing_is_lost(tmp_path: Path) -> None:
    """Pruned or not, remembered or not: the same."""
    x, y = np.full(40, 107.52), np.linspace(16.42, 16.58, 40)
    ask = (RIDGE, one_mast(107.45, 16.5), x, y, np.array([-140.0]), RECEIVER)
    kept = Losses(tmp_path, "ridge")
    compute(*ask, losses=kept)
    found = compute(*ask, losses=kept, workers=1)
    same(found, compute(*ask))
    assert (found.paths, bool((found.diffraction_db > 20).any())) == (0, True)
