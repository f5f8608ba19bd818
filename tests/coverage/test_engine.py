"""The sweep: pruning, threads and blocks change nothing; unknown terrain is never a zero."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.coverage import benchmark
from app.coverage.calibration import correction_db
from app.coverage.engine import Floats, Network, Receiver, Signals, compute
from app.coverage.land_cover import BARE, CLASSES, LandCover, class_heights
from app.coverage.land_cover import from_rasters as cover_of
from app.coverage.propagation.antenna import attenuation_db
from app.coverage.propagation.climate import EARTH_RADIUS_KM, median_factor
from app.coverage.propagation.p1812 import path_losses
from app.coverage.rasters import Raster
from app.coverage.terrain import Terrain, from_rasters
from app.kit.geo import geodesic_m
from tests.coverage.conftest import NORTH, RIDGE_LON, STEP, VOID_WEST, WEST, hills

RECEIVER = Receiver(1.5, 45.0, 370.0, 11.0, 35.0)
RIDGE = from_rasters([Raster(hills(), WEST, NORTH, STEP, STEP)], "ridge", True)
ROUGH = benchmark.synthetic_terrain(400, 500)
FLOOR = np.array([-120.0, -130.0])


def one_mast(lon: float, lat: float, **more: float) -> Network:
    """One omnidirectional cell in group 0 at 30 m."""
    cell = {
        "height": 30.0,
        "azimuth": 0.0,
        "tilt": 2.0,
        "beamwidth": 0.0,
        "vertical": 8.0,
        "f": 1.8,
        "level": 31.2,
    } | more
    return Network(
        np.array([lon]), np.array([lat]), np.array([0, 1]), np.array([list(cell.values())]), np.zeros(1, np.int64)
    )


def at(terrain: Terrain, network: Network, lon: float, lat: float, floor: float = -140.0) -> Signals:
    return compute(terrain, network, np.array([lon]), np.array([lat]), np.array([floor]), RECEIVER)


def test_a_signal_is_its_parts() -> None:
    """Level - antenna - loss, each computed another way."""
    lon, lat = 107.47, 16.52
    network = one_mast(107.45, 16.5, azimuth=90.0, beamwidth=65.0)
    found = at(RIDGE, network, lon, lat)
    length_m = float(geodesic_m(107.45, 16.5, lon, lat))
    assert found.distance_m[0, 0] == pytest.approx(length_m, abs=0.1)
    profile = RIDGE.profiles(107.45, 16.5, lon, lat, 30.0)
    told = path_losses(
        1.8, 50, profile.offset, profile.d_km, profile.h_m, None, None, 30, 1.5, 2, 16.5, lat, 107.45, lon
    )
    assert found.loss_db[0, 0] == pytest.approx(told.loss_db[0], abs=1e-6)
    assert found.diffraction_db[0, 0] == pytest.approx(told.diffraction_db[0], abs=1e-6)
    bearing = math.degrees(math.atan2((lon - 107.45) * math.cos(math.radians(16.51)), lat - 16.5))
    bend = length_m / 1000 / (2 * EARTH_RADIUS_KM * median_factor(45.0))
    fall = profile.h_m[0] + 30 - profile.h_m[-1] - 1.5
    antenna_db = attenuation_db(bearing - 90, math.degrees(math.atan(fall / length_m + bend)) - 2, 65.0, 8.0)
    assert found.rsrp_dbm[0, 0] == pytest.approx(31.2 - antenna_db - found.loss_db[0, 0], abs=0.1)


def test_the_ridge_shadows() -> None:
    network = one_mast(107.45, 16.5)
    near, behind = (at(RIDGE, network, lon, 16.5) for lon in (RIDGE_LON - 0.02, RIDGE_LON + 0.02))
    assert near.diffraction_db[0, 0] < 6
    assert behind.diffraction_db[0, 0] > 20


def test_unknown_terrain_is_unknown_with_a_reason() -> None:
    network = one_mast(107.45, 16.5)
    outside = at(RIDGE, network, VOID_WEST + 0.02, 16.5)
    assert outside.server[0, 0] == -1
    assert outside.rsrp_dbm[0, 0] == -np.inf
    assert outside.reason_code(0, 0) == "point_outside_terrain"
    assert outside.unknown_bound_dbm[0, 0] > -120
    assert at(RIDGE, one_mast(VOID_WEST + 0.02, 16.5), 107.55, 16.5).reason_code(0, 0) == "site_outside_terrain"
    hole = hills()
    hole[:, 300] = np.nan
    cut = from_rasters([Raster(hole, WEST, NORTH, STEP, STEP)], "cut", True)
    assert at(cut, one_mast(107.45, 16.5), 107.5 + 0.03, 16.5).reason_code(0, 0) == "path_crosses_unknown_terrain"
    nothing = at(from_rasters([], "none", False), network, 107.47, 16.5)
    assert nothing.reason_code(0, 0) == "no_terrain"
    assert nothing.server[0, 0] == -1


def test_a_weak_unknown_cell_does_not_cloud_a_strong_known_one() -> None:
    strong, weak = one_mast(107.55, 16.5), one_mast(VOID_WEST + 0.05, 16.5, level=-20.0)
    both = Network(
        np.append(strong.mast_lon, weak.mast_lon), np.append(strong.mast_lat, weak.mast_lat), np.array([0, 1, 2]),
        np.vstack([strong.cells, weak.cells]), np.zeros(2, np.int64),
    )  # fmt: skip
    found = at(RIDGE, both, 107.56, 16.5)
    assert found.server[0, 0] == 0
    assert found.reason_code(0, 0) is None


def test_no_cell_in_reach_is_known_to_be_nothing() -> None:
    found = at(RIDGE, one_mast(107.45, 16.5, level=-60.0), 107.47, 16.5)
    assert (found.server[0, 0], found.reason_code(0, 0)) == (-1, None)
    empty = Network(np.empty(0), np.empty(0), np.zeros(1, np.int64), np.empty((0, 7)), np.empty(0, np.int64))
    none = compute(RIDGE, empty, np.array([107.47]), np.array([16.5]), np.empty(0), RECEIVER)
    assert none.rsrp_dbm.shape == (1, 0)


def test_a_network_of_some_cells() -> None:
    whole = Network(
        np.arange(3.0), np.arange(3.0), np.array([0, 2, 3, 5]), np.arange(35.0).reshape(5, 7), np.array([0, 1, 0, 1, 0])
    )
    kept = whole.only(np.array([True, False, False, True, True]))
    assert kept.mast_lon.tolist() == [0, 2], "a mast without cells goes"
    assert kept.first_cell.tolist() == [0, 1, 3]
    assert kept.group.tolist() == [0, 1, 0]
    assert (kept.cells == whole.cells[[0, 3, 4]]).all()
    assert kept.correction.shape == (0, 0, 4)
    told = replace(whole, correction=np.arange(40.0).reshape(5, 2, 4)).only(
        np.array([False, True, False, False, False])
    )
    assert told.correction.tolist() == [[[8, 9, 10, 11], [12, 13, 14, 15]]]
    nothing = whole.only(np.zeros(5, bool))
    assert (len(nothing.mast_lon), nothing.first_cell.tolist()) == (0, [0])


networks = st.integers(0, 2**31).map(np.random.default_rng)


def woods(random: np.random.Generator) -> LandCover:
    """A patchwork of every class over all of the test terrain."""
    patches = random.integers(0, len(CLASSES), (60, 80)).astype(np.uint8)
    heights = class_heights({name: float(random.uniform(0, 25)) for name in CLASSES})
    return cover_of([Raster(patches, WEST - 0.05, NORTH + 0.05, 0.01, 0.01)], heights, "woods", synthetic=True)


def random_case(random: np.random.Generator, terrain: Terrain) -> tuple[Network, Floats, Floats]:
    west, south, east, north = terrain.bounds or (0, 0, 0, 0)
    masts, per_mast = int(random.integers(1, 12)), int(random.integers(1, 5))
    cells = masts * per_mast
    columns = [
        np.sort(random.choice([15.0, 30.0, 60.0], (masts, per_mast)), axis=1).ravel(), random.uniform(0, 360, cells),
        random.uniform(-2, 12, cells), random.choice([0.0, 33.0, 65.0], cells), random.uniform(5, 20, cells),
        random.choice([0.9, 1.8, 3.5], cells), random.uniform(-10, 60, cells),
    ]  # fmt: skip
    # A little beyond the terrain's edge, so that unknown paths occur.
    lon, lat = (random.uniform(a - 0.01, b + 0.01, masts + 25) for a, b in ((west, east), (south, north)))
    group = random.integers(0, 2, cells)
    # Half of the cases are calibrated, class by class; between points the near and far end matter.
    shape = (cells, len(CLASSES))
    near, far = (np.log10(random.choice(km, shape)) for km in ([0.05, 0.5], [2.0, 30.0]))
    correction = np.dstack([random.uniform(-25, 25, shape), random.uniform(-30, 30, shape), near, far])
    network = Network(lon[:masts], lat[:masts], np.arange(0, cells + 1, per_mast), np.column_stack(columns), group,
                      correction if random.random() < 0.5 else np.empty((0, 0, 4)))  # fmt: skip
    return network, lon[masts:], lat[masts:]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(networks, st.sampled_from([ROUGH, RIDGE]))
def test_pruning_changes_nothing_above_the_floor(random: np.random.Generator, terrain: Terrain) -> None:
    network, lon, lat = random_case(random, terrain)
    cover = woods(random) if random.random() < 0.5 else BARE
    pruned = compute(terrain, network, lon, lat, FLOOR, RECEIVER, cover=cover)
    whole = compute(terrain, network, lon, lat, FLOOR, RECEIVER, cover=cover, prune=False)
    assert pruned.paths <= whole.paths
    heard = whole.rsrp_dbm >= FLOOR
    assert (np.isfinite(pruned.rsrp_dbm) == heard).all()
    for name in ("rsrp_dbm", "loss_db", "diffraction_db", "distance_m", "server"):
        assert (getattr(pruned, name)[heard] == getattr(whole, name)[heard]).all(), name
    doubtful = whole.unknown_bound_dbm >= FLOOR
    assert (pruned.unknown_bound_dbm[doubtful] == whole.unknown_bound_dbm[doubtful]).all()
    assert (pruned.reason[doubtful] == whole.reason[doubtful]).all()
    assert (pruned.unknown_bound_dbm[~doubtful] < FLOOR.max()).all()


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(networks)
def test_threads_and_blocks_change_nothing(random: np.random.Generator) -> None:
    network, lon, lat = random_case(random, RIDGE)
    one = compute(RIDGE, network, lon, lat, FLOOR, RECEIVER, workers=1, block=1000)
    many = compute(RIDGE, network, lon, lat, FLOOR, RECEIVER, workers=4, block=3)
    turned = compute(RIDGE, network, lon[::-1].copy(), lat[::-1].copy(), FLOOR, RECEIVER, workers=2, block=7)
    for name in ("rsrp_dbm", "server", "unknown_bound_dbm", "reason"):
        assert (getattr(one, name) == getattr(many, name)).all(), name
        assert (getattr(one, name) == getattr(turned, name)[::-1]).all(), name


def test_a_correction_is_added_by_class_and_distance() -> None:
    network, lon, lat = one_mast(107.45, 16.5), np.array([107.4502, 107.47, 107.49]), np.full(3, 16.5)
    plain = compute(RIDGE, network, lon, lat, np.array([-200.0]), RECEIVER)
    near, three = math.log10(0.05), math.log10(3)
    rows = np.array([[[-5.0, 10.0, near, three], [2.0, 0.0, near, 1.5]]])
    known = Raster(np.ones((2, 2), np.uint8), 107.465, 16.505, 0.005, 0.005)  # class 1, of no height, about the second
    patch = cover_of([known], np.zeros(len(CLASSES)), "patch", synthetic=True)
    told = compute(RIDGE, replace(network, correction=rows), lon, lat, np.array([-200.0]), RECEIVER, cover=patch)
    km = plain.distance_m[:, 0] / 1000
    assert km[0] < 0.05
    assert km[2] > 3
    added = (told.rsrp_dbm - plain.rsrp_dbm)[:, 0]
    assert added == pytest.approx([-5 + 10 * near, 2, -5 + 10 * three], abs=1e-9)
    assert added == pytest.approx(correction_db(rows[0, [0, 1, 0]], km), abs=1e-9), "as the report has it"
    nothing = compute(RIDGE, replace(network, correction=rows * [0, 0, 1, 1]), lon, lat, np.array([-200.0]), RECEIVER)
    for name in ("rsrp_dbm", "loss_db", "unknown_bound_dbm", "server"):
        assert (getattr(nothing, name) == getattr(plain, name)).all(), "a correction of nothing changes no bit"


def test_the_benchmark_counts_what_it_does() -> None:
    found = benchmark.run(points=40, masts=20)
    assert found["cells"] == 120
    assert found["paths"] > 0
    assert found["posts"] > found["paths"]
    assert found["seconds"] > 0
