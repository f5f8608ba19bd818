"""The 40 real communes (name, code, position, area from the package vietnamadminunits) in synthetic cells."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from app.demo.noise import Floats, Warp, stream
from app.demo.parameters import read
from app.errors import Unavailable
from app.kit.geo import from_wgs84, to_wgs84
from app.kit.text import nfc

CRS = "EPSG:9214"
BOX_M = (400_000.0, 1_700_000.0, 780_000.0, 1_940_000.0)
"""Where noise is defined, EPSG:9214."""
SOURCE = "SYNTHETIC boundary; name, code and position: vietnamadminunits (MIT)"


@dataclass(frozen=True)
class Communes:
    """What the package says of the communes of the province, ordered by code."""

    codes: list[str]
    names: list[str]
    kinds: list[str]
    """phường or xã."""
    xy: Floats
    """Position (n, 2), EPSG:9214."""
    area_m2: Floats
    province: str

    @property
    def urban(self) -> NDArray[np.bool_]:
        """Which communes are wards (phường)."""
        return np.array([k == "phường" for k in self.kinds])


@dataclass(frozen=True)
class Shape:
    """The province's outline, water and the warp that makes lines natural; straight space and true space, metres."""

    warp: Warp
    outline: shapely.Polygon
    """Straight space."""
    sea: shapely.Polygon
    lagoons: shapely.MultiPolygon
    """True space, like `sea`."""

    def wet(self, xy: Floats) -> NDArray[np.bool_]:
        """Return which points (n, 2) of true space lie in a lagoon or the sea."""
        lagoon = shapely.contains_xy(self.lagoons, xy[:, 0], xy[:, 1])
        return np.asarray(lagoon | shapely.contains_xy(self.sea, xy[:, 0], xy[:, 1]))


def package_data() -> Path:
    """Return the folder of the data files of the package vietnamadminunits, without importing it.

    Raises
    ------
    Unavailable
        The package is not installed.
    """
    # Importing the package would pull in Unidecode (GPL); its data files are all that is needed.
    spec = find_spec("vietnamadminunits")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    path = Path(folders[0]) / "data" if folders else None
    if path is None or not (path / "dataset.db").exists():
        raise Unavailable(
            "demo_names_missing",
            "Thiếu gói vietnamadminunits (tên và mã xã); chạy lại `make run` hoặc cài lại môi trường",
            "The package vietnamadminunits (commune names and codes) is missing; run `make run` again",
        )
    return path


def load(province_code: str = "46") -> Communes:
    """Read the communes of `province_code` from the installed package's data.

    Raises
    ------
    Unavailable
        The package is not installed or holds no commune of that province.
    """
    with closing(sqlite3.connect(f"{(package_data() / 'dataset.db').as_uri()}?mode=ro", uri=True)) as database:
        rows = database.execute(
            "SELECT wardCode, ward, wardType, wardLon, wardLat, wardAreaKm2, province FROM admin_units "
            "WHERE provinceCode = ? ORDER BY wardCode",
            (province_code,),
        ).fetchall()
    if not rows:
        raise Unavailable(
            "demo_names_missing",
            f"Gói vietnamadminunits không có xã nào của tỉnh {province_code}",
            f"The package vietnamadminunits holds no commune of province {province_code}",
        )
    codes, names, kinds, lon, lat, area_km2, province = zip(*rows, strict=True)
    return Communes(
        codes=[str(c) for c in codes],
        names=[nfc(n) for n in names],
        kinds=[nfc(k).lower() for k in kinds],
        xy=np.column_stack(from_wgs84(lon, lat, CRS)),
        area_m2=np.asarray(area_km2, np.float64) * 1e6,
        province=nfc(province[0]),
    )


def shape(seed: int) -> Shape:
    """Return the outline of data/demo/province.yaml with its seeded roughness."""
    drawn = read("province")
    warp = Warp.random(stream(seed, "warp"), BOX_M, [(w, a) for w, a in drawn["border_noise_m"]])
    coast = drawn["coast"]
    sea = [*drawn["sea"]["before"], *coast, *drawn["sea"]["after"], *drawn["sea"]["corners"]]
    return Shape(
        warp,
        outline=shapely.Polygon(metres(coast + drawn["inland"])),
        sea=bend(shapely.Polygon(metres(sea)), warp),
        lagoons=shapely.multipolygons([bend(shapely.Polygon(metres(ring)), warp) for ring in drawn["lagoons"]]),
    )


def metres(lonlat: list[list[float]] | Floats) -> Floats:
    """Return points (n, 2) in degrees as EPSG:9214 metres."""
    points = np.asarray(lonlat, np.float64)
    return np.column_stack(from_wgs84(points[:, 0], points[:, 1], CRS))


def degrees(geometry: shapely.Geometry | NDArray[np.object_]) -> shapely.Geometry:
    """Return geometries in EPSG:9214 as EPSG:4326, rounded to about a centimetre so that copies agree."""

    def convert(xy: Floats) -> Floats:
        return np.asarray(np.round(np.column_stack(to_wgs84(xy[:, 0], xy[:, 1], CRS)), 7), np.float64)

    return shapely.transform(geometry, convert)


def bend(geometry: shapely.Geometry, warp: Warp, step_m: float = 150.0) -> shapely.Geometry:
    """Return a geometry of straight space in true space; its lines get a vertex every `step_m`."""
    return shapely.transform(shapely.segmentize(geometry, step_m), warp.forward)


def cells(communes: Communes, form: Shape) -> NDArray[np.object_]:
    """Return one polygon of straight space per commune: a power diagram whose areas follow the real ones.

    The weights solve area(cell) = real area by damped steps on a 500 m raster (Aurenhammer 1987: a power
    diagram of any area vector exists); each commune keeps its own position inside its cell.
    """
    sites = form.warp.inverse(communes.xy)
    west, south, east, north = form.outline.bounds
    x, y = np.meshgrid(np.arange(west, east, 500.0), np.arange(south, north, 500.0))
    inside = shapely.contains_xy(form.outline, x, y)
    raster = np.column_stack([x[inside], y[inside]])
    squared = ((raster[:, None, :] - sites[None, :, :]) ** 2).sum(axis=2)
    target = communes.area_m2 / communes.area_m2.sum() * len(raster)
    apart = np.sqrt(((sites[:, None] - sites[None]) ** 2).sum(axis=2))
    between = apart**2 + np.where(np.eye(len(sites), dtype=bool), np.inf, 0.0)
    weights = np.zeros(len(sites))
    for step in np.geomspace(1.0, 0.05, 80):
        owned = np.bincount((squared - weights).argmin(axis=1), minlength=len(sites))
        weights += step * 0.25 * (target - owned) * 500.0**2 / np.pi
        weights = _own_site(weights, between)
    return np.array(
        [shapely.intersection(_power_cell(i, sites, weights, form), form.outline) for i in range(len(sites))]
    )


def _own_site(weights: Floats, between: Floats) -> Floats:
    """Lower the weights that would push a neighbour's position out of the neighbour's cell."""
    for _ in range(20):
        excess = weights[:, None] - weights[None, :] - 0.85 * between
        weights = weights - 0.5 * np.clip(excess.max(axis=1), 0.0, None)
    return weights


def _power_cell(i: int, sites: Floats, weights: Floats, form: Shape) -> shapely.Geometry:
    """Return cell `i` before clipping: the intersection of its half-planes with a large box."""
    reach = 400_000.0
    cell = shapely.box(*BOX_M)
    for j in np.argsort(((sites - sites[i]) ** 2).sum(axis=1))[1:]:
        normal = sites[j] - sites[i]
        length = float(np.hypot(*normal))
        normal = normal / length
        offset = (length**2 + weights[i] - weights[j]) / (2 * length)
        foot, along = sites[i] + normal * offset, np.array([-normal[1], normal[0]])
        corners = [foot + along * reach, foot - along * reach]
        corners += [corners[1] - normal * 2 * reach, corners[0] - normal * 2 * reach]
        cell = shapely.intersection(cell, shapely.Polygon(corners))
    return cell
