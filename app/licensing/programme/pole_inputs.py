"""Poles, their lines, and what can move or come: by spans and by the nearest line of each organisation."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.config import settings
from app.kit.geo import from_wgs84, geodesic_m
from app.licensing.programme.near import pairs_within
from app.licensing.programme.poles import Comings, Joins, Poles
from app.licensing.programme.results import Standing
from app.licensing.programme.solver import Floats, Ints
from app.sharing.queries import Organisations
from app.sharing.surveys import survey

_POLES = """
    SELECT p.id, p.code, ST_X(p.geom), ST_Y(p.geom), coalesce(p.cable_capacity, -1), p.restricted, p.street,
           p.synthetic, p.id IN (SELECT x.pole_id FROM pole_occupancy x
                    WHERE x.line_count IS NULL AND registry.in_force(x.valid_from, x.valid_to, :as_of)) AS uncounted
    FROM pole p WHERE registry.in_force(p.valid_from, p.valid_to, :as_of) ORDER BY p.id
"""


@dataclass(frozen=True)
class RegisteredPoles:
    """Poles in force, in order of id, and pairs of pole and organisation."""

    id: Ints
    code: list[str]
    lon: Floats
    lat: Floats
    street: list[str | None]
    synthetic: NDArray[np.bool_]
    poles: Poles
    row: Ints
    party: Ints
    telecom_row: Ints
    telecom_party: Ints
    """Pairs of pole and organisation with a telecom line there: only such come to other poles."""
    organisations: Organisations
    inputs_sha256: str
    counts: dict[str, int]


def read_poles(session: Session, as_of: dt.date) -> RegisteredPoles:
    """Read what is in force on `as_of`; what is restricted, undecided or of unknown capacity takes part in nothing."""
    found = survey(session, "pole", as_of)
    ratio = found.ratios["P1"]
    rows = session.execute(text(_POLES), {"as_of": as_of}).all()
    _, lines = found.inputs
    size = len(rows)
    at = np.minimum(np.searchsorted(found.ids, lines["row"]), max(size - 1, 0))
    inside = found.ids[at] == lines["row"] if size else np.zeros(len(at), bool)
    at, tenant = at[inside], lines["tenant"][inside]
    total = np.bincount(at, lines["lines"][inside], size).astype(np.int64)
    power = np.bincount(at, ~lines["telecom"][inside], size) > 0
    claimed = tenant > 0
    party = found.organisations.party[found.organisations.of(tenant[claimed])]
    carries = lines["telecom"][inside][claimed]
    pairs = np.unique(np.column_stack([at[claimed], party]), axis=0).reshape(-1, 2)
    capacity = np.array([r[4] for r in rows], np.int64)
    restricted = np.array([r[5] for r in rows], bool)
    # Where a tenant's lines were not counted nobody knows what is left, nor what would have to move.
    uncounted = np.array([r[8] for r in rows], bool)
    decided = ratio.denominator_mask & ~ratio.numerator_mask & ~ratio.unknown_mask
    single = decided & ~restricted & ~power & ~uncounted & (np.bincount(pairs[:, 0], minlength=size) == 1)
    usable = (capacity >= 0) & ~uncounted & ~restricted & ratio.denominator_mask & (single | ratio.numerator_mask)
    spare = np.where(usable, np.maximum(capacity - total, 0), 0).astype(np.int64)
    figure = ratio.figure
    counts = {
        "poles": size, "telecom": int(ratio.denominator_mask.sum()), "unknown": int(figure.unknown),
        "restricted": int(restricted.sum()), "single": int(decided.sum()),
        "single_with_other_services": int((decided & power).sum()), "with_room": int((spare > 0).sum()),
        "capacity_unknown": int((ratio.denominator_mask & ~restricted & ((capacity < 0) | uncounted)).sum()),
    }  # fmt: skip
    return RegisteredPoles(
        found.ids, [r[1] for r in rows], np.array([r[2] for r in rows], np.float64),
        np.array([r[3] for r in rows], np.float64), [r[6] for r in rows], np.array([r[7] for r in rows], bool),
        Poles(single, spare, total, Standing(figure.numerator, figure.denominator, figure.unknown)),
        pairs[:, 0], pairs[:, 1], at[claimed][carries], party[carries], found.organisations, found.digest(), counts,
    )  # fmt: skip


def joins(found: RegisteredPoles, cost: dict[str, Any], span_m: float, operator: int | None) -> Joins:
    """Return what can move: to a pole within a span that carries others only, and room for all its lines."""
    poles, sole = found.poles, _sole(found)
    going = np.flatnonzero(poles.single if operator is None else poles.single & (sole == operator))
    hosts = np.flatnonzero(poles.spare > 0)
    a, b, distance = pairs_within(found.lon[going], found.lat[going], found.lon[hosts], found.lat[hosts], span_m)
    i, j = going[a], hosts[b]
    parties = len(found.organisations.codes)
    there = np.isin(j * parties + sole[i], found.row * parties + found.party)
    fits = (i != j) & ~there & (poles.spare[j] >= poles.lines[i])
    i, j = i[fits], j[fits]
    price = poles.lines[i] * float(cost["move_line_vnd"]) + float(cost["dismantle_vnd"])
    return Joins(i, j, price, distance[fits])


def comings(found: RegisteredPoles, cost: dict[str, Any], radius_m: float, operator: int | None) -> Comings:
    """Return who can come to each single pole with room: of every organisation the pole with its nearest line."""
    poles, sole = found.poles, _sole(found)
    metric = settings().metric_crs
    x, y = from_wgs84(found.lon, found.lat, metric)
    open_to = np.flatnonzero(poles.single & (poles.spare > 0))
    parts: list[tuple[Ints, Ints, Floats]] = []
    for party in np.unique(found.telecom_party) if operator is None else np.array([operator]):
        mine = np.unique(found.telecom_row[found.telecom_party == party])
        asked = open_to[sole[open_to] != party]
        if not len(mine) or not len(asked):
            continue
        tree = shapely.STRtree(shapely.points(x[mine], y[mine]))
        points = shapely.points(x[asked], y[asked])
        one, other = tree.query_nearest(points, max_distance=1.01 * radius_m, all_matches=False)
        i, n = asked[one], mine[other]
        distance = geodesic_m(found.lon[i], found.lat[i], found.lon[n], found.lat[n])
        near = distance <= radius_m
        parts.append((i[near], np.full(int(near.sum()), party), distance[near]))
    none = np.empty(0, np.int64)
    pole, who = (np.concatenate([none, *(p[k] for p in parts)]).astype(np.int64) for k in (0, 1))
    distance = np.concatenate([np.empty(0), *(p[2] for p in parts)])
    price = float(cost["attach_vnd"]) + distance * float(cost["line_vnd_per_m"])
    # Of several that could come to a pole only the cheapest ever does.
    order = np.lexsort((who, price, pole))
    first = order[np.append(True, np.diff(pole[order]) != 0)] if len(order) else order
    return Comings(pole[first], who[first], price[first], distance[first])


def _sole(found: RegisteredPoles) -> Ints:
    """Return the organisation of each single pole; of the others any."""
    sole = np.full(len(found.id), -1, np.int64)
    sole[found.row] = found.party
    return sole
