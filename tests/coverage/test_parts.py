"""Blocks of a map: right pixel by pixel, found again by what they depend on, whole whenever they are there."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely

from app.coverage import parts, surface
from app.coverage.engine import Network, Receiver, compute
from app.coverage.land_cover import BARE
from app.coverage.parts import Radio
from app.coverage.rasters import Raster
from app.coverage.terrain import from_rasters
from tests.coverage.conftest import NORTH, STEP, VOID_WEST, WEST, hills

RECEIVER = Receiver(1.5, 45.0, 370.0, 11.0, 6.0)
RIDGE = from_rasters([Raster(hills(), WEST, NORTH, STEP, STEP)], "ridge", True)
CRS = "EPSG:9214"
AREA = shapely.box(107.42, 16.46, 107.66, 16.54)
CELL = [30.0, 0, 2, 0, 8, 1.8, 31.2]
NETWORK = Network(
    np.array([107.43, 107.53, 107.61]), np.full(3, 16.5), np.array([0, 1, 2, 3]), np.array([CELL, CELL, CELL]),
    np.array([0, 1, 0]),
)  # fmt: skip
RADIO = Radio(
    RIDGE, BARE, NETWORK, np.array([11, 22, 33]), ((1, "4G"), (2, "4G")), np.array([-140.0, -140.0]), RECEIVER
)
GRID = surface.frame(AREA, 400, CRS)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PIXELS", 16)


def names(folder: Path, radio: Radio = RADIO, grid: surface.Frame = GRID) -> list[str]:
    return [path.name for _, path in parts.compute_parts(folder, grid, AREA, radio)]


def test_a_pixel_is_the_signal_at_its_middle(tmp_path: Path) -> None:
    seen = 0
    for block, path in parts.compute_parts(tmp_path, GRID, AREA, RADIO):
        part = parts.read_part(path)
        lon, lat = (v.ravel() for v in GRID.centres(*block))
        found = compute(RIDGE, NETWORK, lon, lat, RADIO.floor_dbm, RECEIVER)
        levels, server = part.levels.reshape(2, -1), part.server.reshape(-1)
        inside = levels[0] != surface.OUTSIDE
        heard = inside[:, None] & np.isfinite(found.rsrp_dbm)
        assert (levels.T[heard] == np.round(found.rsrp_dbm[heard] * 10)).all()
        best = found.rsrp_dbm.argmax(axis=1)
        there = heard.any(axis=1)
        assert (server[there] == RADIO.cell_id[found.server[np.arange(len(lon)), best]][there]).all()
        assert (server[~there] == 0).all()
        void = inside & (lon > VOID_WEST + 0.01) & np.isfinite(found.unknown_bound_dbm[:, 0])
        assert (levels[0][void] == surface.UNKNOWN).all(), "no terrain there: unknown, not without signal"
        far = inside & ~heard[:, 0] & ~np.isfinite(found.unknown_bound_dbm[:, 0])
        assert (levels[0][far] == surface.NO_SIGNAL).all()
        seen += int(there.sum())
    assert seen > 500


def test_what_lies_outside_is_no_part_of_the_map(tmp_path: Path) -> None:
    triangle = shapely.Polygon([(107.42, 16.46), (107.5, 16.46), (107.42, 16.54)])
    grid = surface.frame(triangle, 400, CRS)
    outside = sum(int((parts.read_part(p).levels[0] == surface.OUTSIDE).sum())
                  for _, p in parts.compute_parts(tmp_path, grid, triangle, RADIO))  # fmt: skip
    assert outside / (grid.width * grid.height) == pytest.approx(0.5, abs=0.08)


def test_a_run_that_was_killed_goes_on(tmp_path: Path) -> None:
    def killed(done: int, of: int, _: str) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        parts.compute_parts(tmp_path, GRID, AREA, RADIO, killed)
    kept = {p.name: p.read_bytes() for p in tmp_path.glob("*.npz")}
    assert len(kept) == 2
    half, running = tmp_path / ".0123.npz.x.part", tmp_path / ".4567.npz.y.part"
    for path in (half, running):
        path.write_bytes(b"half a block")
    os.utime(half, (1_700_000_000, 1_700_000_000))
    whole = names(tmp_path)
    assert set(kept) < set(whole)
    assert {n: (tmp_path / n).read_bytes() for n in kept} == kept, "finished blocks are not computed again"
    for name in names(tmp_path / "again"):
        one, other = (parts.read_part(f / name) for f in (tmp_path, tmp_path / "again"))
        assert (one.levels == other.levels).all()
        assert (one.server == other.server).all()
    parts.forget(tmp_path, [tmp_path / n for n in whole])
    assert {p.name for p in tmp_path.iterdir() if p.is_file()} == {*whole, running.name}, "an old half block goes"


def test_one_changed_tower_touches_the_blocks_in_its_reach(tmp_path: Path) -> None:
    before = names(tmp_path)
    cells = NETWORK.cells.copy()
    cells[0, 6] += 3
    after = names(tmp_path, replace(RADIO, network=replace(NETWORK, cells=cells)))
    changed = {a for a, b in zip(before, after, strict=True) if a != b}
    assert 0 < len(changed) < len(set(before)) / 2
    fresh = names(tmp_path / "alone", replace(RADIO, network=replace(NETWORK, cells=cells)))
    assert fresh == after
    for name in set(after):
        one, other = (parts.read_part(f / name) for f in (tmp_path, tmp_path / "alone"))
        assert (one.levels == other.levels).all()
    assert names(tmp_path) == before, "undone: nothing is computed"
    assert len({p.name for p in tmp_path.glob("*.npz")}) == len(set(before) | set(after))


def test_names_change_with_everything_that_counts(tmp_path: Path) -> None:
    plain = RADIO.digest("here")
    others = [
        replace(RADIO, receiver=replace(RECEIVER, height_m=3.0)),
        replace(RADIO, receiver=replace(RECEIVER, delta_n=50)), replace(RADIO, cell_id=np.array([11, 22, 34])),
        replace(RADIO, floor_dbm=np.array([-130.0, -140.0])), replace(RADIO, cover=replace(BARE, version="x")),
        replace(RADIO, groups=((1, "4G"), (3, "4G"))), replace(RADIO, terrain=replace(RIDGE, version="x")),
        replace(RADIO, network=replace(NETWORK, correction=np.zeros((3, 8, 4)))),
    ]  # fmt: skip
    found = {other.digest("here") for other in others} | {plain, RADIO.digest("there")}
    assert len(found) == len(others) + 2
    # The model's error changes verdicts, never levels.
    assert replace(RADIO, receiver=replace(RECEIVER, sigma_model_db=8.0)).digest("here") == plain


def test_blocks_nobody_asked_for_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used = [tmp_path / name for name in names(tmp_path)]
    old, newer = tmp_path / "old.npz", tmp_path / "newer.npz"
    for age, path in ((200, old), (100, newer)):
        path.write_bytes(b"x")
        os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))
    monkeypatch.setattr(parts, "KEPT_FILES", len({p.name for p in used}) + 1)
    parts.forget(tmp_path, used)
    assert newer.exists()
    assert not old.exists()
    monkeypatch.setattr(parts, "KEPT_FILES", 0)
    old.write_bytes(b"another run's, of today")
    parts.forget(tmp_path, used[:1])
    assert old.exists()
    assert not newer.exists()
    assert all(path.exists() for path in used)
