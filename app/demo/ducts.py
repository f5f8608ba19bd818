"""Synthetic ducts under the streets of wards: manholes, trenches, bores, cables and occupants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.demo import store
from app.demo.draw import NEVER, Dates, Flags, days, later, option, quota, sums, up_to
from app.demo.noise import Floats, stream
from app.demo.parameters import label, read
from app.demo.roads import Roads
from app.demo.villages import Indexes

OPERATORS = ("VIETTEL", "VNPT", "FPT", "MOBIFONE", "CMC")

_USE_BORES = text("""
    UPDATE registry.duct_occupancy AS o SET bore_id = b.id
    FROM (SELECT o.id, o.duct_id, row_number() OVER (PARTITION BY o.duct_id ORDER BY o.tenant_id, o.id) AS number
          FROM registry.duct_occupancy AS o WHERE o.source = :source AND o.tenant_id IS NOT NULL) AS n
    JOIN registry.bore AS b ON b.duct_id = n.duct_id AND b.number = n.number
    WHERE o.id = n.id
""")


@dataclass(frozen=True)
class Segments:
    """Duct segments, manhole to manhole."""

    street: Indexes
    tail: Indexes
    head: Indexes
    """Manhole numbers."""
    manhole_xy: Floats
    used: Indexes
    """Manholes a segment touches."""

    @property
    def length_m(self) -> Floats:
        """Length of each segment on the map plane (the database measures on the ellipsoid)."""
        return np.asarray(np.hypot(*(self.manhole_xy[self.head] - self.manhole_xy[self.tail]).T))


def write(session: Session, seed: int, scale: float, roads: Roads) -> dict[str, int]:
    """Insert manholes, trenches, ducts, bores, cables and occupancies; return the rows written."""
    rng, drawn, source = stream(seed, "ducts"), read("lines")["ducts"], label(seed)
    owners = {"owner_id": ("organisation", "code")}
    segments = _segments(rng, roads, drawn, scale)
    count, length = len(segments.street), segments.length_m
    streets = len(roads.street_names)
    owner = option(rng, drawn["owners"], streets)
    manhole_owner = np.empty(len(segments.manhole_xy), dtype=owner.dtype)
    for end in (segments.tail, segments.head):
        manhole_owner[end] = owner[segments.street]
    written: dict[str, int] = {}
    manhole_code = np.array([f"MH{n:05d}" for n in range(len(segments.manhole_xy))])
    written["manhole"] = store.put(
        session,
        "manhole",
        {
            "code": manhole_code[segments.used],
            "owner_id": manhole_owner[segments.used],
            "kind": rng.choice(["bể 1 nắp đan", "bể 2 nắp đan", "bể 3 nắp đan"], len(segments.used)),
            "survey_method": "synthetic",
            "position_accuracy_m": np.round(rng.gamma(2.0, 0.6, len(segments.used)) + 0.2, 1),
            "geom": store.points(segments.manhole_xy[segments.used]),
            "valid_from": np.datetime64("2003-01-01"),
        },
        owners,
        source=source,
    )
    laid = days(rng, "2003-01-01", "2021-12-31", streets)[segments.street]
    names = np.array(roads.street_names)[segments.street]
    trench = np.array([f"TR{n:05d}" for n in range(1, count + 1)])
    written["trench"] = store.put(
        session, "trench", {"code": trench, "street": names, "valid_from": laid}, source=source
    )
    # A second duct of another owner in the same dig: the ratios must count its metres once.
    twin = np.flatnonzero(quota(rng, length, drawn["parallel"]))
    of = np.concatenate([np.arange(count), twin])
    duct_owner = owner[segments.street[of]]
    duct_owner[count:] = np.where(duct_owner[count:] == "VIETTEL", "VNPT", "VIETTEL")
    code = np.array([f"D{n:05d}{suffix}" for n, suffix in zip(of + 1, [""] * count + ["B"] * len(twin), strict=True)])
    tenants, known = _tenants(rng, drawn, segments, owner, length, twin)
    lines = shapely.linestrings(
        np.stack([segments.manhole_xy[segments.tail[of]], segments.manhole_xy[segments.head[of]]], axis=1)
    )
    bores = rng.integers(2, 7, len(of))
    written["duct"] = store.put(
        session,
        "duct",
        {
            "code": code,
            "route": [f"TC{s:04d}" for s in segments.street[of]],
            "street": names[of],
            "trench_id": trench[of],
            "from_manhole_id": manhole_code[segments.tail[of]],
            "to_manhole_id": manhole_code[segments.head[of]],
            "owner_id": duct_owner,
            "type_code": np.where(rng.random(len(of)) < 0.04, "N3", "N1"),
            "bore_count": [None if u < 0.03 else int(b) for u, b in zip(rng.random(len(of)), bores, strict=True)],
            "declared_length_m": np.round(length[of] * rng.normal(1.0, 0.01, len(of)), 1),
            "surveyed_on": np.where(known[of], days(rng, "2024-01-01", "2026-06-30", len(of)), NEVER),
            "survey_method": "synthetic",
            "geom": store.shapes(lines),
            "valid_from": laid[of],
        },
        owners
        | {
            "trench_id": ("trench", "code"),
            "from_manhole_id": ("manhole", "code"),
            "to_manhole_id": ("manhole", "code"),
        },
        source=source,
    )
    bore_of = np.repeat(np.arange(len(of)), bores)
    number = np.arange(len(bore_of)) - np.repeat(np.cumsum(bores) - bores, bores) + 1
    written["bore"] = store.put(
        session,
        "bore",
        {"duct_id": code[bore_of], "number": number, "diameter_mm": rng.choice([110.0, 61.0, 40.0], len(bore_of)),
         "usable": rng.random(len(bore_of)) > 0.06},
        {"duct_id": ("duct", "code")},
        source=source,
    )  # fmt: skip
    written |= _occupy(session, rng, drawn, source, segments, tenants, _ducts_used(code, duct_owner, count, twin), laid)
    session.execute(_USE_BORES, {"source": source})
    return written


def _segments(rng: np.random.Generator, roads: Roads, drawn: dict[str, Any], scale: float) -> Segments:
    """Choose whole streets of the grids up to the wanted length and cut them manhole to manhole."""
    length = roads.length_m
    by_street = sums(roads.street, np.where(roads.grid, length, 0.0), len(roads.street_names))
    wanted = drawn["length_km"] * 1000 * scale / (1 + drawn["parallel"])
    chosen = up_to(rng, by_street, wanted, by_street > 300)
    edges = np.flatnonzero(chosen[roads.street] & roads.grid)
    pieces = np.maximum(np.round(length[edges] / drawn["segment_m"]).astype(np.int64), 1)
    of = np.repeat(np.arange(len(edges)), pieces)
    step = np.arange(len(of)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    nodes = len(roads.node_xy)
    inner = np.cumsum(pieces) - pieces - np.arange(len(edges))  # an edge of n pieces has n - 1 inner manholes
    tail = np.where(step == 0, roads.tail[edges][of], nodes + inner[of] + step - 1)
    head = np.where(step == pieces[of] - 1, roads.head[edges][of], nodes + inner[of] + step)
    start, vector = (
        roads.node_xy[roads.tail[edges]],
        roads.node_xy[roads.head[edges]] - roads.node_xy[roads.tail[edges]],
    )
    last = step < pieces[of] - 1
    middle = start[of[last]] + vector[of[last]] * ((step[last] + 1) / pieces[of[last]])[:, None]
    xy = np.concatenate([roads.node_xy, middle])
    return Segments(roads.street[edges][of], tail, head, xy, np.unique(np.concatenate([tail, head])))


def _tenants(
    rng: np.random.Generator,
    drawn: dict[str, Any],
    segments: Segments,
    owner: NDArray[np.str_],
    length: Floats,
    twin: Indexes,
) -> tuple[NDArray[np.bool_], Flags]:
    """Return who has a cable in each trench (segments, OPERATORS), and whether that is known; some are known empty.

    A trench with a second duct is shared by its owners already; streets of one occupant fill up the rest.
    """
    streets = len(owner)
    weight = sums(segments.street, length, streets)
    present = weight > 0
    unknown = quota(rng, weight, drawn["not_surveyed"], present)
    empty = quota(rng, weight, drawn["empty"], present & ~unknown) & ~unknown
    counted = present & ~unknown & ~empty
    twins = np.zeros(len(length), bool)
    twins[twin] = True
    twin_m = sums(segments.street, length * twins, streets)
    shared = up_to(rng, weight - twin_m, drawn["shared"] * weight[counted].sum() - twin_m[counted].sum(), counted)
    own = np.stack([owner == code for code in OPERATORS], axis=1)
    chance = np.array([drawn["tenants"][code] for code in OPERATORS])
    more = (rng.random((streets, len(OPERATORS))) < chance) & ~own
    lonely = ~more.any(axis=1)
    more[lonely] = np.stack(
        [(owner != "VIETTEL")[lonely], (owner == "VIETTEL")[lonely], *[np.zeros(lonely.sum(), bool)] * 3], 1
    )
    by_street = (own | (more & shared[:, None])) & counted[:, None]
    tenants = by_street[segments.street]
    other = np.where((owner == "VIETTEL")[segments.street[twin]], 1, 0)
    tenants[twin, other] |= counted[segments.street[twin]]
    return tenants, ~unknown[segments.street]


def _ducts_used(code: NDArray[np.str_], owner: NDArray[np.str_], count: int, twin: Indexes) -> NDArray[np.str_]:
    """Return the duct each operator uses in each trench (segments, OPERATORS): its own where there are two."""
    used = np.repeat(code[:count, None], len(OPERATORS), axis=1)
    column = np.array([OPERATORS.index(str(o)) for o in owner[count:]], np.int64)
    used[twin, column] = code[count:]
    return used


def _occupy(
    session: Session,
    rng: np.random.Generator,
    drawn: dict[str, Any],
    source: str,
    segments: Segments,
    tenants: NDArray[np.bool_],
    code: NDArray[np.str_],
    laid: Dates,
) -> dict[str, int]:
    """Insert one cable per street and tenant, and the occupancies that say where it runs (`code`: _ducts_used)."""
    segment, operator = np.nonzero(tenants)
    key = segments.street[segment] * len(OPERATORS) + operator
    cables, cable = np.unique(key, return_inverse=True)
    order = np.argsort(cable, kind="stable")
    pieces = shapely.linestrings(
        np.stack([segments.manhole_xy[segments.tail[segment]], segments.manhole_xy[segments.head[segment]]], axis=1)
    )
    since = days(rng, "2008-01-01", "2025-09-30", len(cables))
    cable_code = np.array([f"CAB{n:05d}" for n in range(1, len(cables) + 1)])
    written = {
        "cable": store.put(
            session,
            "cable",
            {
                "code": cable_code,
                "owner_id": np.array(OPERATORS)[cables % len(OPERATORS)],
                "medium": "fibre",
                "laying": "duct",
                "fibre_count": rng.choice([24, 48, 96, 144], len(cables)),
                "geom": store.shapes(shapely.multilinestrings(pieces[order], indices=cable[order])),
                "valid_from": since,
            },
            {"owner_id": ("organisation", "code")},
            source=source,
        )
    }
    loose = np.flatnonzero(tenants.any(axis=1) & (rng.random(len(tenants)) < drawn["unclaimed"]))
    written["duct_occupancy"] = store.put(
        session,
        "duct_occupancy",
        {
            "duct_id": [*code[segment, operator], *code[loose, 0]],
            "tenant_id": [*np.array(OPERATORS)[operator], *([None] * len(loose))],
            "cable_id": [*cable_code[cable], *([None] * len(loose))],
            "service": "telecom",
            "valid_from": np.concatenate([later(since[cable], laid[segment]), later(laid[loose], "2015-01-01")]),
        },
        {"duct_id": ("duct", "code"), "tenant_id": ("organisation", "code"), "cable_id": ("cable", "code")},
        source=source,
    )
    return written
