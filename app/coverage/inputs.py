"""Reads a run's inputs from the registry into arrays: cells on masts, points in villages."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.areas.models import WHOLE_VILLAGE
from app.config import settings
from app.coverage.areas import area_points
from app.coverage.bands import BANDS, band_of
from app.coverage.engine import Network, Receiver
from app.coverage.rules import CoverageRule
from app.errors import Invalid, NotFound
from app.policy.queries import parameter, parameters

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DEFAULTED = ("antenna_height_m", "azimuth_deg", "tilt_deg", "beamwidth_deg", "vertical_beamwidth_deg", "frequency_mhz",
             "eirp_dbm")  # fmt: skip
"""Cell attributes that take a documented default when null, in the order of the bits of `Cells.defaulted`."""


@dataclass(frozen=True)
class Cells:
    """The network, and who each cell is; arrays over cells in the network's order, lists over groups."""

    network: Network
    cell_id: Ints
    code: list[str]
    site_code: list[str]
    defaulted: Ints
    synthetic: NDArray[np.bool_]
    restricted: NDArray[np.bool_]
    group_operator: Ints
    group_technology: list[str]
    operator_code: dict[int, str]
    stations_without_cells: int
    """Restricted ones left out: counts are public."""
    bandwidth_mhz: Floats
    """Of each cell's channel, NaN where not recorded."""

    def defaulted_names(self, cell: int) -> list[str]:
        """Return which attributes of a cell are defaults."""
        return [name for bit, name in enumerate(DEFAULTED) if self.defaulted[cell] >> bit & 1]


@dataclass(frozen=True)
class Places:
    """Where people are: points in order of village; villages in order of id."""

    village_id: Ints
    village_synthetic: NDArray[np.bool_]
    point_id: Ints
    village: Ints
    """Index into village_id of each point."""
    lon: Floats
    lat: Floats
    population: Floats
    dwellings: Floats
    whole: NDArray[np.bool_]
    """Points that stand for their whole village: nobody said where its people live."""


_CELLS = """
    SELECT c.id, c.code, s.code, b.operator_id, o.code, b.technology,
           ST_X(coalesce(t.geom, s.geom)) AS lon, ST_Y(coalesce(t.geom, s.geom)) AS lat,
           c.antenna_height_m, c.azimuth_deg, c.tilt_deg, c.beamwidth_deg, c.vertical_beamwidth_deg,
           c.frequency_mhz, c.eirp_dbm, c.synthetic OR s.synthetic,
           c.id = ANY ((SELECT registry.restricted_ids('cell'))::bigint[]), c.bandwidth_mhz
    FROM cell c
    JOIN base_station b ON b.id = c.base_station_id
    JOIN site s ON s.id = b.site_id
    LEFT JOIN structure t ON t.id = b.structure_id
    JOIN organisation o ON o.id = b.operator_id
    WHERE registry.in_force(c.valid_from, c.valid_to, :as_of) AND registry.in_force(b.valid_from, b.valid_to, :as_of)
      AND registry.in_force(s.valid_from, s.valid_to, :as_of)
      AND (CAST(:operator AS bigint) IS NULL OR b.operator_id = :operator)
      AND (CAST(:technology AS text) IS NULL OR b.technology = :technology)
      AND (CAST(:lon AS float) IS NULL
           OR s.geom && ST_Expand(ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :reach_deg))
    ORDER BY lon, lat, coalesce(c.antenna_height_m, 0), c.id
"""
_BARE_STATIONS = """
    SELECT count(*) FROM base_station b JOIN site s ON s.id = b.site_id
    WHERE registry.in_force(b.valid_from, b.valid_to, :as_of) AND registry.in_force(s.valid_from, s.valid_to, :as_of)
      AND b.id <> ALL ((SELECT registry.restricted_ids('base_station'))::bigint[])
      AND (CAST(:operator AS bigint) IS NULL OR b.operator_id = :operator)
      AND (CAST(:technology AS text) IS NULL OR b.technology = :technology)
      AND NOT EXISTS (SELECT FROM cell c WHERE c.base_station_id = b.id
                      AND registry.in_force(c.valid_from, c.valid_to, :as_of))
"""
_VILLAGES = """
    SELECT id, synthetic, ST_X(point), ST_Y(point) FROM village
    WHERE registry.in_force(valid_from, valid_to, :as_of) ORDER BY id
"""
_POLYGONS = """
    SELECT ST_AsBinary(geom) FROM village
    WHERE registry.in_force(valid_from, valid_to, :as_of) ORDER BY id
"""
_POINTS = """
    SELECT d.id, d.village_id, ST_X(d.point), ST_Y(d.point), d.population, d.dwellings, d.source LIKE '%' || :whole
    FROM demand_point d JOIN village v ON v.id = d.village_id
    WHERE registry.in_force(v.valid_from, v.valid_to, :as_of) ORDER BY d.village_id, d.id
"""


def read_receiver(session: Session, as_of: dt.date) -> Receiver:
    """Return the receiver of policy radio/receiver."""
    value = parameter(session, "radio", "receiver", as_of).value
    return Receiver(**{name: float(value[name]) for name in Receiver.__dataclass_fields__})


def operator_id(session: Session, code: str, as_of: dt.date) -> int:
    """Return the id of an organisation by code.

    Raises
    ------
    Invalid
        No such organisation on that date.
    """
    query = "SELECT id FROM organisation WHERE code = :code AND registry.in_force(valid_from, valid_to, :as_of)"
    found = session.scalar(text(query), {"code": code, "as_of": as_of})
    if found is None:
        raise Invalid(
            "unknown_operator",
            f"Không có doanh nghiệp {code!r}",
            f"There is no operator {code!r}",
            field="operator",
        )
    return int(found)


def read_cells(
    session: Session,
    as_of: dt.date,
    *,
    operator: int | None = None,
    technology: str | None = None,
    near: tuple[float, float] | None = None,
    reach_m: float = 0.0,
) -> Cells:
    """Return the cells in force on `as_of`, all or those about the point `near` (lon, lat).

    Raises
    ------
    NotFound
        A technology has no defaults on that date.
    """
    # A degree of longitude is 101 km at the country's north: a box of reach / 100 km never cuts the reach.
    bind: dict[str, Any] = {"as_of": as_of, "operator": operator, "technology": technology}
    lon, lat = near or (None, None)
    rows = session.execute(text(_CELLS), bind | {"lon": lon, "lat": lat, "reach_deg": reach_m / 100_000}).all()
    presets = parameters(session, "technology_default", as_of)
    missing = sorted({r[5] for r in rows} - presets.keys())
    if missing:
        raise NotFound(
            "unknown_rule",
            f"Chưa có giá trị mặc định cho công nghệ {', '.join(missing)} vào {as_of}",
            f"There are no defaults for technology {', '.join(missing)} on {as_of}",
            field="technology_default",
        )
    groups = sorted({(int(r[3]), str(r[5])) for r in rows})
    index = {group: number for number, group in enumerate(groups)}
    raw = np.array([r[8:15] for r in rows], np.float64).reshape(-1, 7)
    preset = np.array([preset_row(presets[r[5]], r[13]) for r in rows], np.float64).reshape(-1, 8)
    network, order, defaulted = build_network(
        np.array([r[6] for r in rows], np.float64),
        np.array([r[7] for r in rows], np.float64),
        raw,
        preset,
        np.array([index[int(r[3]), str(r[5])] for r in rows], np.int64),
    )
    kept = [rows[k] for k in order]
    return Cells(
        network,
        np.array([r[0] for r in kept], np.int64),
        [r[1] for r in kept],
        [r[2] for r in kept],
        defaulted,
        np.array([r[15] for r in kept], np.bool_),
        np.array([r[16] for r in kept], np.bool_),
        np.array([g[0] for g in groups], np.int64),
        [g[1] for g in groups],
        {int(r[3]): str(r[4]) for r in rows},
        int(session.scalar(text(_BARE_STATIONS), bind) or 0),
        np.array([r[17] for r in kept], np.float64),
    )


def preset_row(value: dict[str, Any], frequency_mhz: float | None) -> list[float]:
    """Return a technology's defaults in the order of DEFAULTED, then the reference signal's offset.

    What differs in the band of a cell's recorded frequency stands under `bands`.
    """
    band = BANDS[int(band_of((frequency_mhz or value["frequency_mhz"]) / 1000))]
    named = value | value.get("bands", {}).get(band, {}) | {"azimuth_deg": 0.0}
    return [float(named[name]) for name in (*DEFAULTED, "reference_offset_db")]


def build_network(lon: Floats, lat: Floats, raw: Floats, preset: Floats, group: Ints) -> tuple[Network, Ints, Ints]:
    """Return the network, the order of its cells, and the bits of the attributes that took a default.

    Parameters
    ----------
    raw : float64 array, shape (cells, 7)
        Attributes in the order of DEFAULTED, NaN where not recorded.
    preset : float64 array, shape (cells, 8)
        The defaults of the cell's technology, and the reference signal's offset below the EIRP.

    Notes
    -----
    Azimuth and beam width both null is an omnidirectional antenna, no default. An azimuth that is null
    beside a beam width is unknown: the cell is taken as omnidirectional and the attribute is named.
    """
    absent = np.isnan(raw)
    omni = absent[:, 1]
    directed = absent.copy()
    directed[omni & absent[:, 3], 1] = directed[omni & absent[:, 3], 3] = False
    defaulted = (directed * (1 << np.arange(7))).sum(axis=1).astype(np.int64)
    value = np.where(absent, preset[:, :7], raw)
    value[omni, 3] = 0.0
    order = np.lexsort((np.arange(len(lon)), value[:, 0], lat, lon))
    x, y = lon[order], lat[order]
    starts = np.flatnonzero(np.append(True, (np.diff(x) != 0) | (np.diff(y) != 0))) if len(x) else np.empty(0, np.int64)
    cells = np.column_stack([value[:, :5], value[:, 5] / 1000, value[:, 6] - preset[:, 7]])[order]
    network = Network(x[starts], y[starts], np.append(starts, len(x)).astype(np.int64), cells, group[order])
    return network, order.astype(np.int64), defaulted[order]


def read_places(session: Session, as_of: dt.date, rule: CoverageRule) -> Places:
    """Return the villages in force on `as_of` and the points the rule asks about.

    Their demand points; for a rule of the village's point that one, for one of area those of a grid, with weight 1.
    """
    villages = session.execute(text(_VILLAGES), {"as_of": as_of}).all()
    ids = np.array([v[0] for v in villages], np.int64)
    synthetic = np.array([v[1] for v in villages], np.bool_)
    if rule.unit == "area":
        shapes = session.scalars(text(_POLYGONS), {"as_of": as_of})
        polygons = np.array([shapely.from_wkb(bytes(s)) if s is not None else None for s in shapes], object)
        village, lon, lat = area_points(polygons, rule.grid_m, settings().metric_crs)
        ones, asked = np.ones(len(lon)), np.zeros(len(lon), np.bool_)
        return Places(ids, synthetic, np.full(len(lon), -1), village, lon, lat, ones, ones, asked)
    if rule.unit == "point":
        at = np.array([v[2:4] for v in villages], np.float64).reshape(-1, 2)
        ones = np.ones(len(ids))
        asked = np.zeros(len(ids), np.bool_)  # the rule asks for the village's point: nothing stands in for it
        return Places(ids, synthetic, np.full(len(ids), -1), np.arange(len(ids)), at[:, 0], at[:, 1], ones, ones, asked)
    found = session.execute(text(_POINTS), {"as_of": as_of, "whole": WHOLE_VILLAGE}).all()
    points = np.array(found, np.float64).reshape(-1, 7)
    village = np.searchsorted(ids, points[:, 1].astype(np.int64))
    point_id, whole = points[:, 0].astype(np.int64), points[:, 6].astype(np.bool_)
    return Places(ids, synthetic, point_id, village, points[:, 2], points[:, 3], points[:, 4], points[:, 5], whole)


def digest(*parts: Any) -> str:
    """Return the hash of a run's inputs: equal hashes mean equal results."""
    total = hashlib.sha256()
    for part in parts:
        total.update(part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
        total.update(b"|")
    return total.hexdigest()
