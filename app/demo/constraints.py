"""Synthetic constraints: a planned zone for each ward, monuments, an aerodrome, streets put underground."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.demo import store
from app.demo.communes import Communes, metres
from app.demo.parameters import label, read
from app.demo.roads import Roads
from app.demo.villages import Villages
from app.licensing.constraints.service import complete_rule

_SIMPLIFY_M = 20.0
_BESIDE_M = 10.0
"""Poles stand 4.5 m off the middle of a road."""


def write(session: Session, seed: int, communes: Communes, villages: Villages, roads: Roads) -> dict[str, int]:
    """Insert the constraints; return the rows written."""
    drawn = read("constraints")
    rows = [*_zones(communes, villages, drawn["zones"]), *_heritage(drawn["heritage"]), *_airports(drawn["airports"]),
            *_streets(session, communes, roads, drawn["underground_streets"])]  # fmt: skip
    since = drawn["valid_from"]
    columns = {
        **{name: [r[name] for r in rows] for name in ("kind", "code", "name")},
        "rule": [json.dumps(complete_rule(session, r["kind"], r["rule"], since)) for r in rows],
        "citation": drawn["citation"],
        "geom": store.shapes(np.array([r["shape"] for r in rows], object)),
        "valid_from": np.datetime64(since),
    }
    return {"constraint_area": store.put(session, "constraint_area", columns, source=label(seed))}


def _zones(communes: Communes, villages: Villages, rules: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for unit in np.flatnonzero(communes.urban).tolist():
        members = villages.commune == unit
        kind = "city" if (villages.classes[members] == "city").any() else "town"
        shape = shapely.simplify(shapely.union_all(villages.polygons[members]), _SIMPLIFY_M)
        found.append({"kind": "planned_zone", "code": f"QH{communes.codes[unit]}", "rule": rules[kind], "shape": shape,
                      "name": f"{communes.names[unit]} (SYNTHETIC)"})  # fmt: skip
    return found


def _heritage(specs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for spec in specs:
        x, y = metres([spec["at"]])[0]
        half = spec.get("half_side_m")
        shape = shapely.box(x - half, y - half, x + half, y + half) if half else shapely.Point(x, y)
        found.append({"kind": "heritage", "code": spec["code"], "name": spec["name"], "shape": shape,
                      "rule": {"buffer_m": spec["buffer_m"]}})  # fmt: skip
    return found


def _airports(specs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"kind": "airport", "code": spec["code"], "name": spec["name"], "rule": {"elevation_m": spec["elevation_m"]},
         "shape": shapely.Point(metres([spec["at"]])[0])}
        for spec in specs
    ]  # fmt: skip


def _streets(session: Session, communes: Communes, roads: Roads, drawn: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the streets of the wards with most poles beside them."""
    samples = np.bincount(roads.sample_edge, minlength=len(roads.tail))
    edges = np.flatnonzero(communes.urban[roads.commune] & (samples > 1))
    first = np.cumsum(samples) - samples
    lines = np.array([shapely.linestrings(roads.sample_xy[first[e] : first[e] + samples[e]]) for e in edges], object)
    rows = session.execute(text("SELECT ST_X(geom), ST_Y(geom) FROM registry.pole WHERE valid_to IS NULL")).all()
    poles = shapely.points(metres(np.array(rows, np.float64).reshape(-1, 2)))
    beside = shapely.STRtree(lines).query(poles, predicate="dwithin", distance=_BESIDE_M)[1]
    crowd = np.bincount(roads.street[edges[beside]], minlength=len(roads.street_names))
    chosen = np.argsort(-crowd, kind="stable")[: drawn["count"]]
    found = []
    for n, street in enumerate(chosen[crowd[chosen] > 0].tolist()):
        rule = {"within_m": drawn["within_m"], "from": drawn["from"][n % len(drawn["from"])]}
        found.append({"kind": "underground_street", "code": f"NH{n + 1:02d}", "rule": rule,
                      "name": f"{roads.street_names[street]} (SYNTHETIC)",
                      "shape": shapely.multilinestrings(lines[roads.street[edges] == street])})  # fmt: skip
    return found
