"""Writes GeoTIFFs for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import ArrayLike
from rasterio import Affine

ARC_SECOND = 1 / 3600


def write_tif(
    path: Path, values: ArrayLike, west: float = 107.5, north: float = 16.6, step: float = ARC_SECOND, **more: Any
) -> Path:
    """Write a raster in EPSG:4326 from its outer corner; `more` takes the place of any part of its profile."""
    data = np.asarray(values)
    profile = {
        "driver": "GTiff", "width": data.shape[1], "height": data.shape[0], "count": 1, "dtype": data.dtype,
        "crs": "EPSG:4326", "transform": Affine(step, 0, west, 0, -step, north),
    } | more  # fmt: skip
    with rasterio.open(path, "w", **profile) as target:
        for band in range(1, profile["count"] + 1):
            target.write(data, band)
    return path
