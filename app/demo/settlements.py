"""Writes the units with their former geography, villages, memberships and dwelling clusters of the demo."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.demo import former, store
from app.demo.communes import SOURCE, Communes
from app.demo.parameters import label, read
from app.demo.villages import Villages

PROVINCE_FROM = np.datetime64("1989-07-01")
"""Bình Trị Thiên was divided."""
CITY_FROM = np.datetime64("2025-01-01")
"""Thừa Thiên Huế became the city Huế under central government (domain notes, section 6; code 46)."""
COMMUNES_FROM = np.datetime64("2025-07-01")
"""No districts any more, 40 communes (domain notes, section 6)."""


def write(session: Session, seed: int, communes: Communes, villages: Villages, province_code: str) -> dict[str, int]:
    """Insert the units of early 2025 and of today, villages and demand points; return the rows written."""
    merged = [_multi(shapely.union_all(villages.polygons[villages.commune == i])) for i in range(len(communes.codes))]
    whole = _multi(shapely.union_all(merged))
    source = label(seed)
    before = former.load(communes, province_code)
    ground = former.build(seed, before, np.array(merged, dtype=object))
    middle = store.points(np.array([[p.x, p.y] for p in [whole.centroid]]))
    named = read("province")["former_province"]
    units = store.put(
        session,
        "unit",
        _unit("province", [province_code] * 2, [named["name"], communes.province], [named["kind"], "thành phố"],
              np.array([whole, whole]))
        | {"valid_from": np.array([PROVINCE_FROM, CITY_FROM]), "valid_to": np.array([CITY_FROM, np.datetime64("NaT")]),
           "centre": middle * 2},
        source=SOURCE,
    )  # fmt: skip
    provinces = _keys(session, "province")
    units += _write_former(session, before, ground, provinces[province_code, CITY_FROM.item()])
    units += store.put(
        session,
        "unit",
        _unit("commune", communes.codes, communes.names, communes.kinds, np.array(merged, dtype=object))
        | {"valid_from": COMMUNES_FROM, "centre": store.points(communes.xy), "parent_id": province_code},
        {"parent_id": ("unit", "code")},
        source=SOURCE,
    )
    keys = _keys(session, "commune")
    old = np.array([keys[code, CITY_FROM.item()] for code in before.codes])
    new = np.array([keys[code, COMMUNES_FROM.item()] for code in communes.codes])
    cited = read("province")["successions"]
    written = {
        "unit": units,
        "unit_succession": store.put(
            session,
            "unit_succession",
            {
                "old_unit_id": [provinces[province_code, PROVINCE_FROM.item()], *old.tolist()],
                "new_unit_id": [provinces[province_code, CITY_FROM.item()], *new[before.successor].tolist()],
                "on_date": np.r_[[CITY_FROM], np.full(len(old), COMMUNES_FROM)],
                "citation": [cited["city"], *[cited["communes"]] * len(old)],
            },
            source=source,
        ),
    }
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
    home = former.of_villages(ground, before, villages.commune, villages.xy)
    written["village_unit"] = store.put(
        session,
        "village_unit",
        {
            "village_id": villages.codes * 2,
            "unit_id": np.r_[old[home], new[villages.commune]],
            "valid_from": np.repeat([CITY_FROM, COMMUNES_FROM], len(villages.codes)),
            "valid_to": np.repeat([COMMUNES_FROM, np.datetime64("NaT")], len(villages.codes)),
        },
        {"village_id": ("village", "code")},
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


def _write_former(session: Session, before: former.Former, ground: former.Ground, province: int) -> int:
    """Insert the districts and communes of early 2025, until the reform of July; return how many."""
    wholes = [
        _multi(shapely.union_all(ground.polygons[before.district == d])) for d in range(len(before.district_codes))
    ]
    centres = np.array([[p.x, p.y] for p in shapely.point_on_surface(wholes)])
    lived = {"valid_from": CITY_FROM, "valid_to": COMMUNES_FROM}
    names = (before.district_codes, before.district_names, before.district_kinds)
    count = store.put(
        session,
        "unit",
        _unit("district", *names, np.array(wholes, dtype=object))
        | lived
        | {"centre": store.points(centres), "parent_id": province},
        source=former.SOURCE,
    )
    keys = _keys(session, "district")
    parents = [keys[before.district_codes[d], CITY_FROM.item()] for d in before.district]
    return count + store.put(
        session,
        "unit",
        _unit("commune", before.codes, before.names, before.kinds, ground.polygons)
        | lived
        | {"centre": store.points(ground.xy), "parent_id": parents},
        source=former.SOURCE,
    )


def _keys(session: Session, level: str) -> dict[tuple[str, Any], int]:
    """Return (code, first day) → row id of the units of a level."""
    rows = session.execute(
        text("SELECT code, valid_from, id FROM registry.unit WHERE level = :level"), {"level": level}
    ).all()
    return {(code, start): key for code, start, key in rows}


def _unit(level: str, codes: list[str], names: list[str], kinds: list[str], geometry: Any) -> dict[str, Any]:
    return {"level": level, "code": codes, "name": names, "kind": kinds, "geom": store.shapes(geometry)}


def _multi(geometry: shapely.Geometry) -> shapely.MultiPolygon:
    return shapely.multipolygons(shapely.get_parts(geometry))
