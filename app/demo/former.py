"""The communes and districts of early 2025: real names, codes and successors, in synthetic cells inside today's."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from app.demo.communes import CRS, Communes, package_data
from app.demo.noise import Floats, stream
from app.errors import Unavailable
from app.kit.geo import from_wgs84
from app.kit.text import nfc

Indexes = NDArray[np.int64]
SOURCE = (
    "SYNTHETIC boundary; name and code: vietnamadminunits (MIT), the position too unless it lies outside the synthetic "
    "commune of today"
)
_SAMPLES = 400
_MIN_SHARE = 0.03
"""Of today's commune, that a former one covers at least."""


@dataclass(frozen=True)
class Former:
    """Communes ordered by code, districts by code."""

    codes: list[str]
    names: list[str]
    kinds: list[str]
    xy: Floats
    """Position (n, 2), EPSG:9214."""
    successor: Indexes
    """Index into today's communes of what each went into."""
    district: Indexes
    district_codes: list[str]
    district_names: list[str]
    district_kinds: list[str]


def load(communes: Communes, province_code: str = "46") -> Former:
    """Read the communes of early 2025 and which of today's each went into.

    Raises
    ------
    Unavailable
        The package is not installed, or its list and its conversion table do not fit together.
    """
    folder = package_data()
    with closing(sqlite3.connect(f"{(folder / 'dataset.db').as_uri()}?mode=ro", uri=True)) as database:
        rows = database.execute(
            "SELECT wardCode, ward, wardType, wardLon, wardLat, districtCode, district, districtType, "
            "provinceKey || '_' || districtKey || '_' || wardKey FROM admin_units_legacy WHERE provinceCode = ? "
            "ORDER BY wardCode",
            (province_code,),
        ).fetchall()
        today = dict(
            database.execute(
                "SELECT wardKey, wardCode FROM admin_units WHERE provinceCode = ?", (province_code,)
            ).fetchall()
        )
        province = database.execute(
            "SELECT provinceKey FROM admin_units WHERE provinceCode = ? LIMIT 1", (province_code,)
        ).fetchone()
    table = json.loads((folder / "converter_2025.json").read_text(encoding="utf-8"))["DICT_PROVINCE_WARD_NO_DIVIDED"]
    went = {old: today[new] for new, olds in table.get(province[0], {}).items() for old in olds if new in today}
    if not rows or any(row[8] not in went for row in rows):
        raise Unavailable(
            "demo_names_missing",
            f"Gói vietnamadminunits thiếu danh sách xã cũ của tỉnh {province_code}",
            f"The package vietnamadminunits lacks the former communes of province {province_code}",
        )
    districts = {row[5]: (nfc(row[6]), nfc(row[7]).lower()) for row in sorted(rows, key=lambda r: r[5])}
    lon, lat = (np.array([row[k] for row in rows], np.float64) for k in (3, 4))
    return Former(
        codes=[str(row[0]) for row in rows],
        names=[nfc(row[1]) for row in rows],
        kinds=[nfc(row[2]).lower() for row in rows],
        xy=np.column_stack(from_wgs84(lon, lat, CRS)),
        successor=np.array([communes.codes.index(str(went[row[8]])) for row in rows], np.int64),
        district=np.array([list(districts).index(row[5]) for row in rows], np.int64),
        district_codes=[str(code) for code in districts],
        district_names=[name for name, _ in districts.values()],
        district_kinds=[kind for _, kind in districts.values()],
    )


@dataclass(frozen=True)
class Ground:
    """Where the former communes lie, EPSG:9214.

    Attributes
    ----------
    xy : ndarray of float64, shape (n, 2)
        The position, drawn into today's commune where it lies outside.
    polygons : ndarray of polygons, shape (n,)
        Neighbours share every vertex, and those of one commune of today fill it.
    """

    xy: Floats
    polygons: NDArray[np.object_]


def build(seed: int, former: Former, today: NDArray[np.object_]) -> Ground:
    """Divide each of today's communes (polygons in EPSG:9214) among the former ones that went into it.

    Voronoi cells of their positions; a position outside, or one that would get next to nothing, is moved.
    """
    rng = stream(seed, "former")
    xy, pieces = former.xy.copy(), np.empty(len(former.codes), object)
    for i, commune in enumerate(today):
        members = np.flatnonzero(former.successor == i)
        xy[members] = _spread(rng, xy[members], commune)
        if len(members) == 1:
            pieces[members] = commune
            continue
        diagram = shapely.voronoi_polygons(shapely.multipoints(xy[members]), extend_to=commune, ordered=True)
        pieces[members] = shapely.intersection(shapely.get_parts(diagram), commune)
    return Ground(xy, _noded(pieces))


def _spread(rng: np.random.Generator, wanted: Floats, commune: shapely.Geometry) -> Floats:
    """Return the positions inside the commune, moved towards the middle of their cells until none is tiny (Lloyd)."""
    west, south, east, north = commune.bounds
    tries = rng.uniform((west, south), (east, north), (_SAMPLES * 6, 2))
    samples = tries[shapely.contains_xy(commune, tries[:, 0], tries[:, 1])][:_SAMPLES]
    xy = wanted.copy()
    free = np.ones(len(samples), bool)
    for k in np.flatnonzero(~shapely.contains_xy(commune, xy[:, 0], xy[:, 1])):
        near = int(np.where(free, ((samples - xy[k]) ** 2).sum(axis=1), np.inf).argmin())
        xy[k], free[near] = samples[near], False
    for _ in range(30):
        owner = ((samples[:, None] - xy[None]) ** 2).sum(axis=2).argmin(axis=1)
        size = np.bincount(owner, minlength=len(xy))
        if (size >= _MIN_SHARE * len(samples)).all():
            break
        middle = np.array([samples[owner == k].mean(axis=0) if size[k] else xy[k] for k in range(len(xy))])
        moved = 0.5 * (xy + middle)
        within = shapely.contains_xy(commune, moved[:, 0], moved[:, 1])
        xy[within] = moved[within]
    return xy


def _noded(pieces: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return the pieces with every vertex of a neighbour on their own edges, as multipolygons."""
    lines = shapely.union_all(shapely.boundary(pieces), grid_size=0.01)
    faces = shapely.get_parts(shapely.polygonize([lines]))
    middle = shapely.point_on_surface(faces)
    query, found = shapely.STRtree(pieces).query_nearest(middle, all_matches=False)
    owner = np.full(len(faces), -1)
    owner[query] = found
    grouped = [shapely.union_all(faces[owner == k]) for k in range(len(pieces))]
    return np.array([shapely.multipolygons(shapely.get_parts(g)) for g in grouped], dtype=object)


def of_villages(ground: Ground, former: Former, commune: Indexes, xy: Floats) -> Indexes:
    """Return the former commune of each village: the one whose cell holds it, among those of its commune of today."""
    place = shapely.points(xy)
    result = np.full(len(xy), -1, np.int64)
    for i in np.unique(former.successor):
        members, here = np.flatnonzero(former.successor == i), np.flatnonzero(commune == i)
        apart = shapely.distance(place[here][:, None], ground.polygons[members][None, :])
        result[here] = members[apart.argmin(axis=1)]
    return result
