"""Trenches of one operator with a bore known to be free, and which other operators have a cable alongside."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.config import settings
from app.kit.geo import from_wgs84
from app.licensing.programme.results import Standing
from app.licensing.programme.solver import Floats, Ints
from app.sharing.queries import Organisations
from app.sharing.surveys import OPERATORS, survey

# As `app.licensing.lines.duct_screening.DuctNear.free`: a bore nobody knows to be usable is none that is known to be
# free, and where these decide the number is unknown (-1); a cable in no known bore takes one of them.
_DUCTS = """
    SELECT d.id, coalesce(t.code, d.code) AS code, d.street, d.synthetic, d.restricted, ST_AsBinary(d.geom) AS geom,
           ST_X(ST_LineInterpolatePoint(d.geom, 0.5)) AS lon, ST_Y(ST_LineInterpolatePoint(d.geom, 0.5)) AS lat,
           CASE WHEN d.bore_count IS NULL AND b.duct_id IS NULL THEN -1
                WHEN s.surely <= 0 AND s.surely + coalesce(b.doubtful, 0) > 0 THEN -1
                ELSE greatest(0, s.surely) END AS free
    FROM duct d
    LEFT JOIN trench t ON t.id = d.trench_id AND registry.in_force(t.valid_from, t.valid_to, :as_of)
    LEFT JOIN (SELECT duct_id, count(*) AS bores, count(*) FILTER (WHERE NOT usable) AS unusable,
                      count(*) FILTER (WHERE usable IS NULL) AS doubtful FROM bore GROUP BY duct_id) b
        ON b.duct_id = d.id
    LEFT JOIN (SELECT duct_id, count(DISTINCT bore_id) + count(*) FILTER (WHERE bore_id IS NULL) AS taken
               FROM duct_occupancy WHERE registry.in_force(valid_from, valid_to, :as_of) GROUP BY duct_id) o
        ON o.duct_id = d.id
    CROSS JOIN LATERAL (SELECT greatest(coalesce(d.bore_count, 0), coalesce(b.bores, 0)) - coalesce(b.unusable, 0)
                               - coalesce(b.doubtful, 0) - coalesce(o.taken, 0) AS surely) s
    WHERE registry.in_force(d.valid_from, d.valid_to, :as_of) ORDER BY d.id
"""
_CABLES = """
    SELECT c.owner_id, ST_AsBinary(c.geom) FROM cable c
    WHERE c.owner_id IS NOT NULL AND NOT c.restricted AND registry.in_force(c.valid_from, c.valid_to, :as_of)
"""


@dataclass(frozen=True)
class RegisteredTrenches:
    """Trenches that can take a second operator; arrays and lists over them."""

    id: Ints
    """Of the duct with most free bores."""
    code: list[str]
    lon: Floats
    lat: Floats
    street: list[str | None]
    synthetic: NDArray[np.bool_]
    length_m: Floats
    free: Ints
    occupants: list[set[int]]
    alongside: list[set[int]]
    """Other operators with a duct or cable within the radius."""
    now: Standing
    organisations: Organisations
    inputs_sha256: str
    counts: dict[str, int]


def read_ducts(session: Session, as_of: dt.date, radius_m: float) -> RegisteredTrenches:
    """Read what is in force on `as_of`; undecided, restricted and trenches of unknown bores are left out."""
    found = survey(session, "duct", as_of)
    ratio = found.ratios["D1"]
    rows = session.execute(text(_DUCTS), {"as_of": as_of}).all()
    restricted = np.array([r.restricted for r in rows], bool)
    free = np.array([r.free for r in rows], np.int64)
    units, unit = len(ratio.row_of_unit), ratio.unit_of_row
    hidden = np.bincount(unit, restricted, units) > 0
    single = ratio.denominator_mask & ~ratio.numerator_mask & ~ratio.unknown_mask & ~hidden
    # Of a trench's ducts the one with most free bores takes the cable.
    order = np.lexsort((free, unit))
    last = np.append(unit[order][1:] != unit[order][:-1], True) if len(order) else np.empty(0, bool)
    best = np.zeros(units, np.int64)
    best[unit[order[last]]] = order[last]
    chosen = np.flatnonzero(single & (free[best] > 0)) if units else np.empty(0, np.int64)
    row = best[chosen]
    occupants: list[set[int]] = [set() for _ in range(units)]
    for r, p in zip(found.present_row.tolist(), found.present_party.tolist(), strict=True):
        occupants[int(unit[r])].add(p)
    lines = _plane(np.array([shapely.from_wkb(bytes(r.geom)) for r in rows], object))
    near = _alongside(session, as_of, lines, row, found.present_row, found.present_party, found.organisations, radius_m)
    figure = ratio.figure
    counts = {
        "trenches": units, "occupied": int(ratio.denominator_mask.sum()), "single": int(single.sum()),
        "unknown_m": round(figure.unknown), "restricted": int(hidden.sum()),
        "bores_unknown": int((single & (free[best] < 0)).sum()) if units else 0,
        "full": int((single & (free[best] == 0)).sum()) if units else 0, "with_free_bores": len(chosen),
    }  # fmt: skip
    here = [occupants[u] for u in chosen]
    return RegisteredTrenches(
        np.array([rows[r].id for r in row], np.int64), [rows[r].code for r in row],
        np.array([rows[r].lon for r in row], np.float64), np.array([rows[r].lat for r in row], np.float64),
        [rows[r].street for r in row], np.array([rows[r].synthetic for r in row], bool),
        ratio.denominator_weight[chosen], free[row], here,
        [n - o for n, o in zip(near, here, strict=True)],
        Standing(figure.numerator, figure.denominator, figure.unknown), found.organisations, found.digest(), counts,
    )  # fmt: skip


def _alongside(
    session: Session, as_of: dt.date, lines: NDArray[np.object_], wanted: Ints, present_row: Ints, present_party: Ints,
    organisations: Organisations, radius_m: float,
) -> list[set[int]]:  # fmt: skip
    """Return the operators with a duct's or a cable's line within the radius of each of the wanted ducts."""
    cables = session.execute(text(_CABLES), {"as_of": as_of}).all()
    index = organisations.of(np.array([c[0] for c in cables], np.int64))
    telecom = np.isin(organisations.kinds[index], OPERATORS) if len(index) else np.empty(0, bool)
    parts, of = shapely.get_parts([shapely.from_wkb(bytes(c[1])) for c in cables], return_index=True)
    kept = telecom[of] if len(of) else np.empty(0, bool)
    shapes = np.concatenate([lines[present_row], _plane(np.asarray(parts, object)[kept])])
    party = np.concatenate([present_party, organisations.party[index[of[kept]]] if len(of) else np.empty(0, np.int64)])
    found: list[set[int]] = [set() for _ in wanted]
    if len(shapes) and len(wanted):
        one, other = shapely.STRtree(shapes).query(lines[wanted], predicate="dwithin", distance=radius_m)
        for u, p in np.unique(np.column_stack([one, party[other]]), axis=0).tolist():
            found[u].add(int(p))
    return found


def _plane(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return shapes in the metric CRS; its scale is within a thousandth of the ground's."""
    metric = settings().metric_crs

    def moved(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(from_wgs84(points[:, 0], points[:, 1], metric))

    return np.asarray(shapely.transform(shapes, moved), object) if len(shapes) else shapes
