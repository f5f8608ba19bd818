"""Which objects stand within a distance of which, by true geodesic distance."""

from __future__ import annotations

import numpy as np
import shapely

from app.config import settings
from app.kit.geo import from_wgs84, geodesic_m
from app.licensing.programme.solver import Floats, Ints

# The plane of the metric CRS stretches by less than that anywhere in the country.
_STRETCH = 1.01


def pairs_within(
    lon: Floats, lat: Floats, to_lon: Floats, to_lat: Floats, radius_m: float
) -> tuple[Ints, Ints, Floats]:
    """Return pairs (from, to) within `radius_m` and their geodesic distances in metres; degrees, EPSG:4326."""
    metric = settings().metric_crs
    tree = shapely.STRtree(shapely.points(*from_wgs84(to_lon, to_lat, metric)))
    here = shapely.points(*from_wgs84(lon, lat, metric))
    one, other = tree.query(here, predicate="dwithin", distance=radius_m * _STRETCH)
    distance = geodesic_m(lon[one], lat[one], to_lon[other], to_lat[other])
    near = distance <= radius_m
    order = np.lexsort((other[near], one[near]))
    return one[near][order].astype(np.int64), other[near][order].astype(np.int64), distance[near][order]
