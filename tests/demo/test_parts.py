"""The pure parts of the demo: noise, warp, cells, quotas, whole numbers."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from app.demo import communes, ground
from app.demo.draw import quota, up_to
from app.demo.noise import Lattice, spline_weights, stream
from app.demo.villages import apportion, whole


def test_spline_weights_are_a_partition_of_one() -> None:
    weights = spline_weights(np.linspace(0, 7, 50), 10)
    assert weights.sum(axis=1) == pytest.approx(np.ones(50), abs=1e-6)
    assert ((weights > 0).sum(axis=1) <= 4).all()


def test_noise_on_a_grid_is_the_noise_at_its_points() -> None:
    lattice = Lattice.random(stream(1, "x"), (0.0, 0.0, 10.0, 5.0), 0.7)
    x, y = np.linspace(0, 10, 31), np.linspace(0, 5, 17)
    points = lattice.at(*np.meshgrid(x, y))
    assert lattice.grid(x, y) == pytest.approx(points, abs=1e-4)
    assert 0.6 < points.std() < 1.5


def test_streams_do_not_meet() -> None:
    draws = {name: stream(1, name).random() for name in ("a", "b")} | {"other seed": stream(2, "a").random()}
    assert len(set(draws.values())) == 3
    assert stream(1, "a").random() == draws["a"]


@pytest.mark.parametrize("seed", [1, 254])
def test_the_warp_can_be_undone(seed: int) -> None:
    form = communes.shape(seed)
    xy = communes.load().xy
    assert form.warp.forward(form.warp.inverse(xy)) == pytest.approx(xy, abs=0.01)


def test_cells_fill_the_outline_and_hold_their_commune() -> None:
    form, named = communes.shape(254), communes.load()
    found = communes.cells(named, form)
    assert shapely.area(found).sum() == pytest.approx(form.outline.area, rel=1e-9)
    sites = form.warp.inverse(named.xy)
    assert shapely.contains_xy(found, sites[:, 0], sites[:, 1]).all()
    # Areas follow the real ones as far as a commune may not swallow its neighbour's position.
    error = np.abs(shapely.area(found) / named.area_m2 - 1)
    assert np.median(error) < 0.2


def test_ground_is_finite_outside_the_void_and_flat_at_sea() -> None:
    raised = ground.with_void(ground.build(254, 0.01, communes.shape(254)), 107.5, 16.2)
    assert np.isnan(raised.at(np.array([107.5]), np.array([16.2]))).all()
    assert 0 < np.isnan(raised.heights).mean() < 0.01
    assert np.nanmin(raised.heights) == 0
    assert 1200 < np.nanmax(raised.heights) <= 1800
    assert 0.1 < (raised.heights == 0).mean() < 0.6


def test_whole_numbers_keep_the_total() -> None:
    assert whole(np.array([1.0, 1.0, 1.0]), 10).tolist() in ([4, 3, 3], [3, 4, 3], [3, 3, 4])
    parts = apportion(np.array([10, 7, 0]), np.array([0, 0, 0, 1, 1, 2]), np.array([1.0, 2.0, 3.0, 5.0, 5.0, 9.0]))
    assert np.bincount([0, 0, 0, 1, 1, 2], parts).tolist() == [10, 7, 0]
    assert (parts >= 0).all()


def test_quotas_never_go_beyond() -> None:
    rng, weight = stream(3, "q"), np.array([5.0, 3.0, 2.0, 2.0, 1.0])
    chosen = up_to(rng, weight, 6.0, np.array([True, True, True, True, False]))
    assert 0 < weight[chosen].sum() <= 6
    assert not chosen[4]
    many = np.ones(1000)
    assert quota(rng, many, 0.13).sum() == 130
