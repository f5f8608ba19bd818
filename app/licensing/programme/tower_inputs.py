"""Positions, the structures that could take more operators, and the merges that are possible one by one."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.licensing.programme.near import pairs_within
from app.licensing.programme.solver import Floats, Ints
from app.licensing.programme.towers import Bools, Merges, Towers
from app.sharing.queries import Organisations, organisations
from app.sharing.ratios import site_ratios
from app.sharing.surveys import positions

_SITES = """
    SELECT s.id, s.code, ST_X(s.geom) AS lon, ST_Y(s.geom) AS lat, s.synthetic,
           s.restricted OR EXISTS (SELECT FROM structure st WHERE st.site_id = s.id AND st.restricted
                                   AND registry.in_force(st.valid_from, st.valid_to, :as_of)) AS restricted
    FROM site s WHERE registry.in_force(s.valid_from, s.valid_to, :as_of) ORDER BY s.id
"""
# A base station without a structure stands on every one of its site: nobody knows on which.
_STRUCTURES = """
    SELECT st.site_id, st.id, st.code, st.kind, coalesce(st.height_m + coalesce(st.host_height_m, 0), 'NaN') AS top_m,
           coalesce(st.tenant_capacity, -1) AS capacity, ST_X(st.geom) AS lon, ST_Y(st.geom) AS lat,
           ARRAY(SELECT x.tenant_id FROM structure_occupancy x
                 WHERE x.structure_id = st.id AND x.component = 'mast'
                   AND registry.in_force(x.valid_from, x.valid_to, :as_of)
                 UNION
                 SELECT b.operator_id FROM base_station b
                 WHERE b.site_id = st.site_id AND coalesce(b.structure_id, st.id) = st.id
                   AND registry.in_force(b.valid_from, b.valid_to, :as_of)) AS tenants
    FROM structure st
    WHERE st.kind NOT IN ('house', 'container', 'indoor') AND registry.in_force(st.valid_from, st.valid_to, :as_of)
    ORDER BY st.site_id, st.id
"""
_OCCUPANTS = """
    SELECT st.site_id, x.tenant_id FROM structure_occupancy x JOIN structure st ON st.id = x.structure_id
    WHERE registry.in_force(x.valid_from, x.valid_to, :as_of) AND registry.in_force(st.valid_from, st.valid_to, :as_of)
    UNION
    SELECT b.site_id, b.operator_id FROM base_station b WHERE registry.in_force(b.valid_from, b.valid_to, :as_of)
"""
_STATIONS = """
    SELECT b.site_id, count(DISTINCT b.id), max(c.antenna_height_m), count(c.id) FROM base_station b
    LEFT JOIN cell c ON c.base_station_id = b.id AND registry.in_force(c.valid_from, c.valid_to, :as_of)
    WHERE registry.in_force(b.valid_from, b.valid_to, :as_of) GROUP BY b.site_id
"""


@dataclass(frozen=True)
class Registered:
    """Positions in force, in order of id; arrays over positions."""

    id: Ints
    code: list[str]
    lon: Floats
    lat: Floats
    synthetic: Bools
    restricted: Bools
    towers: Towers
    operators: list[frozenset[int]]
    """Parties with radio at each position."""
    structure_id: Ints
    """The structure that could take more: the one with most known room, then the highest; 0 none."""
    structure: list[str | None]
    kind: list[str]
    top_m: Floats
    structure_lon: Floats
    structure_lat: Floats
    antenna_m: Floats
    """Highest antenna, without one recorded the structure's top; NaN unknown."""
    stations: Ints
    has_cells: Bools
    organisations: Organisations
    counts: dict[str, int]


def read_towers(session: Session, as_of: dt.date) -> Registered:
    """Read what is in force on `as_of`."""
    known = organisations(session, as_of)
    found = positions(session, as_of, known)
    ids, k = found.columns["id"], found.sites.k
    rows = session.execute(text(_SITES), {"as_of": as_of}).all()
    size = len(rows)
    who: list[set[int]] = [set() for _ in range(size)]
    for row, party in zip(found.present_row.tolist(), found.present_party.tolist(), strict=True):
        who[row].add(party)
    everyone = _everyone(session, as_of, ids, known)
    best = _structures(session, as_of, ids, known)
    stations, antenna, cells = np.zeros(size, np.int64), np.full(size, np.nan), np.zeros(size, bool)
    for site, number, height, count in session.execute(text(_STATIONS), {"as_of": as_of}).all():
        at = int(np.searchsorted(ids, site))
        if at < size and ids[at] == site:
            stations[at], cells[at] = number, count > 0
            antenna[at] = np.nan if height is None else height
    restricted = np.array([r.restricted for r in rows], bool)
    antenna = np.where(np.isnan(antenna), best["top_m"], antenna)
    alone = np.array([len(everyone[i] | who[i]) == 1 for i in range(size)], bool)
    single = k == 1
    may_go = single & found.sites.known & ~restricted & alone & np.isfinite(antenna)
    operator = np.array([next(iter(w)) if m else -1 for w, m in zip(who, may_go.tolist(), strict=True)], np.int64)
    spare = np.where(restricted | (k == 0), 0, best["spare"]).astype(np.int64)
    figure = site_ratios(found.sites)["S1"].figure
    counts = {
        "positions": size,
        "tenancy_unknown": int(figure.unknown),
        "restricted": int(restricted.sum()),
        "single": int(single.sum()),
        "single_with_other_tenants": int((single & ~alone & ~restricted).sum()),
        "height_unknown": int((single & alone & ~restricted & np.isnan(antenna)).sum()),
        "capacity_unknown": int((~restricted & (k > 0) & (best["spare"] < 0)).sum()),
        "with_room": int((spare > 0).sum()),
    }
    return Registered(
        ids, [r.code for r in rows], np.array([r.lon for r in rows], np.float64),
        np.array([r.lat for r in rows], np.float64), np.array([r.synthetic for r in rows], bool), restricted,
        Towers(k.astype(np.int64), spare, operator, int(figure.unknown)), [frozenset(w) for w in who],
        best["id"], best["code"], best["kind"], best["top_m"], best["lon"], best["lat"], antenna, stations, cells,
        known, counts,
    )  # fmt: skip


def _everyone(session: Session, as_of: dt.date, ids: Ints, known: Organisations) -> list[set[int]]:
    """Return who has anything at each position, radio or not."""
    found: list[set[int]] = [set() for _ in range(len(ids))]
    rows = np.array(session.execute(text(_OCCUPANTS), {"as_of": as_of}).all(), np.int64).reshape(-1, 2)
    if len(ids) and len(rows):
        at = np.minimum(np.searchsorted(ids, rows[:, 0]), len(ids) - 1)
        party = known.party[known.of(rows[:, 1])]
        for site, p, here in zip(at.tolist(), party.tolist(), (ids[at] == rows[:, 0]).tolist(), strict=True):
            if here:
                found[site].add(p)
    return found


def _structures(session: Session, as_of: dt.date, ids: Ints, known: Organisations) -> dict[str, Any]:
    """Return the structure of each position that could take more: most known room, then the highest."""
    size = len(ids)
    best: dict[str, Any] = {
        "id": np.zeros(size, np.int64), "code": [None] * size, "kind": ["other"] * size,
        "top_m": np.full(size, np.nan), "spare": np.full(size, -1, np.int64), "lon": np.full(size, np.nan),
        "lat": np.full(size, np.nan),
    }  # fmt: skip
    rank: dict[int, tuple[int, float]] = {}
    for row in session.execute(text(_STRUCTURES), {"as_of": as_of}).all():
        at = int(np.searchsorted(ids, row.site_id))
        if at >= size or ids[at] != row.site_id:
            continue
        tenants = set(known.party[known.of(np.array(row.tenants, np.int64))].tolist()) if row.tenants else set()
        spare = -1 if row.capacity < 0 else max(0, row.capacity - len(tenants))
        here = (spare, row.top_m if np.isfinite(row.top_m) else -1.0)
        if at not in rank or here > rank[at]:
            rank[at] = here
            for name, value in (("id", row.id), ("code", row.code), ("kind", row.kind), ("top_m", row.top_m),
                                ("spare", spare), ("lon", row.lon), ("lat", row.lat)):  # fmt: skip
                best[name][at] = value
    return best


def merges(
    found: Registered, cost: dict[str, Any], radius_m: float, min_height_share: float, *, additions: bool = False
) -> Merges:
    """Return every merge that is possible by itself, and with `additions` operators that come without leaving.

    Parameters
    ----------
    cost : dict
        Policy programme/cost, towers.
    min_height_share : float
        A host's top has to reach this share of the highest antenna's height.
    """
    towers = found.towers
    movable = np.flatnonzero(towers.operator >= 0)
    open_to = np.flatnonzero((towers.spare > 0) & np.isfinite(found.top_m))
    a, b, distance = pairs_within(found.lon[movable], found.lat[movable], found.structure_lon[open_to],
                                  found.structure_lat[open_to], radius_m)  # fmt: skip
    i, j = movable[a], open_to[b]
    absent = np.array([int(towers.operator[s]) not in found.operators[h] for s, h in zip(i, j, strict=True)], bool)
    tall = found.top_m[j] >= min_height_share * found.antenna_m[i]
    fits = absent & tall & (i != j)
    i, j, distance = i[fits], j[fits], distance[fits]
    down = np.array([cost["dismantle_vnd"].get(found.kind[s], cost["dismantle_vnd"]["other"]) for s in i], np.float64)
    moving = np.maximum(found.stations[i], 1) * cost["move_station_vnd"] + distance * cost["link_vnd_per_m"]
    acts = Merges(i, j, towers.operator[i], moving + down, distance)
    return _with_additions(acts, moving, float(cost["add_tenant_factor"]), towers.k) if additions else acts


def _with_additions(acts: Merges, moving: Floats, factor: float, k: Ints) -> Merges:
    """Add, for each single host and operator, the cheapest way to come there and stay where it is."""
    order = np.lexsort((moving, acts.operator, acts.host))
    order = order[k[acts.host[order]] == 1]
    pair = np.column_stack([acts.host[order], acts.operator[order]])
    first = order[np.append(True, (np.diff(pair, axis=0) != 0).any(axis=1))] if len(order) else order
    return Merges(
        np.append(acts.source, np.full(len(first), -1)), np.append(acts.host, acts.host[first]),
        np.append(acts.operator, acts.operator[first]), np.append(acts.cost, factor * moving[first]),
        np.append(acts.distance_m, acts.distance_m[first]),
    )  # fmt: skip


def names(found: Registered, parties: NDArray[np.int64]) -> tuple[str, ...]:
    """Return the codes of organisations."""
    return tuple(found.organisations.codes[int(p)] for p in parties)
