"""The pre-check of an application: made once when the department asks for it, kept whole with its hash."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.kit.canonical import sha256_of
from app.kit.page import today
from app.licensing.applications import queries, rules
from app.licensing.applications.models import Application, Check
from app.licensing.dossier.service import freeze
from app.licensing.service import gather

_NEAR = """
    {geom} && ST_Expand(a.geom, :degrees) AND ST_DWithin({geom}::geography, a.geom::geography, :radius_m)
    AND registry.in_force(x.valid_from, x.valid_to, :as_of)
"""
# Unknown capacity or occupancy is unknown, never room.
_POLES = text(
    """
    SELECT x.id, x.code, o.code AS owner, x.restricted, x.synthetic, x.cable_capacity AS capacity,
           CASE WHEN x.surveyed_on IS NOT NULL OR count(l.id) > 0 THEN coalesce(sum(coalesce(l.line_count, 1))
                FILTER (WHERE l.id IS NOT NULL), 0) END AS used,
           coalesce(bool_or(l.tenant_id = a.operator_id), false) AS operator_already_here,
           ST_Distance(x.geom::geography, a.geom::geography) AS distance_m
    FROM licensing.application a JOIN pole x ON {near} LEFT JOIN organisation o ON o.id = x.owner_id
    LEFT JOIN pole_occupancy l ON l.pole_id = x.id AND registry.in_force(l.valid_from, l.valid_to, :as_of)
    WHERE a.id = :id GROUP BY x.id, o.code, a.geom, a.operator_id ORDER BY distance_m, x.id LIMIT :most
""".replace("{near}", _NEAR.format(geom="x.geom"))
)
_DUCTS = text(
    """
    SELECT x.id, x.code, o.code AS owner, x.restricted, x.synthetic, x.bore_count AS capacity,
           CASE WHEN x.surveyed_on IS NOT NULL OR count(l.id) > 0 THEN count(DISTINCT coalesce(l.bore_id, -l.id)) END
               AS used,
           coalesce(bool_or(l.tenant_id = a.operator_id), false) AS operator_already_here,
           ST_Distance(x.geom::geography, a.geom::geography) AS distance_m
    FROM licensing.application a JOIN duct x ON {near} LEFT JOIN organisation o ON o.id = x.owner_id
    LEFT JOIN duct_occupancy l ON l.duct_id = x.id AND registry.in_force(l.valid_from, l.valid_to, :as_of)
    WHERE a.id = :id GROUP BY x.id, o.code, a.geom, a.operator_id ORDER BY distance_m, x.id LIMIT :most
""".replace("{near}", _NEAR.format(geom="x.geom"))
)
_DEGREE_M = 90_000.0
"""Less than a degree of longitude anywhere in Viet Nam (24° N: 101 km): the box holds all that is within the radius."""


def make(session: Session, row: Application) -> dict[str, Any]:
    """Check what is asked for as things are today, and keep the answer; return what the applicant is told of it.

    Raises
    ------
    Invalid
        What `app.licensing.service.gather` refuses: height, operator or place.
    """
    on = today()
    answer = _tower(session, row) if row.kind == "tower" else _line(session, row)
    plain = json.loads(json.dumps(answer, default=str))
    advice = str(plain["advice"]["code"])
    session.add(Check(application_id=row.id, as_of=on, answer=plain, sha256=sha256_of(plain), advice=advice))
    session.flush()
    # Neither names nor numbers: an application is no way around the private sharing question.
    return {"advice": advice, "as_of": on.isoformat()}


def _tower(session: Session, row: Application) -> dict[str, Any]:
    """Check at the point or in the search area, and freeze all of it for the appraisal sheet."""
    place = queries.shape(session, row.id)
    operator = queries.organisations(session, {row.operator_id})[row.operator_id]["code"]
    area = place.geometry if place.geometry["type"] == "Polygon" else None
    given = gather(
        session, lon=None if area else place.lon, lat=None if area else place.lat, area=area, operator=operator,
        height_m=row.height_m or 0.0, technologies=row.technologies, as_of=today(),
    )  # fmt: skip
    frozen = freeze(session, given, application_id=row.id)
    return frozen.answer | {"appraisal_id": frozen.id}


def _line(session: Session, row: Application) -> dict[str, Any]:
    """Look for poles or ducts along what is applied for, those with room first."""
    search = rules.rule(session, "sharing_request", "search", rules.Search)
    values = {"id": row.id, "radius_m": search.radius_m, "degrees": search.radius_m / _DEGREE_M,
              "most": search.max_candidates, "as_of": today()}  # fmt: skip
    found = [dict(r) for r in session.execute(_POLES if row.kind == "pole" else _DUCTS, values).mappings()]
    for candidate in found:
        candidate["spare_state"] = _spare(candidate["capacity"], candidate["used"])
        candidate["distance_m"] = round(candidate["distance_m"], 1)
    free = [c for c in found if not c["restricted"]]
    rooms = {c["spare_state"] for c in free if not c["operator_already_here"]}
    advice = "share" if "free" in rooms else "needs_a_person" if "unknown" in rooms else "license_shared"
    words = {
        "share": ("Dùng chung công trình hiện có còn chỗ", "Share what exists and has room"),
        "needs_a_person": ("Cần cán bộ xem xét: chưa rõ sức chứa", "A person has to look: capacities are unknown"),
        "license_shared": ("Không có công trình nào còn chỗ", "Nothing that exists has room"),
    }[advice]
    order = {"free": 0, "unknown": 1, "full": 2}
    return {
        "kind": row.kind,
        "candidates": sorted(free, key=lambda c: (order[c["spare_state"]], c["distance_m"], c["id"])),
        "restricted": [c for c in found if c["restricted"]],
        "advice": {"code": advice, "vi": words[0], "en": words[1]},
        "searched": {"radius_m": search.radius_m, "most": search.max_candidates},
        "as_of": today().isoformat(),
    }


def _spare(capacity: int | None, used: int | None) -> str:
    if capacity is None or used is None:
        return "unknown"
    return "free" if capacity > used else "full"
