"""Writes the units, villages, memberships and dwelling clusters of the demo."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from sqlalchemy.orm import Session

from app.demo import store
from app.demo.communes import SOURCE, Communes
from app.demo.parameters import label
from app.demo.villages import Villages

CITY_FROM = np.datetime64("2025-01-01")
"""Thừa Thiên Huế became the city Huế under central government (domain notes, section 6; code 46)."""
COMMUNES_FROM = np.datetime64("2025-07-01")
"""No districts any more, 40 communes (domain notes, section 6)."""


def write(session: Session, seed: int, communes: Communes, villages: Villages, province_code: str) -> dict[str, int]:
    """Insert the province, its communes, villages and demand points; return the rows written."""
    merged = [_multi(shapely.union_all(villages.polygons[villages.commune == i])) for i in range(len(communes.codes))]
    whole = _multi(shapely.union_all(merged))
    source = label(seed)
    units = store.put(
        session,
        "unit",
        _unit("province", [province_code], [communes.province], ["thành phố"], np.array([whole]))
        | {"valid_from": CITY_FROM, "centre": store.points(np.array([[p.x, p.y] for p in [whole.centroid]]))},
        source=SOURCE,
    )
    units += store.put(
        session,
        "unit",
        _unit("commune", communes.codes, communes.names, communes.kinds, np.array(merged, dtype=object))
        | {"valid_from": COMMUNES_FROM, "centre": store.points(communes.xy), "parent_id": province_code},
        {"parent_id": ("unit", "code")},
        source=SOURCE,
    )
    written = {"unit": units}
    written["village"] = store.put(
        session,
        "village",
        {
            "code": villages.codes,
            "name": villages.names,
            "kind": villages.kinds,
            "urban": villages.urban,
            "population": villages.population,
            "households": villages.households,
            "point": store.points(villages.xy),
            "geom": store.shapes(villages.polygons),
        },
        source=source,
    )
    written["village_unit"] = store.put(
        session,
        "village_unit",
        {
            "village_id": villages.codes,
            "unit_id": [communes.codes[c] for c in villages.commune],
            "valid_from": COMMUNES_FROM,
        },
        {"village_id": ("village", "code"), "unit_id": ("unit", "code")},
        source=source,
    )
    written["demand_point"] = store.put(
        session,
        "demand_point",
        {
            "village_id": np.array(villages.codes)[villages.point_village],
            "point": store.points(villages.point_xy),
            "population": villages.point_population,
            "dwellings": villages.point_dwellings,
        },
        {"village_id": ("village", "code")},
        source=source,
    )
    return written


def _unit(level: str, codes: list[str], names: list[str], kinds: list[str], geometry: Any) -> dict[str, Any]:
    return {"level": level, "code": codes, "name": names, "kind": kinds, "geom": store.shapes(geometry)}


def _multi(geometry: shapely.Geometry) -> shapely.MultiPolygon:
    return shapely.multipolygons(shapely.get_parts(geometry))
