"""Puts together what the coverage endpoints answer."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.coverage import queries
from app.coverage.engine import compute
from app.coverage.fibre import SENTENCES
from app.coverage.inputs import operator_id, read_cells, read_receiver
from app.coverage.propagation.p1812 import MODEL
from app.coverage.rules import parse_rule
from app.coverage.schemas import BlackspotQuestion
from app.coverage.service import floors
from app.coverage.terrain import open_terrain
from app.policy.queries import parameter

_NO_RUN = {
    "vi": ["Chưa có lượt tính vùng phủ nào cho quy tắc này đến ngày hỏi"],
    "en": ["No coverage run of this rule exists up to the date asked"],
    "reasons": ["no_run"],
}
_NOT_IN_RUN = {
    "vi": ["Lượt tính chưa có thôn này; hãy tính lại vùng phủ"],
    "en": ["The run does not know this village; run the coverage again"],
    "reasons": ["village_not_in_run"],
}
_COMMUNE = """
    SELECT u.code, u.name FROM unit_part p JOIN unit u ON u.id = p.unit_id
    WHERE u.level = 'commune' AND registry.in_force(u.valid_from, u.valid_to, :as_of)
      AND p.geom && ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)
      AND ST_Intersects(p.geom, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)) ORDER BY u.code LIMIT 1
"""


def village_coverage(session: Session, village_id: int, rule: str | None, as_of: dt.date) -> dict[str, Any]:
    """Return the newest run's verdict on a village with its reasons; without a run it is unknown and says so."""
    village = queries.village(session, village_id, as_of)
    run = queries.latest_run(session, rule, as_of)
    by = queries.village_verdicts(session, run.id, village_id) if run else []
    fibre = queries.village_fibre(session, run.id, village_id) if run else None
    first = by[0] if by else None
    if fibre is not None:
        vi, en = SENTENCES[fibre["why"]["reasons"][0]]
        fibre["why"] = {"vi": [vi], "en": [en]} | fibre["why"]
    return {
        "village": village,
        "run": run,
        "verdict": first["verdict"] if first else "unknown",
        "estimate": first,
        "decided_by": "model" if first else None,
        "why": first["why"] if first else _NOT_IN_RUN if run else _NO_RUN,
        "by": by[1:],
        "fibre": fibre,
    }


def point_coverage(session: Session, lon: float, lat: float, as_of: dt.date) -> dict[str, Any]:
    """Return the best signal of every operator and technology at a point, computed now."""
    receiver = read_receiver(session, as_of)
    rule = parse_rule("default", parameter(session, "coverage_rule", queries.default_rule(session, as_of), as_of).value)
    cells = read_cells(session, as_of, near=(lon, lat), reach_m=receiver.max_distance_km * 1000)
    terrain = open_terrain(session)
    floor = floors(session, as_of, cells, receiver.sigma_model_db)
    found = compute(terrain, cells.network, np.array([lon]), np.array([lat]), floor, receiver, workers=1)
    signals = []
    for g, technology in enumerate(cells.group_technology):
        c = int(found.server[0, g])
        reason = found.reason_code(0, g)
        if c < 0 and reason is None:
            continue  # no cell in reach can exceed the floor
        signals.append(
            {
                "operator": cells.operator_code[int(cells.group_operator[g])],
                "technology": technology,
                "rsrp_dbm": _rounded(found.rsrp_dbm[0, g]) if c >= 0 else None,
                "threshold_dbm": rule.threshold_dbm(technology, receiver.sigma_model_db)
                if technology in rule.rsrp_min_dbm
                else None,
                "loss_db": _rounded(found.loss_db[0, g]),
                "diffraction_db": _rounded(found.diffraction_db[0, g]),
                "distance_m": _rounded(found.distance_m[0, g]),
                "server": None if c < 0 else {
                    "cell": cells.code[c] if cells.site_code[c] is not None else None, "site": cells.site_code[c],
                },
                "unknown_reason": reason,
            }
        )  # fmt: skip
    commune = session.execute(text(_COMMUNE), {"lon": lon, "lat": lat, "as_of": as_of}).mappings().one_or_none()
    return {
        "lon": lon,
        "lat": lat,
        "as_of": as_of,
        "ground_m": _rounded(terrain.heights(lon, lat).item()),
        "commune": commune,
        "signals": signals,
        "model": MODEL,
        "error_db": receiver.sigma_model_db,
        "synthetic": terrain.synthetic or bool(cells.synthetic.any()),
    }


def blackspots(session: Session, asked: BlackspotQuestion, as_of: dt.date) -> dict[str, Any]:
    """Return a page of the villages the newest run leaves without coverage; no run, no list."""
    if asked.operator:
        operator_id(session, asked.operator, as_of)
    run = queries.latest_run(session, asked.rule, as_of)
    items: list[dict[str, Any]] = []
    matched = 0
    if run:
        items, matched = queries.blackspots(
            session, run, verdict=asked.verdict, operator=asked.operator, technology=asked.technology,
            limit=asked.limit, offset=asked.offset,
        )  # fmt: skip
    return {"run": run, "items": items, "number_matched": matched, "links": asked.links("/api/blackspots", matched)}


def _rounded(value: float) -> float | None:
    return round(float(value), 1) if math.isfinite(value) else None
