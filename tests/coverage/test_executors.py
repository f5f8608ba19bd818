"""The same run on a Dask cluster of several processes: the same to the bit."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import distributed
import numpy as np
import pytest

from app.config import settings
from app.coverage import benchmark
from app.coverage.engine import compute
from app.coverage.executors import lent
from app.errors import Unavailable

ROUGH = benchmark.synthetic_terrain(400, 500)
FLOOR = np.tile([-122.0, -123.0, -130.0, -130.0], 4)


@pytest.fixture
def scheduler(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Start a scheduler and three worker processes on loopback, and stop them."""
    cluster_of: Any = distributed.LocalCluster
    with cluster_of(
        n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1", silence_logs=50
    ) as cluster:
        monkeypatch.setenv("HATANG_DASK_SCHEDULER", cluster.scheduler_address)
        settings.cache_clear()
        yield cluster.scheduler_address
    monkeypatch.undo()
    settings.cache_clear()


def test_a_cluster_computes_the_same_to_the_bit(scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(12)
    made = benchmark.synthetic_network(12)
    lon, lat = benchmark.WEST + random.uniform(0.01, 0.13, 12), benchmark.NORTH - random.uniform(0.01, 0.1, 12)
    network = type(made)(lon, lat, made.first_cell, made.cells, made.group)
    x, y = benchmark.WEST + random.uniform(0, 0.14, 200), benchmark.NORTH - random.uniform(0, 0.12, 200)
    seen: list[int] = []
    far = compute(
        ROUGH, network, x, y, FLOOR, benchmark.RECEIVER, block=16, progress=lambda done, _, __: seen.append(done)
    )
    monkeypatch.delenv("HATANG_DASK_SCHEDULER")
    settings.cache_clear()
    here = compute(ROUGH, network, x, y, FLOOR, benchmark.RECEIVER, workers=2, block=64)
    for name in ("rsrp_dbm", "loss_db", "diffraction_db", "distance_m", "server", "unknown_bound_dbm", "reason"):
        a, b = getattr(far, name), getattr(here, name)
        assert a.tobytes() == b.tobytes(), name
    assert np.isfinite(here.rsrp_dbm).any()
    assert seen[-1] == 200


def test_no_scheduler_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.coverage.executors.CONNECT_S", 1)
    for address in ("tcp://127.0.0.1:9", "nonsense"):
        monkeypatch.setenv("HATANG_DASK_SCHEDULER", address)
        settings.cache_clear()
        with pytest.raises(Unavailable) as refused, lent(1):
            pass
        assert refused.value.code == "dask_unreachable"
    monkeypatch.undo()
    settings.cache_clear()


def test_terrain_travels() -> None:
    there = pickle.loads(pickle.dumps(ROUGH))
    lon, lat = benchmark.WEST + 0.05, benchmark.NORTH - 0.05
    assert there.heights(lon, lat) == ROUGH.heights(lon, lat)
    assert there.version == ROUGH.version
